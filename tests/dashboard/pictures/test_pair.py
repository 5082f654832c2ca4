"""The picture pair of a cell, on the demo's clips."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dashboard.pictures.pair import HEAD_PX, Pair, draw_pair
from ingest.schemas import CLIPS
from metrics.gate.cells import Cell
from ridealong.errors import RidealongError
from ridealong.lake import Lake
from shadow.outputs import run_outputs
from shadow.report import run_cells
from shadow.runs import find_run


def drawn(home: Path, prediction: str, metric: str, **changed: Any) -> Pair:
    lake = Lake.open(home)
    snapshot = lake.snapshot()
    run = find_run(snapshot, "latest")
    cell: Cell = next(
        one
        for one in run_cells(snapshot, run["run_id"])
        if (one["prediction"], one["metric"], one["slice"]) == (prediction, metric, "all")
    )
    clips = snapshot.query(
        "select * from clips where blob is not null and labelled", CLIPS
    ).to_pylist()
    clip = next(clip for clip in clips if clip["clip_id"] in run["clip_ids"])
    with run_outputs(lake, snapshot, run) as outputs:
        return draw_pair(outputs, clip | changed, cell)


def halves(pair: Pair) -> tuple[Any, Any]:
    image = np.asarray(pair.picture)[HEAD_PX:]
    middle = image.shape[1] // 2
    return image[:, : middle - 3], image[:, middle + 3 :]


@pytest.mark.parametrize(
    ("prediction", "metric", "camera"),
    [
        ("objects/car@main", "f1", "main"),
        ("lanes/lane_line@main", "f1", "main"),
        ("lights/red@narrow", "f1", "narrow"),
    ],
)
def test_sparse_predictions_are_drawn_in_their_camera(
    demo_home: Path, prediction: str, metric: str, camera: str
) -> None:
    pair = drawn(demo_home, prediction, metric)
    assert pair.camera == camera and 0 <= pair.seconds < 120
    one, two = halves(pair)
    assert one.shape == two.shape and one.std() > 0
    assert "label" in pair.found


def test_a_layer_is_drawn_from_above(demo_home: Path) -> None:
    pair = drawn(demo_home, "bev/road", "iou")
    assert pair.camera is None and "cell" in pair.found
    one, two = halves(pair)
    assert one.shape[1] == pytest.approx(460, abs=3) and (one != two).any()


def test_a_clip_without_video_is_said(demo_home: Path) -> None:
    with pytest.raises(RidealongError, match="no video"):
        drawn(demo_home, "objects/car@main", "f1", blob=None)
