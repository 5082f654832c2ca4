// The clip's player: puts the parts together, and keeps what is shown.
// data: {clip, base, query, cameras: [{name, video}], run, cell: {prediction, metric, slice}, asked:
// the words of the address, seen: whether a player was complete before}. Everything else is fetched from the routes below `base`; Streamlit's script runs only for another clip or
// for new links.

// What each player's element shows: an element may get another clip, or new links to the same one.
const players = new WeakMap();
const PATIENCE_MS = 5000; // a video that stalls holds nothing else up
const AHEAD_S = 3; // data is fetched this long before it is shown
// Settings that the next clip keeps, while the page is open.
const kept = { speed: 1, loop: false };

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".player");
  const shown = players.get(root);
  if (shown?.clip === data.clip) shown.app.renew(data);
  else {
    shown?.app.end();
    players.set(root, { clip: data.clip, app: play(root, data, setTriggerValue) });
  }
  return () => {
    players.get(root)?.app.end();
    players.delete(root);
  };
}

function play(root, data, tell) {
  const find = (what) => root.querySelector(what);
  const words = wordsAsked(data);
  const page = location.pathname;
  const app = {
    data, root, tiles: [], about: null, titles: {}, zoom: { k: 1, x: 0, y: 0 }, losses: null,
    complete: false, // all cameras have shown a frame with its overlays
    labelled: new Set(), // instants with labels, as far as they are known
    tasks: new Set(), // of the marks that are known
    choice: choiceFrom(words, data.cell.prediction), run: data.run, ended: new AbortController(),
  };
  const { choice } = app;
  const asked = data.cell;
  const address = (shown) => wordsOf(shown, new URLSearchParams(location.search), data);
  app.source = makeSource(data, () => tell("renew", Date.now()), app.ended.signal);
  app.clock = makeClock(onTick, showState);
  Object.assign(app.clock, kept);
  const layers = Object.fromEntries(LAYERS.map((layer) => [layer, marksOf(app, layer, 0)]));
  const faint = Object.fromEntries(LAYERS.map((layer) => [layer, marksOf(app, layer, MOST_BELOW)]));
  app.textures = makeTextures(app, onData);
  // What does not count travels only once someone wants to see it.
  const windowsOf = (layer) => (choice.below > 0 ? faint : layers)[layer];
  const plots = makePlots(app, root);
  const panel = makePanel(app, root);
  const stage = find(".stage");
  listenToKeys(app);
  watchSizes(app, stage);
  let due = false; // a drawing is due
  let touched = choice.t !== null; // someone has chosen the time
  let addressDue = 0;
  performance.mark("player mounted");

  app.shownLayers = () => LAYERS.filter((layer) => choice.layers.has(layer)
    && (!app.about || app.about.layers.includes(layer)));
  app.marksAt = (layer, camera) => {
    const now = momentAt(windowsOf(layer), app.clock.t);
    return now?.window.frames[now.frame][camera] ?? [];
  };
  app.arrived = (layer, found) => {
    // Marks are asked for before it is known which layers there are; a missing one is said elsewhere.
    const there = !app.about || app.about.layers.includes(layer);
    if (found.error) { if (there) panel.say(found.error); return; }
    if (layer === "labels") for (const t of found.times) app.labelled.add(t);
    for (const task of found.tasks) app.tasks.add(task);
    if (app.about) { plots.labelled(app.labelled); panel.show(); }
    app.draw();
  };
  app.large = () => app.tiles.find(isLarge);
  app.usualCamera = () => usualOf(app, partsOf(asked.prediction).camera);
  app.draw = () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => { due = false; drawNow(); });
  };
  app.change = (act) => { act(choice); choice.tasks = usualTasks(app); changed(); };
  app.enlarge = (name) => {
    if (!app.tiles.some((tile) => tile.name === name)) return;
    choice.camera = name;
    app.zoom = { k: 1, x: 0, y: 0 };
    layOut(app);
    changed();
  };
  app.seek = (t) => { touched = true; app.clock.seek(t); remember(); };
  app.step = (by) => { touched = true; app.clock.step(by); remember(); };
  app.stepLabelled = (by) => {
    const times = [...app.labelled].sort((a, b) => a - b);
    const next = by > 0 ? times.find((t) => t > app.clock.t + 0.001) : times.findLast((t) => t < app.clock.t - 0.001);
    if (next !== undefined) { app.clock.pause(); app.seek(next); }
  };
  app.setZoom = (zoom) => { app.zoom = zoom; applyZoom(app.large(), zoom); app.draw(); };
  app.setRange = ([a, b]) => {
    const range = [a, b].map((t) => Math.min(Math.max(0, t), app.clock.seconds)).sort((x, y) => x - y);
    Object.assign(app.clock, { range: range[1] - range[0] < app.clock.frame_s() ? null : range, loop: true });
    showState();
  };
  app.beginRange = () => app.setRange([app.clock.t, app.clock.range?.[1] ?? app.clock.seconds]);
  app.endRange = () => app.setRange([app.clock.range?.[0] ?? 0, app.clock.t]);
  app.toggleLoop = () => {
    app.clock.loop = kept.loop = !app.clock.loop;
    if (!app.clock.loop) app.clock.range = null;
    showState();
  };
  app.nextView = () => {
    const next = VIEWS[(VIEWS.indexOf(choice.view) + 1) % VIEWS.length];
    if (app.about?.layers.includes("candidate")) app.change(() => { choice.view = next; });
  };
  app.toggleHelp = () => { find(".help").hidden = !find(".help").hidden; };
  app.hideHelp = () => { find(".help").hidden = true; };
  app.go = (by) => {
    panel.say(by > 0 ? "Opening the next clip…" : "Opening the previous clip…");
    tell("go", { by, words: `${address({ ...choice, t: null })}` });
  };
  app.addSignal = (name) => { choice.signals = [...signals(), name]; showSignalRows(); remember(); };
  app.removeSignal = (name) => { choice.signals = signals().filter((other) => other !== name); showSignalRows(); remember(); };
  app.chooseRun = (run) => {
    const next = address(choice);
    next.set("run", run);
    writeAddress(next);
    app.end();
    players.set(root, { clip: data.clip, app: play(root, { ...data, run, query: app.source.query }, tell) });
  };
  app.point = (event) => showTip(app, find(".tip"), event);
  app.renew = (links) => app.source.renew(links);
  app.end = () => {
    clearTimeout(addressDue);
    app.ended.abort();
    for (const tile of app.tiles) endVideo(app, tile);
    app.clock.end();
    stage.replaceChildren();
  };

  const signals = () => choice.signals ?? (app.about?.signals ?? []).filter((one) => one.default).map(({ name }) => name);

  begin();
  return app;

  function begin() {
    app.tiles = data.cameras.map(({ name, video }, at) => makeTile(app, name, at + 1, video));
    stage.replaceChildren(...app.tiles.map(({ element }) => element));
    app.tiles.forEach(app.watchSize);
    plots.clear();
    fillSignals(app, find(".add-signal"), [], signals);
    addControls(app, root);
    addZooming(app, stage);
    if (choice.camera === TOP) addTopTile();
    find(".because").hidden = !asked.prediction;
    find(".because").textContent = asked.prediction ? `${cellName(asked)}${asked.metric ? ": finding the costliest frame…" : ""}` : "";
    find(".problem").hidden = true;
    find(".stage").hidden = !data.cameras.length;
    layOut(app);
    panel.say(data.cameras.length ? "" : "This clip was recorded without cameras: it has telemetry only.");
    panel.show();
    showState();
    app.clock.seek(choice.t ?? 0);
    app.source.json("clip.json", { run: app.run }).then(describe, fail);
    if (asked.prediction && asked.metric) {
      app.searching = choice.t === null;
      app.source.slow("losses.json", { ...asked, run: app.run }).then((answer) => answer.json()).then(explain, (error) => explain({ why: error.message }));
    }
    for (const layer of app.shownLayers()) windowsOf(layer).at(choice.t ?? 0);
    setTimeout(() => { if (!app.complete && !app.ended.signal.aborted) finish(true); }, PATIENCE_MS);
  }

  function describe(about) {
    app.about = about;
    app.run ??= about.run;
    const run = about.runs.find((one) => one.run === app.run);
    app.titles = run ? { deployed: `${run.deployed} (deployed)`, candidate: `${run.candidate} (candidate)` } : {};
    Object.assign(app.clock, { frames: framesOf(about), seconds: about.seconds });
    for (const camera of about.cameras) {
      const tile = app.tiles.find(({ name }) => name === camera.name);
      if (tile) describeTile(app, tile, camera);
    }
    if (about.dense?.bev) addTopTile();
    else app.tiles.filter(({ name }) => name === TOP).forEach((tile) => removeVideo(app, tile, about.why ?? "there are no top-down layers"));
    plots.axis();
    plots.events(about.events);
    plots.labelled(app.labelled);
    if (app.losses) plots.losses(app.losses);
    if (!touched) app.clock.seek(app.losses?.costliest_t ?? 0);
    fillSignals(app, find(".add-signal"), about.signals, signals);
    if (app.complete) showSignalRows();
    choice.tasks = usualTasks(app);
    layOut(app);
    panel.show();
    sayNotices();
    app.draw();
  }

  function sayNotices() {
    const { about } = app;
    const said = [];
    if (!data.cameras.length) said.push("This clip was recorded without cameras: it has telemetry only.");
    else if (!about.runs.length) said.push("No run has judged this clip yet.");
    else if (!about.layers.includes("labels")) said.push(about.why ? "Nothing can be drawn." : "This clip has no labels.");
    if (about.runs.find((one) => one.run === app.run)?.against_itself) said.push("Both networks are the same: there is no difference.");
    panel.say(said.join(" "));
  }

  function addTopTile() {
    if (app.tiles.some(({ name }) => name === TOP)) return;
    const tile = makeTile(app, TOP, app.tiles.length + 1, false);
    app.tiles.push(tile);
    stage.append(tile.element);
    app.watchSize(tile);
    layOut(app);
  }

  // Why the clip is shown, in one line; the costliest frame, unless another was asked for.
  function explain(losses) {
    app.searching = false;
    const share = losses.share == null ? "" : `this clip explains ${percent(losses.share)} of the loss`;
    const frame = losses.costliest_t == null ? losses.why ?? "" : `the costliest frame is at ${losses.costliest_t.toFixed(1)} s`;
    find(".because").textContent = `${cellName(asked)}: ${[share, frame].filter(Boolean).join("; ")}`;
    app.draw();
    if (!losses.times?.length) return;
    app.losses = losses;
    if (app.about) plots.losses(losses);
    if (!touched && losses.costliest_t != null) app.clock.seek(losses.costliest_t);
  }

  function fail(error) {
    if (error.name === "AbortError") return;
    find(".problem").hidden = false;
    find(".problem").textContent = error.message;
  }

  function onData(found) {
    if (found.error) panel.say(found.error);
    panel.show(); // the legend is known now
    app.draw();
  }
  function onTick() {
    plots.place();
    find(".time").value = `${app.clock.t.toFixed(2)} s`;
    if (!root.checkVisibility()) app.clock.pause(); // another page was chosen
    const soon = Math.min(app.clock.t + AHEAD_S, app.clock.seconds);
    if (app.about) for (const layer of app.shownLayers()) windowsOf(layer).at(soon);
    drawNow();
  }
  function drawNow() {
    if (!app.complete && isComplete()) finish();
    for (const tile of app.tiles) if (tile.name !== TOP || app.about?.dense?.bev) drawTile(app, tile);
  }
  function isComplete() {
    return app.about && app.tiles.every(({ video }) => !video || video.readyState >= 2)
      && app.shownLayers().every((layer) => windowsOf(layer).at(app.clock.t));
  }
  // The first frames are there: now signals, textures and the rest of the page may have the
  // connections. `late`: they are not all there, but nothing waits any longer.
  function finish(late = false) {
    app.complete = true;
    if (!data.seen) tell("complete", true);
    requestAnimationFrame(() => performance.mark("player complete", { detail: { late } }));
    showSignalRows();
    app.draw();
  }
  function changed() {
    panel.show();
    app.draw();
    remember();
  }
  function showState() {
    const { clock } = app;
    kept.speed = clock.speed;
    const play = find(".play");
    play.textContent = clock.playing ? "❚❚" : "▶";
    play.setAttribute("aria-label", clock.playing ? "Pause" : "Play");
    find(".speed").value = clock.speed;
    find(".loop").setAttribute("aria-pressed", clock.loop);
    find(".loop").textContent = clock.range ? "⟲ range" : "⟲";
    plots.place();
    if (!clock.playing) remember();
  }
  function showSignalRows() {
    plots.showSignals(signals());
    fillSignals(app, find(".add-signal"), app.about?.signals ?? [], signals);
  }
  // Write the address, but not at every frame, nor that of a page that is opened meanwhile.
  function remember() {
    clearTimeout(addressDue);
    addressDue = setTimeout(() => {
      if (!root.isConnected || app.clock.playing || location.pathname !== page) return;
      if (touched) choice.t = app.clock.t;
      writeAddress(address(choice));
    }, 250);
  }
}

// The address is newer than what the script was told, unless it is still about another clip.
function wordsAsked({ clip, asked }) {
  const words = new URLSearchParams(location.search);
  return words.get("clip") === clip ? words : new URLSearchParams(asked);
}

// The marks of one layer by windows. What they have is offered on the timeline and by switches.
function marksOf(app, layer, deeper) {
  return windowed(
    async (from, to) => {
      if (layer !== "labels" && !app.run) return null;
      return indexMarks(await app.source.json("marks.json", { run: app.run, layer, deeper, from, to }));
    },
    (found) => app.arrived(layer, found),
  );
}

// The instants of the first camera's frames; the others have the same, up to a few milliseconds.
function framesOf({ cameras, seconds }) {
  const { start_s, rate_hz } = cameras.find(({ video }) => video) ?? {};
  if (!rate_hz) return [];
  return Array.from({ length: Math.floor((seconds - start_s) * rate_hz + 0.5) + 1 }, (_, at) => start_s + at / rate_hz);
}

// Tasks as the address needs them: null while they are the usual ones.
function usualTasks(app) {
  const { choice, about } = app;
  if (!choice.tasks || !about) return choice.tasks;
  const { sparse } = tasksOf(app);
  const usual = choice.tasks.size === sparse.length && sparse.every((task) => choice.tasks.has(task));
  return usual ? null : choice.tasks;
}

const USUAL_CAMERA = "main";
function usualOf({ data }, own) {
  const names = data.cameras.filter(({ video }) => video).map(({ name }) => name);
  return [own, USUAL_CAMERA, ...names].find((name) => names.includes(name));
}

function layOut(app) {
  const names = app.tiles.map(({ name }) => name);
  const large = names.includes(app.choice.camera) ? app.choice.camera : app.usualCamera() ?? names[0];
  for (const tile of app.tiles) {
    const is = tile.name === large;
    tile.element.classList.toggle("large", is);
    tile.label.setAttribute("aria-label", is ? `${titleOf(tile.name)}, enlarged` : `Enlarge ${titleOf(tile.name)}`);
    if (tile.video) tile.video.style.transform = "";
  }
  const stage = app.root.querySelector(".stage");
  const shape = shapeOf(stage.clientWidth, stage.clientHeight, app.tiles.length - 1);
  Object.assign(stage.style, shape);
}

const ASPECT = 5 / 3;
const MOST_LARGE = 0.7; // of the width, if there are other tiles

// The large tile's width, and the columns and rows that make the others largest.
function shapeOf(width, height, others) {
  if (!others) return { gridTemplateColumns: "minmax(0, 1fr)", gridTemplateRows: "minmax(0, 1fr)" };
  const large = Math.min(height * ASPECT, width * MOST_LARGE);
  const rowsOf = (columns) => Math.ceil(others / columns);
  const sizeIn = (columns) => Math.min((width - large) / columns, (height / rowsOf(columns)) * ASPECT);
  const columns = [1, 2, 3, 4].sort((a, b) => sizeIn(b) - sizeIn(a))[0];
  return {
    gridTemplateColumns: `minmax(0, ${large}px) repeat(${columns}, minmax(0, 1fr))`,
    gridTemplateRows: `repeat(${rowsOf(columns)}, minmax(0, 1fr))`,
  };
}

function watchSizes(app, stage) {
  const watcher = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) {
      if (target === stage) layOut(app);
      const tile = app.tiles.find(({ element }) => element === target);
      if (!tile) continue;
      tile.size = [contentRect.width, contentRect.height];
      if (isLarge(tile)) applyZoom(tile, app.zoom);
    }
    app.draw();
  });
  app.watchSize = ({ element }) => watcher.observe(element);
  watcher.observe(stage);
  app.ended.signal.onabort = () => watcher.disconnect();
}

function addControls(app, root) {
  const on = (what, act) => { root.querySelector(what).onclick = act; };
  on(".play", () => app.clock.toggle());
  on(".back", () => app.step(-1));
  on(".forward", () => app.step(1));
  on(".loop", () => app.toggleLoop());
  on(".begin", () => app.beginRange());
  on(".end", () => app.endRange());
  on(".previous", () => app.go(-1));
  on(".next", () => app.go(1));
  on(".in", () => app.setZoom(zoomed(app.zoom, 1.5, [0.5, 0.5])));
  on(".out", () => app.setZoom(zoomed(app.zoom, 1 / 1.5, [0.5, 0.5])));
  on(".keys", () => app.toggleHelp());
  const speed = root.querySelector(".speed");
  speed.replaceChildren(...SPEEDS.map((value) => new Option(`${value}×`, value)));
  speed.onchange = () => app.clock.setSpeed(Number(speed.value));
  showKeys(root.querySelector(".help dl"));
  // After a click with the mouse, Space plays: it must not press the same button again.
  root.onclick = (event) => { if (event.detail > 0) event.target.closest("button")?.blur(); };
}

function fillSignals(app, select, known, chosen) {
  const others = known.filter(({ name }) => !chosen().includes(name));
  select.hidden = !known.length;
  select.replaceChildren(new Option("Add a signal…", ""), ...others.map(({ name, unit }) =>
    new Option(unit ? `${name} (${unit})` : name, name)));
  select.onchange = () => { if (select.value) app.addSignal(select.value); };
}

// What a box without a caption is: shown where the pointer is.
function showTip(app, tip, event) {
  const tile = app.large();
  tip.hidden = true;
  if (!event || !tile?.drawn.length) return;
  const box = tile.element.getBoundingClientRect();
  const ratio = tile.canvas.width / box.width;
  const found = boxAt(tile.drawn, (event.clientX - box.left) * ratio, (event.clientY - box.top) * ratio);
  if (!found) return;
  const { mark, layer } = found;
  const said = [captionOf(mark), app.titles[layer] ?? layer];
  if (mark.below) said.push(`${mark.below.toFixed(2)} below the threshold`);
  if (mark.alone) said.push("only this network");
  if (mark.lost) said.push("lost");
  tip.textContent = said.join(" · ");
  const own = app.root.getBoundingClientRect();
  tip.style.left = `${event.clientX - own.left + 12}px`;
  tip.style.top = `${event.clientY - own.top + 12}px`;
  tip.hidden = false;
}

const cellName = ({ prediction, metric, slice }) =>
  `${prediction}${metric ? ` ${metric}` : ""}${slice && slice !== "all" ? ` at ${slice}` : ""}`;
const percent = (share) => `${(100 * share).toFixed(Math.abs(share) < 0.01 ? 1 : 0)}%`;
