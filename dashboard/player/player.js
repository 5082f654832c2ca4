// All cameras of one clip in step, with layers of annotations drawn over them.
// Times of frames count from the first camera's first frame; start_s says where a video begins.
// data: {clip, columns, cameras: [{name, url, width, height, start_s}], same,
//        layers: [{name, title, colour, times, step_s, marks: [
//          {camera, frame, task, category, score, box, points, below, alone}]}]}
// A network's mark that does not count has `below`, how far its score is below its threshold;
// one that the other network does not have is `alone`.

const LIGHTS = { red: "#ef4444", yellow: "#facc15", green: "#22c55e" };
const FAINT = 0.45;
const DRAWN = {
  both: ["deployed", "candidate"],
  deployed: ["deployed"],
  candidate: ["candidate"],
  difference: ["deployed", "candidate"],
  neither: [],
};

// Kept while the page is open, so that the next clip is looked at in the same way.
const wish = { view: "both", labels: true, deeper: 0 };

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".player");
  if (root.dataset.shown === JSON.stringify([data.clip, data.layers.map((l) => l.title)])) return;
  root.dataset.shown = JSON.stringify([data.clip, data.layers.map((l) => l.title)]);

  const grid = root.querySelector(".grid");
  grid.replaceChildren();
  grid.style.setProperty("--columns", data.columns);
  const tiles = data.cameras.map((camera) => addTile(grid, camera));
  const layers = indexMarks(data.layers);
  const first = tiles.find((tile) => tile.video);
  if (!first) return;
  addControls(root, data, () => draw());
  const lead = first.video;
  const begins = first.camera.start_s;
  const place = ({ camera }, t) => Math.max(0, t + begins - camera.start_s);

  const seek = root.querySelector(".seek");
  const play = root.querySelector(".play");
  const time = root.querySelector(".time");
  lead.addEventListener("loadedmetadata", () => { seek.max = lead.duration; });
  play.onclick = () => (lead.paused ? start() : stop());
  seek.oninput = () => { for (const tile of tiles) if (tile.video) tile.video.currentTime = place(tile, +seek.value); draw(); };
  lead.addEventListener("ended", stop);
  lead.addEventListener("seeked", () => draw());
  lead.addEventListener("loadeddata", () => draw());

  function start() {
    play.textContent = "❚❚";
    for (const { video } of tiles) if (video) video.play();
    tick();
  }
  function stop() {
    play.textContent = "▶";
    for (const { video } of tiles) if (video) video.pause();
  }
  function tick() {
    if (!root.isConnected) return;
    for (const tile of tiles) {
      const due = tile.video && place(tile, lead.currentTime);
      if (tile.video && Math.abs(tile.video.currentTime - due) > 0.05) tile.video.currentTime = due;
    }
    draw();
    if (!lead.paused) requestAnimationFrame(tick);
  }
  function draw() {
    seek.value = lead.currentTime;
    time.value = `${lead.currentTime.toFixed(2)} s`;
    for (const tile of tiles) if (tile.video) drawTile(tile, layers, lead.currentTime + begins);
  }
}

function addTile(grid, camera) {
  const tile = document.createElement("div");
  tile.className = "tile";
  const name = document.createElement("span");
  name.className = "name";
  name.textContent = camera.name;
  grid.append(tile);
  if (!camera.url) {
    tile.classList.add("masked");
    tile.textContent = `${camera.name}: masked`;
    return { camera };
  }
  const video = document.createElement("video");
  Object.assign(video, { src: camera.url, muted: true, playsInline: true, preload: "auto" });
  const canvas = document.createElement("canvas");
  // Two canvas pixels an image pixel keep lines of small images crisp.
  canvas.width = camera.width * 2;
  canvas.height = camera.height * 2;
  tile.append(video, canvas, name);
  return { camera, video, canvas };
}

function addControls(root, data, changed) {
  const networks = data.layers.filter(({ name }) => name !== "labels");
  const tell = () => { tellDepth(root); addLegend(root.querySelector(".legend"), data, update); };
  const update = () => { tell(); changed(); };
  root.querySelector(".networks").hidden = !networks.length;
  root.querySelector(".views").replaceChildren(
    ...Object.keys(DRAWN).map((view) => radio(view, () => { wish.view = view; update(); })),
  );
  const deeper = root.querySelector(".deeper");
  deeper.value = wish.deeper;
  deeper.oninput = () => { wish.deeper = Number(deeper.value); update(); };
  tell();
}

function radio(view, chosen) {
  const label = document.createElement("label");
  const input = Object.assign(document.createElement("input"), {
    type: "radio", name: "view", value: view, checked: view === wish.view, onchange: chosen,
  });
  label.append(input, view);
  return label;
}

function tellDepth(root) {
  const depth = wish.deeper ? ` − ${wish.deeper.toFixed(2)}, faint below it` : "";
  root.querySelector(".said").textContent = `score ≥ threshold${depth}`;
}

// What each colour and line means in the chosen view; the labels' entry switches them.
function addLegend(legend, data, changed) {
  legend.replaceChildren();
  for (const layer of data.layers) {
    const isLabels = layer.name === "labels";
    if (!isLabels && !DRAWN[wish.view].includes(layer.name)) continue;
    const entry = document.createElement(isLabels ? "label" : "span");
    if (isLabels) {
      const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: wish.labels });
      box.onchange = () => { wish.labels = box.checked; changed(); };
      entry.append(box);
    }
    const swatch = document.createElement("span");
    swatch.className = "swatch";
    swatch.style.background = layer.colour;
    const only = wish.view === "difference" && !isLabels ? "only " : "";
    entry.append(swatch, only + layer.title);
    legend.append(entry);
  }
  const note = document.createElement("span");
  note.className = "note";
  note.textContent = noteOn(data);
  legend.append(note);
}

function noteOn(data) {
  if (wish.view !== "difference") return "dashed: lane lines and paths, solid: road edges";
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

// The frame judged last at or before t; -1 when it is older than one step.
function frameAt({ times, step_s }, t) {
  const frame = times.findLastIndex((time) => time <= t + 0.001);
  return frame >= 0 && t - times[frame] < step_s * 1.5 ? frame : -1;
}

function isDrawn(layer, mark) {
  if (layer.name === "labels") return wish.labels;
  if (!DRAWN[wish.view].includes(layer.name)) return false;
  if (mark.below !== undefined) return wish.deeper > 0 && mark.below <= wish.deeper;
  return wish.view !== "difference" || Boolean(mark.alone);
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
  if (mark.points) {
    pen.setLineDash(mark.category === "road_edge" ? [] : [6 * unit, 4 * unit]);
    pen.beginPath();
    for (let i = 0; i < mark.points.length; i += 2) pen.lineTo(mark.points[i], mark.points[i + 1]);
    pen.stroke();
    pen.setLineDash([]);
  } else if (mark.box) {
    const [x1, y1, x2, y2] = mark.box;
    pen.strokeRect(x1, y1, x2 - x1, y2 - y1);
    const said = mark.score < 1 ? `${mark.category} ${mark.score.toFixed(2)}` : mark.category;
    tag(pen, said, Math.max(0, x1), Math.max(11 * unit, y1), unit, colour);
  } else if (mark.task === "lights") {
    // A lamp for each state, from the top, in a column for each layer: none hides another.
    const lamp = Object.keys(LIGHTS).indexOf(mark.category);
    if (lamp < 0) return;
    pen.beginPath();
    pen.arc(camera.width - (10 + 14 * place) * unit, (10 + 13 * lamp) * unit, 5 * unit, 0, 7);
    pen.fillStyle = LIGHTS[mark.category];
    pen.fill();
    pen.stroke();
  }
}

// A word on a dark ground, above the point (x, y).
function tag(pen, text, x, y, unit, colour) {
  pen.fillStyle = "#000a";
  pen.fillRect(x, y - 11 * unit, pen.measureText(text).width + 4 * unit, 11 * unit);
  pen.fillStyle = colour;
  pen.fillText(text, x + 2 * unit, y - 3 * unit);
}
