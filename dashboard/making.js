// Makes elements; joined before the scripts of components that do.

// An element with a class and a text; names may be HTML, so text is never markup.
function make(name, style, text) {
  const element = document.createElement(name);
  if (style) element.className = style;
  if (text !== undefined) element.textContent = text;
  return element;
}
