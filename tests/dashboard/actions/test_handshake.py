"""What a session may, by the handshake that began it: messages as a browser sends them."""

import shutil
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from dashboard.permission import NO_TOKEN, OTHER_ORIGIN, READ_ONLY
from dashboard.text import plain


@pytest.fixture
def home(fleet_home: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fleet_home, tmp_path / "home"))


def cookies(address: str) -> list[str]:
    with urllib.request.urlopen(address, timeout=20) as answer:
        given = answer.headers.get_all("Set-Cookie") or []
    ours = [one for one in given if one.startswith("ridealong-")]
    assert all("HttpOnly" in one and "SameSite=Strict" in one for one in ours)
    return [one.split(";")[0] for one in ours]


def page(address: str, headers: dict[str, str]) -> str:
    """All that the page Runs sends to a session with these headers in its handshake."""
    asked, texts = BackMsg(), b""
    asked.rerun_script.page_name = "runs"
    where = urlsplit(address).netloc
    protocols = [Subprotocol("streamlit")]
    with connect(
        f"ws://{where}/_stcore/stream", subprotocols=protocols, additional_headers=headers
    ) as socket:
        socket.send(asked.SerializeToString())
        while b"Take out" not in texts and b"Archive" not in texts:
            message = socket.recv(timeout=60)
            assert isinstance(message, bytes)
            texts += message
    return texts.decode("utf-8", "replace")


def test_a_session_may_what_its_handshake_allows(home: Path, serve: Any) -> None:
    with serve(home) as ours:
        (cookie,) = cookies(ours)
        name = cookie.split("=")[0]
        whole = {"Origin": ours, "Cookie": cookie}
        said = page(ours, whole)
        assert not [why for why in (READ_ONLY, NO_TOKEN, OTHER_ORIGIN) if plain(why) in said]
        assert plain(NO_TOKEN) in page(ours, {"Origin": ours})
        assert plain(NO_TOKEN) in page(ours, whole | {"Cookie": f"{name}=of-another-server"})
        assert plain(OTHER_ORIGIN) in page(ours, {"Cookie": cookie})
        with pytest.raises(InvalidStatus):
            page(ours, whole | {"Origin": "http://evil.example"})
    with serve(home, "--read-only") as readable:
        assert cookies(readable) == []
        assert plain(READ_ONLY) in page(readable, {"Origin": readable, "Cookie": cookie})
