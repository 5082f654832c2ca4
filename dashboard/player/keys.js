// What the keys do; they work wherever the focus is, except while something is being written.

const KEYS = [
  { keys: [" "], shown: "Space", does: "play or pause", act: (app) => app.clock.toggle() },
  { keys: ["ArrowRight"], shown: "→", does: "one frame forward", act: (app) => app.step(1) },
  { keys: ["ArrowLeft"], shown: "←", does: "one frame back", act: (app) => app.step(-1) },
  { keys: ["ArrowRight", "ArrowLeft"], shift: true, shown: "Shift →, ←", does: "next or previous labelled frame", act: (app, { key }) => app.stepLabelled(key === "ArrowRight" ? 1 : -1) },
  { keys: ["Home"], shown: "Home", does: "to the start", act: (app) => app.seek(0) },
  { keys: ["End"], shown: "End", does: "to the end", act: (app) => app.seek(app.clock.seconds) },
  { keys: ["l", "L"], shown: "L", does: "next clip", act: (app) => app.go(1) },
  { keys: ["j", "J"], shown: "J", does: "previous clip", act: (app) => app.go(-1) },
  { keys: [">", "."], shown: ">", does: "faster", act: (app) => app.clock.faster(1) },
  { keys: ["<", ","], shown: "<", does: "slower", act: (app) => app.clock.faster(-1) },
  { keys: ["o", "O"], shown: "O", does: "repeat the range, or the clip", act: (app) => app.toggleLoop() },
  { keys: ["["], shown: "[", does: "the range begins here", act: (app) => app.beginRange() },
  { keys: ["]"], shown: "]", does: "the range ends here", act: (app) => app.endRange() },
  { keys: [], shown: "1 – 9", does: "enlarge a camera", act: null },
  { keys: ["+", "="], shown: "+", does: "zoom in (or the wheel)", act: (app) => app.setZoom(zoomed(app.zoom, 1.5, [0.5, 0.5])) },
  { keys: ["-"], shown: "−", does: "zoom out", act: (app) => app.setZoom(zoomed(app.zoom, 1 / 1.5, [0.5, 0.5])) },
  { keys: ["0"], shown: "0", does: "the whole picture", act: (app) => app.setZoom({ k: 1, x: 0, y: 0 }) },
  { keys: ["v", "V"], shown: "V", does: "all, differences, lost", act: (app) => app.nextView() },
  { keys: ["?"], shown: "?", does: "show or hide the keys", act: (app) => app.toggleHelp() },
  { keys: ["Escape"], shown: "Esc", does: "hide the keys", act: (app) => app.hideHelp() },
];

function listenToKeys(app) {
  const pressed = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = event.composedPath()[0];
    if (isWritten(target) || (event.key === " " && isPressed(target))) return;
    const found = KEYS.find((one) => isFor(one, event));
    const tile = /^[1-9]$/.test(event.key) ? app.tiles[event.key - 1] : null;
    if (!found && !tile) return;
    event.preventDefault();
    if (tile) app.enlarge(tile.name);
    else found.act(app, event);
  };
  document.addEventListener("keydown", pressed, { signal: app.ended.signal });
}

// Shift is part of some characters, as of ?; with an arrow it has a meaning of its own.
const isFor = ({ keys, shift = false }, { key, shiftKey }) =>
  keys.includes(key) && (shift === shiftKey || !key.startsWith("Arrow"));
const isWritten = (element) =>
  element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName ?? "")
  || Boolean(element.closest?.("[role=listbox], [role=menu], [role=dialog]"));
const isPressed = (element) => /^(BUTTON|A|SUMMARY)$/.test(element.tagName ?? "");

function showKeys(list) {
  list.replaceChildren(...KEYS.filter(({ shown }) => shown !== "Esc").flatMap(({ shown, does }) => {
    const term = document.createElement("dt");
    term.append(Object.assign(document.createElement("kbd"), { textContent: shown }));
    return [term, Object.assign(document.createElement("dd"), { textContent: does })];
  }));
}
