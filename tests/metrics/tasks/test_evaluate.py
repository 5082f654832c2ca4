import doctest
import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.inference.precision import coco_average_precision
from metrics.schemas import MATCHES, SCORES
from metrics.tasks.clip_view import ClipView
from metrics.tasks.evaluate import Unscored, score_clip, with_identity
from metrics.tasks.metric import Better, Metric, Reference, Sums, over
from metrics.tasks.prediction import Prediction
from metrics.tasks.registry import (
    definition_of,
    families,
    family,
    lookup,
    parse_prediction,
)
from ridealong.errors import RidealongError
from ridealong.perception.annotations import (
    LaneCategory,
    LightState,
    Surface,
    Task,
    at_times,
    empty_perception,
)
from tests.oracles.families import metrics_of

CAMERAS = ("main", "narrow")
SIZES = dict.fromkeys(CAMERAS, (160, 96))
EVERYTHING = (
    *(Prediction(Task.OBJECTS, c, k) for c in ("car", "pedestrian") for k in CAMERAS),
    *(Prediction(Task.LIGHTS, s, k) for s in LightState for k in CAMERAS),
    *(Prediction(Task.LANES, c, k) for c in LaneCategory for k in CAMERAS),
    *(Prediction(Task.DEPTH, None, k) for k in CAMERAS),
    *(Prediction(Task.SEGMENTATION, s, k) for s in Surface for k in CAMERAS),
    Prediction(Task.BEV, "road"),
)


def score(outputs, labels=None, other=None, predictions=EVERYTHING, **more):
    sides = [side and ClipView(side, image_sizes=SIZES) for side in (outputs, labels, other)]
    return score_clip(sides[0], predictions, *sides[1:], **more)


def values(scores):
    """Each ratio's value by (prediction, metric)."""
    sums = {}
    for row in scores.statistics.to_pylist():
        key = (row["prediction"], row["metric"])
        sums.setdefault(key, {})[row["statistic"]] = row["value"]
    return {
        (prediction, name): float(lookup(parse_prediction(prediction).task, name).value(s))
        for (prediction, name), s in sums.items()
        if not lookup(parse_prediction(prediction).task, name).matched_rows
    }


def totals(*tables):
    rows = pa.concat_tables(tables).group_by(["prediction", "metric", "statistic"])
    summed = rows.aggregate([("value", "sum")]).to_pylist()
    return {(r["prediction"], r["metric"], r["statistic"]): r["value_sum"] for r in summed}


def test_labels_against_themselves_are_perfect(make):
    labels = make.random(1, certain=True)
    scores = score(labels, labels, labels)
    assert scores.unscored == ()
    best = {Better.HIGHER: 1.0, Better.LOWER: 0.0}
    judged = 0
    for (prediction, name), value in values(scores).items():
        metric = lookup(parse_prediction(prediction).task, name)
        if metric.reference is not Reference.SELF and np.isfinite(value):
            assert value == best[metric.better], (prediction, name)
            judged += 1
    assert judged > 100
    matched = scores.matches["matched"].to_numpy()
    assert matched.all()
    assert coco_average_precision(scores.matches["score"].to_numpy(), matched, len(matched)) == 1


@pytest.mark.parametrize("seed", range(3))
def test_the_halves_of_a_clip_add_up_to_the_whole(make, seed):
    outputs, labels, other = (make.random(seed + i) for i in (0, 10, 20))
    whole = score(outputs, labels, other)
    halves = []
    for times in np.array_split(outputs.timestamps_ns, 2):
        halves.append(score(*(at_times(p, times) for p in (outputs, labels, other))))
    per_frame = pc.not_equal(whole.statistics["reference"], "self")
    expected = totals(whole.statistics.filter(per_frame))
    found = totals(*(h.statistics.filter(pc.not_equal(h.statistics["reference"], "self"))
                     for h in halves))  # fmt: skip
    assert found.keys() == expected.keys()
    assert found == {key: pytest.approx(value, rel=1e-12) for key, value in expected.items()}
    order = [("prediction", "ascending"), ("timestamp_ns", "ascending"), ("score", "ascending")]
    together = pa.concat_tables([half.matches for half in halves])
    assert together.sort_by(order) == whole.matches.sort_by(order)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 999), st.integers(0, 999))
def test_values_are_bounded(make, one, two):
    scores = score(make.random(one), make.random(two), make.random(one + two))
    unbounded = ("abs_rel", "mse", "flicker")
    for (prediction, name), value in values(scores).items():
        if np.isfinite(value):
            most = np.inf if name.startswith(unbounded) else 1 + 1e-12
            assert 0 <= value <= most, (prediction, name)


def test_same_input_same_bytes_whatever_the_order_of_predictions(make):
    sides = [make.random(seed) for seed in (1, 2, 3)]
    once, again = score(*sides), score(*sides, predictions=EVERYTHING[::-1])
    assert once.statistics.equals(again.statistics)
    assert once.matches.equals(again.matches)


def test_every_prediction_has_every_statistic_of_its_metrics(make):
    scores = score(make.random(1), make.random(2), make.random(3))
    rows = scores.statistics.to_pylist()
    found = [(r["prediction"], r["metric"], r["reference"], r["statistic"]) for r in rows]
    expected = {
        (str(p), m.name, str(m.reference), s)
        for p in EVERYTHING
        for m in metrics_of(p)
        for s in m.statistics
    }
    assert len(found) == len(set(found))
    assert set(found) == expected


def test_no_labels_means_scored_without_them_and_said(make):
    scores = score(make.random(1), None, make.random(2))
    assert set(scores.statistics["reference"].to_pylist()) == {"self", "other"}
    assert scores.matches.num_rows == 0
    assert scores.unscored == tuple(
        sorted(Unscored(str(p), Reference.LABELS, "the clip has no labels") for p in EVERYTHING)
    )


@pytest.mark.parametrize(
    ("change", "prediction", "reason"),
    [
        ({"tasks": frozenset({Task.OBJECTS})}, "lights/red@main", "lights not judged"),
        ({"depth": {}}, "depth@main", "no depth of the camera main"),
        ({"segmentation": {}}, "segmentation/sky@narrow", "no segmentation of the camera narrow"),
        ({"bev": {}}, "bev/road", "no top-down layer road"),
    ],
    ids=["task", "depth", "segmentation", "bev"],
)
@pytest.mark.parametrize("side", ["the network", "the labels", "the other network"])
def test_what_a_side_lacks_is_said(make, change, prediction, reason, side):
    sides = [make.random(seed) for seed in (1, 2, 3)]
    place = ["the network", "the labels", "the other network"].index(side)
    sides[place] = replace(sides[place], **change)
    scores = score(*sides, predictions=[parse_prediction(prediction)])
    touched = {0: list(Reference), 1: [Reference.LABELS], 2: [Reference.OTHER]}[place]
    expected = [Unscored(prediction, reference, f"{side}: {reason}") for reference in touched]
    assert scores.unscored == tuple(sorted(expected))
    left = {str(r) for r in Reference} - {str(r) for r in touched}
    assert set(scores.statistics["reference"].to_pylist()) == left


def test_lanes_need_the_size_of_the_pictures(make):
    lanes = [parse_prediction("lanes/lane_line@main")]
    scores = score_clip(ClipView(make.random(1)), lanes, ClipView(make.random(2)))
    assert {u.reference for u in scores.unscored} == {Reference.LABELS, Reference.SELF}
    assert all("image size" in u.reason for u in scores.unscored)


def test_only_common_frames_are_judged(make):
    outputs, labels = make.random(1), make.random(2)
    few = labels.timestamps_ns[[1, 4]]
    sparse_labels = at_times(labels, few)
    found = score(outputs, sparse_labels)
    expected = score(at_times(outputs, few), sparse_labels)
    by_labels = [
        s.statistics.filter(pc.equal(s.statistics["reference"], "labels"))
        for s in (found, expected)
    ]
    assert by_labels[0].equals(by_labels[1])
    late = replace(sparse_labels, timestamps_ns=few + 1, sparse=sparse_labels.sparse.slice(0, 0))
    assert {u.reason for u in score(outputs, late).unscored} == {"no frame in common"}


def test_nothing_seen_and_nothing_there(make):
    empty = make.perception(4)
    sparse = [p for p in EVERYTHING if p.task in (Task.OBJECTS, Task.LIGHTS, Task.LANES)]
    scores = score(empty, empty, empty, predictions=sparse)
    assert scores.unscored == ()
    assert scores.matches.num_rows == 0
    frames = {"tp", "intersection", "union", "said"}  # in which both say that there is no light
    for row in scores.statistics.to_pylist():
        counts = row["prediction"].startswith("lights/none") and row["statistic"] in frames
        assert row["value"] == (4 if counts else 0), row


@pytest.mark.parametrize("frames", [0, 1], ids=["no frame", "one frame"])
def test_very_short_clips(make, frames):
    clip = make.random(1, frames=frames)
    scores = score(clip, clip, clip)
    reasons = {u.reason for u in scores.unscored}
    assert reasons == (set() if frames else {"no frame in common"})


def test_nobody_looked(make):
    nothing = empty_perception(np.arange(3, dtype=np.int64))
    scores = score(nothing, make.random(1), None)
    assert scores.statistics.num_rows == scores.matches.num_rows == 0
    assert len(scores.unscored) == 2 * len(EVERYTHING)


def test_no_predictions(make):
    scores = score(make.random(1), make.random(2), make.random(3), predictions=())
    assert scores.statistics.num_rows == scores.matches.num_rows == len(scores.unscored) == 0


def test_a_failure_names_the_clip_and_the_statistic(make):
    broken = replace(make.random(1), bev={"road": np.zeros((2, 4, 4), np.uint8)})
    with pytest.raises(RidealongError, match=r"clip c7: scoring bev against labels") as caught:
        score(broken, make.random(2), where="clip c7")
    assert isinstance(caught.value.__cause__, ValueError)
    assert "bev/road" in str(caught.value)


def test_rows_outside_the_frames_surface(make):
    outputs = make.random(1)
    stray = replace(outputs, timestamps_ns=outputs.timestamps_ns + 1)
    with pytest.raises(RidealongError, match="timestamp_ns is not one of the frames"):
        score(stray)


def test_identity_completes_the_tables(make):
    scores = score(make.random(1), make.random(2), make.random(3))
    statistics, matches = with_identity(
        scores, "aa", "bb", "clip", "drive", lambda task: "two", "v1"
    )
    assert statistics.schema.equals(SCORES.schema, check_metadata=True)
    assert matches.schema.equals(MATCHES.schema, check_metadata=True)
    assert set(statistics["reference"].to_pylist()) == {"labels", "self", "bb"}
    assert set(matches["reference"].to_pylist()) == {"labels"}
    for table in (statistics, matches):
        assert table.num_rows > 0
        assert table["network_sha256"].unique().to_pylist() == ["aa"]
        assert table["drive_id"].unique().to_pylist() == ["drive"]
    assert statistics["definition"].unique().to_pylist() == ["two"]
    assert set(matches["definition"].to_pylist()) <= {"two"}
    versions = statistics.select(["reference", "labels"]).to_pylist()
    assert {(row["reference"], row["labels"]) for row in versions} == {
        ("labels", "v1"),
        ("self", None),
        ("bb", None),
    }
    assert set(matches["labels"].to_pylist()) == {"v1"}


def test_each_row_has_the_definition_of_its_task(make):
    scores = score(make.random(1), make.random(2), make.random(3))
    statistics, _ = with_identity(scores, "aa", "bb", "clip", "drive", str.upper)
    rows = statistics.select(["prediction", "definition"]).to_pylist()
    assert {row["definition"] for row in rows} == {"OBJECTS", "LIGHTS", "LANES", "DEPTH", "BEV"} | {
        "SEGMENTATION"
    }
    assert all(row["prediction"].upper().startswith(row["definition"]) for row in rows)


def test_only_the_references_asked_for_are_scored(make):
    own, labels, other = make.random(1), make.random(2), make.random(3)
    whole = score(own, labels, other).statistics.to_pylist()
    for reference in Reference:
        part = score(own, labels, other, references={reference})
        wanted = [row for row in whole if row["reference"] == reference]
        assert wanted and part.statistics.to_pylist() == wanted
        assert all(unscored.reference is reference for unscored in part.unscored)


def test_two_networks_are_compared_once_for_both(make):
    one, two = (ClipView(make.random(seed), image_sizes=SIZES) for seed in (1, 2))
    fresh = score(two.perception, other=one.perception, references={Reference.OTHER})
    there = score_clip(one, EVERYTHING, other=two, references={Reference.OTHER})
    back = score_clip(two, EVERYTHING, other=one, references={Reference.OTHER})
    assert there.statistics.num_rows == back.statistics.num_rows > 0
    assert back.statistics.equals(fresh.statistics)
    assert one.compared and not two.compared


def test_other_thresholds_are_another_comparison(make):
    one, two = (ClipView(make.random(seed), image_sizes=SIZES) for seed in (1, 2))
    strict = replace(one, thresholds={str(p): 1.0 for p in EVERYTHING}, compared=[], found={})
    before = score_clip(one, EVERYTHING, other=two, references={Reference.OTHER})
    after = score_clip(two, EVERYTHING, other=strict, references={Reference.OTHER})
    assert not before.statistics.equals(after.statistics)
    score_clip(strict, EVERYTHING, other=two, references={Reference.OTHER})
    again = score_clip(two, EVERYTHING, other=one, references={Reference.OTHER})
    assert again.statistics.equals(before.statistics)


def test_identity_needs_the_other_networks_name(make):
    compared = score(make.random(1), None, make.random(3))
    with pytest.raises(ValueError, match="need its sha256"):
        with_identity(compared, "aa", None, "clip", "drive", lambda task: "two")
    alone = score(make.random(1))
    statistics, matches = with_identity(alone, "aa", None, "clip", "drive", lambda task: "two")
    assert set(statistics["reference"].to_pylist()) == {"self"}
    assert matches.schema.equals(MATCHES.schema)


def test_the_definition_changes_with_any_part_of_it():
    depth = family("depth")
    assert re.fullmatch("[0-9a-f]{64}", depth.definition)
    assert replace(depth, version=depth.version + 1).definition != depth.definition
    parameters = {**depth.parameters, "cap_m": 81.0}
    assert replace(depth, parameters=parameters).definition != depth.definition
    assert replace(depth, against_other=None).definition != depth.definition
    assert replace(depth).definition == depth.definition == definition_of("depth")


def test_the_definition_does_not_change_with_prose():
    depth = family("depth")
    metrics = tuple(
        replace(metric, description="other words", source="elsewhere")
        for metric in depth.against_labels.metrics
    )
    reworded = replace(depth.against_labels, metrics=metrics)
    assert replace(depth, against_labels=reworded).definition == depth.definition


def test_each_family_has_its_own_definition():
    assert len({own.definition for own in families().values()}) == len(families())


def test_an_unknown_metric_is_refused():
    assert lookup(Task.DEPTH, "abs_rel").unit == "1"
    with pytest.raises(
        RidealongError, match="objects has no metric 'recal'; did you mean 'recall'"
    ):
        lookup(Task.OBJECTS, "recal")


def test_two_metrics_of_one_name_are_refused():
    metric = lookup(Task.DEPTH, "abs_rel")
    twice = replace(family("depth").against_labels, metrics=(metric, metric))
    with pytest.raises(ValueError, match="two metrics called 'abs_rel'"):
        replace(family("depth"), against_labels=twice)


def test_values_come_from_sums_of_any_shape():
    metric = lookup(Task.OBJECTS, "f1")
    sums = {"tp": np.array([[1, 0]]), "fp": np.array([[1, 0]]), "fn": np.array([[0, 0]])}
    assert metric.value(sums)[0] == pytest.approx([2 / 3, np.nan], nan_ok=True)
    with pytest.raises(ValueError, match="no ratio"):
        lookup(Task.OBJECTS, "ap50").value({"labels": np.array([1.0])})


def test_sums_must_be_those_of_the_metric():
    metric = Metric("x", Task.BEV, Better.LOWER, "1", ("a", "b"), Reference.SELF, "", "",
                    over("a", "b"))  # fmt: skip
    with pytest.raises(ValueError, match="has the statistics"):
        Sums(metric, ("bev/road",), {"a": np.zeros(1)})


def test_the_examples_of_the_documentation_run(repository):
    failed, tried = doctest.testfile(
        str(repository / "docs" / "metrics.md"), module_relative=False, encoding="utf-8"
    )
    assert tried > 5
    assert failed == 0


def test_the_documentation_lists_every_metric_as_it_is(repository):
    text = (repository / "docs" / "metrics.md").read_text("utf-8")
    text = text[: text.index("## Metrics of result files")]  # tests/metrics/evaluation has these
    rows = {line for line in text.splitlines() if line.startswith("| `")}
    for task, own in families().items():
        for metric in own.metrics.values():
            statistics = ", ".join(f"`{name}`" for name in metric.statistics)
            row = [f"`{task}`", f"`{metric.name}`", metric.description, statistics,
                   metric.unit, metric.better, metric.reference, metric.source]  # fmt: skip
            escaped = [str(cell).replace("|", "\\|") for cell in row]
            assert f"| {' | '.join(escaped)} |" in rows
    assert len(rows) == sum(len(own.metrics) for own in families().values())


def test_frames_that_were_judged_in_part_count_only_there(make):
    """A camera and family that nobody labelled in a frame is not scored as empty there."""
    outputs, labels = make.random(1), make.random(2, certain=True)
    times = labels.timestamps_ns.tolist()
    only = frozenset({("objects", "main")})
    part = replace(labels, partial={time: only for time in times[1:]})

    def against(seen):
        return totals(score(outputs, seen, references={Reference.LABELS}).statistics)

    whole, first = against(labels), against(at_times(labels, np.array(times[:1])))
    found = against(part)
    assert found.keys() == whole.keys() and found != whole != first
    for key, value in found.items():
        judged = key[0].startswith("objects/") and key[0].endswith("@main")
        assert value == (whole if judged else first)[key]
