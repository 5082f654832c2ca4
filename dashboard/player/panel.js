// The switches of what is drawn: layers, view, tasks, and how far below the threshold.

const TASK_TITLES = { bev: "top-down" };
const VIEW_HELP = {
  all: "Everything that both networks report.",
  difference: "Only where the networks disagree.",
  lost: "Only what the deployed network has right and the candidate has wrong.",
};

function makePanel(app, root) {
  const find = (what) => root.querySelector(what);
  const panel = {};
  panel.show = () => {
    showLayers(app, find(".layers"));
    showViews(app, find(".views"));
    showTasks(app, find(".tasks"));
    showBelow(app, find(".below"));
    showRuns(app, find(".runs"));
    showLegend(app, find(".legend"));
  };
  panel.say = (text) => { find(".notice").textContent = text; };
  return panel;
}

function toggle(text, { pressed, title, disabled = false, swatch = null, act }) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "toggle", disabled, title });
  button.setAttribute("aria-pressed", pressed);
  if (swatch) {
    const mark = Object.assign(document.createElement("span"), { className: "swatch" });
    mark.style.background = swatch;
    button.append(mark);
  }
  button.append(text);
  button.onclick = act;
  return button;
}

// Buttons are made anew when the choice changes: the focus stays where it was.
function fill(element, buttons) {
  const at = [...element.children].indexOf(element.getRootNode().activeElement);
  element.replaceChildren(...buttons);
  if (at >= 0) buttons[Math.min(at, buttons.length - 1)]?.focus();
}

function showLayers(app, element) {
  fill(element, LAYERS.map((layer) => {
    const there = !app.about || app.about.layers.includes(layer);
    return toggle(app.titles[layer] ?? layer, {
      pressed: there && app.choice.layers.has(layer),
      disabled: !there,
      swatch: COLOURS[layer],
      title: there ? `Show or hide the ${layer === "labels" ? "labels" : `${layer} network`}`
        : app.about.why ? `Nothing can be drawn: ${app.about.why}.`
          : layer === "labels" ? "This clip has no labels." : "No run has judged this clip.",
      act: () => app.change(({ layers }) => { if (!layers.delete(layer)) layers.add(layer); }),
    });
  }));
}

function showViews(app, element) {
  const networks = !app.about || app.about.layers.includes("candidate");
  fill(element, VIEWS.map((view) => toggle(view === "difference" ? "differences" : view, {
    pressed: app.choice.view === view,
    disabled: !networks,
    title: networks ? VIEW_HELP[view] : app.about.why ? `Nothing can be drawn: ${app.about.why}.` : "No run has judged this clip.",
    act: () => app.change((choice) => { choice.view = view; }),
  })));
}

function tasksOf({ about, tasks }) {
  const dense = DENSE.filter((task) => about.dense?.[task]);
  const known = new Set([...about.predictions.map(({ task }) => task), ...tasks]);
  return { sparse: [...known].filter((task) => !DENSE.includes(task)).sort(), dense };
}

function showTasks(app, element) {
  if (!app.about) return;
  const { sparse, dense } = tasksOf(app);
  const { choice } = app;
  const shown = new Set(choice.tasks ?? sparse);
  const switches = [...sparse, ...dense].map((task) => toggle(TASK_TITLES[task] ?? task, {
    pressed: task === "bev" ? choice.camera === TOP : shown.has(task),
    title: dense.includes(task) ? `Show ${TASK_TITLES[task] ?? task} on the large picture` : `Show or hide ${task}`,
    act: () => (task === "bev" ? app.enlarge(choice.camera === TOP ? app.usualCamera() : TOP)
      : app.change((next) => { next.tasks = switched(shown, task, dense); })),
  }));
  fill(element, choice.only ? [...switches, onlyButton(app)] : switches);
}

// One dense task at a time is drawn over a picture.
function switched(shown, task, dense) {
  const next = new Set(shown);
  if (!next.delete(task)) {
    if (dense.includes(task)) for (const other of dense) next.delete(other);
    next.add(task);
  }
  return next;
}

function onlyButton(app) {
  return toggle(`only ${app.choice.only.split("/").slice(1).join("/").replaceAll("_", " ")}`, {
    pressed: true,
    title: "Show all categories of this task",
    act: () => app.change((choice) => { choice.only = null; }),
  });
}

function showBelow(app, element) {
  const slider = element.querySelector("input");
  slider.value = app.choice.below;
  slider.oninput = () => app.change((choice) => { choice.below = Number(slider.value); });
  const depth = app.choice.below ? ` − ${app.choice.below.toFixed(2)}` : "";
  element.querySelector("span").textContent = `score ≥ threshold${depth}`;
}

// The runs that judged the clip, if there is more than one to choose from.
function showRuns(app, element) {
  const runs = app.about?.runs ?? [];
  element.hidden = runs.length < 2;
  element.replaceChildren(...runs.map(({ run, title, deployed, candidate }) =>
    new Option(title ?? `${deployed} and ${candidate}`, run, false, run === app.run)));
  element.onchange = () => app.chooseRun(element.value);
}

// What the colours of a dense picture mean.
function showLegend(app, legend) {
  const entries = legendOf(app);
  legend.hidden = !entries.length;
  legend.replaceChildren(...entries.map(({ name, colour }) => {
    const entry = document.createElement("span");
    const swatch = Object.assign(document.createElement("i"), { className: "swatch" });
    swatch.style.background = colour;
    entry.append(swatch, name.replaceAll("_", " "));
    return entry;
  }));
}

function legendOf(app) {
  const task = app.large() && app.about ? denseOf(app, app.large()) : null;
  if (!task || !app.about.dense?.[task]) return [];
  const { view } = app.choice;
  if (view !== "all") return maskLegend(app, view, task);
  if (task === "depth") return [{ name: "near", colour: DEPTHS[0] }, { name: `far (${app.about.dense.depth.max_m} m)`, colour: DEPTHS.at(-1) }];
  const named = app.about.dense[task].layers ?? app.about.dense[task].classes;
  return named.filter(({ name }) => isWanted(app.choice, task, name));
}

const BEV_MASKS = { difference: ["deployed only", "candidate only"], lost: ["missed now", "false now"] };

function maskLegend(app, view, task) {
  const { values } = app.textures.picture(view, task, app.large().name, app.clock.t);
  const said = task === "bev" ? BEV_MASKS[view] : Object.values(values ?? {});
  const colours = maskColours(view, said);
  return said.map((name, at) => ({ name, colour: colours[at] }));
}
