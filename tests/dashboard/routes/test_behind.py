"""The route of what is behind a check: signed, the costliest first, a sentence for a mistake."""

from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard.compare import cell_queries, queries
from dashboard.compare.filters import Filters
from dashboard.routes import behind as module
from dashboard.routes.behind import CheckKey, behind, behind_link, behind_route
from dashboard.routes.home import home_at
from dashboard.routes.links import Links
from metrics.gate.cells import Cell
from ridealong.errors import RidealongError
from ridealong.lake import Lake, Snapshot
from tests.dashboard.compare.made import score_signs

LINKS = Links(b"a secret")


def client_of(home: Path, folder: Path) -> TestClient:
    return TestClient(Starlette(routes=[behind_route(home_at(home, folder), LINKS)]))


def worst(snapshot: Snapshot, **asked: str) -> tuple[dict[str, Any], Cell, CheckKey]:
    """The newest run, its worst check that fits, and its key."""
    run = queries.runs(snapshot)[0]
    checks = queries.read_checks(snapshot, run["run_id"], None)
    look = cell_queries.look(checks, asked, Filters())
    assert look is not None and look.missing is None
    return run, look.cell, CheckKey(run["run_id"], **cell_queries.key_of(look.cell))


@pytest.mark.parametrize(
    ("prediction", "metric"),
    [("depth@main", "abs_rel"), ("objects/car@main", "f1"), ("bev/vehicle", "iou")],
)
def test_shares_sum_to_the_checks_delta(fleet_home: Path, prediction: str, metric: str) -> None:
    snapshot = Lake.open(fleet_home).snapshot()
    asked = {"prediction": prediction, "metric": metric, "slice": "light=night"}
    run, cell, _ = worst(snapshot, **asked)
    rows = behind(snapshot, run, cell)
    shares = [row["share"] for row in rows]
    assert sum(shares) == pytest.approx(cell["delta"]) and shares == sorted(shares)
    assert len(rows) == cell["clips"] and {row["light"] for row in rows} == {"night"}


def test_clips_are_tiles_and_rows(fleet_home: Path, tmp_path: Path) -> None:
    snapshot = Lake.open(fleet_home).snapshot()
    _, cell, check = worst(snapshot, prediction="objects/car@main", slice="light=night")
    found = client_of(fleet_home, tmp_path).get(behind_link(LINKS, check)).json()
    assert found["count"] == len(found["rows"]) == cell["clips"]
    assert [name for name, _ in found["columns"]][:2] == ["clip", "share"]
    first = found["tiles"][0]
    assert first["link"] == found["rows"][0][0][1] and first["link"].startswith("/clip?clip=")
    assert first["title"].startswith("share ") and "night" in first["lines"][1]


def test_items_of_result_files_are_rows(home: Path, tmp_path: Path, program: Any) -> None:
    score_signs(program, home, tmp_path)
    _, _, check = worst(Lake.open(home).snapshot(), slice="all")
    found = client_of(home, tmp_path).get(behind_link(LINKS, check)).json()
    assert [name for name, _ in found["columns"]][-2:] == ["drive", "weather"]
    assert found["tiles"] == [] and found["count"] == 40
    assert found["rows"][0][-1] == "sun" and found["rows"][-1][-1] == "rain"  # what lost is first


def test_what_cannot_be_answered_is_a_sentence(
    fleet_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(fleet_home, tmp_path)
    _, _, check = worst(Lake.open(fleet_home).snapshot(), slice="all")
    link = behind_link(LINKS, check)
    other = client.get(link.replace("slice=all", "slice=light%3Dnight"))
    assert other.status_code == 403 and "expired" in other.text
    gone = client.get(behind_link(LINKS, CheckKey("gone", *list(check.parts.values())[1:])))
    assert gone.status_code == 404 and "gone" in gone.text

    def damaged(*_: object) -> None:
        raise RidealongError("is damaged", where="scores/x.parquet")

    monkeypatch.setattr(module, "cell_costs", damaged)
    answer = client.get(link)
    assert answer.status_code == 404 and answer.text == "scores/x.parquet: is damaged"
