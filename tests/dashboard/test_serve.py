"""The dashboard as it is served: the address it prints, and what it answers to the letter."""

import json
import re
import socket
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from dashboard.guard import HEADERS
from ridealong.lake import Lake

HANDSHAKE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def status(address: str, target: str, headers: str) -> int:
    """The status of the answer to a request that is sent as it stands."""
    where = urlsplit(address)
    assert where.hostname is not None
    with socket.create_connection((where.hostname, where.port or 80), timeout=20) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\n{headers}\r\n".encode("latin-1"))
        line = connection.recv(4096).split(b"\r\n")[0]
    return int(line.split()[1])


def get(address: str) -> tuple[int, Any, bytes]:
    try:
        with urllib.request.urlopen(address, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, answer.read()


@pytest.mark.parametrize(
    ("host", "origin", "expected"),
    [
        ("{ours}", None, 101),
        ("{ours}", "http://{ours}", 101),
        ("localhost:{port}", "http://localhost:{port}", 101),
        ("{ours}", "http://evil.example", 403),
        ("{ours}", "null", 403),
        ("evil.example", "http://evil.example", 403),
        ("evil.example:{port}", None, 403),
    ],
)
def test_a_handshake(host: str, origin: str | None, expected: int, served_fleet: str) -> None:
    where = urlsplit(served_fleet)
    names = {"ours": where.netloc, "port": where.port}
    headers = f"Host: {host.format(**names)}\r\n{HANDSHAKE}"
    if origin is not None:
        headers += f"Origin: {origin.format(**names)}\r\n"
    assert status(served_fleet, "/_stcore/stream", headers) == expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/api/clips/../../etc/passwd", 403),
        ("/api/clips/..%2f..%2fetc/main.mp4?ends=1&proof=1", 403),
        ("/api/clips/c/main.mp4?ends=1&proof=%C3%A9", 403),
        ("/api/clips/c/main.mp4?ends=1&proof=\xe9", 403),
        ("/api/clips/\xe9/main.mp4?ends=1&proof=1", 403),
        ("/api/clips/%00/main.mp4?ends=1&proof=1", 403),
        ("//_stcore/metrics", 400),
    ],
)
def test_a_path_as_it_stands(target: str, expected: int, served_fleet: str) -> None:
    ours = f"Host: {urlsplit(served_fleet).netloc}\r\n"
    # A request that is no HTTP may be refused as such.
    assert status(served_fleet, target, ours) in {expected, 400}


def test_every_answer_has_the_headers(served_fleet: str) -> None:
    code, _, page = get(served_fleet)
    assert code == 200
    script = re.search(r'src="\.(/static/js/[^"]+)"', page.decode())
    assert script is not None
    found = ["/", "/regressions", script[1], "/favicon.png", "/_stcore/health", "/nosuchpage"]
    closed = ["/_stcore/metrics", "/_stcore/agent/openapi.json", "/component/x", "/media/x"]
    for path in [*found, *closed, "/api/clips/c/main.mp4"]:
        code, headers, _ = get(served_fleet + path)
        assert code == (200 if path in found else 403 if path.startswith("/api") else 404), path
        assert {name: headers[name] for name in HEADERS} == HEADERS, path
        assert "default-src 'none'" in headers["Content-Security-Policy"], path


def test_no_other_page_may_send_the_pages_messages(served_fleet: str) -> None:
    _, _, said = get(f"{served_fleet}/_stcore/host-config")
    assert json.loads(said)["allowedOrigins"] == []


def refused(done: Any, *words: str) -> None:
    assert done.returncode == 2 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ") and all(word in line for word in words), line


def test_a_port_that_is_taken_is_said_in_a_line(home: Path, program: Any) -> None:
    Lake.create(home)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused(program("dashboard", "--home", home, "--port", port), port, "in use", "--port")


@pytest.mark.parametrize("host", ["no.such.host.invalid", "", "192.0.2.1", "a b", "é" * 80])
def test_a_host_that_is_not_here_is_said_in_a_line(host: str, home: Path, program: Any) -> None:
    Lake.create(home)
    refused(program("dashboard", "--home", home, "--host", host, "--port", "0"), "--host")


def test_a_home_that_is_none_is_said_in_a_line(tmp_path: Path, program: Any) -> None:
    refused(program("dashboard", "--home", tmp_path / "absent"), "absent", "ridealong ingest")
    refused(program("dashboard", "--home", tmp_path), "home.json")


def test_an_allowed_host_is_a_name(home: Path, program: Any) -> None:
    Lake.create(home)
    asked = ("dashboard", "--home", home, "--port", "0", "--allowed-host")
    refused(program(*asked, "https://dash.example.com/"), "--allowed-host", "dash.example.com")
