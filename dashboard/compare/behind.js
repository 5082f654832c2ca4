// The clips or items behind a check. They are asked for once this place is seen, because most checks
// are left for the next one before. The costliest clips are pictures, deployed beside candidate, at
// the frame that costs most, and each is a link to its clip; all are in a table.
// data: {about: address of JSON as dashboard/routes/behind.py answers it, noun}
// JSON: {tiles: [{link, facts, title, lines: [text]}], columns: [[name, help]],
//        rows: [[text, or [text, link]]], count}

const NOTHING = "Nothing to show: only a comparison with labels, or of a network with itself, has a "
  + "share for each clip.";
const shown = new WeakMap(); // what each place shows, and how to end it

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".behind");
  if (shown.get(root)?.check !== checkOf(data.about)) {
    shown.get(root)?.end();
    shown.set(root, { check: checkOf(data.about), end: show(root, data) });
  }
  return () => {
    shown.get(root)?.end();
    shown.delete(root);
  };
}

// The address without its expiry, which alone is no reason to draw anything again.
function checkOf(address) {
  const asked = new URL(address, location.origin).searchParams;
  return JSON.stringify(["run", "prediction", "metric", "slice"].map((part) => asked.get(part)));
}

// Returns a function that ends asking.
function show(root, data) {
  let ended = false;
  const isEnded = () => ended;
  const seen = new IntersectionObserver(async (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      if (target === root) await fill(root, data, seen, isEnded);
      else askForPair(target.dataset.facts, isEnded, (found) => picture(target, found));
    }
  });
  say(root, "reading …");
  root.querySelector(".filmstrip").replaceChildren();
  root.querySelector("details").hidden = true;
  seen.observe(root);
  return () => {
    ended = true;
    seen.disconnect();
  };
}

function say(root, text) {
  root.querySelector(".state").textContent = text;
}

async function fill(root, data, seen, ended) {
  const found = await ask(data.about);
  if (ended()) return;
  if (found.state === "none") {
    say(root, `✕ ${found.why}`);
    return;
  }
  say(root, found.count ? "" : NOTHING);
  root.querySelector(".filmstrip").replaceChildren(...found.tiles.map(tile));
  for (const place of root.querySelectorAll("[data-facts]")) seen.observe(place);
  table(root, found, data.noun);
}

function tile(clip) {
  const item = make("li", "");
  const link = make("a", "");
  link.href = clip.link;
  const frame = make("div", "frame");
  frame.append(make("p", "why", "drawing …"));
  frame.dataset.facts = clip.facts;
  const about = make("div", "about");
  about.append(make("strong", "", clip.title), ...clip.lines.map((line) => make("span", "", line)));
  link.append(frame, about);
  item.append(link);
  return item;
}

function picture(frame, found) {
  const why = frame.querySelector(".why");
  if (found.state === "none") {
    why.textContent = `No picture: ${found.why}`;
    return;
  }
  const image = make("img", "");
  image.decoding = "async";
  image.alt = found.alt;
  image.onload = () => why.remove();
  image.onerror = () => { why.textContent = "No picture: it cannot be loaded; reload the page"; };
  image.src = found.picture;
  frame.append(image);
  if (found.link) frame.parentElement.href = found.link;
}

function table(root, { tiles, columns, rows, count }, noun) {
  const details = root.querySelector("details");
  details.hidden = count === 0;
  details.open = tiles.length === 0;
  const all = `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
  details.querySelector("summary").textContent = `All ${all} as a table`;
  details.querySelector(".scroll").setAttribute("aria-label", all);
  const head = make("tr", "");
  head.append(...columns.map(([name, help], at) => {
    const cell = make("th", at ? "number" : "", name);
    cell.scope = "col";
    cell.title = help;
    return cell;
  }));
  details.querySelector("thead").replaceChildren(head);
  details.querySelector("tbody").replaceChildren(...rows.map((row) => {
    const line = make("tr", "");
    line.append(...row.map((content, at) => place(content, at)));
    return line;
  }));
  details.querySelector(".more").textContent = rows.length < count
    ? `The ${rows.length} costliest of ${count.toLocaleString("en")} are shown.` : "";
}

function place(content, at) {
  if (!Array.isArray(content)) return make("td", at ? "number" : "", content);
  const cell = make("td", "");
  const link = make("a", "", content[0]);
  link.href = content[1];
  cell.append(link);
  return cell;
}

function make(name, style, text) {
  const element = document.createElement(name);
  if (style) element.className = style;
  if (text !== undefined) element.textContent = text;
  return element;
}
