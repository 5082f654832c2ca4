import numpy as np
import pytest

from ridealong.errors import RidealongError
from ridealong.perception.annotations import (
    BEV_X_M,
    BevLayer,
    Perception,
    Task,
    annotation_table,
)
from shadow.networks.hydranet.training.sets import gather, read_sets

SIZE = (16, 24)


def instant(rows):
    cells = int(BEV_X_M[1] - BEV_X_M[0])
    return Perception(
        np.zeros(1, np.int64),
        annotation_table([{"timestamp_ns": 0, "camera": "main", "score": 1.0, **r} for r in rows]),
        {"main": np.arange(16 * 24, dtype=np.float32).reshape(1, *SIZE)},
        {"main": np.full((1, *SIZE), 3, np.uint8)},
        {layer.value: np.full((1, cells, cells), i, np.uint8) for i, layer in enumerate(BevLayer)},
        frozenset(Task),
    )


BOX = {"x1": 1.0, "y1": 2.0, "x2": 9.0, "y2": 6.0, "occlusion": 0.0, "truncation": 0.0}
ROWS = [
    {"task": "objects", "category": "truck", **BOX},
    {"task": "objects", "category": "car", **BOX, "occlusion": 0.9},
    {"task": "lights", "category": "yellow", **BOX, "relevant": True},
    {"task": "lights", "category": "red", **BOX, "relevant": False},
    {"task": "lanes", "category": "road_edge", "points": [0.0, 1.0, 23.0, 1.0]},
]


def test_what_is_drawn_becomes_arrays():
    image = np.full((*SIZE, 3), 7, np.uint8)
    sets = gather([({"main": image}, instant(ROWS))], ["main", "rear"], SIZE)
    assert sets.present.tolist() == [[True, False]]
    assert (sets.images[0, 0] == 7).all() and not sets.images[0, 1].any()
    assert sets.boxes.tolist() == [[0, 0, 1, 1, 2, 9, 6, 0], [0, 0, 0, 1, 2, 9, 6, 1]]
    assert sets.lights.tolist() == [[0, 0, 1, 1, 2, 9, 6]]
    assert sets.lanes[0, 0, 0].tolist() == [0b10] * 6 and not sets.lanes[0, 0, 1:].any()
    assert sets.depth_m[0, 0, 0, :2].tolist() == [2 * 24 + 2, 2 * 24 + 6]
    assert np.isnan(sets.depth_m[0, 1]).all()
    assert (sets.segmentation[0, 0] == 3).all() and (sets.segmentation[0, 1] == 255).all()
    assert sets.bev[0, :, 0, 0].tolist() == list(range(len(BevLayer)))


def test_no_instant_gives_empty_arrays():
    assert len(gather([], ["main"], SIZE)) == 0


def test_a_broken_file_is_told(tmp_path):
    path = tmp_path / "drive.npz"
    path.write_bytes(b"nothing")
    with pytest.raises(RidealongError, match="delete the file"):
        read_sets(path)
