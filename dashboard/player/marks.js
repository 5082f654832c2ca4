// Sparse marks (boxes, lights, lines, paths): indexed by frame and camera, and drawn.

const COLOURS = { deployed: "#38bdf8", candidate: "#fb923c", labels: "#a3e635" };
const LIGHTS = { red: "#ef4444", yellow: "#facc15", green: "#22c55e" };
const FAINT = 0.45;

// Columns, as they travel, as marks by frame and camera. Some columns are numbers of names.
function indexMarks({ times, step_s, names, marks }) {
  const columns = Object.keys(marks);
  const frames = times.map(() => ({}));
  marks.frame.forEach((frame, at) => {
    const value = (name) => (names[name] ? names[name][marks[name][at]] : marks[name][at]);
    const mark = Object.fromEntries(columns.map((name) => [name, value(name)]));
    (frames[frame][mark.camera] ??= []).push(mark);
  });
  return { times, step_s, frames, tasks: names.task };
}

// Whether the choice draws a mark of a layer.
function isDrawn(choice, layer, mark) {
  if (choice.tasks && !choice.tasks.has(mark.task)) return false;
  if (!isWanted(choice, mark.task, mark.category)) return false;
  if (choice.view === "lost") return Boolean(mark.lost);
  if (layer === "labels") return true;
  if (mark.below) return mark.below <= choice.below;
  return choice.view !== "difference" || Boolean(mark.alone);
}

function isWanted({ only }, task, category) {
  return !only?.startsWith(`${task}/`) || only === `${task}/${category}`;
}

// `view` has scale, x and y: from pixels of the image to those of the canvas, and `unit`: the
// width of a line in those.
function drawMark(pen, view, mark, layer, place) {
  pen.globalAlpha = mark.below ? FAINT : 1;
  pen.lineWidth = (mark.lost ? 3 : 1.75) * view.unit;
  pen.strokeStyle = COLOURS[layer];
  DRAWN_AS[mark.form]?.(pen, view, mark, place);
  pen.globalAlpha = 1;
}

// How each form of marks is drawn; other forms are not drawn.
const DRAWN_AS = { boxes: drawBox, states: drawState, polylines: drawLine, path: drawLine };

function drawLine(pen, view, mark) {
  if (!mark.points) return;
  pen.setLineDash(mark.category === "road_edge" ? [] : [7 * view.unit, 4 * view.unit]);
  pen.beginPath();
  for (let i = 0; i < mark.points.length; i += 2)
    pen.lineTo(view.x + mark.points[i] * view.scale, view.y + mark.points[i + 1] * view.scale);
  pen.stroke();
  pen.setLineDash([]);
}

function drawBox(pen, view, mark) {
  if (!mark.box) return;
  const [x, y, width, height] = placeOf(view, mark.box);
  pen.strokeRect(x, y, width, height);
}

// A light with a box is drawn as a box. A light without a box is a lamp at the right edge: one row
// for each state, one column for each layer, so that no lamp hides another.
function drawState(pen, view, mark, place) {
  if (mark.box) return drawBox(pen, view, mark);
  const lamp = Object.keys(LIGHTS).indexOf(mark.category);
  if (lamp < 0) return;
  const { unit } = view;
  pen.beginPath();
  pen.arc(view.right - (12 + 16 * place) * unit, view.top + (12 + 16 * lamp) * unit, 6 * unit, 0, 7);
  pen.fillStyle = LIGHTS[mark.category];
  pen.fill();
  pen.stroke();
}

function placeOf(view, [x1, y1, x2, y2]) {
  return [view.x + x1 * view.scale, view.y + y1 * view.scale, (x2 - x1) * view.scale, (y2 - y1) * view.scale];
}
