// The costliest clips as pictures: deployed beside candidate, at the frame that costs most. Each is
// a link to its clip. The server draws a pair in seconds, once somebody sees its place; this asks
// again until it is there. Where no picture can be made, the server says why.
// data: {clips: [{link, facts: address, title, lines: [text]}]}
// facts: {state: "drawing"}, {state: "done", picture, alt, link}, or {state: "none", why}

const AGAIN_MS = 800;
const shown = new WeakMap(); // what each strip shows, and how to end it

export default function ({ data, parentElement }) {
  const strip = parentElement.querySelector(".filmstrip");
  const drawn = JSON.stringify(data.clips.map((clip) => [clip.link, clip.lines]));
  if (shown.get(strip)?.drawn !== drawn) {
    shown.get(strip)?.end();
    shown.set(strip, { drawn, end: show(strip, data.clips) });
  }
  return () => {
    shown.get(strip)?.end();
    shown.delete(strip);
  };
}

// Returns a function that ends asking for pictures.
function show(strip, clips) {
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      draw(target, target.dataset.facts, () => ended);
    }
  });
  let ended = false;
  const tiles = clips.map(tile);
  strip.replaceChildren(...tiles);
  for (const place of strip.querySelectorAll("[data-facts]")) seen.observe(place);
  return () => {
    ended = true;
    seen.disconnect();
  };
}

function tile(clip) {
  const item = document.createElement("li");
  const link = document.createElement("a");
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

async function draw(frame, address, ended) {
  const found = await facts(address);
  if (ended()) return;
  const why = frame.querySelector(".why");
  if (found.state === "drawing") {
    setTimeout(() => ended() || draw(frame, address, ended), AGAIN_MS);
  } else if (found.state === "none") {
    why.textContent = `No picture: ${found.why}`;
  } else {
    const image = document.createElement("img");
    image.decoding = "async";
    image.alt = found.alt;
    image.onload = () => why.remove();
    image.onerror = () => { why.textContent = "No picture: it cannot be loaded; reload the page"; };
    image.src = found.picture;
    frame.append(image);
    if (found.link) frame.parentElement.href = found.link;
  }
}

async function facts(address) {
  try {
    const answer = await fetch(address);
    if (answer.ok) return await answer.json();
    return { state: "none", why: await answer.text() };
  } catch {
    return { state: "none", why: "the server does not answer; reload the page" };
  }
}

function make(name, style, text) {
  const element = document.createElement(name);
  if (style) element.className = style;
  if (text !== undefined) element.textContent = text;
  return element;
}
