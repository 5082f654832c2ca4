// What is shown, as words of the page's address: a copied address shows the same.
// A word is left out while it says what is shown anyway.

const LAYERS = ["labels", "deployed", "candidate"];
const VIEWS = ["all", "difference", "lost"];
const TOP = "top"; // the tile of the top-down layers, as cameras have names
const MOST_BELOW = 0.5; // of scores

function usualChoice(prediction) {
  const { task, category, camera } = partsOf(prediction);
  return {
    t: null, // null: the costliest frame, or the start
    camera: task === "bev" ? TOP : camera,
    layers: new Set(LAYERS),
    view: "all",
    tasks: task ? new Set([task]) : null, // null: all sparse ones
    only: category ? `${task}/${category}` : null, // of this task, only this category
    below: 0,
    signals: null, // null: the usual ones
  };
}

// objects/car@main, depth@rear, bev/road: the parts of a prediction's name.
function partsOf(prediction) {
  const [named, camera = null] = (prediction ?? "").split("@");
  const [task, ...rest] = named.split("/");
  return { task: task || null, category: rest.join("/") || null, camera };
}

function choiceFrom(words, prediction) {
  const choice = usualChoice(prediction);
  const list = (name) => words.get(name).split(",").filter(Boolean);
  const number = (name) => (Number.isFinite(parseFloat(words.get(name))) ? parseFloat(words.get(name)) : null);
  choice.t = number("t");
  if (words.has("camera")) choice.camera = words.get("camera");
  if (words.has("layers")) choice.layers = new Set(list("layers").filter((name) => LAYERS.includes(name)));
  if (VIEWS.includes(words.get("view"))) choice.view = words.get("view");
  if (words.has("marks")) choice.tasks = new Set(list("marks"));
  if (words.has("category")) choice.only = words.get("category") || null;
  if (words.has("below")) choice.below = Math.min(MOST_BELOW, Math.max(0, number("below") ?? 0));
  if (words.has("signals")) choice.signals = list("signals");
  return choice;
}

// The words of an address that shows the choice; `before` are those it has now.
function wordsOf(choice, before, { clip, cell }) {
  const words = new URLSearchParams(before);
  const usual = usualChoice(cell.prediction);
  const joined = (values) => (values === null ? null : [...values].join(","));
  const set = (name, value, usually) =>
    value === usually || value === null ? words.delete(name) : words.set(name, value);
  words.set("clip", clip);
  set("t", choice.t === null ? null : choice.t.toFixed(2), null);
  set("camera", choice.camera, usual.camera);
  set("layers", joined(choice.layers), joined(usual.layers));
  set("view", choice.view, usual.view);
  set("marks", joined(choice.tasks), joined(usual.tasks));
  set("category", choice.only ?? "", usual.only ?? "");
  set("below", choice.below, usual.below);
  set("signals", joined(choice.signals), null);
  return words;
}

// Streamlit's script is not run: it would send everything again.
function writeAddress(words) {
  const query = `${words}`.replaceAll("%2C", ",").replaceAll("%2F", "/");
  history.replaceState(history.state, "", `${location.pathname}?${query}${location.hash}`);
}
