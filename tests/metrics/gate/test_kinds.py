"""Metrics of every kind, judged from rows of detections as result files give them."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from metrics.gate.costs import CellKey, clip_costs, loss_parts
from metrics.schemas import DETECTIONS, SCORES
from metrics.tasks.metric import (
    Better,
    Curve,
    DetectionRows,
    Metric,
    OfRows,
    Precision,
    Reference,
    Smooth,
)
from ridealong.errors import RidealongError

NAME = "objects/car"


def mean_error(rows: DetectionRows, keep: Any, labels: Any) -> Any:
    """The mean first error of the kept hits; NaN without any."""
    hit = keep & (rows.hits & 1 > 0)
    count = hit.sum(axis=1)
    total = np.where(hit, np.nan_to_num(rows.errors[:, 0]), 0.0).sum(axis=1)
    return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)


def root(sums: Any) -> Any:
    tp, fp, fn = (np.asarray(sums[name], float) for name in ("tp", "fp", "fn"))
    found = np.divide(tp**2, (tp + fp) * (tp + fn), out=np.full(tp.shape, np.nan), where=tp > 0)
    return np.sqrt(found)


def metric(name: str, figure: Any, **keys: Any) -> Metric:
    statistics = ("tp", "fp", "fn") if isinstance(figure, Smooth) else ("labels",)
    better = keys.pop("better", Better.HIGHER)
    return Metric(
        name, "objects", better, "1", statistics, Reference.LABELS, "", "", figure=figure, **keys
    )


METRICS = {
    own.name: own
    for own in (
        metric("ap", Precision((0, 1, 2))),
        metric("ap_r40", Precision((1,), Curve.R40)),
        metric("ap_nu", Precision((0, 2), Curve.NUSCENES)),
        metric("ap_all", Precision((0,), Curve.EVERY_POINT)),
        metric("root", Smooth(root, lambda sums: sums["tp"] + sums["fn"])),
        metric("error", OfRows(mean_error), better=Better.LOWER, share=False),
    )
}


def lookup(task: str, name: str) -> Metric | None:
    return METRICS.get(name) if task == "objects" else None


def rows_of(network: str, clip: dict[str, Any], rng: np.random.Generator, share: float) -> Any:
    """Ten detections of twelve labels; level k needs a match at level k - 1."""
    for score in rng.random(10):
        place = rng.random() < share * (0.5 + score / 2), rng.random() < 0.8, rng.random() < 0.7
        hits = sum(1 << k for k in range(3) if all(place[: k + 1]))
        yield {
            "network_sha256": network, "reference": "labels", "prediction": NAME,
            "clip_id": clip["clip_id"], "drive_id": clip["drive_id"], "score": score,
            "hits": hits, "ignored": int(rng.integers(0, 8)) if rng.random() < 0.1 else 0,
            "errors": [rng.random() + 2 * (share < 0.5), 1.0] if hits else None,
        }  # fmt: skip


def judged(kit: Any, share: dict[str, float], seed: int = 0, drives: int = 20) -> Any:
    """A run whose networks find some of the labels: a share by network."""
    run, rng = kit.make_run(drives=drives), np.random.default_rng(seed)
    for network, own in share.items():
        for name, each in METRICS.items():
            if "labels" in each.statistics:
                run.add(network, NAME, name, {"labels": 12})
        tp = rng.binomial(12, own, 2 * drives)
        run.add(network, NAME, "root", {"tp": tp, "fp": 3, "fn": 12 - tp})
        for clip in run.clips.to_pylist():
            run.matches += rows_of(network, clip, rng, own)
    run.table = DETECTIONS
    return run


def gate(kit: Any, *slices: str) -> Any:
    cells = [(NAME, name, where) for name in METRICS for where in slices or ("all",)]
    return kit.gate_of(*cells, margins={})


def test_every_kind_is_judged(kit: Any) -> None:
    run = judged(kit, {kit.deployed: 0.9, kit.candidate: 0.4})
    cells = kit.cells_of(run.judge(gate(kit), metrics=lookup, complete=True))
    for name in METRICS:
        assert cells[NAME, name, "all"]["verdict"] == "REGRESSED", name
        assert cells[NAME, name, "light=night"]["delta"] < 0
        assert cells[NAME, name, "all"]["low"] < cells[NAME, name, "all"]["delta"]
    same = run.judge(gate(kit), metrics=lookup, complete=True, candidate=kit.deployed)
    assert same.verdict == "PASS"


def test_a_complete_run_and_a_paired_one_agree_where_all_is_scored(kit: Any) -> None:
    run = judged(kit, {kit.deployed: 0.9, kit.candidate: 0.8})
    cells = [
        run.judge(gate(kit, "light=night"), metrics=lookup, complete=complete).cells
        for complete in (True, False)
    ]
    assert cells[0].equals(cells[1])


def test_what_is_ignored_at_every_level_is_not_there(kit: Any) -> None:
    run = judged(kit, {kit.deployed: 0.9, kit.candidate: 0.8})
    before = run.judge(gate(kit), metrics=lookup, complete=True).cells
    extra = {"hits": 7, "ignored": 7, "score": 0.99}
    run.matches += [row | extra for row in run.matches[::7]]
    assert run.judge(gate(kit), metrics=lookup, complete=True).cells.equals(before)


def costs(kit: Any, run: Any, name: str, where: str) -> Any:
    tables = (
        pa.Table.from_pylist(run.scores, schema=SCORES.schema),
        pa.Table.from_pylist(run.matches, schema=DETECTIONS.schema),
        run.clips,
        run.drives,
        (kit.deployed, kit.candidate),
    )
    key = CellKey(NAME, name, where, "labels")
    found = clip_costs(*tables, key, metrics=lookup, complete=True)
    return found, loss_parts(*tables, [key], metrics=lookup, complete=True)


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("where", ["all", "light=night"])
def test_the_shares_of_clips_sum_to_delta(kit: Any, name: str, where: str) -> None:
    """A sampled average precision is near the area that its shares sum to."""
    run = judged(kit, {kit.deployed: 0.8, kit.candidate: 0.5})
    cell = kit.cells_of(run.judge(gate(kit, where), metrics=lookup, complete=True))
    found, parts = costs(kit, run, name, where)
    sampled = 0.02 if name in ("ap", "ap_r40", "ap_nu") else 1e-12
    delta = cell[NAME, name, where]["delta"]
    assert sum(found["share"].to_pylist()) == pytest.approx(delta, abs=sampled)
    assert parts.parts.sum() == pytest.approx(1)


@pytest.mark.parametrize("name", METRICS)
def test_one_bad_clip_is_the_costliest(kit: Any, name: str) -> None:
    run = judged(kit, {kit.deployed: 0.9})
    clip = run.clips["clip_id"][5].as_py()
    worse = {"hits": 0, "errors": None} if name != "error" else {"errors": [9.0, 1.0]}
    for rows, change in ((run.matches, worse), (run.scores, {})):
        for row in list(rows):
            own = row | {"network_sha256": kit.candidate}
            if row["clip_id"] == clip:
                own |= change
                if row.get("statistic") in ("tp", "fn"):
                    own["value"] = 0.0 if row["statistic"] == "tp" else 12.0
            rows.append(own)
    found, _ = costs(kit, run, name, "all")
    assert found["clip_id"][0].as_py() == clip
    assert found["share"][0].as_py() < 0
    others = np.abs(found["share"].to_numpy()[1:])
    assert others.max() < -found["share"][0].as_py() / 4


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("score", float("nan"), "is nan"),
        ("hits", None, "have no hits"),
        ("ignored", None, "have no ignored"),
    ],
)
def test_detections_that_say_nothing(kit: Any, column: str, value: Any, said: str) -> None:
    run = judged(kit, {kit.deployed: 0.9, kit.candidate: 0.8})
    run.matches[3][column] = value
    with pytest.raises(RidealongError, match=said):
        run.judge(gate(kit), metrics=lookup, complete=True)


def test_more_hits_than_labels_are_impossible(kit: Any) -> None:
    run = judged(kit, {kit.deployed: 0.3, kit.candidate: 0.3})
    one = run.matches[0]["clip_id"]
    run.matches = [row | {"hits": 7, "clip_id": one} for row in run.matches]
    with pytest.raises(RidealongError, match="at most one per label"):
        run.judge(gate(kit), metrics=lookup, complete=True)
