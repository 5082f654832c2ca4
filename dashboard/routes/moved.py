"""Addresses that have moved: links to them, for example in old reports, still lead to the page."""

from urllib.parse import parse_qs

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.pages import START


class Moved:
    """Wraps an ASGI application: redirects old addresses, and keeps their query."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Redirect the request, or leave it to the application."""
        found = _new_path(scope) if scope["type"] == "http" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        query = scope["query_string"].decode("latin-1")
        # Not for ever: browsers would remember it.
        answer = RedirectResponse(f"{found}?{query}" if query else found, 307)
        await answer(scope, receive, send)


def _new_path(scope: Scope) -> str | None:
    path = scope["path"]
    if path.rstrip("/") == "/regressions":
        return "/compare"
    if path.rstrip("/") == f"/{START}":  # Streamlit has its start page at the root alone
        return "/"
    if path == "/" and "clip" in parse_qs(scope["query_string"].decode("latin-1")):
        return "/clip"
    return None
