"""Links to a clip: signed, ending; and its videos, with byte ranges."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard.routes import home as homes
from dashboard.routes.home import home_at
from dashboard.routes.links import LINK_SECONDS, PREFIX, STEP_SECONDS, Links
from dashboard.routes.routes import clip_routes
from ingest.clips import read
from ingest.schemas import CLIPS, DRIVES
from ridealong.lake import Lake, write_data_file

LINKS = Links(b"a secret")
CONTENT = bytes(range(256))


def video(clip_id: str, camera: str = "main", now_s: float | None = None) -> str:
    return LINKS.clip(clip_id, now_s).url(f"{camera}.mp4")


def parts(link: str) -> tuple[str, str, str]:
    path, query = urlsplit(link).path.split("/"), parse_qs(urlsplit(link).query)
    return path[-2], query["ends"][0], query["proof"][0]


def test_a_link_holds_until_it_ends() -> None:
    clip, ends, proof = parts(video("c1"))
    assert LINKS.proves(clip, ends, proof)
    assert not LINKS.proves("c2", ends, proof)
    assert not LINKS.proves(clip, str(int(ends) + 1), proof)
    assert not LINKS.proves(clip, f"+{ends}", proof)
    assert not Links(b"another").proves(clip, ends, proof)
    assert not LINKS.proves(*parts(video("c1", now_s=-LINK_SECONDS - STEP_SECONDS)))


def test_links_of_one_step_are_equal_so_that_the_browser_keeps_what_they_gave() -> None:
    first, later, last = (video("c", now_s=now) for now in (0, STEP_SECONDS - 1, STEP_SECONDS))
    assert first == later != last
    assert parts(first)[1] == str(LINK_SECONDS + STEP_SECONDS)  # at least an hour


def test_parameters_of_a_link_are_quoted() -> None:
    link = LINKS.clip("c").url("thumb.jpg", camera="a&b", t=1.5, run=None)
    assert link.startswith("/api/clips/c/thumb.jpg?camera=a%26b&t=1.5&ends=")


@given(st.text(), st.text(), st.text())
def test_what_was_not_signed_does_not_hold(clip: str, ends: str, proof: str) -> None:
    assert not LINKS.proves(clip, ends, proof)


def make_clips(home: Path) -> Path:
    """A home with two clips of one vehicle, whose file nobody opens."""
    lake = Lake.create(home)
    (home / "blobs").mkdir(exist_ok=True)
    blob = f"blobs/{hashlib.sha256(b'').hexdigest()}.mcap"
    (home / blob).touch()
    clip = {"drive_id": "d", "cameras": ["main"], "blob": blob}
    rows = {
        DRIVES: [{"drive_id": "d", "vehicle_id": "v"}],
        CLIPS: [clip | {"clip_id": "c"}, clip | {"clip_id": "c 1?&#%é"}],
    }
    commit = lake.new_commit_id()
    tables = {spec: pa.Table.from_pylist(some, spec.schema) for spec, some in rows.items()}
    files = [write_data_file(home, commit, spec, table) for spec, table in tables.items()]
    lake.commit(commit, "ingest", [file for file in files if file], ["test"])
    return home


@contextmanager
def open_clip(path: Path, labels: Path | None = None) -> Iterator[Any]:
    """A clip whose video is `CONTENT`."""
    yield SimpleNamespace(video_mp4=lambda camera: CONTENT)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of the routes."""
    home, cache = make_clips(tmp_path_factory.mktemp("home") / "home"), tmp_path_factory.mktemp("c")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(homes, "open_clip", open_clip)
        yield TestClient(Starlette(routes=clip_routes(home_at(home, cache), LINKS)))


GOOD = video("c")
ODD = {
    "not ASCII": ("proof=", "proof=é"),
    "not ASCII, quoted": ("proof=", "proof=%C3%A9"),
    "not UTF-8": ("proof=", "proof=%ff"),
    "NUL": ("proof=", "proof=%00"),
    "empty proof": (GOOD[-64:], ""),
    "no proof": ("&proof=", "&proof2="),
    "overlong proof": ("proof=", "proof=" + 50_000 * "0"),
    "two proofs": ("&proof=", "&proof=0&proof="),
    "the right proof twice": ("&proof=", f"&proof={GOOD[-64:]}&proof="),
    "proof in capitals": (GOOD[-64:], GOOD[-64:].upper()),
    "no end": ("ends=", "end="),
    "an end that is no number": ("ends=", "ends=x"),
    "an end that is not ASCII": ("ends=", "ends=é"),
    "an overlong end": ("ends=", "ends=" + 5000 * "9"),
    "a negative end": ("ends=", "ends=-"),
    "two ends": ("ends=", "ends=1&ends="),
    "an end in other digits": ("ends=1", "ends=١"),
    "another clip": ("/c/", "/d/"),
    "a clip that is not ASCII": ("/c/", "/%C3%A9/"),
    "a clip that is not UTF-8": ("/c/", "/%ff/"),
    "a clip with a NUL": ("/c/", "/c%00/"),
    "no clip": ("/c/", "//"),
    "a quoted path upwards": ("/c/", "/..%2f..%2fetc/"),
    "a quoted root": ("/c/", "/%2fetc/"),
    "an overlong clip": ("/c/", f"/{5000 * 'c'}/"),
    "no camera": ("main.mp4", ".mp4"),
    "a path in the camera": ("main.mp4", "..%2fmain.mp4"),
    "another kind of file": ("main.mp4", "main.mcap"),
}


@pytest.mark.parametrize("case", ODD)
def test_an_odd_link_is_refused(case: str, client: TestClient) -> None:
    old, new = ODD[case]
    assert old in GOOD and client.get(GOOD).content == CONTENT
    assert client.get(GOOD.replace(old, new, 1)).status_code == 403


def test_what_is_no_link_is_refused(client: TestClient) -> None:
    for path in ("", "/", "/c", "/c/", "/c/main.mp4", "/a/b/c/d"):
        assert client.get(PREFIX + path).status_code == 403


def test_an_odd_id_is_quoted_and_an_unknown_one_is_not_there(client: TestClient) -> None:
    assert client.get(video("c 1?&#%é")).content == CONTENT
    assert client.get(video("d")).status_code == 404


RANGES = ["bytes=é", "bytes=-", "bytes=9-2", "bytes=x", "lines=1-2", "", f"bytes={5000 * '9'}-"]


@pytest.mark.parametrize("sent", RANGES)
def test_an_odd_range_is_the_clients_fault(sent: str, client: TestClient) -> None:
    part = client.get(GOOD, headers={"Range": "bytes=100-199"})
    assert part.status_code == 206 and part.content == CONTENT[100:200]
    assert client.get(GOOD, headers={"Range": sent.encode()}).status_code in (200, 400, 416)


def test_an_erased_clip_is_gone_though_its_link_holds(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(homes, "open_clip", open_clip)
    (tmp_path / "cache").mkdir()
    routes = clip_routes(home_at(make_clips(home), tmp_path / "cache"), LINKS)
    client = TestClient(Starlette(routes=routes))
    assert client.get(GOOD).content == CONTENT
    Lake.open(home).erase_vehicle("v")
    gone = client.get(GOOD)
    assert gone.status_code == 404 and "no clip" in gone.text


@pytest.mark.slow
def test_the_routes_serve_ranges_to_good_links_alone(
    demo_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(homes, "open_clip", read.open_clip)
    client = TestClient(Starlette(routes=clip_routes(home_at(demo_home, tmp_path), LINKS)))
    rows = Lake.open(demo_home).snapshot().read(CLIPS).to_pylist()
    clip = next(row["clip_id"] for row in rows if row["cameras"] == ["main"])
    whole = client.get(video(clip))
    assert whole.status_code == 200 and whole.headers["content-type"] == "video/mp4"
    part = client.get(video(clip), headers={"Range": "bytes=100-199"})
    assert part.status_code == 206 and part.content == whole.content[100:200]
    whole_tag = {"Range": "bytes=100-199", "If-Range": whole.headers["etag"]}
    assert client.get(video(clip), headers=whole_tag).status_code == 206
    assert client.get(video(clip, "rear")).status_code == 404
    assert client.get(video("nosuchclip")).status_code == 404
