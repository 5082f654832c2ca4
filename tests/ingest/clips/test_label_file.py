"""Later versions of a clip's labels: what is written is read, and dense labels stay."""

import numpy as np
import pytest

from ingest.clips.label_file import read_labels, read_times, with_dense_of, write_labels
from ridealong.errors import UnreadableError
from ridealong.perception.annotations import NO_CAMERA, Perception, annotation_table, at_times


def labels(times, **more):
    row = {"timestamp_ns": times[0], "camera": "main", "task": "objects", "category": "car"}
    rows = annotation_table([row | {"x1": 1.0, "points": [0.5, 1.5]}])
    return Perception(np.array(times, np.int64), rows, tasks=frozenset({"objects", "bev"}), **more)


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "labels.parquet"
    given = labels([10, 20], partial={20: frozenset({("objects", "main"), ("bev", NO_CAMERA)})})
    write_labels(path, given)
    found = read_labels(path)
    assert found.sparse.equals(given.sparse) and found.partial == given.partial
    assert found.tasks == given.tasks and read_times(path).tolist() == [10, 20]
    path.write_bytes(b"no labels")
    with pytest.raises(UnreadableError, match="not a file of labels"):
        read_labels(path)


def test_frames_without_dense_labels_are_unknown_there():
    depth, cells = np.ones((1, 2, 3), np.float32), np.zeros((1, 2, 2), np.uint8)
    cut = labels([20], depth={"main": depth}, bev={"road": cells}, segmentation={"main": cells})
    found = with_dense_of(labels([10, 20, 30]), cut)
    assert np.isnan(found.depth["main"][[0, 2]]).all() and (found.depth["main"][1] == 1).all()
    assert found.bev["road"].max(axis=(1, 2)).tolist() == [255, 0, 255]
    assert found.segmentation["main"].shape == (3, 2, 2)


def test_a_frame_that_is_judged_in_part_counts_only_there():
    seen = labels([10, 20], partial={20: frozenset({("objects", "main"), ("bev", NO_CAMERA)})})
    assert seen.judged_times("objects", "main").tolist() == [10, 20]
    assert seen.judged_times("objects", "rear").tolist() == [10]
    assert seen.judged_times("bev", None).tolist() == [10, 20]
    assert seen.judged_times("lanes", "main").tolist() == []
    assert at_times(seen, np.array([20])).partial == seen.partial
    assert at_times(seen, np.array([10])).partial == {}
