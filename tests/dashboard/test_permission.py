"""Which browsers may change something."""

from typing import Any

import pytest
from starlette.datastructures import Headers as Given

from dashboard.cli import is_loopback
from dashboard.hosts import parse_header
from dashboard.permission import NO_TOKEN, OTHER_ORIGIN, READ_ONLY, Permission
from ridealong.errors import RidealongError

OURS = Permission(cookie="ridealong-8501", token="secret", user_header=None)
PROXIED = Permission(cookie="ridealong-8501", token="secret", user_header="X-User")
HOST, ORIGIN = ("host", "localhost:8501"), ("origin", "http://localhost:8501")
COOKIES = {"ridealong-8501": "secret"}


class Sent:
    """Headers of a handshake, with the methods of Streamlit's."""

    def __init__(self, *headers: tuple[str, str]) -> None:
        self._given = Given(raw=[(name.encode(), value.encode()) for name, value in headers])

    def get_all(self, key: str) -> list[str]:
        return self._given.getlist(key)


def test_a_page_of_this_server_may() -> None:
    assert OURS.refusal(Sent(HOST, ORIGIN), COOKIES) is None
    assert OURS.person(Sent(HOST, ("x-user", "ada"))) is None  # nobody said that a proxy sets it


@pytest.mark.parametrize(
    "headers",
    [
        (HOST,),
        (HOST, ("origin", "http://evil.example")),
        (HOST, ("origin", "null")),
        (HOST, ("origin", "http://localhost:3000")),
        (HOST, ("origin", "http://[")),
        (HOST, ORIGIN, ("origin", "http://evil.example")),
        (ORIGIN,),
        (HOST, HOST, ORIGIN),
    ],
)
def test_other_origins_may_not(headers: Any) -> None:
    assert OURS.refusal(Sent(*headers), COOKIES) == OTHER_ORIGIN


@pytest.mark.parametrize(
    "cookies",
    [
        {},
        {"ridealong-8501": ""},
        {"ridealong-8501": "wrong"},
        {"ridealong-8501": "sécret"},
        {"ridealong-8502": "secret"},
    ],
)
def test_without_the_token_none_may(cookies: dict[str, str]) -> None:
    assert OURS.refusal(Sent(HOST, ORIGIN), cookies) == NO_TOKEN
    assert Permission().refusal(Sent(HOST, ORIGIN), cookies | {"": ""}) == NO_TOKEN


def test_on_a_read_only_server_none_may() -> None:
    server = Permission.of_server(8501, read_only=True, user_header=None)
    assert server.refusal(Sent(HOST, ORIGIN), {server.cookie: server.token}) == READ_ONLY


def test_two_servers_have_their_own_tokens() -> None:
    one, other = (Permission.of_server(port, False, None) for port in (8501, 8502))
    assert one.cookie != other.cookie and one.token != other.token
    assert one.refusal(Sent(HOST, ORIGIN), {one.cookie: other.token}) == NO_TOKEN
    assert one.refusal(Sent(HOST, ORIGIN), {one.cookie: one.token}) is None


@pytest.mark.parametrize(
    ("names", "expected"), [(["ada"], "ada"), ([], None), ([" "], None), (["ada", "eve"], None)]
)
def test_a_proxy_names_one_person(names: list[str], expected: str | None) -> None:
    sent = Sent(HOST, ORIGIN, *(("x-user", name) for name in names))
    assert PROXIED.person(sent) == expected
    assert (PROXIED.refusal(sent, COOKIES) is None) == (expected is not None)


def test_pages_get_it_as_secrets() -> None:
    assert Permission.of_secrets(PROXIED.as_secrets()) == PROXIED
    assert Permission.of_secrets({"home": "here"}) == Permission()


@pytest.mark.parametrize("name", ["", "a b", "X:", "é", "X-User\n"])
def test_a_header_has_a_name(name: str) -> None:
    with pytest.raises(RidealongError, match="--user-header"):
        parse_header(name)
    assert parse_header("X-Forwarded-User") == "X-Forwarded-User"


@pytest.mark.parametrize(
    ("address", "expected"),
    [("127.0.0.1", True), ("::1", True), ("0.0.0.0", False), ("192.168.1.5", False)],
)
def test_only_this_machine_reaches_the_loopback(address: str, expected: bool) -> None:
    assert is_loopback(address) is expected
