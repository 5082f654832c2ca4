import dataclasses

import numpy as np
import pytest
from scipy.special import expit, logit

from ridealong.perception.annotations import ANNOTATIONS, UNLABELLED
from shadow.networks.decode import (
    ImageBatch,
    decode_depth,
    decode_lanes,
    decode_layer,
    decode_objects,
    decode_segmentation,
    decode_states,
    find_lanes,
    find_objects,
    joined_peaks,
)

NAMES = ["car", "truck"]


def images(batch=1, cameras=("main",), width=80, height=40, present=None):
    there = np.ones((batch, len(cameras)), bool) if present is None else present
    sizes = np.array([[width, height]] * len(cameras), float)
    return ImageBatch(np.arange(batch) * 100, tuple(cameras), sizes, there)


def empty_maps(batch=1, cameras=1, categories=2, rows=5, columns=10):
    heat = np.full((batch, cameras, categories, rows, columns), -10.0, np.float32)
    return heat, np.zeros((batch, cameras, 4, rows, columns), np.float32)


def put(heat, box, row, column, score, category=0, offset=(0.0, 0.0), size=(1.0, 1.0), at=(0, 0)):
    heat[*at, category, row, column] = float(logit(score))
    numbers = [*offset, np.log(size[0]), np.log(size[1])]
    box[*at, :, row, column] = np.array(numbers, np.float32)


def boxes(heat, box, seen=None, listed=None, **options):
    """The boxes, found in batches of one."""
    seen = seen or images(*heat.shape[:1])
    listed = np.ones((heat.shape[1], 2), bool) if listed is None else listed
    parts = [
        find_objects(heat[at : at + 1], box[at : at + 1], one_of(seen, at), listed)
        for at in range(len(heat))
    ]
    table = decode_objects(joined_peaks(parts), seen, NAMES, **options)
    assert table.schema == ANNOTATIONS
    return table.to_pylist()


def one_of(seen, at):
    return dataclasses.replace(
        seen,
        timestamps_ns=seen.timestamps_ns[at : at + 1],
        present=seen.present[at : at + 1],
    )


def corners(row):
    return pytest.approx([row["x1"], row["y1"], row["x2"], row["y2"]], abs=1e-4)


def test_a_peak_becomes_a_box_in_the_clips_own_pixels():
    heat, box = empty_maps()
    put(heat, box, 2, 3, 0.9, category=1, offset=(0.5, 0.25), size=(2.0, 1.0))
    (row,) = boxes(heat, box)  # a cell is 8 x 8 pixels: centre (28, 18), size (16, 8)
    assert corners(row) == [20, 14, 36, 22]
    assert (row["category"], row["task"], row["camera"]) == ("truck", "objects", "main")
    assert row["score"] == pytest.approx(0.9)
    assert row["timestamp_ns"] == 0 and row["points"] is None and row["track_id"] is None


def test_an_image_stretched_unevenly_stretches_its_boxes_back():
    heat, box = empty_maps()
    put(heat, box, 2, 3, 0.9, size=(2.0, 2.0))
    (row,) = boxes(heat, box, images(width=100, height=20))  # a cell is 10 x 4 pixels
    assert corners(row) == [20, 4, 40, 12]


def test_only_local_maxima_count():
    heat, box = empty_maps()
    put(heat, box, 2, 3, 0.9)
    put(heat, box, 2, 4, 0.8)
    put(heat, box, 2, 6, 0.7)
    put(heat, box, 3, 4, 0.6, category=1)
    assert [r["score"] for r in boxes(heat, box)] == pytest.approx([0.9, 0.7, 0.6])


@pytest.mark.parametrize(("score", "kept"), [(0.1001, 1), (0.0999, 0)])
def test_the_floor(score, kept):
    heat, box = empty_maps()
    put(heat, box, 1, 1, score)
    assert len(boxes(heat, box)) == kept


def test_the_best_of_each_image_are_kept_best_first():
    heat, box = empty_maps(batch=2)
    for at, scores in (((0, 0), (0.3, 0.9, 0.6)), ((1, 0), (0.2,))):
        for column, score in enumerate(scores):
            put(heat, box, 2, 1 + 3 * column, score, at=at)
    rows = boxes(heat, box, per_image=2)
    assert [(r["timestamp_ns"], round(r["score"], 4)) for r in rows] == [
        (0, 0.9),
        (0, 0.6),
        (100, 0.2),
    ]


def test_of_equal_scores_the_first_in_reading_order_is_kept():
    heat, box = empty_maps()
    for column in (7, 1, 4):
        put(heat, box, 2, column, 0.5)
    assert [r["x1"] for r in boxes(heat, box, per_image=2)] == [4.0, 28.0]


def test_boxes_end_at_the_image_and_those_outside_are_dropped():
    heat, box = empty_maps()
    put(heat, box, 0, 0, 0.9, size=(4.0, 4.0))
    put(heat, box, 4, 9, 0.8, offset=(9.0, 9.0))
    (row,) = boxes(heat, box)
    assert corners(row) == [0, 0, 16, 16]


def test_a_box_outside_takes_no_place_from_one_inside():
    heat, box = empty_maps()
    put(heat, box, 0, 0, 0.9, offset=(-9.0, -9.0))
    put(heat, box, 2, 5, 0.8)
    assert [r["score"] for r in boxes(heat, box, per_image=1)] == pytest.approx([0.8])


def test_an_absurd_size_is_the_whole_image():
    heat, box = empty_maps()
    put(heat, box, 2, 3, 0.9)
    box[0, 0, 2:, 2, 3] = 1e9
    (row,) = boxes(heat, box)
    assert corners(row) == [0, 0, 80, 40]


def test_what_is_not_listed_or_absent_is_not_said():
    heat, box = empty_maps(batch=2, cameras=2)
    for b in range(2):
        for c in range(2):
            put(heat, box, 1, 1, 0.9, category=0, at=(b, c))
            put(heat, box, 3, 5, 0.8, category=1, at=(b, c))
    present = np.array([[True, True], [True, False]])
    seen = images(2, ("main", "rear"), present=present)
    listed = np.array([[True, False], [True, True]])
    rows = boxes(heat, box, seen, listed)
    said = [(r["timestamp_ns"], r["camera"], r["category"]) for r in rows]
    assert said == [(0, "main", "car"), (0, "rear", "car"), (0, "rear", "truck"),
                    (100, "main", "car")]  # fmt: skip


def test_nothing_gives_an_empty_table():
    heat, box = empty_maps()
    assert boxes(heat, box) == []


def test_lights_say_each_state_by_its_best_cell():
    logits = np.full((2, 1, 3, 2, 4), -9.0, np.float32)
    logits[0, 0, 0, 1, 2], logits[0, 0, 0, 0, 0], logits[0, 0, 2, 1, 3] = 3.0, 1.0, -1.0
    best = expit(logits.max(axis=(3, 4)).astype(float))
    names = ["red", "yellow", "green"]
    rows = decode_states(best, images(2), names, np.ones((1, 3), bool)).to_pylist()
    assert [(r["timestamp_ns"], r["category"]) for r in rows] == [(0, "red"), (0, "green")]
    assert [r["score"] for r in rows] == pytest.approx([1 / (1 + np.exp(-3)), 1 / (1 + np.e)])
    assert decode_states(best, images(2), names, np.zeros((1, 3), bool)).num_rows == 0


def lane_rows(logits, seen=None, listed=None, threshold=0.5):
    seen = seen or images()
    listed = np.ones((len(seen.cameras), 2), bool) if listed is None else listed
    ridges = find_lanes(logits, seen, listed, np.full(listed.shape, threshold))
    return decode_lanes(ridges, seen, ["lane_line", "road_edge"]).to_pylist()


def test_a_column_of_cells_is_a_line_down_the_image():
    logits = np.full((1, 1, 2, 5, 10), -10.0, np.float32)
    logits[0, 0, 1, :, 3] = float(logit(0.8))
    (row,) = lane_rows(logits)  # a cell is 8 x 8 pixels
    assert row["category"] == "road_edge" and row["score"] == pytest.approx(0.8)
    assert row["points"] == [28.0, 4.0, 28.0, 36.0]
    assert row["x1"] is None


def test_lanes_that_are_not_listed_or_below_the_threshold_are_not_said():
    logits = np.full((1, 1, 2, 5, 10), -10.0, np.float32)
    logits[0, 0, :, :, 3] = float(logit(0.8))
    assert len(lane_rows(logits)) == 2
    assert len(lane_rows(logits, listed=np.array([[True, False]]))) == 1
    assert lane_rows(logits, threshold=0.9) == []
    assert lane_rows(logits, images(present=np.zeros((1, 1), bool))) == []


def test_depth_is_metres_and_unknown_where_absent():
    metres = decode_depth(np.log(np.full((2, 1, 1), 20.0, np.float32)), np.array([True, False]))
    assert metres.dtype == np.float32
    assert metres[0, 0, 0] == pytest.approx(20.0) and np.isnan(metres[1]).all()
    assert decode_depth(np.full((1, 1, 1), 1e9, np.float32), np.array([True]))[0, 0, 0] == 500.0


def test_segmentation_is_the_likeliest_surface():
    logits = np.zeros((2, 10, 1, 2), np.float32)
    logits[0, 3, 0, 0] = logits[0, 9, 0, 1] = 1.0
    ids = decode_segmentation(logits, np.array([True, False]))
    assert ids.dtype == np.uint8
    assert ids.tolist() == [[[3, 9]], [[UNLABELLED, UNLABELLED]]]


def test_a_layer_is_occupied_from_its_threshold():
    logits = np.repeat(np.array([[[-1.0, 0.0, 1.0]]], np.float32), 2, axis=0)
    known = np.array([True, False])
    assert decode_layer(logits, 0.5, known).tolist() == [[[0, 1, 1]], [[UNLABELLED] * 3]]
    assert decode_layer(logits, 0.6, known)[0].tolist() == [[0, 0, 1]]


def test_a_letterboxed_image_is_where_it_is_shown():
    heat, box = empty_maps()
    put(heat, box, 2, 3, 0.9, size=(2.0, 2.0))
    shown = np.array([[0.0, 0.2, 1.0, 0.6]])  # rows 1 to 4 of 5 cells show the image
    (row,) = boxes(heat, box, dataclasses.replace(images(width=100, height=30), shown=shown))
    assert corners(row) == [20, 0, 40, 20]
