// The costliest frame of a cell, deployed beside candidate. The server draws it in seconds, so this
// asks again until it is there.
// data: {facts: address of JSON {state: "drawing"} or {state: "done", picture, alt, caption, link,
//        costly: [{text, link}]} or {state: "none", why, costly}}

const shown = new WeakMap(); // what each element shows

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".pair");
  if (shown.get(root)?.facts !== data.facts) {
    shown.get(root)?.end();
    shown.set(root, { facts: data.facts, end: show(root, data.facts) });
  }
  return () => {
    shown.get(root)?.end();
    shown.delete(root);
  };
}

function show(root, address) {
  let ended = false;
  askForPair(address, () => ended, (found) => fill(root, found));
  return () => { ended = true; };
}

function fill(root, found) {
  const state = root.querySelector(".state");
  const image = root.querySelector("img");
  root.querySelector(".caption").textContent = found.caption ?? "";
  root.querySelector(".costly").replaceChildren(...(found.costly ?? []).map(costly));
  if (found.state === "none") {
    state.textContent = `no picture: ${found.why}`;
    return;
  }
  image.onload = () => { state.textContent = ""; image.hidden = false; };
  image.onerror = () => { state.textContent = "the picture cannot be loaded; reload the page"; };
  image.alt = found.alt;
  const link = document.createElement("a");
  link.href = found.link;
  link.title = "Open this clip at this frame";
  image.replaceWith(link);
  link.append(image);
  image.src = found.picture;
}

function costly({ text, link }) {
  const item = document.createElement("li");
  const inner = link ? document.createElement("a") : document.createElement("span");
  if (link) inner.href = link;
  inner.textContent = text;
  item.append(inner);
  return item;
}
