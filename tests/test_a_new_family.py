"""A family written here is scored, judged, drawn and exported, and no other module is touched."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from dashboard.player.differences import judge as compare
from dashboard.player.layers import layer_marks
from ingest.clips.read import open_clip
from ingest.clips.write import ClipContent, write_clip
from ingest.labels.coco import write_coco
from ingest.labels.content import LabelClip, LabelImage
from ingest.labels.lineage import ExportHead
from ingest.labels.mcap import ReplayedClip, write_mcaps
from ingest.labels.networks import LabelNetwork, LabelNetworks
from metrics.gate.spec import GateSpec
from metrics.gate.verdicts import Verdict, judge
from metrics.tasks.box_scores import box_family
from metrics.tasks.clip_view import ClipView
from metrics.tasks.evaluate import ClipScores, score_clip, with_identity
from metrics.tasks.family import TaskFamily
from metrics.tasks.registry import (
    definition_of,
    lookup,
    parse_prediction,
    sparse_tasks,
)
from ridealong.arrays import Bools
from ridealong.perception.annotations import Perception, annotation_table
from ridealong.perception.geometry import unknown_calibration
from shadow.export import box_tasks, ignored_labels
from tests.oracles.families import metrics_of, registered

STEP_NS = 200_000_000
TIMES = np.arange(5, dtype=np.int64) * STEP_NS
NAME = "cones/cone@main"
HERE, THERE = (2.0, 2.0, 22.0, 22.0), (30.0, 10.0, 40.0, 30.0)
NETWORKS = {"deployed": "d" * 64, "candidate": "c" * 64}


def far_away(labels: pa.Table) -> Bools:
    """Cones smaller than 4 pixels are ignored."""
    width = labels["x2"].to_numpy() - labels["x1"].to_numpy()
    return np.asarray(width < 4)


CONES = box_family("cones", ("cone", "barrel"), NAME, far_away, {"least_px": 4})


@pytest.fixture(autouse=True)
def cones() -> Iterator[TaskFamily]:
    with registered(CONES):
        yield CONES


def cone(frame: int, xyxy: tuple[float, ...], score: float = 1.0) -> dict[str, Any]:
    corners = dict(zip(("x1", "y1", "x2", "y2"), xyxy, strict=True))
    row = {"timestamp_ns": int(TIMES[frame]), "camera": "main", "task": "cones"}
    return row | {"category": "cone", "score": score} | corners


def seen(rows: list[dict[str, Any]]) -> Perception:
    return Perception(TIMES, annotation_table(rows), tasks=frozenset({"cones"}))


LABELS = seen([cone(frame, box) for frame in range(5) for box in (HERE, THERE)])
ALL = seen([cone(f, box, score) for f in range(5) for box, score in ((HERE, 0.9), (THERE, 0.7))])
HALF = seen([cone(frame, HERE, 0.8) for frame in range(5)])


def scored(own: Perception, other: Perception) -> ClipScores:
    views = (ClipView(side) for side in (own, LABELS, other))
    own_view, labels, other_view = views
    return score_clip(own_view, [parse_prediction(NAME)], labels, other_view)


def test_it_is_scored_by_its_own_metrics() -> None:
    scores = scored(HALF, ALL)
    assert scores.unscored == ()
    sums = {(r["metric"], r["statistic"]): r["value"] for r in scores.statistics.to_pylist()}
    assert {metric for metric, _ in sums} == {m.name for m in metrics_of(parse_prediction(NAME))}
    assert (sums["f1", "tp"], sums["f1", "fp"], sums["f1", "fn"]) == (5, 0, 5)
    assert sums["disagreement", "pairs"] == 5 and sums["disagreement", "items"] == 15
    assert sums["flicker", "flickers"] == 0 and sums["ap50", "labels"] == 10
    assert scores.matches["prediction"].unique().to_pylist() == [NAME]


def test_its_definition_is_its_own_and_its_rows_are_kept() -> None:
    assert definition_of("cones") != definition_of("objects")
    assert "cones" in sparse_tasks()


@pytest.mark.parametrize(
    ("candidate", "verdict"), [(HALF, Verdict.REGRESSED), (ALL, Verdict.PASS)], ids=["half", "all"]
)
def test_it_is_judged(candidate: Perception, verdict: Verdict) -> None:
    drives = [f"drive-{place}" for place in range(10)]
    tables = [
        with_identity(
            scored(own, other), NETWORKS[role], NETWORKS[against], drive, drive, definition_of
        )
        for drive in drives
        for role, own, against, other in (
            ("deployed", ALL, "candidate", candidate),
            ("candidate", candidate, "deployed", ALL),
        )
    ]
    required = [{"prediction": NAME, "metric": "f1"}, {"prediction": NAME, "metric": "ap50"}]
    result = judge(
        pa.concat_tables([scores for scores, _ in tables]),
        pa.concat_tables([matches for _, matches in tables]),
        pa.table({"clip_id": drives, "drive_id": drives, "by_disagreement": [False] * 10}),
        _drives(drives),
        *NETWORKS.values(),
        GateSpec.model_validate({"required": required, "margins": {"f1": 0.05, "ap50": 0.05}}),
    )
    assert result.verdict is verdict
    assert {cell["metric"] for cell in result.cells.to_pylist()} == set(CONES.metrics)


def _drives(names: list[str]) -> pa.Table:
    attributes = ("country", "hardware", "light", "road", "software", "weather")
    columns = {name: ["same"] * len(names) for name in attributes}
    return pa.table({"drive_id": names, "cluster_id": names} | columns)


def test_the_player_draws_it_and_marks_what_one_network_has_alone() -> None:
    judged, _ = compare(ClipView(ALL), ClipView(HALF))
    drawn = layer_marks(ALL, 0, judged)
    assert drawn["names"]["form"] == ["boxes"]
    found = zip(drawn["marks"]["box"], drawn["marks"]["alone"], strict=True)
    assert [box for box, alone in found if alone] == [list(THERE)] * 5


def label_clip() -> LabelClip:
    def pixels(wanted: Any) -> Any:
        return ((time, {"main": np.zeros((48, 64, 3), np.uint8)}) for time in wanted)

    small = annotation_table([cone(0, (0.0, 0.0, 3.0, 9.0)), *LABELS.sparse.to_pylist()])
    labels = Perception(TIMES, small, tasks=frozenset({"cones"}))
    return LabelClip(
        clip_id="c1",
        images=[LabelImage(int(time), "main", 64, 48) for time in TIMES],
        pixels=pixels,
        labels=labels,
        ignored=ignored_labels(small),
        outputs={"deployed": ALL, "candidate": HALF},
        reported={"deployed": ALL.sparse, "candidate": HALF.sparse},
    )


def networks() -> LabelNetworks:
    return LabelNetworks(
        {role: LabelNetwork(role, sha256, {NAME: 0.5}) for role, sha256 in NETWORKS.items()}
    )


def test_it_is_exported_as_coco(tmp_path: Path) -> None:
    summary = write_coco(tmp_path / "out", [label_clip()], ExportHead(box_tasks(), networks()))
    assert (summary.labelled, summary.annotations, summary.ignored) == (5, 11, 1)
    assert summary.results == {"deployed": 10, "candidate": 5}
    document = json.loads((tmp_path / "out/annotations/instances_default.json").read_text())
    named = {entry["name"]: entry for entry in document["categories"]}
    assert named["cone"]["supercategory"] == "cones"
    assert named["car"]["id"] == 1 and named["car"]["supercategory"] == "road_user"
    assert {a["category_id"] for a in document["annotations"]} == {named["cone"]["id"]}


def test_it_is_exported_as_mcap(tmp_path: Path) -> None:
    source = tmp_path / "c1.mcap"
    content = ClipContent(
        clip_id="c1",
        drive={"drive_id": "d"},
        start_ns=0,
        end_ns=int(TIMES[-1]) + STEP_NS,
        events=[],
        telemetry=None,
        cameras={"main": unknown_calibration("main", 64, 48)},
        frames=((int(t), {"main": np.zeros((48, 64, 3), np.uint8)}) for t in TIMES),
        labels=LABELS,
    )
    write_clip(source, content)
    clips = [ReplayedClip("c1", source, {"deployed": ALL, "candidate": HALF})]
    assert write_mcaps(tmp_path / "out", clips, networks()).clips == 1
    with open_clip(tmp_path / "out" / "c1.mcap") as reader:
        found, labels = reader.outputs("candidate"), reader.labels()
    assert found is not None and found.sparse.equals(HALF.sparse) and found.tasks == {"cones"}
    assert labels is not None and labels.sparse.equals(LABELS.sparse)


def test_it_is_looked_up_by_its_name() -> None:
    assert lookup("cones", "f1").task == "cones"
