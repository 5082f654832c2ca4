// The events on the map. One of them is in the order of the Tab key, and the arrow keys go to the
// nearest event in their direction. What the mouse or the keyboard is on is said beside it.

const KEPT = 0;
const MOVES = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

function showMarks(root, data) {
  const marks = data.events.map((event) => mark(data, event));
  const first = marks.findLast((one) => one.href) ?? marks.at(-1);
  if (first) first.tabIndex = 0;
  root.querySelector(".marks").replaceChildren(...marks);
  root.querySelector(".legend").replaceChildren(...data.triggers.map(([name, colour]) => {
    const item = make("li", "");
    const disc = make("i", "");
    disc.style.setProperty("--own", `var(--series-${colour})`);
    item.append(disc, name);
    return item;
  }));
  listen(root, marks, data.events);
}

// A link; what no clip shows is an image with a name.
function mark({ size, triggers, outcomes, drives }, [x, y, trigger, outcome, drive, seconds, link]) {
  const made = make(link ? "a" : "span", outcome === KEPT ? "mark kept" : "mark");
  const [name, colour] = triggers[trigger];
  made.style.left = `${(100 * x / size[0]).toFixed(2)}%`;
  made.style.top = `${(100 * y / size[1]).toFixed(2)}%`;
  made.style.setProperty("--own", `var(--series-${colour})`);
  made.tabIndex = -1;
  made.ariaLabel = `${name}, ${outcomes[outcome]}, drive ${drives[drive]} at ${seconds} s`;
  if (link) made.href = link;
  else made.role = "img";
  return made;
}

function listen(root, marks, spots) {
  const plot = root.querySelector(".plot");
  const onPlace = ({ target, clientX, clientY }) => {
    if (target.dataset?.about) return tell(root, target.dataset.about, clientX, clientY);
    if (!target.classList.contains("mark")) return untell(root);
    const { left, top } = target.getBoundingClientRect();
    tell(root, target.ariaLabel, left, top);
  };
  plot.onpointerover = onPlace;
  plot.onpointerleave = () => untell(root);
  if (!drawn.has(root)) { // once: the plot stays
    plot.addEventListener("focusin", onPlace);
    plot.addEventListener("focusout", () => untell(root));
  }
  plot.onkeydown = (event) => {
    if (event.key === "Escape") untell(root);
    if (event.ctrlKey || event.altKey || event.metaKey || !MOVES[event.key]) return;
    event.preventDefault();
    const next = marks[nearest(spots, marks.indexOf(event.target), MOVES[event.key])];
    if (!next) return;
    for (const one of plot.querySelectorAll(".mark[tabindex='0']")) one.tabIndex = -1;
    next.tabIndex = 0;
    next.scrollIntoView({ block: "nearest", inline: "nearest" }); // first, or it is told elsewhere
    next.focus();
  };
}

// The place of the nearest spot within a quarter of all directions; undefined if there is none.
function nearest(spots, from, [right, down]) {
  let found, least = Infinity;
  const [x, y] = spots[from];
  spots.forEach(([u, v], at) => {
    const along = (u - x) * right + (v - y) * down;
    const aside = Math.abs((u - x) * down) + Math.abs((v - y) * right);
    if (along <= 0 || aside > along || along + aside >= least) return;
    [found, least] = [at, along + aside];
  });
  return found;
}

// Says what is at a place of the window.
function tell(root, text, x, y) {
  const told = root.querySelector(".told");
  const box = root.getBoundingClientRect();
  told.textContent = text;
  told.hidden = false;
  const left = Math.min(x - box.left + 16, box.width - told.offsetWidth);
  told.style.left = `${Math.max(left, 0)}px`;
  told.style.top = `${y - box.top + 16}px`;
}

function untell(root) {
  root.querySelector(".told").hidden = true;
}
