// The costliest clips as pictures; each is a link to its clip. Where a picture cannot be made, the
// server says why, and that is shown in its place.
// data: {ratio, clips: [{link, picture: address or null, alt, why, title, lines: [text]}]}

const shown = new WeakMap();

export default function ({ data, parentElement }) {
  const strip = parentElement.querySelector(".filmstrip");
  const drawn = JSON.stringify(data);
  if (shown.get(strip) === drawn) return;
  shown.set(strip, drawn);
  strip.style.setProperty("--ratio", data.ratio);
  strip.replaceChildren(...data.clips.map(tile));
}

function tile(clip) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = clip.link;
  const frame = make("div", "frame");
  if (clip.picture) frame.append(picture(clip, frame));
  else frame.append(make("p", "why", clip.why));
  const about = make("div", "about");
  about.append(make("strong", "", clip.title), ...clip.lines.map((line) => make("span", "", line)));
  link.append(frame, about);
  item.append(link);
  return item;
}

function picture(clip, frame) {
  const image = document.createElement("img");
  image.loading = "lazy";
  image.decoding = "async";
  image.alt = clip.alt;
  image.onerror = async () => {
    image.remove();
    const why = make("p", "why", "no picture");
    frame.append(why);
    why.textContent = `No picture: ${await reason(clip.picture)}`;
  };
  image.src = clip.picture;
  return image;
}

async function reason(address) {
  try {
    const answer = await fetch(address);
    const text = answer.ok ? "" : (await answer.text()).trim();
    return text && text.length < 300 ? text : "the server cannot draw it";
  } catch {
    return "the server does not answer; reload the page";
  }
}

function make(name, style, text) {
  const element = document.createElement(name);
  if (style) element.className = style;
  if (text !== undefined) element.textContent = text;
  return element;
}
