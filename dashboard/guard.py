"""Guards every page: allowed hosts, same origin, few endpoints, strict headers, and the token."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.hosts import Hosts, host_of_origin
from dashboard.permission import Permission

# The pages need these of Streamlit's endpoints. All others are closed (metrics, uploads, an API for
# agents, login, media, components in frames).
OPEN = frozenset({"/_stcore/health", "/_stcore/host-config", "/_stcore/stream"})
CLOSED = ("/_stcore/", "/component/", "/media/", "/auth/", "/oauth2callback")
METHODS = ("GET", "HEAD")  # methods that change nothing
CACHED = ("/static/", "/api/")  # their answers may be kept, so they must not carry the token

HEADERS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """Wraps an ASGI application: refuses foreign requests, and adds headers to every response.

    Args:
        app: The application.
        hosts: The allowed hosts.
        inline_scripts: Sources of the page's own inline scripts, as ``'sha256-…'``.
        permission: Whose token browsers get; by default none.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: Hosts,
        inline_scripts: tuple[str, ...] = (),
        permission: Permission | None = None,
    ) -> None:
        self._app, self._hosts, self._inline_scripts = app, hosts, inline_scripts
        self._permission = permission or Permission()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it before it reaches the application."""
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
        cookie = None if refusal else self._cookie(scope["path"], headers)
        answer = refusal or self._app
        await answer(scope, receive, self._with_headers(send, host, cookie))

    def _foreign(self, headers: Headers) -> Response | None:
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or not self._hosts.know(hosts[0]):
            host = ascii(", ".join(hosts))
            hint = "its name must be given with --allowed-host when the dashboard is started"
            return PlainTextResponse(f"the host {host} is not allowed; {hint}", 403)
        if any(host_of_origin(origin) != hosts[0].lower() for origin in origins):
            return PlainTextResponse("pages of other sites may not read the dashboard", 403)
        return None

    def _cookie(self, path: str, headers: Headers) -> str | None:
        """The cookie with the token, for a browser that lacks it.

        Also an unchanged page (304) and a reconnecting one carry it: after a restart of the server
        the token is another one.
        """
        permission = self._permission
        if not permission.token or permission.read_only or path.startswith(CACHED):
            return None
        if permission.holds(cookie_parser(headers.get("cookie", ""))):
            return None
        return f"{permission.cookie}={permission.token}; HttpOnly; Path=/; SameSite=Strict"

    def _with_headers(self, send: Send, host: str, cookie: str | None) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = policy(host, self._inline_scripts)
                headers.update(HEADERS)
                if cookie:
                    headers.append("Set-Cookie", cookie)
            await send(message)

        return sending


def _shut(scope: Scope) -> Response | None:
    path = scope["path"]
    if path not in OPEN and path.startswith(CLOSED):
        return PlainTextResponse("not found", 404)
    if scope["type"] == "http" and scope["method"] not in METHODS:
        return PlainTextResponse("method not allowed", 405, {"Allow": ", ".join(METHODS)})
    return None


def policy(host: str, inline_scripts: tuple[str, ...] = ()) -> str:
    """The strictest Content Security Policy under which the pages and the player work.

    Args:
        host: The request's allowed host: some browsers require it for WebSockets.
        inline_scripts: Sources of the page's own inline scripts.
    """
    sources = {
        "default-src": ["'none'"],
        # Streamlit loads a component's script, here the player's, from blob:.
        "script-src": ["'self'", "blob:", *inline_scripts],
        # Streamlit and Vega use inline styles.
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
