// All cameras of one clip in step, with layers of annotations drawn over them.
// Times of marks count from the first camera's first frame; start_s says where a video begins.
// data: {clip, columns, cameras: [{name, url, width, height, start_s}], least_score,
//        layers: [{name, title, colour, step_s, marks: [{camera, t, task, category, score, box, points}]}]}

const LIGHTS = { red: "#ef4444", yellow: "#facc15", green: "#22c55e", none: "#94a3b8" };

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".player");
  if (root.dataset.shown === JSON.stringify([data.clip, data.layers.map((l) => l.title)])) return;
  root.dataset.shown = JSON.stringify([data.clip, data.layers.map((l) => l.title)]);

  const grid = root.querySelector(".grid");
  grid.replaceChildren();
  grid.style.setProperty("--columns", data.columns);
  const tiles = data.cameras.map((camera) => addTile(grid, camera));
  const shown = addSwitches(root.querySelector(".layers"), data, () => draw());
  const marks = indexMarks(data.layers);
  const first = tiles.find((tile) => tile.video);
  if (!first) return;
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
    for (const tile of tiles) if (tile.video) drawTile(tile, marks, shown(), lead.currentTime + begins);
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

function addSwitches(bar, data, changed) {
  bar.replaceChildren();
  const boxes = data.layers.map((layer) => {
    const label = document.createElement("label");
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: true });
    const swatch = document.createElement("span");
    swatch.className = "swatch";
    swatch.style.background = layer.colour;
    box.onchange = changed;
    label.append(box, swatch, document.createTextNode(layer.title));
    bar.append(label);
    return box;
  });
  const label = document.createElement("label");
  const score = Object.assign(document.createElement("input"), {
    type: "range", min: 0, max: 1, step: 0.05, value: data.least_score,
  });
  const said = document.createElement("span");
  const tell = () => { said.textContent = `score ≥ ${Number(score.value).toFixed(2)}`; };
  score.oninput = () => { tell(); changed(); };
  tell();
  label.append(score, said);
  bar.append(label);
  return () => ({ layers: boxes.map((box) => box.checked), score: Number(score.value) });
}

// Marks by layer and camera, in frames sorted by time: [{t, marks}].
function indexMarks(layers) {
  return layers.map((layer) => {
    const cameras = {};
    for (const mark of layer.marks) {
      const frames = (cameras[mark.camera] ??= []);
      if (!frames.length || frames.at(-1).t !== mark.t) frames.push({ t: mark.t, marks: [] });
      frames.at(-1).marks.push(mark);
    }
    return { colour: layer.colour, step: layer.step_s, cameras };
  });
}

// The frame judged last at or before t; none when it is older than one step.
function frameAt(frames, t, step) {
  let found = null;
  for (const frame of frames ?? []) {
    if (frame.t > t + 0.001) break;
    found = frame;
  }
  return found && t - found.t < step * 1.5 ? found.marks : [];
}

function drawTile({ camera, canvas }, layers, shown, t) {
  const pen = canvas.getContext("2d");
  pen.setTransform(2, 0, 0, 2, 0, 0);
  pen.clearRect(0, 0, camera.width, camera.height);
  const unit = Math.max(1, camera.width / 480);
  layers.forEach((layer, place) => {
    if (!shown.layers[place]) return;
    const marks = frameAt(layer.cameras[camera.name], t, layer.step);
    for (const mark of marks) {
      if (mark.score !== null && mark.score < shown.score) continue;
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
    const x = camera.width - (14 + 16 * place) * unit;
    pen.beginPath();
    pen.arc(x, 12 * unit, 5 * unit, 0, 7);
    pen.fillStyle = LIGHTS[mark.category] ?? "#fff";
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
