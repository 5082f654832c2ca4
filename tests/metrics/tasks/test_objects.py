import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from metrics.inference.precision import coco_average_precision
from metrics.tasks.boxes import Boxes, match_greedily, most_matches, overlapping
from metrics.tasks.clip_view import ClipView
from metrics.tasks.objects import FAMILY
from metrics.tasks.registry import parse_prediction

CAR = (parse_prediction("objects/car@main"),)
NAME = "objects/car@main"
A, B, FAR = (0, 0, 10, 10), (20, 0, 30, 10), (80, 80, 90, 90)
HALF, LESS = (0, 0, 10, 5), (0, 0, 10, 4.9)  # IoU with A: 0.5 and 0.49


def counts(make, sums_of, outputs, labels, threshold=0.5, frames=1):
    views = (
        ClipView(make.perception(frames, outputs), {NAME: threshold}),
        ClipView(make.perception(frames, labels)),
    )
    result = FAMILY.against_labels(*views, CAR)
    f1 = sums_of(result, NAME, "f1")
    return (f1["tp"], f1["fp"], f1["fn"]), result


@pytest.mark.parametrize(
    ("found", "wanted", "expected"),
    [
        ([(A, 0.9)], [A], (1, 0, 0)),
        ([(A, 0.9)], [B], (0, 1, 1)),
        ([(HALF, 0.9)], [A], (1, 0, 0)),
        ([(LESS, 0.9)], [A], (0, 1, 1)),
        ([(A, 0.9), (A, 0.8)], [A], (1, 1, 0)),
        ([(A, 0.4)], [A], (0, 0, 1)),
        ([(A, 0.5)], [A], (1, 0, 0)),
        ([(FAR, 0.4)], [], (0, 0, 0)),
        ([], [A, B], (0, 0, 2)),
        ([], [], (0, 0, 0)),
        # The better score takes the label, though the other overlaps more.
        ([(HALF, 0.9), (A, 0.8)], [A], (1, 1, 0)),
    ],
    ids=[
        "hit", "miss", "iou of exactly a half", "iou under a half", "twice the same",
        "below the threshold", "at the threshold", "nothing there, nothing said",
        "nothing found", "empty", "score before overlap",
    ],
)  # fmt: skip
def test_counts_by_hand(make, sums_of, found, wanted, expected):
    outputs = [make.box(0, box, score=score) for box, score in found]
    assert counts(make, sums_of, outputs, [make.box(0, box) for box in wanted])[0] == expected


def test_other_frames_cameras_and_categories_are_apart(make, sums_of):
    outputs = [make.box(1, A), make.box(0, A, camera="rear"), make.box(0, A, category="bus")]
    assert counts(make, sums_of, outputs, [make.box(0, A)], frames=2)[0] == (0, 1, 1)


@pytest.mark.parametrize("why", ["occlusion", "truncation"])
def test_labels_that_can_hardly_be_seen_are_ignored(make, sums_of, why):
    labels = [make.box(0, A, **{why: 0.81}), make.box(0, B, **{why: 0.8})]
    outputs = [make.box(0, A), make.box(0, B)]
    (numbers, result), (unfound, _) = (
        counts(make, sums_of, said, labels) for said in (outputs, [])
    )
    assert numbers == (1, 0, 0)
    assert unfound == (0, 0, 1)
    assert result.matches.num_rows == 1  # the one on the ignored label is no row
    assert sums_of(result, NAME, "ap50") == {"labels": 1}


def test_matched_rows(make, sums_of):
    outputs = [make.box(0, A, score=0.25), make.box(1, HALF, score=0.75), make.box(1, FAR)]
    rows = counts(make, sums_of, outputs, [make.box(1, A)], frames=2)[1].matches.to_pylist()
    assert [(r["prediction"], r["timestamp_ns"]) for r in rows] == [
        (NAME, 1_000_000_000),
        (NAME, 1_200_000_000),
        (NAME, 1_200_000_000),
    ]
    assert [(r["score"], r["matched"], r["iou"]) for r in rows] == [
        (0.25, False, None),
        (0.75, True, 0.5),
        (1.0, False, None),
    ]


@pytest.mark.parametrize(
    "broken", [{"x1": float("nan")}, {"y2": None}, {"score": None}, {"score": float("inf")}]
)
def test_a_number_that_is_none_surfaces(make, sums_of, broken):
    with pytest.raises(ValueError, match="missing or not finite"):
        counts(make, sums_of, [make.box(0, A) | broken], [])


@pytest.mark.parametrize(
    ("scores", "matched", "labels", "expected"),
    [
        ([], [], 0, float("nan")),
        ([0.9], [False], 0, float("nan")),
        ([], [], 3, 0.0),
        ([0.9, 0.8], [True, True], 2, 1.0),
        ([0.9, 0.8], [False, True], 1, 0.5),
        # Recall 0 to 0.5 (51 points) at precision 1, the rest never reached.
        ([0.9], [True], 2, 51 / 101),
        # To 0.5 at precision 1, beyond at 2/3.
        ([0.9, 0.8, 0.7], [True, False, True], 2, (51 + 50 * 2 / 3) / 101),
    ],
    ids=["nothing", "no labels", "no detections", "perfect", "late", "half", "mixed"],
)
def test_average_precision_by_hand(scores, matched, labels, expected):
    found = coco_average_precision(np.array(scores), np.array(matched, bool), labels)
    assert found == pytest.approx(expected, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), max_size=40),
    st.integers(0, 10),
)
def test_average_precision_is_bounded_and_rewards_hits(rows, missed):
    score = np.array([s for s, _ in rows])
    matched = np.array([m for _, m in rows], bool)
    labels = int(matched.sum()) + missed
    if labels == 0:
        return
    value = coco_average_precision(score, matched, labels)
    assert 0 <= value <= 1
    assert coco_average_precision(score, np.zeros(len(rows), bool), labels) == 0
    if matched.any():
        assert coco_average_precision(score[matched], matched[matched], labels) >= value


def coco_of(truth, found, categories):
    """The same boxes for pycocotools; truth rows are (image, category, xywh, crowd)."""
    images = sorted({row[0] for row in (*truth, *found)})
    gt = COCO()
    gt.dataset = {
        "info": {},
        "images": [{"id": image} for image in images],
        "categories": [{"id": c} for c in categories],
        "annotations": [
            {
                "id": i + 1, "image_id": image, "category_id": category, "bbox": list(xywh),
                "area": xywh[2] * xywh[3], "iscrowd": int(crowd), "ignore": 0,
            }
            for i, (image, category, xywh, crowd) in enumerate(truth)
        ],
    }  # fmt: skip
    gt.createIndex()
    dt = gt.loadRes(
        [
            {"image_id": image, "category_id": category, "bbox": list(xywh), "score": score}
            for image, category, xywh, score in found
        ]
    )
    evaluation = COCOeval(gt, dt, "bbox")
    evaluation.params.iouThrs = np.array([0.5])
    evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
    evaluation.params.maxDets = [100]
    evaluation.evaluate()
    evaluation.accumulate()
    return evaluation.eval["precision"][0, :, :, 0, 0].mean(axis=0)  # (categories,)


def ours(truth, found, categories):
    def boxes(rows):
        groups = np.array([c * 100_000 + image for image, c, *_ in rows], np.int64)
        xywh = np.array([row[2] for row in rows], np.float64).reshape(-1, 4)
        return Boxes(groups, np.hstack([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]]))

    score = np.array([row[3] for row in found], np.float64)
    crowd = np.array([row[3] for row in truth], bool)
    matching = match_greedily(boxes(found), score, boxes(truth), crowd, crowd)
    values = []
    for category in categories:
        mine = matching.judged & np.array([row[1] == category for row in found], bool)
        labels = sum(row[1] == category and not row[3] for row in truth)
        values.append(coco_average_precision(score[mine], matching.matched[mine], labels))
    return np.array(values)


def random_boxes(seed, images, crowded):
    rng = np.random.default_rng(seed)
    truth, found = [], []
    for image in range(1, images + 1):
        for category in (1, 2):
            for _ in range(rng.integers(0, 6)):
                xywh = np.r_[rng.uniform(0, 50, 2), rng.uniform(5, 40, 2)]
                truth.append((image, category, xywh, crowded and rng.uniform() < 0.2))
                for _ in range(rng.integers(0, 3)):
                    near = np.abs(xywh + rng.normal(0, 3, 4))
                    found.append((image, category, near, rng.uniform()))
            for _ in range(rng.integers(0, 3)):
                stray = np.r_[rng.uniform(0, 50, 2), rng.uniform(5, 40, 2)]
                found.append((image, category, stray, rng.uniform()))
    return truth, found


@pytest.mark.parametrize("crowded", [False, True], ids=["plain", "with crowds"])
@pytest.mark.parametrize("seed", range(6))
def test_ap50_equals_pycocotools(seed, crowded):
    truth, found = random_boxes(seed, 12, crowded)
    assert ours(truth, found, (1, 2)) == pytest.approx(coco_of(truth, found, (1, 2)), abs=1e-9)


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=40))
def test_equal_scores_enter_as_if_the_misses_stood_first(rows):
    """No threshold parts them, so no order may profit: pycocotools' order can, ours cannot."""
    score, matched = (np.array(column) for column in zip(*rows, strict=True))
    labels = int(matched.sum()) + 1
    apart = score - 1e-3 * matched - 1e-6 * np.arange(len(score))
    together = coco_average_precision(score, matched, labels)
    assert together == pytest.approx(coco_average_precision(apart, matched, labels), abs=1e-12)


def test_only_a_hundred_detections_an_image_count():
    rng = np.random.default_rng(0)
    truth = [(1, 1, (0.0, 0.0, 10.0, 10.0), False)]
    stray = [(1, 1, (50.0, 50.0, 5.0, 5.0), s) for s in rng.uniform(0.5, 1, 100)]
    found = [*stray, (1, 1, (0.0, 0.0, 10.0, 10.0), 0.1)]
    assert ours(truth, found, (1,)) == coco_of(truth, found, (1,)) == 0
    assert ours(truth, found[1:], (1,)) == coco_of(truth, found[1:], (1,)) > 0


boxes = st.tuples(
    st.floats(0, 50), st.floats(0, 50), st.floats(0, 30), st.floats(0, 30), st.integers(0, 2)
)


def as_boxes(drawn):
    numbers = np.array(drawn, np.float64).reshape(-1, 5)
    corners = np.hstack([numbers[:, :2], numbers[:, :2] + numbers[:, 2:4]])
    return Boxes(numbers[:, 4].astype(np.int64), corners)


@settings(max_examples=80, deadline=None)
@given(st.lists(boxes, max_size=12), st.lists(boxes, max_size=12))
def test_overlap_is_bounded_symmetrical_and_within_groups(left, right):
    one, two = as_boxes(left), as_boxes(right)
    there, back = overlapping(one, two, 0.0), overlapping(two, one, 0.0)
    assert ((there.iou >= 0) & (there.iou <= 1 + 1e-12)).all()
    assert (one.group[there.left] == two.group[there.right]).all()
    forward = sorted(zip(there.left, there.right, there.iou, strict=True))
    assert forward == sorted(zip(back.right, back.left, back.iou, strict=True))


@settings(max_examples=80, deadline=None)
@given(st.lists(boxes, max_size=12), st.lists(boxes, max_size=12))
def test_the_largest_matching_is_as_large_from_both_sides(left, right):
    one, two = as_boxes(left), as_boxes(right)
    there, back = overlapping(one, two, 0.3), overlapping(two, one, 0.3)
    forward = most_matches(there, len(left), len(right))
    backward = most_matches(back, len(right), len(left))
    assert np.array_equal(
        np.bincount(one.group[forward], minlength=3), np.bincount(two.group[backward], minlength=3)
    )


@pytest.mark.real
def test_bdd100k_detector_has_its_known_ap50(test_data):
    folder = test_data / "bdd100k_det_oracle"
    frames = json.loads((folder / "track_sample_anns.json").read_text("utf-8"))
    results = json.loads((folder / "bbox_predictions.json").read_text("utf-8"))
    assert (len(frames), len(results)) == (202, 202)
    names = sorted({label["category"] for f in frames for label in f["labels"] or []})
    rows = [
        (i, label["category"], plus_one(label["box2d"]), label)
        for i, frame in enumerate(frames, 1)
        for label in frame["labels"] or []
    ]
    truth = [(i, names.index(c), xywh, label["attributes"]["crowd"]) for i, c, xywh, label in rows]
    found = [
        (i, names.index(label["category"]), plus_one(label["box2d"]), label["score"])
        for i, frame in enumerate(results, 1)
        for label in frame["labels"] or []
        if label["category"] in names
    ]
    values = ours(truth, found, range(len(names)))
    assert values == pytest.approx(coco_of(truth, found, range(len(names))), abs=1e-9)
    assert 100 * values.mean() == pytest.approx(55.3239, abs=5e-5)


def plus_one(box):
    """BDD100K's last pixel is part of the box."""
    x1, y1 = box["x1"], box["y1"]
    return (x1, y1, box["x2"] - x1 + 1, box["y2"] - y1 + 1)
