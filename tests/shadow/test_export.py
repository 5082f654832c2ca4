"""Which clips and frames an export takes, that its files say why, and that its numbers are ours."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from ingest.listing import list_clips
from ridealong.lake import Lake
from ridealong.terminal.console import Console
from shadow import export
from shadow.export import ExportRequest, export_run
from shadow.losses import CellNames
from shadow.report import run_cells
from shadow.runs import find_run


@pytest.fixture
def exported(fleet_home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Export from the made-up fleet, whose clips have no files, by a writer that only counts."""
    monkeypatch.setitem(export.WRITERS, "none", lambda work: {"clips": len(list(work.clips()))})
    # Nor has it networks.
    monkeypatch.setattr(export, "run_outputs", lambda *_: contextlib.nullcontext())

    def run(
        where: str | None = None, limit: int | None = None, name: str = "latest", **cells: str
    ) -> dict[str, Any]:
        request = ExportRequest(name, where, limit, Path("unused"), CellNames(**cells))
        return export_run(Lake.open(fleet_home), request, "none", Console(as_json=True))

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
        "none of these clips has a share in the loss",
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
    assert (found["order"], found["reason"]) == ("listing", "no check regressed")
    assert found["clips"] == len(found["shares"]) == 24
    lost = exported(name=few, prediction="objects/car@main", slice="light=night")
    assert lost["order"] == "loss" and "objects/car@main f1 at light=night" in lost["reason"]


def test_a_named_cell_orders_by_its_own_loss(exported: Any) -> None:
    named = {"prediction": "depth@main", "metric": "abs_rel", "slice": "light=night"}
    found = exported(**named)
    assert {tuple(clip["cell"].items()) for clip in found["shares"]} == {tuple(named.items())}
    better = exported(**named | {"slice": "light=day"})
    assert (better["order"], better["reason"]) == ("listing", "the named checks have no loss")


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
        told = json.loads((out / "annotations/instances_default.json").read_text())
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
    assert "order: listing (no check regressed)" in done.stdout


@pytest.fixture(scope="module")
def coco(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's simulated clips as COCO; tests only read it."""
    out = tmp_path_factory.mktemp("export") / "labels"
    request = ExportRequest("latest", "source = 'simulation'", None, out)
    export_run(Lake.open(demo_home), request, "coco", Console(as_json=True))
    return out


@pytest.mark.slow
def test_plain_pycocotools_gives_the_run_s_ap50(coco: Path, demo_home: Path) -> None:
    """Of each category and camera, of both networks; who knows nothing but the export."""
    snapshot = Lake.open(demo_home).snapshot()
    cells = run_cells(snapshot, find_run(snapshot, "latest")["run_id"])
    ours = {c["prediction"]: c for c in cells if c["metric"] == "ap50" and c["slice"] == "all"}
    known = 0
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(coco / "annotations/instances_default.json"))
        ignored = [label for label in truth.dataset["annotations"] if label["ignore"]]
        for role in ("deployed", "candidate"):
            results = truth.loadRes(str(coco / f"{role}.json"))
            for name, cell in ours.items():
                if _has_equal_scores(results, name):
                    continue  # pycocotools takes them in the file's order, we take misses first
                expected = cell[role] if cell[role] is not None else float("nan")
                assert _ap50(truth, results, name) == pytest.approx(expected, abs=1e-9, nan_ok=True)
                known += cell[role] is not None
    assert known > 20 and ignored


def _of_prediction(data: COCO, prediction: str) -> tuple[list[int], list[int]]:
    """The ids of the images and of the category of a prediction."""
    category, camera = prediction.removeprefix("objects/").split("@")
    images = [image["id"] for image in data.dataset["images"] if image["camera"] == camera]
    return images, data.getCatIds(catNms=[category])


def _has_equal_scores(results: COCO, prediction: str) -> bool:
    images, categories = _of_prediction(results, prediction)
    found = results.loadAnns(results.getAnnIds(imgIds=images, catIds=categories))
    return len({one["score"] for one in found}) < len(found)


def _ap50(truth: COCO, results: COCO, prediction: str) -> float:
    judge = COCOeval(truth, results, "bbox")
    judge.params.imgIds, judge.params.catIds = _of_prediction(truth, prediction)
    judge.evaluate()
    judge.accumulate()
    precision = judge.eval["precision"][0, :, 0, 0, 2]  # IoU 0.5, area all, 100 detections
    return float(precision.mean()) if (precision > -1).all() else float("nan")


@pytest.mark.slow
def test_prelabels_are_the_boxes_at_or_above_the_thresholds(coco: Path) -> None:
    told = json.loads((coco / "annotations/prelabels-candidate.json").read_text())
    thresholds = json.loads((coco / "thresholds.json").read_text())["candidate"]["thresholds"]
    camera_of = {image["id"]: image["camera"] for image in told["images"]}
    name_of = {category["id"]: category["name"] for category in told["categories"]}
    results = json.loads((coco / "candidate.json").read_text())

    def said(box: dict[str, Any], score: float) -> bool:
        name = f"objects/{name_of[box['category_id']]}@{camera_of[box['image_id']]}"
        return score >= thresholds[name]

    assert all(said(box, box["attributes"]["score"]) for box in told["annotations"])
    judged = {box["image_id"] for box in results}
    above = [box for box in results if said(box, box["score"])]
    assert 0 < len(above) < len(results)
    assert len(above) == sum(box["image_id"] in judged for box in told["annotations"])


@pytest.mark.slow
@pytest.mark.parametrize("frames", ["every:3", "labelled", "loss"])
def test_chosen_frames_and_cameras(
    demo_home: Path, ask: Any, tmp_path: Path, frames: str, coco: Path
) -> None:
    out = tmp_path / "labels"
    command = (
        *("labels", "export", "--out", out, "--home", demo_home, "--frames", frames),
        *("--cameras", "main, wide", "--prediction", "objects/pedestrian@main", "--metric", "f1"),
    )
    guess = ask(*command, "--dry-run")
    assert guess["dry_run"] and not out.exists()
    report = ask(*command)
    assert report["frames"] == frames and report["cameras"] == ["main", "wide"]
    size = guess.pop("megabytes"), report["megabytes"]
    assert size[0] == pytest.approx(size[1], rel=0.25, abs=0.1)
    assert guess == {k: v for k, v in report.items() if k != "megabytes"} | {"dry_run": True}
    told = json.loads((out / "annotations/instances_default.json").read_text())
    images = told["images"]
    assert {image["camera"] for image in images} == {"main", "wide"}
    assert len(list((out / "images/default").iterdir())) == report["images"]
    whole = json.loads((coco / "annotations/instances_default.json").read_text())["images"]
    mine = {clip["clip_id"] for clip in report["shares"]}
    labelled = {i["timestamp_ns"] for i in whole if i["clip_id"] in mine}
    times = {image["timestamp_ns"] for image in images}
    if frames == "labelled":
        assert times == labelled and report["unlabelled"] == 0
    elif frames == "loss":
        assert 0 < len(times) < len(labelled) and times < labelled
        assert all(image["share"] > 0 for image in images)
    else:
        assert 0 < len(times) < len(labelled) and times < labelled
        assert report["unlabelled"] > report["labelled"]


@pytest.mark.slow
def test_choices_that_cannot_be_met_are_refused(
    demo_home: Path, program: Any, tmp_path: Path
) -> None:
    def refused(*options: str) -> str:
        command = ("labels", "export", "--out", tmp_path / "out", "--home", demo_home)
        done = program(*command, *options)
        lines = [line for line in done.stderr.splitlines() if not line.startswith("clips: ")]
        assert done.returncode == 2 and len(lines) == 1, done.stderr
        assert not (tmp_path / "out").exists()
        return str(done.stderr)

    for text in ("every:0", "every", "every:-1", "every:1.5", "Labelled", "", "every:٣"):
        assert "expected 'every:N'" in refused("--frames", text)
    assert "did you mean 'main'" in refused("--cameras", "wide,mian")
    assert "camera ''" in refused("--cameras", "main,")
    assert "no frame has a loss: no check regressed" in refused("--frames", "loss")
    steady = ["--metric", "flicker", "--frames", "loss"]
    assert "no frame has a loss: flicker and jitter are differences between" in refused(*steady)
    assert "cannot hold lanes" in refused("--families", "lanes")
    for options in (["--size", "64"], ["--cameras", "main"]):
        assert "whole clips" in refused("--format", "mcap", *options)
    only_video = ["--where", "source = 'video'", "--frames", "labelled"]
    assert "nothing to export" in refused(*only_video)
    assert "nothing to export" in refused(*only_video, "--dry-run")


@pytest.mark.slow
def test_outputs_of_a_clip_know_the_frames_in_which_nothing_was_said(
    demo_home: Path, ask: Any, tmp_path: Path
) -> None:
    from ingest.clips.read import open_clip

    out = tmp_path / "labels"
    report = ask("labels", "export", "--format", "mcap", "--out", out, "--home", demo_home)
    assert report["megabytes"] > 0
    path = min(out.glob("*.mcap"), key=lambda path: path.stat().st_size)
    with open_clip(path) as reader:
        said = reader.outputs("candidate")
        rates = {round(1e9 / step) for step in (said.timestamps_ns[1:] - said.timestamps_ns[:-1])}
        assert len(rates) == 1  # no gap where the network was silent


@pytest.mark.parametrize("families", ["lanes", "lights", "objects,lanes,lights"])
def test_families_without_boxes_are_exported_too(
    demo_home: Path, ask: Any, tmp_path: Path, families: str
) -> None:
    words = ("labels", "export", "--home", demo_home, "--format", "cvat", "--cameras", "narrow")
    told = ask(*words, "--families", families, "--out", tmp_path / "out", "--dry-run")
    assert told["labelled"] and told["annotations"]
