// A trigger's text with line numbers, its mistakes, and a search for signals to insert.
// data: {text, mistakes: [{line, text}], signals: [{name, unit, values, meaning}], locked}
// The browser has the text: data.text only fills the editor when it is made.

const SHOWN = 60;
const editors = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".editor");
  if (!editors.has(root)) editors.set(root, makeEditor(root, data));
  const editor = editors.get(root);
  editor.send = (text) => setStateValue("text", text);
  editor.show(data);
}

function makeEditor(root, first) {
  const find = (what) => root.querySelector(what);
  const text = find(".text"), lines = find(".lines"), search = find(".search");
  const editor = { send: () => {}, show, mistakes: [], sent: first.text, timer: 0 };
  text.value = first.text;

  const number = () => {
    const wrong = new Set(editor.mistakes.map((one) => one.line));
    const count = text.value.split("\n").length;
    lines.replaceChildren(...Array.from({ length: count }, (_, i) => {
      const line = document.createElement("div");
      line.textContent = (wrong.has(i + 1) ? "✕ " : "") + (i + 1);
      line.className = wrong.has(i + 1) ? "wrong" : "";
      return line;
    }));
    lines.scrollTop = text.scrollTop;
  };
  const send = () => {
    clearTimeout(editor.timer);
    if (text.value === editor.sent) return;
    editor.sent = text.value;
    editor.send(text.value);
  };
  text.oninput = () => {
    number();
    clearTimeout(editor.timer);
    editor.timer = setTimeout(send, 500);
  };
  text.onblur = send;
  text.onscroll = () => { lines.scrollTop = text.scrollTop; };
  text.onkeydown = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send();
  };

  // At the cursor, with a space where it would touch a word.
  const insert = (name) => {
    const before = text.value.slice(0, text.selectionStart);
    const space = /[\w.)]$/.test(before) ? " " : "";
    text.focus();
    text.setRangeText(space + name, text.selectionStart, text.selectionEnd, "end");
    text.oninput();
  };
  const go = (line) => {
    const starts = text.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    const end = text.value.indexOf("\n", starts);
    text.focus();
    text.setSelectionRange(starts, end < 0 ? text.value.length : end);
  };

  const list = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = first.signals.filter((one) => {
      const all = `${one.name} ${one.unit} ${one.values} ${one.meaning}`.toLowerCase();
      return words.every((word) => all.includes(word));
    });
    find(".signals").replaceChildren(...(found.length ? found.slice(0, SHOWN).map((one) => row(one, insert))
      : [element("li", "more", "No signal has these words.")]));
  };
  search.oninput = list;
  list();

  function show(data) {
    editor.mistakes = data.mistakes;
    text.readOnly = data.locked;
    const none = data.mistakes.length ? [] : ["✓ No mistakes."];
    find(".mistakes").replaceChildren(...none, ...data.mistakes.map((one) => {
      const made = element("button", "", one.line ? `Line ${one.line}: ${one.text}` : one.text);
      made.type = "button";
      made.onclick = () => go(one.line ?? 1);
      return made;
    }));
    number();
  }
  return editor;
}

function row(signal, insert) {
  const button = element("button");
  button.type = "button";
  const unit = signal.unit ? ` [${signal.unit}]` : "";
  const values = signal.values ? ` Values: ${signal.values}.` : "";
  button.append(element("span", "name", signal.name), unit,
    element("div", "more", signal.meaning + values));
  button.onclick = () => insert(signal.name);
  const item = document.createElement("li");
  item.append(button);
  return item;
}

function element(name, className = "", textContent = "") {
  return Object.assign(document.createElement(name), { className, textContent });
}
