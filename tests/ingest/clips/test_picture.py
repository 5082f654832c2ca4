"""Pictures of a clip; what they look like was judged by eye, here is what must hold."""

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from ingest.clips.picture import (
    LONE_TILE_WIDTH,
    TILE_WIDTH,
    Layer,
    _frame_near,
    clip_picture,
    default_moment_s,
    draw,
)
from ingest.clips.read import open_clip
from ingest.clips.write import write_clip
from ridealong.perception.annotations import annotation_table, at_times


def _pixels(picture):
    return np.asarray(picture.convert("RGB"))


def _count(picture, colour):
    return int((_pixels(picture) == colour).all(axis=-1).sum())


def test_a_box_is_drawn_where_it_stands():
    picture = Image.new("RGB", (100, 60))
    box = {"x1": 10.0, "y1": 20.0, "x2": 30.0, "y2": 40.0, "task": "objects", "category": "car"}
    draw(picture, annotation_table([box]), (9, 200, 77), scale=2.0)
    pixels = _pixels(picture)
    inked = np.flatnonzero((pixels[50] == (9, 200, 77)).all(axis=-1))
    assert set(inked) <= {19, 20, 21, 59, 60, 61}
    assert {20, 60} <= set(inked)


def test_a_lights_caption_takes_the_colour_of_its_state_and_a_lane_is_a_line():
    picture = Image.new("RGB", (100, 100))
    rows = [
        {"x1": 10.0, "y1": 50.0, "x2": 30.0, "y2": 70.0, "task": "lights", "category": "red"},
        {"points": [50.0, 0.0, 50.0, 99.0], "task": "lanes", "category": "lane_line"},
        {"task": "objects", "category": "car", "x_m": 3.0},  # only in 3D: nothing to draw
    ]
    draw(picture, annotation_table(rows), (1, 2, 250))
    assert _pixels(picture)[..., 0].max() > 150  # the word in red
    assert _count(picture, (1, 2, 250)) > 60  # the box in the layer's colour
    assert (_pixels(picture)[10:90, 50] == (1, 2, 250)).all()


def test_cameras_with_clocks_of_their_own_are_shown_together(tmp_path, make):
    """Frames less than half a frame away are of one instant; a lost one leaves a dark tile."""
    late = make.STEP_NS // 4
    frames = []
    for at, images in make.frames(8, ("main", "rear")):
        frames.append((at, {"main": images["main"]}))
        if len(frames) != 9:  # the rear's fifth is lost
            frames.append((at + late, {"rear": images["rear"]}))
        else:
            frames.append((at + late, {}))
    path = tmp_path / "c.mcap"
    content = make.content(cameras=("main", "rear"), frames=iter(frames), labels=None)
    write_clip(path, content)
    with open_clip(path) as reader:
        dark = [_count(clip_picture(reader, k * make.STEP_NS / 1e9), (34, 37, 44)) for k in (2, 4)]
    tile = TILE_WIDTH * TILE_WIDTH * 0.6
    assert dark[1] - dark[0] > 0.8 * tile


def test_eight_tiles_with_the_masked_ones_dark(tmp_path, make):
    path = tmp_path / "c.mcap"
    write_clip(path, make.content())
    with open_clip(path) as reader:
        picture = clip_picture(reader, 2.0)
    assert picture.width == 4 * TILE_WIDTH + 5 * 4
    assert _count(picture, (34, 37, 44)) > 6 * 0.8 * TILE_WIDTH * TILE_WIDTH * 0.6
    assert _count(picture, (60, 220, 120)) > 100  # the labels


def test_cameras_of_another_rig_are_their_own_tiles(tmp_path, make):
    path, names = tmp_path / "c.mcap", ("cam_front", "cam.back-1")
    content = make.content(cameras=names, frames=make.frames(8, names), labels=None)
    write_clip(path, content)
    with open_clip(path) as reader:
        assert tuple(reader.cameras) == names
        picture = clip_picture(reader, 1.0)
    assert picture.width == 2 * TILE_WIDTH + 3 * 4
    assert _count(picture, (34, 37, 44)) == 0


def test_one_camera_one_tile_and_given_layers(tmp_path, make):
    path = tmp_path / "c.mcap"
    main = make.calibration("main")
    write_clip(path, make.content(cameras={"main": main}, frames=make.frames(25, ["main"])))
    layers = [Layer("candidate", make.labels(25, ["main"]), (255, 0, 255))]
    with open_clip(path) as reader:
        picture = clip_picture(reader, 1.0, layers)
        plain = clip_picture(reader, 1.0, [])
    assert picture.width == LONE_TILE_WIDTH + 8
    assert _count(picture, (255, 0, 255)) > 50
    assert _count(plain, (255, 0, 255)) == _count(plain, (60, 220, 120)) == 0


def test_the_moment_shown_is_the_labelled_one_nearest_the_middle(tmp_path, make):
    whole = make.labels(25, ["main"])
    sparse = at_times(whole, whole.timestamps_ns[[3, 20]])
    for labels, expected in ((None, 2.5), (whole, 2.4), (sparse, 4.0)):
        path = tmp_path / "c.mcap"
        write_clip(path, make.content(labels=labels))
        with open_clip(path) as reader:
            assert abs(default_moment_s(reader) - expected) < 0.21


@pytest.mark.parametrize("at_s", [-100.0, 0.0, 1.234, 1e6])
def test_any_time_shows_the_nearest_set(clip_file, at_s):
    with open_clip(clip_file) as reader:
        assert clip_picture(reader, at_s).height > 0


def test_a_clip_whose_cameras_gave_nothing(tmp_path, make):
    path = tmp_path / "c.mcap"
    write_clip(path, make.content(frames=iter([])))
    with open_clip(path) as reader:
        assert clip_picture(reader, 0.0).width == 4 * TILE_WIDTH + 5 * 4


def test_nothing_to_draw():
    picture = Image.new("RGB", (10, 10))
    draw(picture, annotation_table([]), (1, 1, 1))
    assert not _pixels(picture).any()
    assert isinstance(annotation_table([]), pa.Table)


@pytest.mark.parametrize(
    ("times", "instant", "near"),
    [
        ([0, 40, 80, 120], 100, 80),  # exactly between two frames
        ([0, 40, 80, 120], 119, 120),
        ([0, 40, 80, 160, 200], 120, None),  # its frame was lost
        ([5], 5, 5),
        ([5], 6, None),
        ([], 5, None),
    ],
)
def test_the_frame_of_a_camera_with_a_rate_of_its_own(times, instant, near):
    assert _frame_near(np.array(times, np.int64), instant) == near
