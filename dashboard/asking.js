// Asks our own routes; joined before the scripts of components that do.

const AGAIN_MS = 700;

// The JSON of an address; what went wrong is {state: "none", why: a sentence}.
async function ask(address) {
  try {
    const answer = await fetch(address);
    if (answer.ok) return await answer.json();
    return { state: "none", why: await answer.text() };
  } catch {
    return { state: "none", why: "the server does not answer; reload the page" };
  }
}

// What is known of a pair of pictures (dashboard/routes/pairs.py). The server draws it in seconds,
// so this asks until it is there; nothing is done once ended() is true.
async function askForPair(address, ended, done) {
  const found = await ask(address);
  if (ended()) return;
  if (found.state === "drawing") setTimeout(() => ended() || askForPair(address, ended, done), AGAIN_MS);
  else done(found);
}
