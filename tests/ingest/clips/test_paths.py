import pytest

from ingest.clips.paths import with_paths_in_images
from ridealong.perception.annotations import ANNOTATIONS, annotation_table
from ridealong.perception.geometry import mounted_camera, unknown_calibration

LANE = {"timestamp_ns": 5, "camera": "main", "task": "lanes", "points": [1.0, 2.0, 3.0, 4.0]}
PATH = {"timestamp_ns": 5, "task": "path", "score": 1.0, "points": [10.0, 0.0, 20.0, 2.0]}
CAMERAS = {
    "main": mounted_camera("main", 100, 80, 90, 0, 0, (0, 0, 1)),
    "rear": mounted_camera("rear", 100, 80, 90, 180, 0, (0, 0, 1)),
    "wide": unknown_calibration("wide", 100, 80),
}


def test_a_path_lies_on_the_ground_ahead() -> None:
    drawn = with_paths_in_images(annotation_table([LANE, PATH]), CAMERAS)
    assert drawn.schema == ANNOTATIONS
    lane, path = drawn.to_pylist()
    assert (lane["camera"], lane["points"]) == ("main", [1, 2, 3, 4])
    assert (path["camera"], path["task"], path["timestamp_ns"]) == ("main", "path", 5)
    # 10 m ahead, 1 m below the camera: 50 / 10 pixels under the horizon.
    assert path["points"] == pytest.approx([50, 45, 45, 42.5])


def test_one_point_is_no_line() -> None:
    short = PATH | {"points": [10.0, 0.0]}
    assert not with_paths_in_images(annotation_table([short]), CAMERAS).num_rows
    nothing = annotation_table([])
    assert with_paths_in_images(nothing, CAMERAS).equals(nothing)
