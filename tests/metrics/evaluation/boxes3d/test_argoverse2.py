"""Argoverse 2's evaluation: known numbers of real data, and hand-computed cases."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from metrics.evaluation.boxes3d.argoverse2 import EVALUATION
from ridealong.perception.result_files import Boxes3D, Frames
from tests.oracles.row_figures import value_of


def boxes(rows, score=1.0):
    """Boxes from (frame, category, x, y[, score]) rows."""
    table = np.array([(*row, score)[:5] for row in rows], np.float64).reshape(-1, 5)
    n = len(table)
    center = np.column_stack([table[:, 2:4], np.zeros(n)])
    return Boxes3D(
        frame=table[:, 0].astype(np.int64),
        category=table[:, 1].astype(np.int64),
        center_m=center,
        size_lwh_m=np.full((n, 3), 2.0),
        yaw_rad=np.zeros(n),
        velocity_mps=np.full((n, 2), np.nan),
        attribute=np.full(n, -1),
        score=table[:, 4],
        track=np.full(n, -1),
        range_m=np.hypot(center[:, 0], center[:, 1]),
        ignored=np.zeros(n, np.bool_),
    )


def frames(count):
    names = pa.array([f"log/{i}" for i in range(count)])
    drive = pa.array(["log"] * count)
    return Frames(names, drive, np.arange(count) / 10, pa.nulls(count, pa.string()), pa.table({}))


def evaluated(truth, found, threshold=0.5, categories=("car",)):
    count = int(max([*truth.frame, *found.frame, 0])) + 1
    levels = dict.fromkeys(categories, threshold)
    return EVALUATION.evaluate(frames(count), categories, truth, found, levels)


def test_nothing_at_all():
    summary = evaluated(boxes([]), boxes([])).summary
    assert summary["recall@2m"] is None and summary["precision@2m"] is None
    assert summary["mAP"] == 0.0 and summary["mATE"] == 2.0  # as av2-api says of such a class


def test_the_same_boxes_are_perfect():
    some = boxes([(0, 0, 1, 2), (0, 0, 10, 2), (1, 0, 70, 2)])
    summary = evaluated(some, some).summary
    assert (summary["mAP"], summary["mCDS"], summary["mATE"], summary["AP@0.5m"]) == (1, 1, 0, 1)
    assert summary["mAP_0-50m"] == 1 and summary["mAP_100-150m"] is None


def test_a_label_belongs_to_its_best_detection_officially_and_to_the_best_near_one_by_class():
    # The better detection is 3 m from the label, which no other detection may find officially.
    truth = boxes([(0, 0, 10, 0)])
    found = boxes([(0, 0, 13, 0, 0.9), (0, 0, 10, 0, 0.8)])
    result = evaluated(truth, found)
    assert result.summary["recall@2m"] == 1.0 and result.summary["precision@2m"] == 0.5
    assert result.summary["per_class"]["car"]["AP@2m"] == 0.5
    assert result.summary["per_class"]["car"]["AP"] == 100.5 / 101 / 4  # at 4 m alone
    assert result.summary["per_class"]["car"]["ATE"] == 2.0
    assert result.detections["hits"].to_pylist() == [0b1000_1000, 0b0000_0111]


def test_classes_do_not_matter_over_all_classes_together():
    truth = boxes([(0, 0, 10, 0)])
    summary = evaluated(truth, boxes([(0, 1, 10, 0)]), categories=("car", "bus")).summary
    assert summary["recall@2m"] == 1.0
    assert summary["per_class"]["car"]["recall@2m"] == 0.0
    assert summary["mAP"] == 0.0


def test_counts_at_the_threshold():
    truth = boxes([(0, 0, 10, 0), (0, 0, 20, 0)])
    found = boxes([(0, 0, 10, 0, 0.9), (0, 0, 20, 0, 0.3), (0, 0, 50, 0, 0.7)])
    rows = evaluated(truth, found).scores.to_pylist()
    f1 = {row["statistic"]: row["value"] for row in rows if row["metric"] == "f1"}
    assert f1 == {"tp": 1, "fp": 1, "fn": 1}
    assert {r["prediction"] for r in rows} == {"boxes3d/car"}


def test_boxes_without_place_are_errors_and_far_ones_are_not_judged_officially():
    truth = boxes([(0, 0, 10, 0), (0, 0, 200, 0)])
    nowhere = boxes([(0, 0, 10, 0, 0.5), (0, 0, 200, 0, 0.8), (0, 0, 5, 5, 0.9)])
    center = nowhere.center_m.copy()
    center[2] = np.nan
    result = evaluated(truth, replace(nowhere, center_m=center))
    assert result.summary["precision@2m"] == pytest.approx(2 / 3)
    assert result.summary["per_class"]["car"]["AP"] == 0.5  # one label, found second
    assert result.detections["ignored"].to_pylist() == [0, 0b1111_0000, 0]


def test_at_most_a_hundred_detections_of_a_class_in_a_sweep_count_officially():
    truth = boxes([(0, 0, 10, 0)])
    found = boxes([*((0, 0, 50, y, 0.9) for y in range(100)), (0, 0, 10, 0, 0.5)])
    summary = evaluated(truth, found).summary
    assert summary["recall@2m"] == 1.0 and summary["mAP"] == 0.0


def test_what_can_be_summed_and_the_composite_score_agree_with_the_summary():
    rng = np.random.default_rng(5)
    rows = [(f, c, *rng.uniform(-60, 60, 2)) for f in range(6) for c in (0, 1) for _ in range(9)]
    truth = boxes(rows)
    moved = [
        (f, c, x + rng.normal(0, 1), y + rng.normal(0, 1), rng.random()) for f, c, x, y in rows
    ]
    found = boxes(moved)
    result = evaluated(truth, found, categories=("car", "bus"))
    sums = result.scores.group_by(["prediction", "metric", "statistic"]).aggregate(
        [("value", "sum")]
    )
    totals = {
        (r["prediction"], r["metric"], r["statistic"]): r["value_sum"] for r in sums.to_pylist()
    }
    for name, values in result.summary["per_class"].items():
        for metric in ("ate", "ase", "aoe"):
            error, hits = (totals.get((f"boxes3d/{name}", metric, s), 0) for s in ("error", "hits"))
            assert error / hits == pytest.approx(values[metric.upper()], abs=1e-12)
    for name, values in result.summary["per_class"].items():
        value = value_of(EVALUATION, "cds", name, result)
        assert value == pytest.approx(values["CDS"], abs=1e-12)
