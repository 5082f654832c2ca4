"""Items of result files as an export."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa

from ingest.labels.items import write_items
from ridealong.perception.result_files import NO_TRACK, Boxes2D, Comparison, Frames


def boxes(xywh: list[list[float]]) -> Boxes2D:
    count = len(xywh)
    no, which = np.zeros(count, np.bool_), np.zeros(count, np.int64)
    found = np.asarray(xywh, np.float64).reshape(count, 4)
    track = np.full(count, NO_TRACK)
    return Boxes2D(which, which, found, np.ones(count), track, no, no, found[:, 2] * found[:, 3])


def test_boxes_without_a_place_are_left_out(tmp_path: Path) -> None:
    frames = Frames(
        pa.array(["a"]), pa.array(["a"]), np.array([np.nan]), pa.array(["a.png"]), pa.table({})
    )
    odd = boxes([[np.nan, 0, 1, 1], [1, 2, 3, 4]])
    files = Comparison("kitti", frames, ("car",), boxes([[1, 2, 3, 4]]), odd, odd, "frame")
    items = [{"item": "a", "drive": "a", "image": "a.png"}]
    summary = write_items(tmp_path / "out", items, tmp_path, files)
    assert summary.without_picture == ("a.png",)
    (found,) = json.loads((tmp_path / "out/results/deployed.json").read_text())
    assert found["bbox"] == [1, 2, 3, 4]
