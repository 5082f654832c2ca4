// The filters: each facet with its values, how many clips each would leave, and help.

const FEW = 6; // values shown before "show all"
const unfolded = new Set();

function element(name, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(name), attributes);
  made.append(...children.filter((child) => child != null));
  return made;
}

// A question mark that explains a term to the pointer and to the keyboard.
function helpFor(term, text) {
  const id = `help-${term.replace(/\W+/g, "-")}`;
  const button = element("button", { type: "button", textContent: "?" });
  button.setAttribute("aria-label", `What is this: ${term}`);
  button.setAttribute("aria-describedby", id);
  const tip = element("span", { id, textContent: text });
  tip.setAttribute("role", "tooltip");
  return element("span", { className: "help" }, button, tip);
}

function showFacets(place, facets, choose) {
  place.replaceChildren(...facets.map((facet) => facetOf(facet, choose)));
}

function facetOf(facet, choose) {
  const list = element("ul");
  const fill = () => {
    const open = unfolded.has(facet.name);
    const shown = facet.values.filter((one, place) => open || place < FEW || one.chosen);
    list.replaceChildren(...shown.map((one) => valueOf(facet, one, choose)));
    if (open && facet.left_out)
      list.append(element("li", {
        className: "none",
        textContent: `${facet.left_out.toLocaleString("en")} more: search for them by name`,
      }));
  };
  fill();
  const heading = element("h2", { textContent: facet.title });
  const made = element("div", { className: "facet" },
    element("div", { className: "facet-title" }, heading, helpFor(facet.title, facet.help)), list);
  if (!facet.values.length)
    list.append(element("li", { className: "none", textContent: facet.empty }));
  if (facet.values.length > FEW) {
    const more = element("button", { type: "button", className: "more" });
    const word = () => {
      more.textContent = unfolded.has(facet.name) ? "Show fewer" : `Show all ${facet.values.length}`;
      more.setAttribute("aria-expanded", String(unfolded.has(facet.name)));
    };
    more.dataset.key = `more ${facet.name}`;
    more.onclick = () => {
      if (!unfolded.delete(facet.name)) unfolded.add(facet.name);
      fill();
      word();
    };
    word();
    made.append(more);
  }
  return made;
}

function valueOf(facet, { value, count, chosen }, choose) {
  const box = element("input", { type: "checkbox", checked: chosen });
  box.dataset.key = `${facet.name} ${value}`;
  box.onchange = () => choose(facet.name, value, box.checked);
  return element("li", {},
    element("label", { title: value }, box,
      element("span", { className: "value", textContent: value }),
      element("span", { className: "count", textContent: count.toLocaleString("en") })));
}
