"""The routes of picture pairs: signed, drawn once in the background, a sentence for a mistake."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard.pictures.pair import Pair
from dashboard.routes import pairs as module
from dashboard.routes.home import Home, home_at
from dashboard.routes.links import Links
from dashboard.routes.pairs import PairKey, Pairs, facts_link, pair_routes, picture_link
from ridealong.errors import RidealongError
from ridealong.lake import Lake
from shadow.runs import list_runs

LINKS = Links(b"a secret")


@dataclass
class Drawing:
    """Stands in for the drawing, which a test holds back until it says so."""

    go: threading.Event = field(default_factory=threading.Event)
    calls: int = 0
    error: Exception | None = None

    def __call__(self, *_: Any) -> Pair:
        self.calls += 1
        assert self.go.wait(30)
        if self.error:
            raise self.error
        return Pair(Image.new("RGB", (8, 4)), "main", 12.34, "the frame that costs most", "a lot")


@pytest.fixture
def drawing(monkeypatch: pytest.MonkeyPatch) -> Drawing:
    drawing = Drawing()
    monkeypatch.setattr(module, "draw_pair", drawing)
    monkeypatch.setattr(Home, "outputs", lambda *_: None)
    return drawing


@pytest.fixture
def pair(fleet_home: Path) -> PairKey:
    run = list_runs(Lake.open(fleet_home).snapshot())[0]
    return PairKey(run["run_id"], "objects/pedestrian@main", "f1", "light=night")


@pytest.fixture
def client(fleet_home: Path, tmp_path: Path) -> TestClient:
    pairs = Pairs(home_at(fleet_home, tmp_path))
    return TestClient(Starlette(routes=pair_routes(pairs, LINKS)))


def until_done(ask: Callable[[], Any]) -> Any:
    """What the route says in the end; a browser asks in the same way."""
    pause = threading.Event()
    for _ in range(600):
        found = ask().json()
        if found["state"] != "drawing":
            return found
        pause.wait(0.05)
    raise AssertionError("it was never drawn")


def test_nobody_waits_and_it_is_drawn_once(
    client: TestClient, pair: PairKey, drawing: Drawing
) -> None:
    link = facts_link(LINKS, pair)
    for _ in range(3):
        assert client.get(link).json() == {"state": "drawing"}
    assert client.get(picture_link(LINKS, pair)).status_code == 503
    drawing.go.set()
    found = until_done(lambda: client.get(link))
    assert drawing.calls == 1 and found["state"] == "done"
    assert "The frame that costs most: a lot." in found["caption"]
    assert "camera main, 12.3 s" in found["caption"] and "% of the loss" in found["caption"]
    assert pair.prediction in found["alt"]
    picture = client.get(found["picture"])
    assert picture.headers["content-type"] == "image/webp" and picture.content[8:12] == b"WEBP"
    assert "private" in picture.headers["cache-control"]


def test_it_leads_to_the_clip_at_that_prediction_and_frame(
    client: TestClient, pair: PairKey, drawing: Drawing
) -> None:
    drawing.go.set()
    found = until_done(lambda: client.get(facts_link(LINKS, pair)))
    path, asked = urlsplit(found["link"]).path, parse_qs(urlsplit(found["link"]).query)
    assert path == "/clip" and asked["t"] == ["12.34"] and asked["camera"] == ["main"]
    assert asked["prediction"] == [pair.prediction] and asked["slice"] == ["light=night"]
    first = found["costly"][0]
    assert asked["clip"][0] in first["link"] and "% of the loss" in first["text"]
    assert len(found["costly"]) == module.NAMED


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RidealongError("the clip is damaged"), "the clip is damaged"),
        (ZeroDivisionError("secret"), "it could not be drawn (ZeroDivisionError)"),
    ],
)
def test_a_mistake_is_a_sentence_and_the_next_pair_is_still_drawn(
    client: TestClient, pair: PairKey, drawing: Drawing, error: Exception, said: str
) -> None:
    drawing.error = error
    drawing.go.set()
    found = until_done(lambda: client.get(facts_link(LINKS, pair)))
    assert (found["state"], found["why"]) == ("none", said)
    assert client.get(picture_link(LINKS, pair)).status_code == 404
    drawing.error = None
    other = PairKey(pair.run, pair.prediction, pair.metric, "all")
    assert until_done(lambda: client.get(facts_link(LINKS, other)))["state"] == "done"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"run": "gone"}, "unknown run 'gone'"),
        ({"prediction": "objects/ufo@main"}, "the run has no check objects/ufo@main f1"),
        ({"clip": "<b>gone</b>"}, "there is no clip '<b>gone</b>'"),
    ],
)
def test_what_is_gone_is_said(
    client: TestClient, pair: PairKey, drawing: Drawing, changed: dict[str, str], said: str
) -> None:
    drawing.go.set()
    asked = PairKey(**vars(pair) | changed)
    found = until_done(lambda: client.get(facts_link(LINKS, asked)))
    assert found["state"] == "none" and said in found["why"]


def test_a_link_that_is_not_ours_is_refused(client: TestClient, pair: PairKey) -> None:
    link = facts_link(LINKS, pair)
    for wrong in (
        link.replace("f1", "ap50"),
        link.replace("light%3Dnight", "all"),
        facts_link(Links(b"another"), pair),
        link.split("&ends")[0],
        "/api/pair.json",
        "/api/pair.webp",
    ):
        answer = client.get(wrong)
        assert answer.status_code == 403 and "reload the page" in answer.text


def test_too_many_waiting_is_said(
    client: TestClient, pair: PairKey, drawing: Drawing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 0)
    answer = client.get(facts_link(LINKS, pair))
    assert answer.status_code == 503 and "too many" in answer.text
    drawing.go.set()


def test_only_the_newest_are_kept(
    client: TestClient, pair: PairKey, drawing: Drawing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_KEPT", 1)
    drawing.go.set()
    for where in ("all", "light=night", "all"):
        asked = PairKey(pair.run, pair.prediction, pair.metric, where)
        until_done(lambda asked=asked: client.get(facts_link(LINKS, asked)))  # type: ignore[misc]
    assert drawing.calls == 3
