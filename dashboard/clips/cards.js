// The cards of one page: a real link each, with a picture in a box of fixed size.
// Keys: arrows move, Space selects, Shift extends the selection, Ctrl+A selects all, Escape none.

function showCards(grid, cards, selection) {
  const before = new Map([...grid.children].map((card) => [card.dataset.clip, card]));
  const kept = cards.map((card) => {
    const old = before.get(card.clip);
    return old && old.dataset.shown === JSON.stringify(card) ? old : cardOf(card);
  });
  grid.replaceChildren(...kept);
  if (!cards.length)
    grid.append(element("li", {
      className: "empty", textContent: "No clip fits all of this. Take a filter away.",
    }));
  const links = () => [...grid.querySelectorAll("a")];
  const ids = cards.map((card) => card.clip);
  const at = (target) => ids.indexOf(target.closest("[data-clip]")?.dataset.clip);

  function rove(place) { // one card is in the order of Tab; arrows reach the others
    for (const [i, card] of [...grid.children].entries())
      for (const part of card.querySelectorAll("a, input")) part.tabIndex = i === place ? 0 : -1;
  }
  function go(place, extend) {
    const to = Math.min(Math.max(place, 0), ids.length - 1);
    rove(to);
    links()[to]?.focus();
    if (extend) selection.extend(ids, to);
  }
  rove(Math.max(0, ids.indexOf(selection.anchor)));
  selection.onchange = () => {
    for (const card of grid.children) {
      const box = card.querySelector("input");
      if (!box) continue;
      box.checked = selection.has(card.dataset.clip);
      card.classList.toggle("selected", box.checked);
    }
  };
  selection.onchange();

  grid.onkeydown = (event) => {
    const here = at(event.target);
    if (here < 0) return;
    const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
    const moves = {
      ArrowLeft: here - 1, ArrowRight: here + 1, ArrowUp: here - columns,
      ArrowDown: here + columns, Home: 0, End: ids.length - 1,
    };
    if (event.key in moves) {
      if (event.shiftKey && selection.anchor === null) selection.anchor = ids[here];
      go(moves[event.key], event.shiftKey);
    } else if (event.key === " ") {
      if (event.shiftKey) selection.extend(ids, here);
      else selection.toggle(ids[here]);
    } else if (event.key === "a" && (event.ctrlKey || event.metaKey)) selection.add(ids);
    else if (event.key === "Escape") selection.clear();
    else return;
    event.preventDefault();
  };
  grid.onclick = (event) => {
    const here = at(event.target);
    if (here < 0) return;
    const pick = event.target.closest(".pick"), box = event.target.tagName === "INPUT";
    if (!pick && !event.shiftKey) return;
    if (!box) event.preventDefault(); // a browser would open a window, or click the box as well
    if (event.shiftKey) selection.extend(ids, here);
    else selection.toggle(ids[here]);
    rove(here);
  };
}

function cardOf(card) {
  const made = element("li", { className: "card" });
  Object.assign(made.dataset, { clip: card.clip, shown: JSON.stringify(card) });
  const picture = element("div", { className: "picture" });
  const failed = () => picture.replaceChildren("no picture", ...badges);
  const badges = [element("span", { className: "badge seconds", textContent: card.seconds })];
  if (card.share)
    badges.push(element("span", { className: "badge share", textContent: card.share }));
  if (card.thumb)
    picture.append(element("img", {
      loading: "lazy", decoding: "async", width: 320, height: 192,
      alt: card.alt, onerror: failed, src: card.thumb,
    }), ...badges);
  else picture.append(card.alt, ...badges);
  const shown = card.tags.slice(0, 3).map((tag) => chipOf(tag));
  if (card.tags.length > 3) shown.push(chipOf(`+${card.tags.length - 3}`));
  if (card.note) shown.push(element("span", { title: card.note, textContent: "📝" }));
  const line = (name, text) => element("div", {
    className: `line ${name}`, textContent: text, title: text,
  });
  const link = element("a", { href: card.href }, picture,
    line("title", card.title), line("quiet", card.conditions), line("quiet", card.drive),
    element("div", { className: "tags" }, ...shown));
  link.dataset.key = `card ${card.clip}`;
  const box = element("input", { type: "checkbox" });
  box.setAttribute("aria-label", `Select ${card.title}, ${card.drive}`);
  made.append(link, element("label", { className: "pick" }, box));
  return made;
}

function chipOf(text) {
  return element("span", { className: "tag", textContent: text, title: text });
}
