// Captions of boxes that neither cover each other nor a small object. One that finds no place is
// left out: pointing at its box shows it.

const TEXT = 11; // height of a caption's text in CSS pixels
const SMALL = 24; // a box narrower or lower than this must stay visible

function captionOf(mark) {
  return mark.score != null && mark.score < 1 ? `${mark.category} ${mark.score.toFixed(2)}` : mark.category;
}

// Draw the captions of drawn marks: [{mark, layer, place: [x, y, width, height]}].
function drawCaptions(pen, view, drawn) {
  const { unit } = view;
  pen.font = `${TEXT * unit}px system-ui, sans-serif`;
  pen.textBaseline = "middle";
  const taken = drawn.map(({ place }) => place)
    .filter(([, , width, height]) => width < SMALL * unit || height < SMALL * unit);
  // Near objects first: they matter most, and their captions have most room.
  const order = drawn.filter(({ mark }) => mark.box).sort((a, b) => area(b.place) - area(a.place));
  for (const one of order) {
    const text = captionOf(one.mark);
    const size = [pen.measureText(text).width + 6 * unit, (TEXT + 4) * unit];
    const free = spots(one.place, size)
      .map((corner) => [...corner, ...size])
      .find((box) => isInside(box, view) && !taken.some((other) => other !== one.place && overlap(box, other)));
    if (!free) continue;
    taken.push(free);
    drawCaption(pen, unit, free, text, one);
  }
}

// Above the box, below it, beside it; inside only if the box is large.
function spots([x, y, width, height], [w, h]) {
  const around = [[x, y - h], [x + width - w, y - h], [x, y + height], [x + width, y], [x - w, y]];
  return width > 1.5 * w && height > 3 * h ? [...around, [x, y]] : around;
}

function drawCaption(pen, unit, [x, y, width, height], text, { mark, layer }) {
  pen.globalAlpha = mark.below ? FAINT : 1;
  pen.fillStyle = "#000c";
  pen.fillRect(x, y, width, height);
  pen.fillStyle = COLOURS[layer];
  pen.fillText(text, x + 3 * unit, y + height / 2);
  pen.globalAlpha = 1;
}

const area = ([, , width, height]) => width * height;
const overlap = ([x, y, w, h], [X, Y, W, H]) => x < X + W && X < x + w && y < Y + H && Y < y + h;
const isInside = ([x, y, w, h], view) =>
  x >= view.left && y >= view.top && x + w <= view.right && y + h <= view.bottom;

// The smallest drawn box around a point of the canvas.
function boxAt(drawn, x, y) {
  return drawn
    .filter(({ mark, place: [left, top, width, height] }) =>
      mark.box && x >= left && x <= left + width && y >= top && y <= top + height)
    .sort((a, b) => area(a.place) - area(b.place))[0];
}
