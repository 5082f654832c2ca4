// The filters of the page Fleet. Each choice leads to the address that has it.
// data: {options: {vehicles: [name], triggers: [name]}, days: [first, last],
//        chosen: {vehicles: [name], triggers: [name], days: [first, last], events}, dark}

const MOST_UNSEARCHED = 12;
const OWN = ["vehicles", "triggers", "days", "events", "page"]; // in the address
const filled = new WeakMap(); // the options of each element

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".filters");
  const options = JSON.stringify(data.options);
  const lists = [...root.querySelectorAll("details")];
  if (filled.get(root) !== options) {
    for (const list of lists) fill(list, data.options[list.dataset.name]);
    filled.set(root, options);
  }
  for (const list of lists) show(list, data.chosen[list.dataset.name]);
  root.style.colorScheme = data.dark ? "dark" : "light"; // of what the browser draws
  root.querySelectorAll("[type=date]").forEach((input, at) => {
    [input.min, input.max] = data.days;
    input.value = data.chosen.days[at];
  });
  root.querySelector("select").value = data.chosen.events;
  root.onsubmit = (event) => event.preventDefault();
  root.onchange = ({ target }) => target.type !== "search" && go(root, data.days);
  root.onkeydown = ({ key }) => {
    const open = root.querySelector("details[open]");
    if (key !== "Escape" || !open) return;
    open.open = false;
    open.querySelector("summary").focus();
  };
  const leave = (event) => {
    if (!event.composedPath().includes(root)) for (const list of lists) list.open = false;
  };
  document.addEventListener("pointerdown", leave);
  return () => document.removeEventListener("pointerdown", leave);
}

function fill(list, names) {
  const labels = names.map((name) => {
    const label = make("label", "");
    const box = make("input", "");
    Object.assign(box, { type: "checkbox", name: list.dataset.name, value: name });
    label.append(box, name);
    return label;
  });
  const search = make("input", "");
  Object.assign(search, { type: "search", placeholder: "search", ariaLabel: `Search ${list.dataset.name}` });
  search.oninput = () => {
    const words = search.value.trim().toLowerCase();
    for (const label of labels) label.hidden = !label.textContent.toLowerCase().includes(words);
  };
  list.querySelector(".list").replaceChildren(...(names.length > MOST_UNSEARCHED ? [search] : []), ...labels);
}

function show(list, chosen) {
  for (const box of list.querySelectorAll("[type=checkbox]")) box.checked = chosen.includes(box.value);
  const few = chosen.length < 3 ? chosen.join(", ") : `${chosen.length} chosen`;
  list.querySelector("summary span").textContent = chosen.length ? few : "all";
}

function go(root, [first, last]) {
  const days = [...root.querySelectorAll("[type=date]")];
  if (days.some((input) => !input.checkValidity())) return; // while one is typed
  const chosen = days.map((input) => input.value).sort();
  const asked = new URLSearchParams(location.search);
  for (const name of OWN) asked.delete(name);
  for (const box of root.querySelectorAll(":checked[type=checkbox]")) asked.append(box.name, box.value);
  if (chosen[0] !== first || chosen[1] !== last) for (const day of chosen) asked.append("days", day);
  const events = root.querySelector("select").value;
  if (events) asked.append("events", events);
  follow(root, `/fleet?${asked}`);
}
