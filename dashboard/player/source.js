// What a clip consists of, fetched by its links. A link that has expired is renewed by the page.

const WINDOW_S = 4; // data that changes with time is fetched in windows of this length
const RENEWAL_MS = 10000;
const MOST_SLOW = 2; // requests that networks work for: browsers keep six connections to a server

function makeSource({ base, query }, askForLinks, signal) {
  const source = { query };
  let renewing = null;

  source.url = (name, asked = {}) => {
    const known = Object.entries(asked).filter(([, value]) => value != null);
    return `${base}/${name}?${[new URLSearchParams(known), source.query].filter(String).join("&")}`;
  };
  // The page's script made new links, at our request or not.
  source.renew = (links) => {
    source.query = links.query;
    renewing?.done();
  };
  source.renewed = () => {
    renewing ??= promiseOf((done, failed) => {
      askForLinks();
      setTimeout(() => failed(new Error("this link has expired; reload the page")), RENEWAL_MS);
    });
    return renewing.finally(() => { renewing = null; });
  };
  source.get = async (name, asked) => {
    const read = () => fetch(source.url(name, asked), { signal });
    let answer = await read().catch(noAnswer);
    if (answer.status === 403) {
      await source.renewed();
      answer = await read().catch(noAnswer);
    }
    if (!answer.ok) throw new Error((await answer.text()).trim() || `status ${answer.status}`);
    return answer;
  };
  source.slow = inTurn(MOST_SLOW, source.get);
  source.json = async (name, asked) => (await source.get(name, asked)).json();
  return source;
}

// The same function, of which only so many calls run at a time.
function inTurn(most, call) {
  let running = 0;
  const waiting = [];
  return async (...given) => {
    if (running >= most) await new Promise((begin) => waiting.push(begin));
    else running++;
    try { return await call(...given); } finally {
      if (waiting.length) waiting.shift()();
      else running--;
    }
  };
}

function noAnswer(error) {
  if (error.name === "AbortError") throw error;
  throw new Error("the dashboard does not answer");
}

function promiseOf(begin) {
  let done;
  const made = new Promise((resolve, reject) => { done = resolve; begin(resolve, reject); });
  return Object.assign(made, { done });
}

// What is fetched window by window: `at(t)` is the window around t, or null until it is there.
// A window that failed has `error`, and is not asked for again.
function windowed(fetchWindow, arrived) {
  const held = new Map();
  const numberOf = (t) => Math.max(0, Math.floor(t / WINDOW_S));
  const load = async (number) => {
    held.set(number, null);
    const found = await fetchWindow(number * WINDOW_S, (number + 1) * WINDOW_S)
      .catch((error) => (error.name === "AbortError" ? null : { error: error.message }));
    held.set(number, found);
    if (found) arrived(found);
  };
  return {
    at(t) {
      if (!held.has(numberOf(t))) load(numberOf(t));
      return held.get(numberOf(t));
    },
    before: (t) => held.get(numberOf(t) - 1),
  };
}

// The last frame at or before t, unless it is so old that the scene has moved on: {window, frame}.
// At the start of a window it is in the window before.
function momentAt(windows, t) {
  for (const window of [windows.at(t), windows.before(t)]) {
    if (!window || window.error) continue;
    const frame = window.times.findLastIndex((time) => time <= t + 0.001);
    if (frame >= 0) return t - window.times[frame] < window.step_s * 1.5 ? { window, frame } : null;
  }
  return null;
}
