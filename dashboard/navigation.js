// A click on a link to one of our pages is a rerun of the script, not a new load of the page.
// Streamlit follows the browser's history, so the address is changed and it is told.

let following = false;

export default function () {
  if (!following) document.addEventListener("click", follow);
  following = true;
}

function follow(event) {
  const plain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  const link = event.composedPath().find((part) => part instanceof HTMLAnchorElement && part.href);
  if (!plain || event.defaultPrevented || !link || !ours(link)) return;
  event.preventDefault();
  const elsewhere = new URL(link.href).pathname !== location.pathname;
  history.pushState({}, "", link.href);
  window.dispatchEvent(new PopStateEvent("popstate", { state: {} }));
  if (elsewhere) window.scrollTo(0, 0);
}

// Streamlit's own navigation looks after itself, and what is below /api/ is a file.
function ours(link) {
  const inside = link.origin === location.origin && !link.pathname.startsWith("/api/");
  // Streamlit opens all links of Markdown in a new tab.
  const written = link.closest("[data-testid=stMarkdownContainer]");
  const elsewhere = (link.target && link.target !== "_self" && !written) || link.hasAttribute("download");
  return inside && !elsewhere && !link.closest("[data-testid^=stTopNav], [data-testid^=stSidebarNav], [data-testid^=stPageLink]");
}
