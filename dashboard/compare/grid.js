// The grid of checks: predictions with their metrics by slices. Each check is a link to itself.
// Arrow keys move between checks, Home and End within a row, with Ctrl to the first and last row,
// Page Up and Page Down by ten rows. Enter follows the link.
// data: {rows: [[prediction, metric, required, unit]], slices: [name], link, verdicts: [name],
//        marks: [mark], changes: [[name, mark]],
//        checks: [[row, column, verdict, step, sign, delta, margins, flags, change]]}

const REQUIRED = 1;
const DIMMED = 2;
const BY_PAGE = 10;
const SOON = 32; // rows that are drawn at once, more than are seen; the others follow a frame later
const shown = new WeakMap(); // the data that each element shows, as JSON

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".grid");
  const drawn = JSON.stringify(data);
  const hear = () => choose(root, window.ridealongChosen); // chosen.js tells it
  if (shown.get(root) !== drawn) {
    const rest = draw(root, data);
    shown.set(root, drawn);
    soon(() => {
      if (shown.get(root) !== drawn) return; // other data came
      rest();
      hear();
    });
  }
  hear();
  window.addEventListener("ridealong-chosen", hear);
  return () => window.removeEventListener("ridealong-chosen", hear);
}

// After the next frame is drawn.
function soon(work) {
  requestAnimationFrame(() => setTimeout(work));
}

// Draws the first rows. Returns what draws the others.
function draw(root, data) {
  const table = root.querySelector("table");
  const groups = [
    ["Required", data.rows.map((row, at) => [row, at]).filter(([row]) => row[2])],
    ["Watched", data.rows.map((row, at) => [row, at]).filter(([row]) => !row[2])],
  ];
  const checks = data.rows.map(() => []);
  for (const check of data.checks) checks[check[0]][check[1]] = check;
  const lines = [];
  const bodies = groups.filter(([, rows]) => rows.length).map(([name, rows]) => {
    const body = group(name);
    lines.push(...rows.map(([row, at]) => () => body.append(line(data, row, checks[at]))));
    return body;
  });
  lines.slice(0, SOON).forEach((add) => add());
  // As wide as all names need, so that the rows that follow move nothing.
  const longest = Math.max(...data.rows.map(([prediction, metric]) => `${prediction} ${metric}`.length));
  root.style.setProperty("--longest", `${longest}ch`);
  table.setAttribute("aria-label", `Checks: ${data.rows.length} rows by ${data.slices.length} slices`);
  table.querySelector("thead").replaceChildren(header(data.slices));
  table.querySelectorAll("tbody").forEach((body) => body.remove());
  table.append(...bodies);
  listen(root, table);
  return () => lines.slice(SOON).forEach((add) => add());
}

function group(name) {
  const body = make("tbody", "");
  body.setAttribute("aria-label", name);
  const row = make("tr", "group");
  const head = make("th", "", name);
  head.scope = "rowgroup";
  row.append(head);
  body.append(row);
  return body;
}

function header(slices) {
  const row = make("tr", "");
  const corner = make("th", "", "prediction and metric");
  corner.scope = "col";
  row.append(corner);
  for (const name of slices) {
    const cell = make("th", "");
    cell.scope = "col";
    const text = make("span", "", name);
    text.title = name;
    cell.append(text);
    row.append(cell);
  }
  return row;
}

function line(data, [prediction, metric, , unit], checks) {
  const row = make("tr", "");
  const head = make("th", "", prediction);
  head.scope = "row";
  head.append(" ", make("span", "metric", metric));
  head.title = `${prediction} ${metric} ${unit}`;
  row.append(head, ...data.slices.map((_, column) => cell(data, prediction, metric, checks[column])));
  return row;
}

function cell(data, prediction, metric, check) {
  const place = make("td", "");
  place.setAttribute("role", "gridcell");
  if (!check) return place;
  const [, column, verdict, step, sign, delta, margins, flags, change] = check;
  const slice = data.slices[column];
  const link = make("a", data.verdicts[verdict] === "INCONCLUSIVE" ? "unsure" : "", data.marks[verdict] + sign);
  const effect = step < 0 ? ["--unknown", "--ink-unknown"] : [`--effect-${step}`, `--ink-${step}`];
  link.style.setProperty("--effect", `var(${effect[0]})`);
  link.style.setProperty("--ink", `var(${effect[1]})`);
  link.classList.toggle("required", (flags & REQUIRED) > 0);
  link.classList.toggle("dimmed", (flags & DIMMED) > 0);
  if (change >= 0) link.append(make("span", "change", data.changes[change][1]));
  const asked = new URLSearchParams({ prediction, metric, slice });
  link.href = `${data.link}${data.link.includes("?") ? "&" : "?"}${asked}`;
  link.dataset.key = JSON.stringify([prediction, metric, slice]);
  link.tabIndex = -1;
  const about = [
    `${prediction} ${metric} at ${slice}: ${data.verdicts[verdict]}`,
    `delta ${delta}` + (margins === null ? "" : ` (${margins} margins)`),
    flags & REQUIRED ? "required" : "watched",
    ...(change >= 0 ? [data.changes[change][0]] : []),
  ];
  link.setAttribute("aria-label", about.join(", "));
  place.append(link);
  return place;
}

// One check is in the order of the Tab key: the chosen one, or the one that was last in focus.
function choose(root, key) {
  const links = [...root.querySelectorAll("td a")];
  const chosen = links.find((link) => link.dataset.key === key);
  const first = chosen ?? links[0];
  for (const link of root.querySelectorAll("td a[aria-current], td a[tabindex='0']")) {
    if (link !== chosen) link.removeAttribute("aria-current");
    if (link !== first) link.tabIndex = -1;
  }
  if (chosen && !chosen.hasAttribute("aria-current")) chosen.setAttribute("aria-current", "true");
  if (first && first.tabIndex !== 0) first.tabIndex = 0;
}

function listen(root, table) {
  const said = root.querySelector(".said");
  const say = (event) => {
    const link = event.target.closest?.("td a");
    if (link) said.textContent = link.getAttribute("aria-label");
  };
  said.textContent = "Point at a check, or move to it with the arrow keys, to read it here. Choose it to see its details.";
  table.onmouseover = say;
  if (!shown.has(root)) table.addEventListener("focusin", say); // once: the table stays
  table.onkeydown = (event) => {
    const link = event.target.closest?.("td a");
    const next = link && target(table, link.parentElement, event);
    if (!next) return;
    event.preventDefault();
    for (const other of table.querySelectorAll("td a[tabindex='0']")) other.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
    reveal(root.querySelector(".scroll"), next);
  };
}

// The sticky header and names would cover what the browser scrolls to.
function reveal(scroll, link) {
  const box = scroll.getBoundingClientRect();
  const at = link.getBoundingClientRect();
  const top = box.top + scroll.querySelector("thead").offsetHeight;
  const left = box.left + scroll.querySelector("tbody th").offsetWidth;
  if (at.top < top) scroll.scrollTop -= top - at.top + 4;
  if (at.left < left) scroll.scrollLeft -= left - at.left + 4;
}

const MOVES = {
  ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
  PageUp: [-BY_PAGE, 0], PageDown: [BY_PAGE, 0],
};

// The check to which a key moves: the next one in its direction that exists.
function target(table, place, event) {
  const rows = [...table.querySelectorAll("tbody tr:not(.group)")];
  const row = rows.indexOf(place.parentElement);
  const places = (at) => [...rows[at].querySelectorAll("td")];
  const column = places(row).indexOf(place);
  if (event.key === "Home" || event.key === "End") {
    const at = event.ctrlKey ? (event.key === "Home" ? 0 : rows.length - 1) : row;
    const links = [...rows[at].querySelectorAll("td a")];
    return event.key === "Home" ? links[0] : links.at(-1);
  }
  const move = MOVES[event.key];
  if (!move) return null;
  const [down, right] = move;
  if (right) return along(places(row), column + right, right);
  const lines = rows.map((_, at) => places(at)[column]);
  const first = Math.min(Math.max(row + down, 0), rows.length - 1);
  return along(lines, first, Math.sign(down)) ?? along(lines, first, -Math.sign(down));
}

function along(places, from, step) {
  for (let at = from; at >= 0 && at < places.length; at += step) {
    const link = places[at].querySelector("a");
    if (link) return link;
  }
  return null;
}
