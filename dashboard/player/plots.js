// The timeline (events, loss per frame) and the signals under it, with one playhead through all.

const SVG = "http://www.w3.org/2000/svg";
const TICKS = 4; // on a signal's axis, about

function makePlots(app, root) {
  const area = root.querySelector(".plots");
  const track = root.querySelector(".track");
  const plots = { signals: new Map() };
  const shareOf = (t) => Math.min(1, Math.max(0, t / (app.clock.seconds || 1)));

  plots.place = () => {
    const { t, seconds, range, loop } = app.clock;
    area.style.setProperty("--at", shareOf(t));
    area.style.setProperty("--from", shareOf(range?.[0] ?? 0));
    area.style.setProperty("--to", shareOf(range?.[1] ?? seconds));
    area.classList.toggle("looping", loop);
    track.setAttribute("aria-valuemax", seconds.toFixed(2));
    track.setAttribute("aria-valuenow", t.toFixed(2));
    track.setAttribute("aria-valuetext", `${t.toFixed(2)} of ${seconds.toFixed(2)} seconds`);
    for (const one of plots.signals.values()) one.showValue(t);
  };
  // Of another clip that this element showed before.
  plots.clear = () => {
    for (const what of [".axis", ".events", ".losses", ".labelled", ".signals"]) root.querySelector(what).replaceChildren();
  };
  plots.axis = () => showAxis(root.querySelector(".axis"), app.clock.seconds);
  plots.events = (events) => showEvents(app, root.querySelector(".events"), events, shareOf);
  const watcher = new ResizeObserver(() => { if (app.about) plots.events(app.about.events); });
  watcher.observe(root.querySelector(".events"));
  app.ended.signal.addEventListener("abort", () => watcher.disconnect());
  plots.labelled = (times) => showLabelled(root.querySelector(".labelled"), [...times], app.clock.seconds);
  plots.losses = (losses) => showLosses(root.querySelector(".losses"), losses, app.clock);
  plots.showSignals = (names) => showSignals(app, root, plots, names);
  seekByPointer(app, area);
  return plots;
}

// A press or a drag anywhere over the plots moves the time; with Shift it sets the range to repeat.
function seekByPointer(app, area) {
  const { signal } = app.ended;
  const surface = area.querySelector(".track");
  const timeAt = (event) => {
    const box = surface.getBoundingClientRect();
    return ((event.clientX - box.left) / box.width) * app.clock.seconds;
  };
  let from = null;
  area.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.target.closest(".track, .plot") || event.target.closest("button")) return;
    from = timeAt(event);
    area.setPointerCapture(event.pointerId);
    if (!event.shiftKey) app.seek(from);
  }, { signal });
  area.addEventListener("pointermove", (event) => {
    if (from === null) return;
    if (event.shiftKey) app.setRange([from, timeAt(event)]);
    else app.seek(timeAt(event));
  }, { signal });
  area.addEventListener("pointerup", () => { from = null; }, { signal });
}

function showAxis(axis, seconds) {
  const step = roundStep(seconds / 8);
  const marks = Array.from({ length: Math.floor(seconds / step + 1e-6) + 1 }, (_, at) => at * step);
  axis.replaceChildren(...marks.map((t) => {
    const tick = Object.assign(document.createElement("span"), { textContent: shortNumber(t) + (t ? "" : " s") });
    tick.style.left = `${(100 * t) / seconds}%`;
    return tick;
  }));
}

const roundStep = (rough) => {
  const power = 10 ** Math.floor(Math.log10(rough || 1));
  return [1, 2, 5, 10].find((by) => by * power >= rough) * power;
};
const shortNumber = (value) => String(+value.toPrecision(6));

// An event is a button on the timeline: it goes to its instant. Where a name would cover another one,
// the event is a short mark below that name, which counts it: "hard_brake +2". Its title names it.
const LETTER_PX = 6.5;
const COUNT_PX = 4 * LETTER_PX; // of " +12"
function showEvents(app, row, events, shareOf) {
  const width = row.clientWidth || 1000;
  let taken = -Infinity;
  let named = null;
  let more = 0;
  row.replaceChildren(...events.map(({ trigger, t, kept, reason }) => {
    const mark = Object.assign(document.createElement("button"), { type: "button", className: "event" });
    mark.title = `${trigger} at ${t.toFixed(1)} s${kept === false ? `: not kept (${reason ?? "suppressed"})` : ""}`;
    mark.setAttribute("aria-label", `Event ${mark.title}`);
    mark.classList.toggle("dropped", kept === false);
    mark.style.left = `${100 * shareOf(t)}%`;
    mark.onclick = () => app.seek(t);
    const [at, size] = [shareOf(t) * width, trigger.length * LETTER_PX + COUNT_PX + 8];
    const late = at + size > width;
    const from = late ? at - size : at;
    if (from >= taken) {
      named = Object.assign(document.createElement("span"), { textContent: trigger });
      mark.append(named);
      mark.classList.toggle("late", late);
      [taken, more] = [from + size, 0];
    } else {
      mark.classList.add("short");
      named.dataset.more = ` +${(more += 1)}`;
    }
    return mark;
  }));
}

// Which frames have labels: the others cannot be right or wrong.
function showLabelled(svg, times, seconds) {
  svg.setAttribute("viewBox", `0 0 ${seconds} 1`);
  svg.replaceChildren(line("tick", times.map((t) => `M${t} 0V1`).join("")));
}

function showLosses(svg, losses, clock) {
  svg.replaceChildren();
  const most = Math.max(...losses.shares, 0);
  if (!most) return;
  svg.setAttribute("viewBox", `0 0 ${clock.seconds} 1`);
  const steps = losses.times.slice(1).map((t, at) => t - losses.times[at]);
  const width = 0.8 * Math.min(...steps, clock.seconds / 20);
  losses.times.forEach((t, at) => {
    const height = Math.max(0, losses.shares[at]) / most;
    const bar = document.createElementNS(SVG, "rect");
    const box = { x: t - width / 2, y: 1 - height, width, height };
    for (const [name, value] of Object.entries(box)) bar.setAttribute(name, value);
    if (t === losses.costliest_t) bar.classList.add("costliest");
    svg.append(bar);
  });
}

// --- Signals: each fetches only its own samples ---

function showSignals(app, root, plots, names) {
  for (const [name, { element }] of plots.signals)
    if (!names.includes(name)) { element.remove(); plots.signals.delete(name); }
  for (const name of names) if (!plots.signals.has(name)) plots.signals.set(name, makeSignal(app, root, name));
  plots.place();
}

function makeSignal(app, root, name) {
  const element = root.querySelector(".signal-form").content.cloneNode(true).firstElementChild;
  const find = (what) => element.querySelector(what);
  find(".title").textContent = name;
  find(".plot").setAttribute("aria-label", `${name} over time`);
  find(".remove").setAttribute("aria-label", `Remove ${name}`);
  find(".remove").onclick = () => app.removeSignal(name);
  root.querySelector(".signals").append(element);
  const signal = { element, showValue: () => {} };
  app.source.json("signal.json", { name }).then((found) => {
    find(".title").textContent = found.unit ? `${name} (${found.unit})` : name;
    drawSignal(find("svg"), find(".scale"), found, app.clock.seconds);
    signal.showValue = (t) => { find(".value").textContent = valueAt(found, t); };
    signal.showValue(app.clock.t);
  }, (error) => { if (error.name !== "AbortError") find(".value").textContent = error.message; });
  return signal;
}

function valueAt({ times, values, unit }, t) {
  const at = times.findLastIndex((time) => time <= t + 0.001);
  const value = at < 0 ? null : values[at];
  return value == null ? "–" : `${shortValue(value)} ${unit ?? ""}`.trim();
}

const shortValue = (value) => (Number.isInteger(value) ? `${value}` : value.toFixed(Math.abs(value) < 10 ? 2 : 1));

function drawSignal(svg, scale, { times, values }, seconds) {
  const known = values.filter((value) => value != null);
  if (!known.length) return;
  let [low, high] = [Math.min(...known), Math.max(...known)];
  if (high - low < 1e-9) [low, high] = [low - 1, high + 1];
  const step = roundStep((high - low) / TICKS);
  [low, high] = [Math.floor(low / step) * step, Math.ceil(high / step) * step];
  const y = (value) => 1 - (value - low) / (high - low);
  svg.setAttribute("viewBox", `0 0 ${seconds} 1`);
  const ticks = Array.from({ length: Math.round((high - low) / step) + 1 }, (_, at) => low + at * step);
  scale.replaceChildren(...ticks.map((value) => {
    const tick = Object.assign(document.createElement("span"), { textContent: shortNumber(value) });
    tick.style.top = `${100 * y(value)}%`;
    return tick;
  }));
  const lines = ticks.map((value) => `M0 ${y(value)}H${seconds}`).join("");
  svg.replaceChildren(line("grid", lines), line("curve", curve(times, values, y)));
}

// Unknown values leave gaps.
function curve(times, values, y) {
  let word = "M";
  return times.map((t, at) => {
    if (values[at] == null) { word = "M"; return ""; }
    const point = `${word}${t.toFixed(3)} ${y(values[at]).toFixed(4)}`;
    word = "L";
    return point;
  }).join("");
}

function line(kind, d) {
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", d);
  path.setAttribute("class", kind);
  return path;
}
