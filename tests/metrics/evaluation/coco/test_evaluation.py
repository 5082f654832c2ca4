"""COCO's evaluation, compared with pycocotools on small and awkward data sets."""

import contextlib
import io

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from metrics.evaluation.coco.evaluation import EVALUATION
from metrics.evaluation.coco.matching import LEVELS
from metrics.evaluation.evaluation import DETECTION_ROWS, SCORE_ROWS
from metrics.inference.precision import coco_average_precision
from metrics.tasks.boxes import MAX_DETECTIONS
from ridealong.perception.result_files import NO_TRACK, Boxes2D, Frames

NUMBERS = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")
CLASSES = ("car", "person", "truck")


def frames_of(count):
    names = pa.array([f"{number:06}.jpg" for number in range(count)])
    unknown = np.full(count, np.nan)
    return Frames(names, names, unknown, pa.nulls(count, pa.string()), pa.table({}))


def boxes_of(rows):
    """Rows of (frame, category, xywh, score, crowd, ignored, area)."""
    frame, category, xywh, score, crowd, ignored, area = (
        [row[at] for row in rows] for at in range(7)
    )
    return Boxes2D(
        frame=np.array(frame, np.int64),
        category=np.array(category, np.int64),
        xywh=np.array(xywh, np.float64).reshape(-1, 4),
        score=np.array(score, np.float64),
        track=np.full(len(rows), NO_TRACK),
        crowd=np.array(crowd, np.bool_),
        ignored=np.array(ignored, np.bool_),
        area=np.array(area, np.float64),
    )


def label(frame, category, xywh, crowd=False, ignored=False, area=None):
    area = xywh[2] * xywh[3] if area is None else area
    return (frame, category, xywh, 1.0, crowd, ignored or crowd, area)


def detection(frame, category, xywh, score):
    return (frame, category, xywh, score, False, False, xywh[2] * xywh[3])


def ours(labels, detections, frames=3, threshold=0.5):
    thresholds = dict.fromkeys(CLASSES, threshold)
    return EVALUATION.evaluate(
        frames_of(frames), CLASSES, boxes_of(labels), boxes_of(detections), thresholds
    )


def pycocotools(labels, detections, frames=3):
    """The twelve numbers, and the precision array; -1 where undefined."""
    truth = COCO()
    truth.dataset = {
        "images": [{"id": number} for number in range(frames)],
        "categories": [{"id": k, "name": name} for k, name in enumerate(CLASSES)],
        "annotations": [
            {
                "id": number,
                "image_id": frame,
                "category_id": category,
                "bbox": list(xywh),
                "iscrowd": int(crowd),
                "ignore": int(ignored),
                "area": area,
            }
            for number, (frame, category, xywh, _, crowd, ignored, area) in enumerate(labels, 1)
        ],
    }
    found = [
        {"image_id": frame, "category_id": category, "bbox": list(xywh), "score": score}
        for frame, category, xywh, score, *_ in detections
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


def plain(value):
    return -1.0 if value is None else value


def check_equal(labels, detections, frames=3):
    summary = ours(labels, detections, frames).summary
    theirs = pycocotools(labels, detections, frames)
    mine = [plain(summary[name]) for name in NUMBERS]
    assert mine == pytest.approx(list(theirs.stats), abs=1e-12)
    precision = theirs.eval["precision"][:, :, :, 0, -1]
    for k, name in enumerate(CLASSES):
        of_class = precision[:, :, k]
        wanted = (of_class.mean(), of_class[0].mean(), of_class[5].mean())
        mine = [plain(value) for value in summary["per_class"][name].values()]
        assert mine == pytest.approx(wanted, abs=1e-12)


# Few positions and sizes, so that equal overlaps, equal scores and full overlaps are frequent.
SIDES = st.sampled_from([0.0, -3.0, 8.0, 9.0, 10.0, 12.0, 31.0, 32.0, 90.0, 96.0, 120.0])
PLACES = st.tuples(
    st.integers(0, 3).map(lambda place: place * 2.0), st.sampled_from([0.0, 1.0, 40.0])
)
BOXES = st.tuples(PLACES, SIDES, SIDES).map(lambda box: (*box[0], box[1], box[2]))
FRAMES = st.integers(0, 2)
LABELS = st.builds(
    label,
    FRAMES,
    st.integers(0, 1),
    BOXES,
    st.sampled_from([False, False, False, True]),
    st.sampled_from([False, False, False, True]),
    st.none() | st.sampled_from([0.0, 1024.0, 1500.0, 9216.0, 1e10, 2e10]),
)
SCORES = st.sampled_from([0.1, 0.5, 0.5000001, 0.7, 0.9])
DETECTIONS = st.builds(detection, FRAMES, st.integers(0, 2), BOXES, SCORES)


@settings(max_examples=100, deadline=None)
@given(st.lists(LABELS, max_size=14), st.lists(DETECTIONS, min_size=1, max_size=25))
def test_summary_is_that_of_pycocotools(labels, detections):
    # pycocotools' results are by image, and within an image in the order of the file.
    detections.sort(key=lambda row: row[0])
    check_equal(labels, detections)


def random_scene(rng, labels, detections, frames):
    def box():
        x, y = rng.uniform(0, 300, 2)
        return (float(x), float(y), *map(float, rng.uniform(10, 130, 2)))

    wanted = [
        label(int(rng.integers(frames)), int(rng.integers(2)), box(), bool(rng.random() < 0.1))
        for _ in range(labels)
    ]
    found = []
    for _ in range(detections):
        frame, category, xywh, *_ = wanted[rng.integers(len(wanted))]
        moved = tuple(map(float, np.add(xywh, rng.normal(0, 6, 4))))
        found.append(detection(frame, category, moved, float(np.round(rng.random(), 2))))
    return wanted, sorted(found, key=lambda row: row[0])


@pytest.mark.parametrize("seed", range(3))
def test_crowded_images_with_more_detections_than_are_judged(seed):
    labels, detections = random_scene(np.random.default_rng(seed), 60, 900, 3)
    check_equal(labels, detections)


def test_rows_give_the_average_precision_of_distinct_scores():
    rng = np.random.default_rng(7)
    labels, detections = random_scene(rng, 50, 200, 3)
    scores = rng.permutation(len(detections)) / len(detections)
    detections = [detection(*row[:3], float(s)) for row, s in zip(detections, scores, strict=True)]
    done = ours(labels, detections)
    rows = done.detections.to_pydict()
    wanted = [sum(not row[5] and row[1] == k for row in labels) for k in range(2)]
    for k in range(2):
        mine = np.array(rows["prediction"]) == f"objects/{CLASSES[k]}"
        values = []
        for level in range(len(LEVELS)):
            ignored = np.array(rows["ignored"])[mine] >> level & 1
            hits = (np.array(rows["hits"])[mine] >> level & 1)[ignored == 0]
            score = np.array(rows["score"])[mine][ignored == 0]
            values.append(coco_average_precision(score, hits > 0, wanted[k]))
        assert np.mean(values) == pytest.approx(
            done.summary["per_class"][CLASSES[k]]["AP"], abs=1e-9
        )


def sums_of(done, metric, prediction="objects/car"):
    rows = done.scores.filter(
        pa.compute.and_(
            pa.compute.equal(done.scores["metric"].cast(pa.string()), metric),
            pa.compute.equal(done.scores["prediction"].cast(pa.string()), prediction),
        )
    )
    return {(row["frame"], row["statistic"]): row["value"] for row in rows.to_pylist()}


def test_counts_at_the_threshold_by_hand():
    labels = [
        label(0, 0, (0, 0, 10, 10)),
        label(0, 0, (100, 0, 10, 10)),
        label(2, 0, (0, 0, 10, 10)),
        label(1, 0, (50, 50, 10, 10), ignored=True),
    ]
    detections = [
        detection(0, 0, (0, 0, 10, 10), 0.9),  # right
        detection(0, 0, (0, 0, 10, 9), 0.8),  # again
        detection(0, 0, (100, 0, 10, 10), 0.4),  # right, but not reported
        detection(1, 0, (50, 50, 10, 10), 0.9),  # of a label that is ignored
        detection(1, 0, (50, 50, 10, 10), 0.6),  # the ignored label is taken
    ]
    done = ours(labels, detections)
    assert done.scores.schema == SCORE_ROWS
    assert done.detections.schema == DETECTION_ROWS
    counts = {(0, "tp"): 1, (0, "fp"): 1, (0, "fn"): 1, (1, "fp"): 1, (2, "fn"): 1}
    assert sums_of(done, "f1") == counts
    assert sums_of(done, "recall") == {at: n for at, n in counts.items() if at[1] != "fp"}
    assert sums_of(done, "ap") == {(0, "labels"): 2, (2, "labels"): 1}
    lower = ours(labels, detections, threshold=0.3)
    assert sums_of(lower, "f1")[0, "tp"] == 2


def test_no_detections_are_misses_and_no_labels_are_undefined():
    labels = [label(0, 0, (0, 0, 10, 10))]
    silent = ours(labels, [])
    assert [silent.summary[name] for name in NUMBERS] == [
        0.0, 0.0, 0.0, 0.0, None, None, 0.0, 0.0, 0.0, 0.0, None, None,
    ]  # fmt: skip
    assert silent.summary["per_class"]["person"] == {"AP": None, "AP50": None, "AP75": None}
    assert silent.detections.num_rows == 0
    assert sums_of(silent, "f1") == {(0, "fn"): 1}
    nothing = ours([], [])
    assert nothing.scores.num_rows == 0
    assert all(nothing.summary[name] is None for name in NUMBERS)


def test_itself_is_perfect():
    labels, _ = random_scene(np.random.default_rng(1), 40, 1, 3)
    labels = [row for row in labels if not row[4]]
    done = ours(labels, [detection(*row[:3], 0.9) for row in labels])
    assert (done.summary["AP"], done.summary["AR100"]) == (1.0, 1.0)


def test_the_detections_beyond_the_limit_have_no_row():
    detections = [detection(0, 0, (0, 0, 10, 10), 0.001 * n) for n in range(120)]
    done = ours([label(0, 0, (0, 0, 10, 10))], detections)
    assert done.detections.num_rows == MAX_DETECTIONS
    assert min(done.detections["score"].to_pylist()) == pytest.approx(0.02)


def test_huge_boxes_are_errors_without_a_warning():
    labels = [label(0, 0, (0, 0, 10, 10))]
    done = ours(labels, [detection(0, 0, (-1e300, -1e300, 1e308, 1e308), 0.9)])
    assert done.summary["AP"] == 0.0


def test_scores_that_are_no_probabilities_leave_calibration_out():
    labels = [label(0, 0, (0, 0, 10, 10))]
    done = ours(labels, [detection(0, 0, (0, 0, 10, 10), 7.5)])
    assert sums_of(done, "ece") == {}
    assert sums_of(done, "f1") == {(0, "tp"): 1}


def test_classes_in_several_blocks_give_the_same(monkeypatch):
    labels, detections = random_scene(np.random.default_rng(3), 60, 300, 3)
    labels.append(label(0, 2, (0, 0, 10, 10)))
    whole = ours(labels, detections)
    monkeypatch.setattr("metrics.evaluation.coco.evaluation.BOXES_AT_ONCE", 1)
    parts = ours(labels, detections)
    assert parts.summary == whole.summary
    assert parts.detections.combine_chunks().equals(whole.detections.combine_chunks())
    keys = ("metric", "statistic", "prediction", "frame")

    def rows(done):
        return sorted(done.scores.to_pylist(), key=lambda row: [row[key] for key in keys])

    assert rows(parts) == rows(whole)
