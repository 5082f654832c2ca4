"""What stands before every page: known hosts, own origin, few doors, and strict headers."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.hosts import Hosts

# Of Streamlit's own endpoints the pages need these. What else it opens (metrics, uploads, an API
# for agents, log-in, media, components in frames) is closed.
OPEN = frozenset({"/_stcore/health", "/_stcore/host-config", "/_stcore/stream"})
CLOSED = ("/_stcore/", "/component/", "/media/", "/auth/", "/oauth2callback")
METHODS = ("GET", "HEAD")  # nothing here changes anything

HEADERS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """Wraps an ASGI application: refuses what is not for it, adds headers to every answer.

    Args:
        app: The application.
        hosts: The hosts that it answers to.
        inline_scripts: Sources of the page's own inline scripts, as ``'sha256-…'``.
    """

    def __init__(self, app: ASGIApp, hosts: Hosts, inline_scripts: tuple[str, ...] = ()) -> None:
        self._app, self._hosts, self._inline_scripts = app, hosts, inline_scripts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it before the application sees it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._foreign(headers) or _shut(scope)
        if scope["type"] == "websocket":
            if refusal is None:
                await self._app(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1008})  # the handshake ends in 403
            return
        host = "" if refusal else headers["host"]
        answer = refusal or self._app
        await answer(scope, receive, self._with_headers(send, host))

    def _foreign(self, headers: Headers) -> Response | None:
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or not self._hosts.know(hosts[0]):
            said = ascii(", ".join(hosts))
            hint = "its name must be given with --allowed-host when the dashboard is started"
            return PlainTextResponse(f"the host {said} is not known here; {hint}", 403)
        if any(_netloc(origin) != hosts[0].lower() for origin in origins):
            return PlainTextResponse("pages of other sites may not read the dashboard", 403)
        return None

    def _with_headers(self, send: Send, host: str) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = policy(host, self._inline_scripts)
                headers.update(HEADERS)
            await send(message)

        return sending


def _netloc(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:  # such as http://[
        return None


def _shut(scope: Scope) -> Response | None:
    path = scope["path"]
    if path not in OPEN and path.startswith(CLOSED):
        return PlainTextResponse("not found", 404)
    if scope["type"] == "http" and scope["method"] not in METHODS:
        return PlainTextResponse("method not allowed", 405, {"Allow": ", ".join(METHODS)})
    return None


def policy(host: str, inline_scripts: tuple[str, ...] = ()) -> str:
    """The Content Security Policy under which pages and the player work, and no more.

    Args:
        host: The request's known host: some browsers want WebSockets named by it.
        inline_scripts: Sources of the page's own inline scripts.
    """
    sources = {
        "default-src": ["'none'"],
        # blob: is how Streamlit loads a component's script, here the player's.
        "script-src": ["'self'", "blob:", *inline_scripts],
        # Streamlit and Vega write styles as they draw.
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'", "data:"],
        "media-src": ["'self'"],
        "connect-src": ["'self'", *([f"ws://{host}", f"wss://{host}"] if host else [])],
        "manifest-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
    return "; ".join(f"{name} {' '.join(values)}" for name, values in sources.items())
