// The page Clips: filters, cards, the selection and what is done with it.
// data: {cards, facets, pairs, words, sort, sorts, run, runs, found, total, page, pages, known_tags,
//        refusal, may_export, help}; see dashboard/clips/shown.py. Every text is set as text.

const selections = new WeakMap();

// The selected clips; kept over pages and filters. `anchor` is where a range begins.
function makeSelection() {
  const ids = new Set();
  const told = [];
  const self = {
    anchor: null, onchange: () => {}, onsize: () => {},
    get ids() { return [...ids]; },
    has: (id) => ids.has(id),
    toggle(id) { if (!ids.delete(id)) ids.add(id); self.anchor = id; tell(); },
    add(some) { for (const id of some) ids.add(id); tell(); },
    clear() { ids.clear(); self.anchor = null; tell(); },
    extend(shown, to) {
      const from = Math.max(0, shown.indexOf(self.anchor ?? shown[to]));
      for (const id of shown.slice(Math.min(from, to), Math.max(from, to) + 1)) ids.add(id);
      self.anchor = shown[from];
      tell();
    },
  };
  const tell = () => { self.onchange(); self.onsize(); };
  return self;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".browser");
  const find = (what) => root.querySelector(what);
  if (!selections.has(root)) selections.set(root, makeSelection());
  const selection = selections.get(root);
  // What had the focus keeps it, although its element is made again.
  const focused = root.getRootNode().activeElement?.dataset?.key;

  const go = (pairs) => setTriggerValue("address", { pairs, at: Date.now() });
  const rest = (...names) => data.pairs.filter(([name]) => !names.includes(name));
  const set = (name, value) => go([...rest(name, "page"), ...(value ? [[name, value]] : [])]);
  const choose = (facet, value, on) => {
    const others = data.pairs.filter(([name, one]) =>
      name !== "page" && !(name === facet && one === value));
    go(on ? [...others, [facet, value]] : others);
  };

  showFacets(find(".filters"), data.facets, choose);
  showSearch(find, data, set);
  showChosen(find(".chosen"), data, choose, go, rest);
  showActions(find(".actions"), data, selection, setTriggerValue);
  showCards(find(".grid"), data.cards, selection);
  showPages(find(".pages"), data, (page) => go([...rest("page"), ["page", String(page)]]));
  if (focused) root.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

function showSearch(find, data, set) {
  const words = find(".words");
  words.placeholder = "Search drives, clips, tags and notes";
  if (root_of(words).activeElement !== words) words.value = data.words;
  const send = () => words.value.trim() !== data.words && set("words", words.value.trim());
  words.onchange = send;
  words.onsearch = send; // its own ✕
  find(".search").onsubmit = (event) => { event.preventDefault(); send(); };
  fill(find(".sort"), data.sorts, data.sort, (value) => set("sort", value));
  fill(find(".run"), data.runs, data.run, (value) => set("run", value));
  find(".helped").replaceChildren(helpFor("Losses of a run", data.help.share));
}

const root_of = (one) => one.getRootNode();

function fill(select, options, chosen, act) {
  select.replaceChildren(...options.map(([value, textContent]) => element("option", { value, textContent })));
  select.value = chosen;
  select.disabled = options.length < 2;
  select.onchange = () => act(select.value);
}

// How many there are, and a chip for every filter, which takes it away.
function showChosen(place, data, choose, go, rest) {
  const many = (n) => `${n.toLocaleString("en")} ${n === 1 ? "clip" : "clips"}`;
  const count = data.found === data.total ? many(data.total) : `${data.found.toLocaleString("en")} of ${many(data.total)}`;
  const chips = data.facets.flatMap((facet) => facet.values.filter((one) => one.chosen).map((one) =>
    chipButton(`${facet.title}: ${one.value}`, () => choose(facet.name, one.value, false))));
  const named = data.pairs.filter(([name]) => name === "only").length;
  if (named) chips.push(chipButton(`${many(named)} named in the address`, () => go(rest("only", "page"))));
  if (data.words) chips.push(chipButton(`Search: ${data.words}`, () => go(rest("words", "page"))));
  if (chips.length > 1) {
    const all = element("button", { type: "button", className: "plain-link", textContent: "Clear all filters" });
    all.onclick = () => go(data.pairs.filter(([name]) => ["sort", "run"].includes(name)));
    chips.push(all);
  }
  place.replaceChildren(element("span", { className: "found", textContent: count }), ...chips);
}

function chipButton(text, act) {
  const chip = element("button", { type: "button", className: "chip", title: text },
    element("span", { textContent: text }), "✕");
  chip.setAttribute("aria-label", `Take away the filter ${text}`);
  chip.onclick = act;
  return chip;
}

function showActions(place, data, selection, setTriggerValue) {
  const shown = data.cards.map((card) => card.clip);
  const button = (textContent, act) => element("button", {
    type: "button", className: "act", textContent, onclick: act,
  });
  const count = element("span", { className: "count" });
  const all = button("Select all shown", () => selection.add(shown));
  all.dataset.key = "all";
  const none = button("Clear", () => selection.clear());
  const word = element("input", { type: "text", maxLength: 400, placeholder: "tag, another tag" });
  word.setAttribute("aria-label", "Tags to add to or remove from the selected clips");
  word.setAttribute("list", "known-tags");
  const known = element("datalist", { id: "known-tags" },
    ...data.known_tags.map((value) => element("option", { value })));
  const change = (how) => () => {
    if (!word.value.trim()) return word.focus();
    setTriggerValue("tags", { clips: selection.ids, how, tags: word.value, at: Date.now() });
    word.value = "";
  };
  const add = button("Add tags", change("add")), remove = button("Remove tags", change("remove"));
  word.onkeydown = (event) => { if (event.key === "Enter") add.click(); };
  const acts = [word, add, remove];
  if (data.may_export) acts.push(button("Send to labeling", () =>
    setTriggerValue("export", { clips: selection.ids, at: Date.now() })));
  const link = button("Copy link", () => copyLink(link, selection.ids));
  const keys = helpFor("Keys", "Arrows go from clip to clip. Space selects a clip, Shift extends the " +
    "selection, Ctrl+A selects all shown, Escape none. Enter opens a clip.");
  selection.onsize = () => {
    const chosen = selection.ids, hidden = chosen.filter((id) => !shown.includes(id)).length;
    count.textContent = chosen.length
      ? `${chosen.length.toLocaleString("en")} selected${hidden ? ` (${hidden} not shown)` : ""}`
      : "None selected";
    none.disabled = !chosen.length;
    for (const one of acts) {
      one.disabled = !chosen.length || data.refusal !== null;
      one.title = data.refusal ?? (chosen.length ? "" : "Select clips first");
    }
  };
  const pickers = [count, all, none];
  place.replaceChildren(...pickers, ...acts, known, link, keys);
  selection.onsize();
}

// A link to the selected clips, or to the page as it is.
function copyLink(button, ids) {
  const address = new URL(location.href);
  if (ids.length) address.search = new URLSearchParams(ids.slice(0, 200).map((id) => ["only", id]));
  // Only secure pages and this machine's own have a clipboard.
  (navigator.clipboard?.writeText(address.href) ?? Promise.reject()).then(
    () => { button.textContent = "Copied"; },
    () => { button.textContent = "Copy it from the address bar"; });
  setTimeout(() => { button.textContent = "Copy link"; }, 2000);
}

function showPages(place, { page, pages }, turn) {
  if (pages < 2) return place.replaceChildren();
  const button = (textContent, to) => {
    const made = element("button", { type: "button", className: "act", textContent });
    made.disabled = to < 1 || to > pages;
    made.dataset.key = `page ${textContent}`;
    made.onclick = () => turn(to);
    return made;
  };
  place.replaceChildren(button("Previous", page - 1),
    element("span", { textContent: `Page ${page} of ${pages}` }), button("Next", page + 1));
}
