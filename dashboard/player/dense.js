// Dense outputs (a class or a depth for each pixel, layers of cells seen from above) as textures.

const DENSE = ["segmentation", "depth", "bev"];
const NOTHING = 255; // not labelled, not known
const LOST = "#ff3df2";
// From near to far: bright to dark, also in grey.
const DEPTHS = ["#fff7c2", "#fdbb5b", "#ee6a50", "#b0347a", "#5b2a86", "#1b1b4b"];

async function decodeTexture(answer) {
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const end = bytes.indexOf(10);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
  const planes = new Blob([bytes.subarray(end + 1)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return { ...header, planes: new Uint8Array(await new Response(planes).arrayBuffer()) };
}

// All textures of a clip, fetched when they are first asked for.
function makeTextures(app, arrived) {
  const held = new Map();
  const windowsOf = (layer, task, camera) => {
    const name = `dense/${layer}/${task}/${encodeURIComponent(camera)}.bin`;
    const category = isMask(layer) ? categoryOf(app.choice, task) : null;
    const key = `${name} ${category}`;
    if (!held.has(key)) {
      const run = layer === "labels" ? null : app.run;
      held.set(key, windowed(async (from, to) =>
        decodeTexture(await app.source.slow(name, { run, category, from, to })), arrived));
    }
    return held.get(key);
  };
  const planeAt = (windows, t) => {
    const now = momentAt(windows, t);
    if (!now) return null;
    const { planes, width, height } = now.window;
    const size = width * height;
    return { ...now.window, plane: planes.subarray(now.frame * size, (now.frame + 1) * size) };
  };
  // A texture at t: {canvas, values}, {error}, {loading: true}, or {} if it has no frame then.
  const picture = (layer, task, camera, t) => {
    // Networks work for it: only for the frame to show, and once the videos are there.
    if (app.searching || !app.complete) return { loading: true };
    const windows = windowsOf(layer, task, camera);
    const window = windows.at(t);
    if (!window) return { loading: true };
    if (window.error) return { error: window.error };
    const plane = planeAt(windows, t);
    if (!plane) return {};
    const other = withOther(layer, task);
    const beside = other && planeAt(windowsOf(other, task, camera), t);
    const ink = inkOf(task, layer, app.about, app.choice, plane.values);
    return { canvas: painted(plane, beside, ink), values: plane.values };
  };
  return { picture };
}

const isMask = (layer) => layer === "difference" || layer === "lost";
// The one class of a segmentation that is wanted; null for all.
const categoryOf = ({ only }, task) =>
  (task === "segmentation" && only?.startsWith("segmentation/") ? only.slice(13) : null);

// A mask of top-down cells says where; the deployed network or the labels say who is right.
function withOther(layer, task) {
  if (task !== "bev") return null;
  return { difference: "deployed", lost: "labels" }[layer] ?? null;
}

// The colour of each value (0 to 255), as a function of it and the other texture's value.
function inkOf(task, layer, about, choice, values) {
  if (task === "bev") return layersInk(layer, about.dense.bev.layers, choice);
  if (isMask(layer)) return single([0, ...maskColours(layer, values).map((colour) => rgba(colour, 200))]);
  if (task === "depth") return single(depthColours());
  return single(about.dense.segmentation.classes.map(({ name, colour }) =>
    (isWanted(choice, task, name) ? rgba(colour, 150) : 0)));
}

// A mask with two values says who has a pixel, or in which way it is wrong.
function maskColours(layer, values) {
  if (Object.keys(values ?? {}).length < 2) return [LOST];
  return [layer === "lost" ? LOST : COLOURS.deployed, COLOURS.candidate];
}

const single = (colours) => (value) => colours[value] ?? 0;

function depthColours() {
  const steps = DEPTHS.length - 1;
  return Array.from({ length: NOTHING }, (_, value) => {
    const at = Math.sqrt(value / (NOTHING - 1)) * steps; // near depths differ most
    const low = Math.min(Math.floor(at), steps - 1);
    return mixed(DEPTHS[low], DEPTHS[low + 1], at - low, 170);
  });
}

// The topmost wanted layer of a cell. In a mask, the colour says which side has the cell.
function layersInk(layer, layers, choice) {
  const wanted = layers.map(({ name, colour, bit }, at) => ({ bit: bit ?? at, colour: rgba(colour, 255), name }))
    .filter(({ name }) => isWanted(choice, "bev", name)).reverse();
  const topOf = (value) => wanted.find(({ bit }) => (value >> bit) & 1);
  if (isMask(layer)) {
    const context = rgba("#94a3b8", 90);
    const [having, lacking] = layer === "lost"
      ? [rgba(LOST, 255), rgba(COLOURS.candidate, 255)]
      : [rgba(COLOURS.deployed, 255), rgba(COLOURS.candidate, 255)];
    return (value, other) => {
      const top = value === NOTHING ? null : topOf(value);
      if (top) return other !== NOTHING && (other >> top.bit) & 1 ? having : lacking;
      const under = other === NOTHING ? null : topOf(other);
      return under ? context : 0;
    };
  }
  const unknown = rgba("#64748b", 70);
  return (value) => (value === NOTHING ? unknown : topOf(value)?.colour ?? 0);
}

function painted({ plane, width, height }, beside, ink) {
  const canvas = new OffscreenCanvas(width, height);
  const pen = canvas.getContext("2d");
  const image = pen.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i++) pixels[i] = ink(plane[i], beside ? beside.plane[i] : NOTHING);
  pen.putImageData(image, 0, 0);
  return canvas;
}

const partsOfColour = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
// Pixels are little endian: alpha, blue, green, red.
const packed = ([red, green, blue], alpha) => ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
const rgba = (hex, alpha) => packed(partsOfColour(hex), alpha);
function mixed(one, two, share, alpha) {
  const [a, b] = [partsOfColour(one), partsOfColour(two)];
  return packed(a.map((value, at) => Math.round(value + (b[at] - value) * share)), alpha);
}
