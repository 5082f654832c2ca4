"""KITTI's object evaluation against the devkit's rules in plain loops, and by hand."""

from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest

from ingest.results.format import ReadOptions, ResultPaths
from ingest.results.kitti.format import FORMAT
from metrics.evaluation.evaluation import DETECTION_ROWS, SCORE_ROWS
from metrics.evaluation.kitti.evaluation import EVALUATION
from metrics.evaluation.kitti.matching import recall_thresholds
from tests.oracles import kitti as oracle
from tests.oracles.kitti_scenes import write_scenes

LEVELS = ("easy", "moderate", "hard")
SPACE = "1.5 1.6 3.9 {x} 1.65 20 0"


def evaluated(truth: Path, results: Path, thresholds=None):
    comparison = FORMAT.read(ResultPaths(truth, results, results), ReadOptions())
    sides = comparison.truth, comparison.deployed
    return EVALUATION.evaluate(comparison.frames, comparison.categories, *sides, thresholds or {})


def by_hand(root: Path, labels: list[str], results: list[str], thresholds=None):
    """One frame. A line is a type, a left edge, and what differs from a box of 100 x 50 pixels."""
    for name, lines in (("truth", labels), ("results", results)):
        (root / name).mkdir()
        (root / name / "000000.txt").write_text("\n".join(lines))
    return evaluated(root / "truth", root / "results", thresholds)


def label(name, left=0, height=50, truncation=0, occlusion=0, width=100):
    box = f"{left} 0 {left + width} {height}"
    return f"{name} {truncation} {occlusion} 0 {box} {SPACE.format(x=left / 10)} "


def result(name, left=0, score=0.9, height=50, width=100):
    box = f"{left} 0 {left + width} {height}"
    return f"{name} -1 -1 0 {box} {SPACE.format(x=left / 10)} {score}"


def row_of(done, prediction="objects/Car"):
    rows = done.detections.filter(pc.equal(done.detections["prediction"], prediction))
    return [(row["hits"], row["ignored"]) for row in rows.to_pylist()]


def sums_of(done, metric, prediction="objects/Car"):
    scores = done.scores.to_pylist()
    return {
        row["statistic"]: row["value"]
        for row in scores
        if (row["prediction"], row["metric"]) == (prediction, metric)
    }


@pytest.mark.parametrize("seed", [1, 2])
def test_the_summary_equals_the_devkits_rules(tmp_path: Path, seed: int) -> None:
    truth, results = write_scenes(tmp_path, 80, seed)
    ap = agreeing(truth, results, ["Car", "Pedestrian", "Cyclist"])
    assert 0.1 < ap["Car"]["3d"]["hard"] <= ap["Car"]["2d"]["hard"] < 1


@pytest.mark.real
def test_real_labels_and_wrong_copies_of_them(tmp_path: Path, test_data: Path) -> None:
    rng = np.random.default_rng(0)
    tracking = test_data / "kitti_tracking_0001" / "training" / "label_02" / "0001.txt"
    lines = [line.split() for line in tracking.read_text().splitlines()]
    truth, results = tmp_path / "truth", tmp_path / "results"
    for folder in (truth, results):
        folder.mkdir()
    for frame in range(0, 447, 5):
        labels = [line[2:] for line in lines if int(line[0]) == frame]
        (truth / f"{frame:06d}.txt").write_text("\n".join(map(" ".join, labels)))
        found = []
        for name, *numbers in labels:
            if name != "DontCare" and rng.random() < 0.9:
                near = np.array(numbers, float) + rng.normal(size=14) * 0.1
                near[3:7] += rng.normal(size=4) * 3
                found.append(" ".join([name, *(f"{v:.4f}" for v in near), f"{rng.random():.3f}"]))
        (results / f"{frame:06d}.txt").write_text("\n".join(found))
    ap = agreeing(truth, results, ["Car", "Pedestrian"])
    assert 0.2 < ap["Car"]["3d"]["moderate"] < ap["Car"]["2d"]["moderate"] < 1


def agreeing(truth: Path, results: Path, names: list[str]):
    """The figures of all classes, after comparing them with the oracle's."""

    def lines(file):
        return [oracle.line_of(text) for text in file.read_text().splitlines()]

    frames = [(lines(file), lines(results / file.name)) for file in sorted(truth.glob("*.txt"))]
    ap = evaluated(truth, results).summary["AP_R40"]
    assert list(ap) == names
    for name, kinds in ap.items():
        assert list(kinds) == ["2d", "bev", "3d"]
        for kind, levels in kinds.items():
            assert tuple(levels) == LEVELS
            for level, value in levels.items():
                expected = oracle.ap_r40(frames, name, kind, level)
                assert value == pytest.approx(expected, abs=1e-9), (name, kind, level)
    return ap


def test_perfect_results_stay_below_1_for_few_labels(tmp_path: Path) -> None:
    """The devkit finds one threshold per label, and leaves out the first."""
    cars = [f"Car 0 0 0 {150 * k} 0 {150 * k + 100} 50 {SPACE.format(x=9 * k)}" for k in range(5)]
    done = by_hand(tmp_path, cars, [f"{car} 0.{9 - k}" for k, car in enumerate(cars)])
    assert done.summary["AP_R40"]["Car"]["2d"] == dict.fromkeys(LEVELS, 4 / 40)
    assert row_of(done) == [(7, 0)] * 5
    assert row_of(done, "boxes3d/Car") == [(63, 0)] * 5


def test_41_perfect_labels_are_1(tmp_path: Path) -> None:
    cars = [f"Car 0 0 0 {150 * k} 0 {150 * k + 100} 50 {SPACE.format(x=9 * k)}" for k in range(41)]
    done = by_hand(tmp_path, cars, [f"{car} {1 - k / 100}" for k, car in enumerate(cars)])
    assert done.summary["AP_R40"]["Car"]["3d"] == pytest.approx(dict.fromkeys(LEVELS, 1.0))


@pytest.mark.parametrize(
    ("labels", "results", "rows"),
    [
        pytest.param([label("Car")], [result("Car", 20)], [(0, 0)], id="IoU 2/3 is too little"),
        pytest.param([label("Car")], [result("Car", 17)], [(7, 0)], id="IoU 0.71 is enough"),
        pytest.param([label("Van")], [result("Car")], [(0, 7)], id="a neighbouring class"),
        pytest.param([label("Truck")], [result("Car")], [(0, 0)], id="any other class"),
        pytest.param([label("Car", height=40)], [result("Car", height=40)], [(6, 1)], id="40 high"),
        pytest.param([label("Car", height=41)], [result("Car", height=39)], [(6, 1)], id="39 high"),
        pytest.param([label("Car", height=25)], [result("Car", height=25)], [(0, 7)], id="25 high"),
        pytest.param([label("Car", occlusion=1)], [result("Car")], [(6, 1)], id="partly hidden"),
        pytest.param([label("Car", occlusion=2)], [result("Car")], [(4, 3)], id="mostly hidden"),
        pytest.param([label("Car", truncation=0.4)], [result("Car")], [(4, 3)], id="cut off"),
        pytest.param([label("Car", truncation=0.6)], [result("Car")], [(0, 7)], id="gone"),
        pytest.param(
            [label("Car"), label("DontCare", 200, 200)],
            [result("Car"), result("Car", 220), result("Car", 240)],
            [(7, 0), (0, 7), (0, 0)],
            id="80% and 60% in a region that nobody labelled",
        ),
        pytest.param(
            [label("Car")], [result("Car", 2, 0.8), result("Car", 9, 0.9)], [(0, 0), (7, 0)],
            id="the better score wins",
        ),
        pytest.param([label("Car")], [result("car")], [(7, 0)], id="lower case"),
    ],
)  # fmt: skip
def test_rows_by_hand(tmp_path: Path, labels, results, rows) -> None:
    done = by_hand(tmp_path, [label("Car", 5000), *labels], results)
    assert row_of(done) == rows


def test_pedestrians_need_less_overlap_and_sitting_ones_are_ignored(tmp_path: Path) -> None:
    labels = [label("Pedestrian"), label("Person_sitting", 500)]
    results = [result("Pedestrian", 30), result("Pedestrian", 500)]
    assert row_of(by_hand(tmp_path, labels, results), "objects/Pedestrian") == [(7, 0), (0, 7)]


def test_counts_are_those_of_moderate_at_the_threshold(tmp_path: Path) -> None:
    labels = [label("Car"), label("Car", 200), label("Car", 400, occlusion=2)]
    results = [
        result("Car", 0, 0.9),
        result("Car", 200, 0.6),
        result("Car", 400, 0.9),
        result("Car", 600, 0.7),
    ]
    done = by_hand(tmp_path, labels, results, {"Car": 0.65})
    assert sums_of(done, "f1") == {"tp": 1, "fp": 1, "fn": 1}
    assert sums_of(done, "precision") == {"tp": 1, "fp": 1}
    assert sums_of(done, "recall") == {"tp": 1, "fn": 1}
    assert sums_of(done, "ap_moderate") == {"labels": 2}
    assert sums_of(done, "ap_hard") == {"labels": 3}
    assert sums_of(done, "f1_3d", "boxes3d/Car") == {"tp": 1, "fp": 1, "fn": 1}


def test_the_rows_hold_the_hits_at_every_threshold(tmp_path: Path) -> None:
    """Removing detections of low score changes no other row."""
    truth, results = write_scenes(tmp_path, 25, 5)
    whole = evaluated(truth, results).detections
    for file in results.glob("*.txt"):
        lines = [line for line in file.read_text().splitlines() if float(line.split()[-1]) >= 0.6]
        file.write_text("\n".join(lines))
    part = evaluated(truth, results).detections
    assert part.equals(whole.filter(pc.greater_equal(whole["score"], 0.6)).unify_dictionaries())


def test_without_labels_or_results(tmp_path: Path) -> None:
    done = by_hand(tmp_path, [label("Car", occlusion=3)], [""])
    assert done.summary["AP_R40"] == {"Car": {"2d": dict.fromkeys(LEVELS)}}
    assert done.scores.schema == SCORE_ROWS
    assert done.detections.schema == DETECTION_ROWS
    assert len(done.scores) == len(done.detections) == 0


def test_thresholds_follow_the_devkit_for_any_number_of_hits() -> None:
    rng = np.random.default_rng(0)
    for hits, labels in [(0, 5), (1, 1), (3, 50), (40, 40), (97, 100), (500, 900), (2000, 2001)]:
        scores = rng.random(hits)
        expected = oracle._thresholds(scores.tolist(), labels)
        assert recall_thresholds(scores, labels).tolist() == expected
        assert len(expected) <= 41


def test_metrics_have_names_of_their_own() -> None:
    names = [metric.name for metric in EVALUATION.metrics]
    assert len(set(names)) == len(names)
    assert EVALUATION.metrics_of("objects/Car")[0].name == "ap_moderate"
    assert EVALUATION.metrics_of("boxes3d/Car")[0].name == "ap_3d_moderate"
    assert set(EVALUATION.margins) == set(names)
