// The cameras and the top-down layers as tiles: one large, the others beside it.

const MOST_ZOOM = 12;

// app: {choice, clock, source, about, layers, textures, enlarge, draw}
function makeTile(app, name, number, video) {
  const element = document.createElement("div");
  element.className = "tile";
  element.dataset.name = name;
  const canvas = document.createElement("canvas");
  const label = Object.assign(document.createElement("button"), { type: "button", className: "name" });
  label.append(Object.assign(document.createElement("kbd"), { textContent: number }), ` ${titleOf(name)}`);
  const tile = { name, number, element, canvas, label, size: [0, 0], panes: [1, 1], drawn: [], video: null, failed: false };
  element.append(canvas, label);
  if (video) addVideo(app, tile);
  element.onclick = () => { if (!isLarge(tile)) app.enlarge(name); };
  return tile;
}

const titleOf = (name) => (name === TOP ? "top-down" : name);
const isLarge = ({ element }) => element.classList.contains("large");

function addVideo(app, tile) {
  const video = document.createElement("video");
  Object.assign(video, { muted: true, playsInline: true, preload: "auto", disablePictureInPicture: true });
  video.src = app.source.url(`${encodeURIComponent(tile.name)}.mp4`);
  video.onloadeddata = video.onseeked = () => { tile.element.classList.add("loaded"); app.draw(); };
  video.onerror = () => showFailure(app, tile);
  tile.element.prepend(video);
  tile.video = video;
  tile.track = { video, start_s: 0 };
  app.clock.add(tile.track);
}

// What the clip's description says of a camera: where its video begins, or why there is none.
function describeTile(app, tile, camera) {
  tile.camera = camera;
  if (!camera.video) return removeVideo(app, tile, camera.why ?? "masked");
  if (tile.track) tile.track.start_s = camera.video_start_s;
  return null;
}

function removeVideo(app, tile, why) {
  tile.failed = true;
  endVideo(app, tile);
  tile.element.classList.add("without");
  tile.element.querySelector(".why")?.remove();
  tile.element.append(Object.assign(document.createElement("p"), { className: "why", textContent: why }));
}

function endVideo(app, tile) {
  const { video } = tile;
  if (!video) return;
  tile.video = null;
  app.clock.remove(video);
  video.onerror = null;
  video.pause();
  video.removeAttribute("src");
  video.load(); // closes its connection
  video.remove();
}

// Why a video cannot be played: the server knows. A link that has expired is renewed.
async function showFailure(app, tile) {
  const name = `${encodeURIComponent(tile.name)}.mp4`;
  const why = await app.source.get(name, {}).then((answer) => {
    answer.body?.cancel();
    const renewed = app.source.url(name);
    if (tile.video && !tile.video.src.endsWith(renewed)) {
      tile.video.src = renewed;
      tile.video.currentTime = app.clock.t;
      return null;
    }
    return "this browser cannot play it";
  }, (error) => error.message);
  if (why !== null && tile.video) { removeVideo(app, tile, why); app.draw(); }
}

// --- Drawing ---

// One pane of a tile: a part of its canvas with the layers that are drawn there.
function panesOf(app, tile) {
  const { choice } = app;
  const dense = denseOf(app, tile);
  if (!dense) return [{ layers: app.shownLayers(), dense: null, title: "" }];
  if (choice.view !== "all") return [{ layers: app.shownLayers(), dense: choice.view, task: dense, title: "" }];
  const layers = app.shownLayers();
  const shown = isLarge(tile) ? layers : layers.slice(-1); // the candidate, if it is shown
  return shown.map((layer) => ({ layers: [layer], dense: layer, task: dense, title: app.titles[layer] ?? layer }));
}

// The dense task that a tile shows: on the large one, or wherever there is nothing else.
function denseOf(app, tile) {
  if (tile.name === TOP) return "bev";
  if (!isLarge(tile)) return null;
  return ["segmentation", "depth"].find((task) => app.choice.tasks?.has(task)
    && app.about?.dense?.[task]?.cameras.includes(tile.name)) ?? null;
}

function drawTile(app, tile) {
  const { canvas } = tile;
  const ratio = devicePixelRatio || 1;
  const [width, height] = tile.size.map((size) => Math.round(size * ratio));
  if (!width || !height) return;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, width, height);
  tile.drawn = [];
  const panes = panesOf(app, tile);
  const split = panes.length > 1;
  const [columns, rows] = tile.panes = gridOf(panes.length, width / height, imageSize(app, tile));
  if (tile.video) tile.video.style.visibility = split ? "hidden" : "";
  panes.forEach((pane, at) => {
    const [column, row] = [at % columns, Math.floor(at / columns)];
    const box = [(width * column) / columns, (height * row) / rows, width / columns, height / rows];
    drawPane(app, tile, pen, pane, box, split, ratio);
  });
}

// The columns and rows in which images of this size are largest.
function gridOf(number, aspect, [width, height]) {
  const sizeIn = (columns) => Math.min(aspect / columns / width, 1 / Math.ceil(number / columns) / height);
  const columns = [1, 2, 3].filter((one) => one <= number).sort((a, b) => sizeIn(b) - sizeIn(a))[0] ?? 1;
  return [columns, Math.ceil(number / columns)];
}

function drawPane(app, tile, pen, pane, [left, top, width, height], split, unit) {
  const image = imageSize(app, tile);
  const zoom = isLarge(tile) ? app.zoom : { k: 1, x: 0, y: 0 };
  const fit = Math.min(width / image[0], height / image[1]);
  const view = {
    unit, left, top, right: left + width, bottom: top + height,
    scale: fit * zoom.k,
    x: left + ((width - image[0] * fit) / 2) * zoom.k + zoom.x * width,
    y: top + ((height - image[1] * fit) / 2) * zoom.k + zoom.y * height,
  };
  const place = [view.x, view.y, image[0] * view.scale, image[1] * view.scale];
  pen.save();
  pen.beginPath();
  pen.rect(left, top, width, height);
  pen.clip();
  if (tile.name === TOP) { pen.fillStyle = "#0b0f14"; pen.fillRect(...place); }
  if (split && tile.video?.readyState >= 2) pen.drawImage(tile.video, ...place);
  if (pane.dense) drawTexture(app, tile, pen, pane, place, view);
  if (tile.name === TOP) drawEgo(app, pen, place, view);
  else if (!tile.failed) drawMarks(app, tile, pen, pane, view, split);
  if (pane.title && isLarge(tile)) drawTitle(pen, view, pane);
  pen.restore();
}

function imageSize(app, tile) {
  if (tile.name !== TOP) return [tile.camera?.width ?? 160, tile.camera?.height ?? 96];
  const { x_m, y_m } = app.about.dense.bev; // metres instead of pixels
  return [y_m[1] - y_m[0], x_m[1] - x_m[0]];
}

function drawTexture(app, tile, pen, pane, place, view) {
  const { canvas, error, loading } = app.textures.picture(pane.dense, pane.task, tile.name, app.clock.t);
  if (canvas) {
    pen.imageSmoothingEnabled = false;
    pen.drawImage(canvas, ...place);
  }
  const said = error ?? (loading ? "loading…" : canvas ? null : NO_FRAME[pane.dense]);
  if (said && isLarge(tile)) drawText(pen, view, said);
}

const NO_FRAME = { labels: "this frame has no labels", lost: "this frame has no labels" };

function drawText(pen, view, text) {
  pen.font = `${13 * view.unit}px system-ui, sans-serif`;
  pen.textAlign = "center";
  const middle = [(view.left + view.right) / 2, (view.top + view.bottom) / 2];
  const width = Math.min(pen.measureText(text).width + 16 * view.unit, view.right - view.left);
  pen.fillStyle = "#000c";
  pen.fillRect(middle[0] - width / 2, middle[1] - 14 * view.unit, width, 28 * view.unit);
  pen.fillStyle = "#fff";
  pen.textBaseline = "middle";
  pen.fillText(text, ...middle, view.right - view.left - 12 * view.unit);
  pen.textAlign = "start";
}

function drawTitle(pen, view, { title, dense }) {
  const { unit } = view;
  pen.font = `600 ${12 * unit}px system-ui, sans-serif`;
  pen.textBaseline = "middle";
  const width = pen.measureText(title).width + 12 * unit;
  const y = view.bottom - 26 * unit;
  pen.fillStyle = "#000c";
  pen.fillRect(view.left + 4 * unit, y, width, 20 * unit);
  pen.fillStyle = COLOURS[dense] ?? "#fff";
  pen.fillText(title, view.left + 10 * unit, y + 10 * unit);
  pen.strokeStyle = "#94a3b8";
  pen.lineWidth = unit;
  pen.strokeRect(view.left - unit, view.top - unit, view.right - view.left + unit, view.bottom - view.top + unit);
}

// Where the vehicle stands on the top-down layers, and how far away things are.
function drawEgo(app, pen, place, view) {
  const { x_m, y_m } = app.about.dense.bev;
  const across = (y) => place[0] + ((y_m[1] - y) / (y_m[1] - y_m[0])) * place[2]; // y is to the left
  const down = (x) => place[1] + ((x_m[1] - x) / (x_m[1] - x_m[0])) * place[3];
  const { unit } = view;
  pen.strokeStyle = pen.fillStyle = "#cbd5e1";
  pen.lineWidth = unit;
  pen.font = `${10 * unit}px system-ui, sans-serif`;
  pen.textBaseline = "middle";
  pen.setLineDash([2 * unit, 4 * unit]);
  for (let x = 20; x < x_m[1]; x += 20) {
    pen.globalAlpha = 0.5;
    pen.beginPath();
    pen.moveTo(place[0], down(x));
    pen.lineTo(place[0] + place[2], down(x));
    pen.stroke();
    pen.globalAlpha = 1;
    if (place[2] > 150 * unit) pen.fillText(`${x} m`, place[0] + 4 * unit, down(x) - 7 * unit);
  }
  pen.setLineDash([]);
  const size = Math.max(4 * unit, (2.2 / (y_m[1] - y_m[0])) * place[2]);
  pen.beginPath();
  pen.moveTo(across(0), down(0) - 1.6 * size);
  pen.lineTo(across(0) - size * 0.8, down(0) + size);
  pen.lineTo(across(0) + size * 0.8, down(0) + size);
  pen.closePath();
  pen.fillStyle = "#fff";
  pen.fill();
}

function drawMarks(app, tile, pen, pane, view, split) {
  const drawn = [];
  pane.layers.forEach((layer) => {
    for (const mark of app.marksAt(layer, tile.name)) {
      if (!isDrawn(app.choice, layer, mark)) continue;
      drawMark(pen, isLarge(tile) ? view : { ...view, unit: view.unit * 0.75 }, mark, layer, LAYERS.indexOf(layer));
      if (mark.box) drawn.push({ mark, layer, place: placeOf(view, mark.box) });
    }
  });
  if (isLarge(tile)) drawCaptions(pen, view, drawn);
  tile.drawn = split ? [...tile.drawn, ...drawn] : drawn;
}

// --- Zoom and pan of the large tile: k times as large, moved by shares x and y of the tile ---

function zoomed({ k, x, y }, by, [px, py]) {
  const next = Math.min(MOST_ZOOM, Math.max(1, k * by));
  return inside({ k: next, x: px - ((px - x) * next) / k, y: py - ((py - y) * next) / k });
}

function inside({ k, x, y }) {
  const within = (at) => Math.min(0, Math.max(1 - k, at));
  return { k, x: within(x), y: within(y) };
}

function applyZoom(tile, { k, x, y }) {
  if (!tile.video) return;
  const [width, height] = tile.size;
  tile.video.style.transform = k === 1 ? "" : `translate(${x * width}px, ${y * height}px) scale(${k})`;
}

function addZooming(app, stage) {
  const at = (event) => {
    const box = app.large().element.getBoundingClientRect();
    const [columns, rows] = app.large().panes; // shares of the pane
    return [(((event.clientX - box.left) / box.width) * columns) % 1, (((event.clientY - box.top) / box.height) * rows) % 1];
  };
  const { signal } = app.ended;
  const onLarge = (event) => event.target.closest?.(".tile.large");
  stage.addEventListener("wheel", (event) => {
    if (!onLarge(event)) return;
    event.preventDefault();
    app.setZoom(zoomed(app.zoom, Math.exp(-event.deltaY / 300), at(event)));
  }, { passive: false, signal });
  let from = null;
  stage.addEventListener("pointerdown", (event) => {
    if (!onLarge(event) || app.zoom.k === 1 || event.target.closest("button")) return;
    from = { at: at(event), zoom: app.zoom };
  }, { signal });
  stage.addEventListener("pointermove", (event) => {
    if (!from) { app.point(onLarge(event) ? event : null); return; }
    if (!(event.buttons & 1)) { from = null; return; }
    stage.setPointerCapture(event.pointerId); // only now: it would keep clicks from the tile
    const [x, y] = at(event);
    app.setZoom(inside({ k: from.zoom.k, x: from.zoom.x + x - from.at[0], y: from.zoom.y + y - from.at[1] }));
  }, { signal });
  stage.addEventListener("pointerup", () => { from = null; }, { signal });
  stage.addEventListener("pointerleave", () => app.point(null), { signal });
  stage.addEventListener("dblclick", (event) => { if (onLarge(event)) app.setZoom({ k: 1, x: 0, y: 0 }); }, { signal });
}
