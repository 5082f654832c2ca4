"""nuScenes' evaluation: hand-computed cases, and metrics that agree with the summary."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from metrics.evaluation.boxes3d.nuscenes import EVALUATION, RANGE_M
from ridealong.perception.result_files import Boxes3D, Frames
from tests.oracles.row_figures import rows_of, value_of

CLASSES = tuple(RANGE_M)
CAR, CONE, BARRIER = (CLASSES.index(name) for name in ("car", "traffic_cone", "barrier"))


def boxes(rows, **columns):
    """Boxes from (frame, category, x, y[, score]) rows."""
    table = np.array([(*row, 0.9)[:5] for row in rows], np.float64).reshape(-1, 5)
    n = len(table)
    made = Boxes3D(
        frame=table[:, 0].astype(np.int64),
        category=table[:, 1].astype(np.int64),
        center_m=np.column_stack([table[:, 2:4], np.zeros(n)]),
        size_lwh_m=np.full((n, 3), 2.0),
        yaw_rad=np.zeros(n),
        velocity_mps=np.zeros((n, 2)),
        attribute=np.full(n, 5),
        score=table[:, 4],
        track=np.full(n, -1),
        range_m=np.hypot(table[:, 2], table[:, 3]),
        ignored=np.zeros(n, np.bool_),
    )
    return replace(made, **columns)


def evaluated(truth, found, threshold=0.5):
    count = int(max([*truth.frame, *found.frame, 0])) + 1
    names = pa.array([f"s{i}" for i in range(count)])
    frames = Frames(names, names, np.arange(count) / 2, pa.nulls(count, "string"), pa.table({}))
    return EVALUATION.evaluate(frames, CLASSES, truth, found, dict.fromkeys(CLASSES, threshold))


def test_nothing_at_all_has_the_devkits_worst_values():
    summary = evaluated(boxes([]), boxes([])).summary
    assert [summary[n] for n in ("mAP", "mATE", "mASE", "mAOE", "mAVE", "mAAE", "NDS")] == [
        0, 1, 1, 1, 1, 1, 0,
    ]  # fmt: skip
    assert summary["per_class"]["traffic_cone"]["AVE"] is None


def test_the_same_boxes_are_perfect():
    rows = [(f, c, 5 + 3 * c, f) for c in range(len(CLASSES)) for f in range(2) if 5 + 3 * c < 29]
    rows += [(0, CONE, 1, 0), (0, BARRIER, 2, 0)]
    some = boxes(rows)
    summary = evaluated(some, some).summary
    assert summary["mATE"] == 0 and summary["mAAE"] == 0
    assert summary["NDS"] == pytest.approx(1.0) and summary["mAP"] == pytest.approx(1.0)


def test_a_half_found_class_by_hand():
    # Of two cars one is found, 0.6 m off: not within 0.5 m, precision 1 up to a recall of a half.
    truth = boxes([(0, CAR, 0, 0), (0, CAR, 10, 0)])
    found = boxes([(0, CAR, 0.6, 0)], attribute=np.array([6]), velocity_mps=np.array([[3.0, 4.0]]))
    car = evaluated(truth, found).summary["per_class"]["car"]
    at_half = 40 / 90  # recalls 0.11 to 0.50 of 0.11 to 1.00
    assert [car[f"AP@{m}m"] for m in ("0.5", "1", "2", "4")] == pytest.approx([0, *[at_half] * 3])
    assert [car[n] for n in ("ATE", "ASE", "AOE", "AVE", "AAE")] == pytest.approx([0.6, 0, 0, 5, 1])
    assert car["NDS"] == pytest.approx((5 * 0.75 * at_half + 0.4 + 1 + 1 + 0 + 0) / 10)


def test_boxes_beyond_the_range_of_their_class_are_left_out():
    truth = boxes([(0, CAR, 49, 0), (0, CONE, 31, 0), (0, BARRIER, 29, 0)])
    found = boxes([(0, CAR, 51, 0), (0, CONE, 31, 0)])
    result = evaluated(truth, found)
    assert len(result.detections) == 0
    labels = [r for r in result.scores.to_pylist() if r["metric"] == "ap"]
    assert [row["prediction"] for row in labels] == ["boxes3d/car", "boxes3d/barrier"]


def test_ignored_boxes_are_left_out_and_boxes_without_place_are_not():
    one = boxes([(0, CAR, 1, 0), (0, CAR, 9, 0)])
    hidden = replace(one, ignored=np.array([True, False]))
    nowhere = boxes([(0, CAR, np.nan, 0), (0, CAR, 9, 0)])
    result = evaluated(hidden, nowhere)
    f1 = {r["statistic"]: r["value"] for r in result.scores.to_pylist() if r["metric"] == "f1"}
    assert f1 == {"tp": 1, "fp": 1}


def test_barriers_look_alike_from_both_sides_and_cones_have_two_errors():
    truth = boxes([(0, BARRIER, 1, 0), (0, CONE, 5, 0), (0, CAR, 9, 0)])
    found = replace(truth, yaw_rad=np.full(3, np.pi))
    per_class = evaluated(truth, found).summary["per_class"]
    assert per_class["barrier"]["AOE"] == pytest.approx(0)
    assert per_class["car"]["AOE"] == pytest.approx(np.pi)
    assert [per_class["traffic_cone"][n] for n in ("AOE", "AVE", "AAE")] == [None] * 3
    assert per_class["traffic_cone"]["NDS"] == 1.0


def test_unknown_velocities_and_attributes_do_not_count():
    rows = [(0, CAR, 1, 0, 0.5), (0, CAR, 9, 0, 0.9)]
    truth = boxes(rows, attribute=np.array([-1, 5]))
    unknown = np.array([[np.nan, np.nan], [1.0, 0.0]])
    car = evaluated(truth, replace(truth, velocity_mps=unknown)).summary["per_class"]["car"]
    assert (car["AAE"], car["AVE"]) == (0, 1)


def test_of_equal_scores_the_later_box_comes_first():
    truth = boxes([(0, CAR, 0, 0)])
    found = boxes([(0, CAR, 0, 0), (0, CAR, 1.5, 0)])
    assert evaluated(truth, found).summary["per_class"]["car"]["ATE"] == 1.5


def test_an_error_is_the_worst_one_below_a_recall_of_a_tenth():
    truth = boxes([(0, CAR, x, 0) for x in range(20)])
    car = evaluated(truth, boxes([(0, CAR, 0, 0)])).summary["per_class"]["car"]
    assert [car[n] for n in ("AP", "ATE", "ASE", "AOE", "AVE", "AAE")] == [0, 1, 1, 1, 1, 1]


def test_metrics_agree_with_the_summary():
    rng = np.random.default_rng(3)
    rows = [(f, c, *rng.uniform(-20, 20, 2)) for f in range(8) for c in (CAR, CONE, BARRIER) * 4]
    truth = boxes(rows, attribute=rng.integers(-1, 8, len(rows)))
    moved = [(f, c, x + rng.normal(0, 1), y, rng.random()) for f, c, x, y in rows]
    found = boxes(moved, velocity_mps=rng.normal(0, 1, (len(rows), 2)))
    found = replace(found, yaw_rad=rng.normal(0, 1, len(rows)))
    result = evaluated(truth, found)
    judged = {m.name: m for m in EVALUATION.metrics}
    for name in ("car", "traffic_cone", "barrier"):
        values = result.summary["per_class"][name]
        for metric in ("nds", "ate", "ase", "aoe", "ave", "aae"):
            if judged[metric].categories and name not in judged[metric].categories:
                assert values[metric.upper()] is None
            else:
                value = value_of(EVALUATION, metric, name, result)
                assert value == pytest.approx(values[metric.upper()], abs=1e-12)


def test_a_version_without_a_drive_is_an_evaluation_without_it():
    rng = np.random.default_rng(4)
    rows = [(f, CAR, *rng.uniform(-20, 20, 2)) for f in range(6) for _ in range(5)]
    truth = boxes(rows)
    found = boxes([(f, c, x + rng.normal(0, 1), y, rng.random()) for f, c, x, y in rows])
    whole = evaluated(truth, found)
    figure = next(m.figure for m in EVALUATION.metrics if m.name == "nds")
    rows3d = rows_of(EVALUATION, "car", whole)
    frame = whole.detections["frame"].to_numpy()
    order = np.argsort(-whole.detections["score"].to_numpy(), kind="stable")
    keep = np.array([frame[order] != drive for drive in range(6)])
    values = figure.value(rows3d, keep, np.full(6, 25.0))
    for drive in range(6):
        alone = [
            replace(b, **{n: getattr(b, n)[b.frame != drive] for n in vars(b)})
            for b in (truth, found)
        ]
        expected = evaluated(*alone).summary["per_class"]["car"]["NDS"]
        assert values[drive] == pytest.approx(expected, abs=1e-12)
