"""CLEAR MOT, identity and HOTA: cases by hand, and two independent tools on random sequences."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.results import mot
from ingest.results.format import ReadOptions, ResultPaths
from metrics.evaluation.evaluation import SCORE_ROWS
from metrics.evaluation.tracking import evaluation
from metrics.evaluation.tracking.assignment import _heaviest_sparse, heaviest
from metrics.evaluation.tracking.evaluation import EVALUATION, HOTA, METRICS
from metrics.tasks.metric import Smooth
from ridealong.perception.result_files import NO_CATEGORY, NO_TRACK, Boxes2D, Frames

Row = tuple[int, int, float, float, float, float]  # frame, id, left, top, width, height


def boxes(rows: list[Row], category: int | list[int] = 0, **columns: Any) -> Boxes2D:
    table = np.asarray(rows, np.float64).reshape(-1, 6)
    n = len(table)
    none = np.zeros(n, np.bool_)
    given_columns = {
        "frame": table[:, 0].astype(np.int64),
        "category": np.full(n, 0) + np.asarray(category),
        "xywh": table[:, 2:],
        "score": np.ones(n),
        "track": table[:, 1].astype(np.int64),
        "crowd": none,
        "ignored": none,
        "area": table[:, 4] * table[:, 5],
    }
    return Boxes2D(**{**given_columns, **columns})


def frames(*counts: int) -> Frames:
    drives = [f"drive-{d}" for d, count in enumerate(counts) for _ in range(count)]
    return Frames(
        pa.array([f"{n:06d}" for n in range(len(drives))]),
        pa.array(drives),
        np.arange(len(drives)) / 10,
        pa.nulls(len(drives), pa.string()),
        pa.table({}),
    )


def summary(truth: Boxes2D, results: Boxes2D, *counts: int, classes: int = 1) -> Mapping[str, Any]:
    names = tuple(f"class-{n}" for n in range(classes))
    return EVALUATION.evaluate(frames(*counts), names, truth, results, {}).summary


def square(frame: int, track: int, left: float, top: float = 0.0) -> Row:
    return (frame, track, left, top, 10.0, 10.0)


WALK = [square(frame, 1, 10.0 * frame) for frame in range(4)]


def test_a_perfect_tracker_has_ones() -> None:
    found = summary(boxes(WALK), boxes(WALK), 4)
    assert [found[name] for name in ("MOTA", "MOTP", "IDF1", "HOTA")] == [1, 1, 1, 1]
    assert [found[name] for name in ("FP", "FN", "IDSw", "Frag", "MT")] == [0, 0, 0, 0, 1]


def test_a_switch_counts_once_for_mota_and_by_half_for_identity() -> None:
    results = [square(f, 7 if f < 2 else 8, 10.0 * f) for f in range(4)]
    found = summary(boxes(WALK), boxes(results), 4)
    assert found["MOTA"] == 1 - 1 / 4
    assert found["IDF1"] == 2 * 2 / (4 + 4)
    assert found["HOTA"] == pytest.approx(np.sqrt(1 * 2 / 4))  # each match shares 2 of 4 boxes


def test_a_gap_is_a_fragment_and_keeps_the_identity() -> None:
    found = summary(boxes(WALK), boxes([WALK[0], WALK[3]]), 4)
    assert (found["Frag"], found["IDSw"], found["FN"], found["PT"]) == (1, 0, 2, 1)


def test_an_old_pair_is_kept_although_another_result_is_closer() -> None:
    truth = [square(0, 1, 0.0), square(1, 1, 0.0)]
    results = [square(0, 5, 0.0), square(1, 5, 3.0), square(1, 6, 0.0)]
    found = summary(boxes(truth), boxes(results), 2)
    assert (found["IDSw"], found["FP"]) == (0, 1)
    assert found["MOTP"] == pytest.approx((1 + 7 / 13) / 2)


def test_identities_of_two_drives_are_apart() -> None:
    rows = [square(0, 1, 0.0), square(1, 1, 0.0)]
    both = [square(0, 5, 0.0), square(1, 6, 0.0)]
    assert summary(boxes(rows), boxes(both), 2)["IDSw"] == 1
    assert summary(boxes(rows), boxes(both), 1, 1)["IDSw"] == 0


def test_boxes_without_identity_are_tracks_of_their_own() -> None:
    alone = boxes(WALK, track=np.full(4, NO_TRACK))
    found = summary(boxes(WALK), alone, 4)
    assert (found["IDSw"], found["IDTP"], found["FN"]) == (3, 1, 0)


def test_an_identity_twice_in_a_frame_is_two_tracks() -> None:
    twice = [WALK[0], WALK[0], *WALK[1:]]
    found = summary(boxes(WALK), boxes(twice), 4)
    assert (found["IDTP"], found["IDFN"], found["IDFP"], found["FP"]) == (4, 0, 1, 1)


def test_classes_are_apart_and_summed() -> None:
    truth = boxes([square(0, 1, 0.0), square(0, 2, 50.0)], [0, 1])
    found = summary(truth, boxes([square(0, 1, 0.0), square(0, 2, 50.0)], [0, 0]), 1, classes=2)
    assert (found["FP"], found["FN"], found["MOTA"]) == (1, 1, 0)
    assert found["per_class"]["class-0"]["MOTA"] == 0
    assert found["per_class"]["class-1"]["MOTA"] == 0
    assert found["per_class"]["class-1"]["MOTP"] is None


def test_a_result_on_an_ignored_label_does_not_count() -> None:
    rows = [square(0, 1, 0.0), square(0, 2, 50.0)]
    ignored = boxes(rows, ignored=np.array([False, True]))
    found = summary(ignored, boxes(rows), 1)
    assert (found["labels"], found["results"], found["MOTA"]) == (1, 1, 1)


def test_a_stranger_competes_but_its_result_counts() -> None:
    truth = boxes(
        [square(0, 1, 0.0), square(0, 2, 2.0)],
        [0, NO_CATEGORY],
        ignored=np.array([True, True]),
    )
    assert summary(truth, boxes([square(0, 5, 0.0)]), 1)["FP"] == 0
    assert summary(truth, boxes([square(0, 5, 2.0)]), 1)["FP"] == 1


@pytest.mark.parametrize(("left", "counted"), [(5.0, 1), (5.1, 0)])
def test_a_region_takes_results_of_which_more_than_half_is_inside(
    left: float, counted: int
) -> None:
    region = boxes(
        [(0, -1, 10.0, 0.0, 100.0, 100.0)], NO_CATEGORY, crowd=np.array([True]),
        ignored=np.array([True]),
    )  # fmt: skip
    assert summary(region, boxes([square(0, 5, left)]), 1)["FP"] == counted


def test_drives_evaluated_apart_have_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    rng, classes = np.random.default_rng(0), ("a", "b")

    def some(share: float) -> Boxes2D:
        grid = [square(frame, track, 30.0 * track) for frame in range(40) for track in range(4)]
        rows = [row for row in grid if rng.random() < share]
        moved = np.array(rows) + rng.normal(0, 1, (len(rows), 6)) * [0, 0, 1, 1, 0, 0]
        return boxes(moved.tolist(), [int(row[1]) % 2 for row in rows])

    truth, results = some(0.9), some(0.8)
    of = frames(10, 5, 0, 25), classes, truth, results, {}
    whole = EVALUATION.evaluate(*of)
    monkeypatch.setattr(evaluation, "BOXES_AT_ONCE", 1)
    apart = EVALUATION.evaluate(*of)
    assert apart.summary == whole.summary
    assert apart.scores.equals(whole.scores)


def test_no_boxes_at_all() -> None:
    nothing = boxes([])
    found = summary(nothing, nothing, 3)
    assert (found["MOTA"], found["IDF1"], found["HOTA"], found["FP"]) == (None, None, None, 0)
    assert summary(boxes(WALK), nothing, 4)["MOTA"] == 0
    assert summary(nothing, boxes(WALK), 4)["FP"] == 4


def test_negative_sizes_match_nothing() -> None:
    inverted = boxes([(0, 1, 10.0, 10.0, -10.0, -10.0)])
    found = summary(boxes([square(0, 1, 0.0)]), inverted, 1)
    assert (found["FP"], found["FN"]) == (1, 1)


def test_sums_of_all_frames_give_the_summary() -> None:
    truth, results = random_boxes(np.random.default_rng(5), (30, 20), 2)
    told = EVALUATION.evaluate(frames(30, 20), ("a", "b"), truth, results, {})
    assert told.scores.schema == SCORE_ROWS
    sums: dict[str, dict[str, float]] = {metric.name: {} for metric in METRICS}
    for row in told.scores.to_pylist():
        of = sums[row["metric"]]
        of[row["statistic"]] = of.get(row["statistic"], 0.0) + row["value"]
    for metric, name in (("mota", "MOTA"), ("idf1", "IDF1"), ("motp", "MOTP")):
        of = {s: np.asarray(v) for s, v in sums[metric].items()}
        found = next(m for m in METRICS if m.name == metric).value(of)
        assert float(found) == pytest.approx(told.summary[name], abs=1e-12)
    assert isinstance(HOTA.figure, Smooth)
    of = {s: np.asarray(sums["hota"].get(s, 0.0)) for s in HOTA.statistics}
    assert float(HOTA.figure.value(of)) == pytest.approx(told.summary["HOTA"], abs=1e-12)


def random_boxes(
    generator: np.random.Generator, counts: tuple[int, ...], classes: int = 1
) -> tuple[Boxes2D, Boxes2D]:
    """Objects that walk and cross, and a tracker that misses, switches and invents."""
    labels: list[Row] = []
    results: list[Row] = []
    kinds: tuple[list[int], list[int]] = ([], [])
    start = 0
    for count in counts:
        for track in range(8):
            place, speed = generator.uniform(0, 120, 2), generator.normal(0, 4, 2)
            size = generator.uniform(20, 40, 2)
            kind = track % classes
            name = track + 100
            for frame in range(start, start + count):
                place = place + speed
                if generator.random() < 0.1:
                    continue
                labels.append((frame, track, *place, *size))
                kinds[0].append(kind)
                if generator.random() < 0.05:
                    name = int(generator.integers(100, 1000))
                if generator.random() < 0.85:
                    off = generator.normal(0, 5, 4)
                    results.append((frame, name * 10 + track, *(np.r_[place, size] + off)))
                    kinds[1].append(kind)
        start += count
    return boxes(labels, kinds[0]), boxes(results, kinds[1])


def as_sequences(truth: Boxes2D, results: Boxes2D, counts: tuple[int, ...]) -> list[Any]:
    listed = []
    for frame in range(sum(counts)):
        at, found = (truth.frame == frame) & ~truth.crowd, results.frame == frame
        listed.append(
            {
                "label_ids": truth.track[at].tolist(),
                "labels": truth.xywh[at].tolist(),
                "result_ids": results.track[found].tolist(),
                "results": results.xywh[found].tolist(),
                "regions": truth.xywh[(truth.frame == frame) & truth.crowd].tolist(),
            }
        )
    ends = np.cumsum(counts)
    return [listed[end - count : end] for end, count in zip(ends, counts, strict=True)]


@pytest.fixture
def tools(oracle: Callable[..., Any], tmp_path: Path) -> Callable[..., Mapping[str, float]]:
    """What motmetrics (CLEAR, identity) and TrackEval (HOTA) say."""

    def ask(truth: Boxes2D, results: Boxes2D, counts: tuple[int, ...]) -> Any:
        path = tmp_path / "sequences.json"
        path.write_text(json.dumps(as_sequences(truth, results, counts)))
        return oracle("read_tracks.py", "boxes", path)

    return ask


def test_random_sequences_agree_with_motmetrics_and_trackeval(
    tools: Callable[..., Mapping[str, float]],
) -> None:
    counts = (40, 25, 1, 60)
    truth, results = random_boxes(np.random.default_rng(3), counts)
    for name, value in tools(truth, results, counts).items():
        assert summary(truth, results, *counts)[name] == pytest.approx(value, abs=1e-9), name


def test_regions_agree_with_scalabels_way(tools: Callable[..., Mapping[str, float]]) -> None:
    counts = (40, 25)
    truth, results = random_boxes(np.random.default_rng(4), counts)
    crowd = np.random.default_rng(0).random(len(truth)) < 0.3
    truth = Boxes2D(**{**vars(truth), "crowd": crowd, "ignored": crowd})
    for name, value in tools(truth, results, counts).items():
        assert summary(truth, results, *counts)[name] == pytest.approx(value, abs=1e-9), name


TUD = {
    "MOTA": 0.526462, "IDF1": 0.557659, "MOTP_dist": 0.277201, "precision": 0.941441,
    "recall": 0.582173, "FP": 13, "FN": 150, "IDSw": 7, "Frag": 7, "MT": 1, "PT": 6, "ML": 1,
}  # fmt: skip


@pytest.mark.real
def test_tud_campus(test_data: Path, tools: Callable[..., Mapping[str, float]]) -> None:
    folder = test_data / "mot_tud_campus"
    results = folder / "test.txt"
    told = mot.read(ResultPaths(folder / "gt.txt", results, results), ReadOptions())
    found = EVALUATION.evaluate(told.frames, told.categories, told.truth, told.deployed, {})
    assert {name: found.summary[name] for name in TUD} == pytest.approx(TUD, abs=1e-6)
    for name, value in tools(told.truth, told.deployed, (len(told.frames),)).items():
        assert found.summary[name] == pytest.approx(value, abs=1e-9), name


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(1, 9)),
        min_size=1,
        unique_by=lambda pair: pair[:2],
    )
)
def test_the_heaviest_choice_is_the_same_with_a_sparse_matrix(
    listed: list[tuple[int, int, int]],
) -> None:
    left, right, weight = np.asarray(sorted(listed)).T
    dense = heaviest(left, right, weight.astype(np.float64))
    shape = (int(left.max()) + 1, int(right.max()) + 1)
    sparse = _heaviest_sparse(left, right, weight.astype(np.float64), shape)
    assert weight[dense].sum() == weight[sparse].sum()
    for chosen in (dense, sparse):
        assert len(set(left[chosen])) == len(set(right[chosen])) == chosen.sum()
