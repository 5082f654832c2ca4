"""Which requests are answered at all, and what every answer carries."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from dashboard.cli import hosts_of, url_of
from dashboard.guard import HEADERS, Guard, policy
from dashboard.hosts import Hosts, parse_host
from dashboard.permission import Permission
from dashboard.serve import inline_scripts
from ridealong.errors import RidealongError


def page(_: Request) -> Response:
    return PlainTextResponse("a page", headers={"X-Frame-Options": "ALLOWALL"})


def broken(_: Request) -> Response:
    raise RuntimeError


async def stream(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("hello")
    await socket.close()


ROUTES = [
    Route("/broken", broken),
    Route("/{rest:path}", page, methods=["GET", "POST", "OPTIONS"]),
    WebSocketRoute("/_stcore/stream", stream),
    WebSocketRoute("/_stcore/other", stream),
]


def client(*names: str) -> TestClient:
    guarded = Guard(Starlette(routes=ROUTES), Hosts(frozenset(names)), inline_scripts())
    base = "http://localhost:8501"
    return TestClient(guarded, base, raise_server_exceptions=False)


def connect(headers: Mapping[str, str], path: str = "/_stcore/stream") -> bool:
    """Whether a WebSocket's handshake succeeds."""
    try:
        with client("dash.example.com").websocket_connect(path, headers=headers) as socket:
            return bool(socket.receive_text() == "hello")
    except WebSocketDisconnect:
        return False


OURS = ["localhost", "LOCALHOST:8501", "localhost.", "127.0.0.1:80", "127.1.2.3", "[::1]:8501"]
OURS += ["[0:0:0:0:0:0:0:1]", "dash.example.com", "Dash.Example.com:443"]
FOREIGN = ["evil.example", "localhost.evil.example", "evil-localhost", "xlocalhost", "0.0.0.0"]
FOREIGN += ["192.168.1.5", "[fe80::1]", "sub.dash.example.com", "localhost:80:80", "localhost:"]
FOREIGN += ["", " ", "user@localhost", "localhost/..", "localhost evil.example", "[::1", "l\xf6cal"]
FOREIGN += ["localhost:123456", "evil.example#localhost", "127.0.0.1.evil.example", "2130706433"]


@pytest.mark.parametrize("host", OURS)
def test_hosts_of_ours(host: str) -> None:
    assert client("dash.example.com").get("/", headers={"Host": host}).text == "a page"
    assert connect({"Host": host}) and connect({"Host": host, "Origin": f"http://{host}"})


@pytest.mark.parametrize("host", FOREIGN)
def test_foreign_hosts_are_refused(host: str) -> None:
    answer = client("dash.example.com").get("/", headers={"Host": host.encode("latin-1")})
    assert answer.status_code == 403 and "--allowed-host" in answer.text
    assert not connect({"Host": host.encode("latin-1")})  # type: ignore[dict-item]
    # DNS rebinding: the page and the dashboard have the same foreign name.
    both = {"Host": host, "Origin": f"http://{host}"}
    assert not connect({k: v.encode("latin-1") for k, v in both.items()})  # type: ignore[misc]


@given(st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0")))
def test_any_host_header_is_ours_or_not(host: str) -> None:
    known = Hosts(frozenset({"dash.example.com"})).know(host)
    assert not known or host.lower().startswith(("localhost", "127.", "[", "dash.example.com"))


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://localhost:3000", "http://localhost", "", "http://["],
)
def test_foreign_origins_are_refused(origin: str) -> None:
    headers = {"Host": "localhost:8501", "Origin": origin}
    assert not connect(headers)
    assert client().get("/", headers=headers).status_code == 403
    assert connect({"Host": "localhost:8501", "Origin": "http://localhost:8501"})


@pytest.mark.parametrize("headers", [[], [("Host", "localhost"), ("Host", "evil.example")]])
def test_a_request_has_one_host(headers: Any) -> None:
    scope: dict[str, Any] = {"type": "http", "path": "/", "method": "GET", "query_string": b""}
    scope["headers"] = [(name.lower().encode(), value.encode()) for name, value in headers]
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    step = Guard(Starlette(routes=ROUTES), Hosts())(scope, receive, send)
    with pytest.raises(StopIteration):
        step.send(None)  # type: ignore[attr-defined]
    assert sent[0]["status"] == 403


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 200), ("/broken", 500), ("/_stcore/health", 200), ("/_stcore/metrics", 404)],
)
def test_every_answer_has_the_headers(path: str, status: int) -> None:
    answer = client().get(path)
    assert answer.status_code == status
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS  # over the page's own
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    refused = client().get(path, headers={"Host": "evil.example"})
    assert {name: refused.headers[name] for name in HEADERS} == HEADERS
    assert "evil.example" not in refused.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    ["metrics", "metrics/", "upload_file/a/b", "agent/openapi.json", "script-health-check", "new"],
)
def test_streamlits_other_endpoints_are_closed(path: str) -> None:
    assert client().get(f"/_stcore/{path}").status_code == 404
    assert not connect({"Host": "localhost"}, "/_stcore/other")
    for prefix in ("component", "media", "auth"):
        assert client().get(f"/{prefix}/{path}").status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_nothing_can_be_written(method: str) -> None:
    answer = client().request(method, "/")
    assert answer.status_code == 405 and answer.headers["Allow"] == "GET, HEAD"


def test_the_policy_lets_no_foreign_source_in() -> None:
    rules = dict(rule.split(" ", 1) for rule in policy("localhost:1", ("'sha256-x'",)).split("; "))
    assert rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert rules["script-src"] == "'self' blob: 'sha256-x'"  # no inline scripts, no eval
    assert rules["connect-src"] == "'self' ws://localhost:1 wss://localhost:1"
    assert len(inline_scripts()) == 1


@pytest.mark.parametrize("name", ["dash.example.com", "DASH.example.com.", "192.168.1.5", "[::2]"])
def test_names_to_allow(name: str) -> None:
    host = name if "." in name or "[" in name else f"[{name}]"
    assert Hosts(frozenset({parse_host(name)})).know(host.rstrip("."))


@pytest.mark.parametrize(
    "name", ["", "*", "*.example.com", "http://dash", "dash:8501", "dash/x", "a b", "-a", "d\xe4sh"]
)
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(RidealongError, match="--allowed-host"):
        parse_host(name)


def test_where_it_listens_is_a_host_of_its_own() -> None:
    named = hosts_of("myhost", "192.168.1.5", frozenset({"dash.example.com"}))
    assert named.know("myhost") and named.know("192.168.1.5:8501") and not named.know("10.0.0.1")
    # Rebinding needs a name, so a server on every address takes any address, and no name.
    every = hosts_of("0.0.0.0", "0.0.0.0", frozenset())
    assert every.know("10.0.0.1:8501") and every.know("[fe80::1]") and not every.know("myhost")
    assert url_of("0.0.0.0", "0.0.0.0", 8) == url_of("::", "::", 8) == "http://localhost:8"
    assert url_of("::1", "::1", 8) == "http://[::1]:8"


def test_browsers_get_the_token_of_this_server() -> None:
    permission = Permission.of_server(8501, read_only=False, user_header=None)
    guarded = Guard(Starlette(routes=ROUTES), Hosts(), (), permission)
    browser = TestClient(guarded, "http://localhost:8501", raise_server_exceptions=False)
    whole = f"{permission.cookie}={permission.token}; HttpOnly; Path=/; SameSite=Strict"
    for path in ("/static/a.js", "/api/clips/a/main.mp4"):  # caches may keep these
        assert "Set-Cookie" not in browser.get(path).headers
    assert "Set-Cookie" not in browser.get("/", headers={"Host": "evil.example"}).headers
    assert browser.get("/compare").headers["Set-Cookie"] == whole
    assert "Set-Cookie" not in browser.get("/").headers  # it has it now
    browser.cookies.clear()
    old = {"Cookie": f"{permission.cookie}=of-an-earlier-server"}
    assert browser.get("/_stcore/health", headers=old).headers["Set-Cookie"] == whole


def test_a_read_only_server_gives_no_token() -> None:
    permission = Permission.of_server(8501, read_only=True, user_header=None)
    guarded = Guard(Starlette(routes=ROUTES), Hosts(), (), permission)
    assert "Set-Cookie" not in TestClient(guarded, "http://localhost:8501").get("/").headers
