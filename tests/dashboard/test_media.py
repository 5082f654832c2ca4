"""Links to video: signed, ending, with byte ranges."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard.media import LINK_SECONDS, Links, media_route
from ingest.lake import Lake
from ingest.schemas import CLIPS

LINKS = Links(b"a secret")


def parts(link: str) -> tuple[str, str, int, str]:
    path, query = urlsplit(link).path.split("/"), parse_qs(urlsplit(link).query)
    return path[-2], path[-1].removesuffix(".mp4"), int(query["ends"][0]), query["proof"][0]


def test_a_link_holds_until_it_ends() -> None:
    clip, camera, ends, proof = parts(LINKS.video("c1", "main"))
    assert LINKS.holds(clip, camera, ends, proof)
    assert not LINKS.holds("c2", camera, ends, proof)
    assert not LINKS.holds(clip, "rear", ends, proof)
    assert not LINKS.holds(clip, camera, ends + 1, proof)
    assert not Links(b"another").holds(clip, camera, ends, proof)
    assert not LINKS.holds(*parts(LINKS.video("c1", "main", now_s=-LINK_SECONDS)))


@pytest.mark.slow
def test_the_route_serves_ranges_to_good_links_alone(demo_home: Path, tmp_path: Path) -> None:
    client = TestClient(Starlette(routes=[media_route(demo_home, LINKS, tmp_path)]))
    rows = Lake.open(demo_home).snapshot().read(CLIPS).to_pylist()
    clip = next(row["clip_id"] for row in rows if row["cameras"] == ["main"])
    link = LINKS.video(clip, "main")
    whole = client.get(link)
    assert whole.status_code == 200 and whole.headers["content-type"] == "video/mp4"
    part = client.get(link, headers={"Range": "bytes=100-199"})
    assert part.status_code == 206 and part.content == whole.content[100:200]
    assert client.get(link.replace("proof=", "proof=0")).status_code == 403
    assert client.get(link.replace("ends=", "ends=x")).status_code == 403
    assert client.get(LINKS.video(clip, "rear")).status_code == 404
    assert client.get(LINKS.video("nosuchclip", "main")).status_code == 404
