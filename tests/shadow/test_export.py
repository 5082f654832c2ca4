"""Which clips an export takes and in which order, and that the labelers' files say why."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest.console import Console
from ingest.lake import Lake
from ingest.listing import list_clips
from shadow import export
from shadow.export import ExportWish, export_run
from shadow.losses import CellNames


@pytest.fixture
def exported(fleet_home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Export from the made-up fleet, whose clips have no files, by a writer that only counts."""

    def count(lake: Any, snapshot: Any, run: Any, out: Any, clips: Iterator[Any]) -> dict[str, int]:
        return {"clips": len(list(clips))}

    monkeypatch.setitem(export.WRITERS, "none", count)

    def run(
        where: str | None = None, limit: int | None = None, name: str = "latest", **cells: str
    ) -> dict[str, Any]:
        wish = ExportWish(name, where, limit, Path("unused"), CellNames(**cells))
        return export_run(Lake.open(fleet_home), wish, "none", Console(as_json=True))

    return run


def test_the_costliest_clips_come_first(exported: Any) -> None:
    every, three = exported(), exported(limit=3)
    assert every["order"] == "loss" and "at light=night" in every["reason"]
    shares = [clip["share"] for clip in every["shares"]]
    assert shares == sorted(shares, reverse=True) and shares[-1] > 0
    assert three["shares"] == every["shares"][:3] and three["clips"] == 3
    assert all(clip["cell"]["slice"] == "light=night" for clip in every["shares"])


def test_where_leaves_the_order_as_it_is(exported: Any) -> None:
    every = exported()["shares"]
    fog = exported("weather = 'fog'")["shares"]
    assert 0 < len(fog) < len(every) and fog == [clip for clip in every if clip in fog]


def test_clips_without_a_part_in_the_loss_come_as_listed_and_it_is_said(
    exported: Any, fleet_home: Path
) -> None:
    found = exported("light = 'day'", limit=5)
    assert (found["order"], found["reason"]) == (
        "listing",
        "none of these clips has a part in what was lost",
    )
    listed = list_clips(Lake.open(fleet_home).snapshot(), "light = 'day'")["clip_id"].to_pylist()
    assert [clip["clip_id"] for clip in found["shares"]] == listed[:5]
    assert all(clip["share"] is clip["cell"] is None for clip in found["shares"])


def test_a_run_without_a_regression_falls_back_to_the_listing(
    exported: Any, fleet_home: Path
) -> None:
    runs = Lake.open(fleet_home).snapshot().read("runs").to_pylist()
    few = next(run["run_id"] for run in runs if run["candidate"] == "hydra-1.0b")
    found = exported(name=few)
    assert (found["order"], found["reason"]) == ("listing", "no cell regressed")
    assert found["clips"] == len(found["shares"]) == 24
    lost = exported(name=few, prediction="objects/car@main", slice="light=night")
    assert lost["order"] == "loss" and "objects/car@main f1 at light=night" in lost["reason"]


def test_a_named_cell_orders_by_its_own_loss(exported: Any) -> None:
    named = {"prediction": "depth@main", "metric": "abs_rel", "slice": "light=night"}
    found = exported(**named)
    assert {tuple(clip["cell"].items()) for clip in found["shares"]} == {tuple(named.items())}
    better = exported(**named | {"slice": "light=day"})
    assert (better["order"], better["reason"]) == ("listing", "the cells named lost nothing")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["coco", "mcap"])
def test_files_for_labelers_have_the_shares(
    demo_home: Path, ask: Any, program: Any, tmp_path: Path, kind: str
) -> None:
    done = program("shadow", "report", "latest", "--json", "--home", demo_home)
    lost = [
        c for c in json.loads(done.stdout)["cells"] if c["delta"] is not None and c["delta"] < 0
    ]
    worst = min(lost, key=lambda c: c["delta"])
    out = tmp_path / "labels"
    report = ask(
        *("labels", "export", "--format", kind, "--out", out, "--home", demo_home),
        *("--prediction", worst["prediction"], "--metric", worst["metric"]),
        *("--slice", worst["slice"], "--limit", "2"),
    )
    assert report["order"] == "loss" and 1 <= len(report["shares"]) == report["clips"] <= 2
    assert report["shares"][0]["share"] > 0
    if kind == "coco":
        told = json.loads((out / "annotations.json").read_text())
        assert {image["clip_id"] for image in told["images"]} <= {
            clip["clip_id"] for clip in told["clips"]
        }
        told = told["clips"]
    else:
        told = json.loads((out / "clips.json").read_text())
        assert {path.stem for path in out.glob("*.mcap")} == {clip["clip_id"] for clip in told}
    assert told == report["shares"]


@pytest.mark.slow
def test_the_text_says_in_which_order(demo_home: Path, program: Any, tmp_path: Path) -> None:
    done = program(
        *("labels", "export", "--format", "mcap", "--out", tmp_path / "labels", "--limit", "1"),
        *("--home", demo_home),
    )
    assert done.returncode == 0, done.stderr
    assert "in the order of the listing: no cell regressed" in done.stdout
