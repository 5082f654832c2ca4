// All cameras of one clip, synchronised, with layers of annotations drawn over them.
// Times of frames count from the first camera's first frame; start_s is where a video begins.
// data: {clip, columns, cameras: [{name, url, width, height, start_s}], same,
//        layers: [{name, title, colour, times, step_s, marks: [
//          {camera, frame, form, category, score, box, points, below, alone}]}]}
// A network's mark that does not count has `below`: how far its score is below its threshold.
// A mark that the other network does not have is `alone`.

const LIGHTS = { red: "#ef4444", yellow: "#facc15", green: "#22c55e" };
const FAINT = 0.45;
const DRAWN = {
  both: ["deployed", "candidate"],
  deployed: ["deployed"],
  candidate: ["candidate"],
  difference: ["deployed", "candidate"],
  neither: [],
};

// Kept while the page is open, so that the next clip is shown in the same way.
const choice = { view: "both", labels: true, deeper: 0 };

// What each player's element shows, and how to end it: an element may get another clip.
const players = new WeakMap();

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".player");
  const shown = JSON.stringify([data.clip, data.layers.map((l) => l.title)]);
  if (players.get(root)?.shown !== shown) {
    players.get(root)?.end();
    players.set(root, { shown, end: play(root, data) });
  }
  return () => {
    players.get(root)?.end();
    players.delete(root);
  };
}

// Show a clip. Returns a function that ends it: then its videos neither play nor draw.
function play(root, data) {
  const grid = root.querySelector(".grid");
  grid.style.setProperty("--columns", data.columns);
  const tiles = data.cameras.map(makeTile);
  grid.replaceChildren(...tiles.map((tile) => tile.element));
  const layers = indexMarks(data.layers);
  const seek = root.querySelector(".seek");
  const button = root.querySelector(".play");
  const time = root.querySelector(".time");
  const seen = () => tiles.filter((tile) => tile.video);
  const lead = () => seen()[0]; // the others follow it
  const place = ({ camera }, t) => Math.max(0, t + lead().camera.start_s - camera.start_s);

  button.textContent = "▶";
  button.onclick = () => lead() && (lead().video.paused ? start() : stop());
  seek.oninput = () => {
    for (const tile of seen()) tile.video.currentTime = place(tile, +seek.value);
    draw();
  };
  for (const tile of seen()) {
    tile.video.onloadedmetadata = () => { if (tile === lead()) seek.max = tile.video.duration; };
    tile.video.onloadeddata = tile.video.onseeked = draw;
    tile.video.onended = () => { if (tile === lead()) stop(); };
    tile.video.onerror = () => { stop(); showFailure(tile); draw(); };
  }
  addControls(root, data, draw);

  function start() {
    button.textContent = "❚❚";
    // If a video cannot play, its error event reports it.
    for (const { video } of seen()) video.play().catch(() => {});
    tick();
  }
  function stop() {
    button.textContent = "▶";
    for (const { video } of seen()) video.pause();
  }
  function tick() {
    if (!lead()) return;
    if (!root.checkVisibility()) stop(); // another clip was chosen, or another tab of the page
    const now = lead().video;
    for (const tile of seen()) {
      const due = place(tile, now.currentTime);
      if (Math.abs(tile.video.currentTime - due) > 0.05) tile.video.currentTime = due;
    }
    draw();
    if (!now.paused) requestAnimationFrame(tick);
  }
  function draw() {
    if (!lead()) return;
    const now = lead().video.currentTime;
    seek.value = now;
    time.value = `${now.toFixed(2)} s`;
    for (const tile of seen()) drawTile(tile, layers, now + lead().camera.start_s);
  }
  return () => {
    for (const tile of seen()) {
      const { video } = tile;
      tile.video = null;
      video.onerror = null;
      video.pause();
      video.removeAttribute("src");
      video.load(); // closes its connection
    }
    grid.replaceChildren();
  };
}

function makeTile(camera) {
  const element = document.createElement("div");
  element.className = "tile";
  if (!camera.url) {
    showText(element, `${camera.name}: masked`);
    return { camera, element };
  }
  const name = document.createElement("span");
  name.className = "name";
  name.textContent = camera.name;
  const video = document.createElement("video");
  Object.assign(video, { src: camera.url, muted: true, playsInline: true, preload: "auto" });
  const canvas = document.createElement("canvas");
  // Two canvas pixels an image pixel keep lines of small images crisp.
  canvas.width = camera.width * 2;
  canvas.height = camera.height * 2;
  element.append(video, canvas, name);
  return { camera, element, video, canvas };
}

function showText(element, text) {
  element.classList.add("masked");
  element.textContent = text;
}

// Show the reason, which the server knows, in place of a video that cannot be played.
async function showFailure(tile) {
  tile.video = null;
  const { name, url } = tile.camera;
  const answer = await fetch(url, { headers: { Range: "bytes=0-0" } }).catch(() => null);
  const why = answer === null ? "the dashboard does not answer"
    : answer.ok ? "this browser cannot play it" : await answer.text();
  showText(tile.element, `${name}: ${why}`);
}

function addControls(root, data, changed) {
  const networks = data.layers.filter(({ name }) => name !== "labels");
  const describe = () => { showDepth(root); addLegend(root.querySelector(".legend"), data, update); };
  const update = () => { describe(); changed(); };
  root.querySelector(".networks").hidden = !networks.length;
  root.querySelector(".views").replaceChildren(
    ...Object.keys(DRAWN).map((view) => radio(view, () => { choice.view = view; update(); })),
  );
  const deeper = root.querySelector(".deeper");
  deeper.value = choice.deeper;
  deeper.oninput = () => { choice.deeper = Number(deeper.value); update(); };
  describe();
}

function radio(view, chosen) {
  const label = document.createElement("label");
  const input = Object.assign(document.createElement("input"), {
    type: "radio", name: "view", value: view, checked: view === choice.view, onchange: chosen,
  });
  label.append(input, view);
  return label;
}

function showDepth(root) {
  const depth = choice.deeper ? ` − ${choice.deeper.toFixed(2)}, faint below it` : "";
  root.querySelector(".depth").textContent = `score ≥ threshold${depth}`;
}

// What each colour and line means in the chosen view. The entry of the labels switches them.
function addLegend(legend, data, changed) {
  legend.replaceChildren();
  for (const layer of data.layers) {
    const isLabels = layer.name === "labels";
    if (!isLabels && !DRAWN[choice.view].includes(layer.name)) continue;
    const entry = document.createElement(isLabels ? "label" : "span");
    if (isLabels) {
      const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: choice.labels });
      box.onchange = () => { choice.labels = box.checked; changed(); };
      entry.append(box);
    }
    const swatch = document.createElement("span");
    swatch.className = "swatch";
    swatch.style.background = layer.colour;
    const only = choice.view === "difference" && !isLabels ? "only " : "";
    entry.append(swatch, only + layer.title);
    legend.append(entry);
  }
  const note = document.createElement("span");
  note.className = "note";
  note.textContent = noteOn(data);
  legend.append(note);
}

function noteOn(data) {
  if (choice.view !== "difference") return "dashed: lane lines and paths, solid: road edges";
  if (data.same) return "Both networks are the same: there is no difference.";
  const alone = data.layers
    .filter(({ name }) => name !== "labels")
    .map(({ name, marks }) => `${marks.filter((mark) => mark.alone).length} ${name}`);
  return `marks in this clip: ${alone.join(", ")}`;
}

// Each layer's marks by camera and frame.
function indexMarks(layers) {
  return layers.map((layer) => {
    const cameras = {};
    for (const mark of layer.marks) ((cameras[mark.camera] ??= [])[mark.frame] ??= []).push(mark);
    return { ...layer, cameras };
  });
}

// The last judged frame at or before t; -1 if it is older than one step.
function frameAt({ times, step_s }, t) {
  const frame = times.findLastIndex((time) => time <= t + 0.001);
  return frame >= 0 && t - times[frame] < step_s * 1.5 ? frame : -1;
}

function isDrawn(layer, mark) {
  if (layer.name === "labels") return choice.labels;
  if (!DRAWN[choice.view].includes(layer.name)) return false;
  if (mark.below !== undefined) return choice.deeper > 0 && mark.below <= choice.deeper;
  return choice.view !== "difference" || Boolean(mark.alone);
}

function drawTile({ camera, canvas }, layers, t) {
  const pen = canvas.getContext("2d");
  pen.setTransform(2, 0, 0, 2, 0, 0);
  pen.clearRect(0, 0, camera.width, camera.height);
  const unit = Math.max(1, camera.width / 480);
  layers.forEach((layer, place) => {
    const marks = layer.cameras[camera.name]?.[frameAt(layer, t)] ?? [];
    for (const mark of marks) {
      if (!isDrawn(layer, mark)) continue;
      pen.globalAlpha = mark.below === undefined ? 1 : FAINT;
      drawMark(pen, mark, layer.colour, unit, place, camera);
    }
  });
}

function drawMark(pen, mark, colour, unit, place, camera) {
  pen.lineWidth = 1.5 * unit;
  pen.strokeStyle = pen.fillStyle = colour;
  pen.font = `${9 * unit}px system-ui`;
  DRAWN_AS[mark.form]?.(pen, mark, colour, unit, place, camera);
}

// How each form of marks is drawn; other forms are not drawn.
const DRAWN_AS = { boxes: drawBox, states: drawState, polylines: drawLine, path: drawLine };

function drawLine(pen, mark, colour, unit) {
  if (!mark.points) return;
  pen.setLineDash(mark.category === "road_edge" ? [] : [6 * unit, 4 * unit]);
  pen.beginPath();
  for (let i = 0; i < mark.points.length; i += 2) pen.lineTo(mark.points[i], mark.points[i + 1]);
  pen.stroke();
  pen.setLineDash([]);
}

function drawBox(pen, mark, colour, unit) {
  if (!mark.box) return;
  const [x1, y1, x2, y2] = mark.box;
  pen.strokeRect(x1, y1, x2 - x1, y2 - y1);
  const text = mark.score < 1 ? `${mark.category} ${mark.score.toFixed(2)}` : mark.category;
  tag(pen, text, Math.max(0, x1), Math.max(11 * unit, y1), unit, colour);
}

// A light with a box is drawn as a box. A light without a box is a lamp at the right edge: one row
// for each state, one column for each layer, so that no lamp hides another.
function drawState(pen, mark, colour, unit, place, camera) {
  if (mark.box) return drawBox(pen, mark, colour, unit);
  const lamp = Object.keys(LIGHTS).indexOf(mark.category);
  if (lamp < 0) return;
  pen.beginPath();
  pen.arc(camera.width - (10 + 14 * place) * unit, (10 + 13 * lamp) * unit, 5 * unit, 0, 7);
  pen.fillStyle = LIGHTS[mark.category];
  pen.fill();
  pen.stroke();
}

// A word on a dark background, above the point (x, y).
function tag(pen, text, x, y, unit, colour) {
  pen.fillStyle = "#000a";
  pen.fillRect(x, y - 11 * unit, pen.measureText(text).width + 4 * unit, 11 * unit);
  pen.fillStyle = colour;
  pen.fillText(text, x + 2 * unit, y - 3 * unit);
}
