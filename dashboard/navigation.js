// A click on a link to one of our pages is a rerun of the script, not a new load of the page.
// Streamlit follows the browser's history, so the address is changed and it is told.

let following = false;

export default function () {
  if (!following) {
    document.addEventListener("click", follow);
    document.addEventListener("click", leave, true);
  }
  following = true;
}

function follow(event) {
  const link = linkOf(event);
  if (event.defaultPrevented || !link || !ours(link)) return;
  event.preventDefault();
  go(link);
}

// Streamlit's navigation takes the parameters from the address that is left, so that Back would lead
// to another view of that page. Its handler is not asked.
function leave(event) {
  const link = linkOf(event);
  if (!link || !link.closest("[data-testid^=stTopNavLink]")) return;
  event.preventDefault();
  event.stopPropagation();
  go(link);
}

function go(link) {
  const elsewhere = new URL(link.href).pathname !== location.pathname;
  history.pushState({}, "", link.href);
  window.dispatchEvent(new PopStateEvent("popstate", { state: {} }));
  if (elsewhere) window.scrollTo(0, 0);
}

// The link of a plain click; a click with a key opens a tab, which the browser does.
function linkOf(event) {
  const plain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  return plain && event.composedPath().find((part) => part instanceof HTMLAnchorElement && part.href);
}

// Streamlit's own navigation is left out, and what is below /api/ is a file.
function ours(link) {
  const inside = link.origin === location.origin && !link.pathname.startsWith("/api/");
  // Streamlit opens all links of Markdown in a new tab.
  const written = link.closest("[data-testid=stMarkdownContainer]");
  const elsewhere = (link.target && link.target !== "_self" && !written) || link.hasAttribute("download");
  return inside && !elsewhere && !link.closest("[data-testid^=stTopNav], [data-testid^=stSidebarNav], [data-testid^=stPageLink]");
}
