// The map of the page Fleet: roads, the drives' tracks, and events, which are links to their clips.
// data: {key: differs if what is drawn does, size: [width, height], metres: the width,
//        roads: [[kind, width, path]], tracks: [[what it is, path]],
//        triggers: [[name, number of its colour]], outcomes: [words], drives: [name],
//        events: [[x, y, trigger, outcome, drive, seconds, link or null]], about, said,
//        areas: [[name, link, whether it is shown]]}
// Lengths are in pixels of a map of that size. The first outcome is that of kept events.

const SVG = "http://www.w3.org/2000/svg";
const drawn = new WeakMap(); // what each element shows

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".map");
  if (drawn.get(root) !== data.key) {
    drawLines(root, data);
    showMarks(root, data);
    showView(root, data);
    root.querySelector(".marks").setAttribute("aria-label", data.about);
    root.querySelector(".said").textContent = data.said;
    drawn.set(root, data.key);
  }
  showAreas(root, data.areas);
}

function showAreas(root, areas) {
  const select = root.querySelector("select");
  select.replaceChildren(...areas.map(([name, link, shown]) => new Option(name, link, shown, shown)));
  select.onchange = () => follow(root, select.value);
}

function drawLines(root, { size, roads, tracks }) {
  root.querySelector("svg").setAttribute("viewBox", `0 0 ${size.join(" ")}`);
  root.querySelector(".roads").replaceChildren(...roads.map(([kind, width, line]) => {
    const road = path(line);
    road.setAttribute("class", kind);
    road.setAttribute("stroke-width", width);
    return road;
  }));
  root.querySelector(".tracks").replaceChildren(...tracks.map(([about, line]) => {
    const track = path(line);
    track.dataset.about = about;
    return track;
  }));
}

function path(line) {
  const made = document.createElementNS(SVG, "path");
  made.setAttribute("d", line);
  return made;
}
