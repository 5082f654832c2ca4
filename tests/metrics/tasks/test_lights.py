import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, f1_score

from metrics.tasks.clip_view import ClipView
from metrics.tasks.lights import (
    SHOWN,
    STATES,
    against_labels,
    overall_states,
)
from metrics.tasks.prediction import Prediction
from metrics.tasks.registry import lookup, parse_prediction
from ridealong.perception.annotations import Task
from tests.oracles.lights import balanced_accuracy

ALL = tuple(Prediction(Task.LIGHTS, state, "narrow") for state in STATES)
NAMES = dict(zip(STATES, map(str, ALL), strict=True))


def states(make, rows, frames=1, **thresholds):
    named = {f"lights/{state}@narrow": value for state, value in thresholds.items()}
    found = overall_states(ClipView(make.perception(frames, rows), named), ["narrow"])
    return [str(STATES[index]) for index in found[0]]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], "none"),
        ([("red", {})], "red"),
        ([("red", {"score": 0.49})], "none"),
        ([("red", {"relevant": False})], "none"),
        ([("red", {"relevant": None})], "red"),
        ([("none", {})], "none"),
        ([("none", {"score": 0.99}), ("green", {"score": 0.6})], "green"),
        ([("red", {"score": 0.6}), ("green", {"score": 0.7})], "green"),
        ([("green", {}), ("red", {})], "red"),
        ([("red", {}), ("green", {"x1": 0, "y1": 0, "x2": 2, "y2": 2})], "green"),
        ([("red", {"camera": "main"})], "none"),
    ],
    ids=[
        "nothing", "one", "below the threshold", "another road's", "relevance unknown",
        "says none", "none says nothing", "the higher score", "equal: red first",
        "equal: the larger box", "another camera",
    ],
)  # fmt: skip
def test_overall_state_by_hand(make, rows, expected):
    assert states(make, [make.light(0, state, **more) for state, more in rows]) == [expected]


def test_each_state_has_its_own_threshold(make):
    rows = [make.light(0, "red", score=0.3), make.light(1, "green", score=0.3)]
    assert states(make, rows, frames=2, red=0.25) == ["red", "none"]


def scored(make, truth, said):
    sides = []
    for sequence in (said, truth):
        rows = [make.light(i, state) for i, state in enumerate(sequence) if state != "none"]
        sides.append(ClipView(make.perception(len(sequence), rows)))
    return against_labels(*sides, ALL)


def test_counts_by_hand(make, sums_of):
    truth = ["red", "red", "red", "green", "none", "yellow"]
    said = ["red", "green", "none", "green", "red", "yellow"]
    result = scored(make, truth, said)
    assert sums_of(result, NAMES["red"], "f1") == {"tp": 1, "fp": 1, "fn": 2}
    assert sums_of(result, NAMES["green"], "precision") == {"tp": 1, "fp": 1}
    assert sums_of(result, NAMES["yellow"], "recall") == {"tp": 1, "fn": 0}
    assert sums_of(result, NAMES["none"], "f1") == {"tp": 0, "fp": 1, "fn": 1}
    assert sums_of(result, NAMES["red"], "red_as_green") == {"red_as_green": 1, "red": 3}


def test_red_as_green_is_a_metric_of_red_alone(make):
    (errors,) = (
        s for s in scored(make, ["red"], ["green"]).sums if s.metric.name == "red_as_green"
    )
    assert errors.predictions == ("lights/red@narrow",)


sequences = st.lists(
    st.tuples(st.sampled_from(STATES), st.sampled_from(STATES)), min_size=1, max_size=30
)


@settings(max_examples=50, deadline=None)
@given(sequences)
def test_equals_scikit_learn(make, sums_of, pairs):
    truth, said = ([str(pair[i]) for pair in pairs] for i in (0, 1))
    result = scored(make, truth, said)
    labels = [str(state) for state in STATES]
    confusion = confusion_matrix(truth, said, labels=labels)
    expected = f1_score(truth, said, labels=labels, average=None, zero_division=np.nan)
    for i, state in enumerate(labels):
        counts = sums_of(result, NAMES[state], "f1")
        tp = confusion[i, i]
        others = {"fp": confusion[:, i].sum() - tp, "fn": confusion[i].sum() - tp}
        assert counts == {"tp": tp, **others}
        value = lookup(Task.LIGHTS, "f1").value(counts)
        assert float(value) == pytest.approx(expected[i], nan_ok=True)


def test_balanced_accuracy_equals_scikit_learn_without_none(make, sums_of):
    rng = np.random.default_rng(5)
    truth, said = (rng.choice([str(s) for s in STATES], 200).tolist() for _ in range(2))
    result = scored(make, truth, said)
    recalls = {state: sums_of(result, NAMES[state], "recall") for state in SHOWN}
    shown = [i for i, state in enumerate(truth) if state != "none"]
    # scikit-learn would warn of "none", which is said and never true: give it a wrong state.
    wrong = {"red": "green", "green": "yellow", "yellow": "red"}
    answers = [said[i] if said[i] != "none" else wrong[truth[i]] for i in shown]
    expected = balanced_accuracy_score([truth[i] for i in shown], answers)
    assert float(balanced_accuracy(recalls)) == pytest.approx(expected)


def test_balanced_accuracy_is_unknown_when_a_state_never_showed():
    recalls = {state: {"tp": np.array([1.0]), "fn": np.array([0.0])} for state in SHOWN}
    assert balanced_accuracy(recalls) == [1.0]
    recalls["yellow"] = {"tp": np.array([0.0]), "fn": np.array([0.0])}
    assert np.isnan(balanced_accuracy(recalls)).all()


def test_cameras_are_apart(make, sums_of):
    predictions = [parse_prediction(f"lights/red@{camera}") for camera in ("main", "narrow")]
    said = ClipView(make.perception(1, [make.light(0, "red", "main")]))
    truth = ClipView(make.perception(1, [make.light(0, "red", "narrow")]))
    result = against_labels(said, truth, predictions)
    assert sums_of(result, "lights/red@main", "f1") == {"tp": 0, "fp": 1, "fn": 0}
    assert sums_of(result, "lights/red@narrow", "f1") == {"tp": 0, "fp": 0, "fn": 1}
