"""Verdicts that were wrong once, each named after its case: what goes in, and what is right."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from metrics.gate.names import FLEET
from metrics.gate.spec import load_gate
from ridealong.errors import RidealongError

KEY = ("objects/pedestrian@main", "f1", "all")


def name_of(metric: str) -> str:
    """A prediction that has the metric."""
    return {"iou": "bev/vehicle", "abs_rel": "depth@main"}.get(metric, KEY[0])


def counted(run: Any, network: str, metric: str = "f1", name: str = "", **sums: Any) -> None:
    reference = "self" if metric == "flicker" else "labels"
    run.add(network, name or name_of(metric), metric, sums, reference=reference)


def both(kit: Any, run: Any, metric: str, deployed: Any, candidate: Any) -> Any:
    """The cell over all drives, and the run's verdict."""
    counted(run, kit.deployed, metric, **deployed)
    counted(run, kit.candidate, metric, **candidate)
    key = (name_of(metric), metric, "all")
    found = run.judge(kit.gate_of(key))
    return kit.cells_of(found)[key], found


def test_uneven_drives(kit: Any) -> None:
    """Degrees of freedom know unevenness: a t of 2.2 is a loss over 24 even drives only."""
    rng = np.random.default_rng(0)
    cells = []
    for size in (np.ones(24), rng.lognormal(0, 1.3, 24)):
        run = kit.make_run(drives=24, clips_per_drive=1)
        pixels = 1e6 * size
        lost = rng.normal(0, 0.05, 24)
        lost += 0.04 - (lost * size).sum() / size.sum()
        cell, _ = both(
            kit, run, "iou",
            {"intersection": 0.5 * pixels, "union": pixels},
            {"intersection": (0.5 - lost) * pixels, "union": pixels},
        )  # fmt: skip
        cells.append(cell)
    even, uneven = cells
    assert even["delta"] == pytest.approx(uneven["delta"]) == pytest.approx(-0.04)
    assert even["clusters"] == uneven["clusters"] == 24
    assert even["clusters_effective"] == pytest.approx(24)
    assert uneven["clusters_effective"] < 12
    assert uneven["high"] - uneven["low"] > 1.3 * (even["high"] - even["low"])


@pytest.mark.parametrize("metric", ["precision", "flicker"])
def test_one_box_passes(kit: Any, metric: str) -> None:
    """The candidate says one box, right, in one drive of 30."""
    run = kit.make_run(drives=30, clips_per_drive=1)
    rng = np.random.default_rng(1)
    right, wrong, once = rng.binomial(40, 0.7, 30), rng.poisson(12, 30), np.arange(30) == 7
    deployed = {"tp": right, "fp": wrong}
    candidate = {"tp": once, "fp": 0}
    if metric == "flicker":
        deployed = {"flickers": wrong, "said": right + wrong}
        candidate = {"flickers": 0, "said": once}
    cell, run_verdict = both(kit, run, metric, deployed, candidate)
    assert (cell["verdict"], run_verdict.verdict) == ("INCONCLUSIVE", "INCONCLUSIVE")
    assert (cell["clusters"], cell["better"], cell["low"]) == (1, False, None)
    assert "1 independent drive with something to judge, at least 8 needed" in cell["reason"]


def test_one_drive_carries(kit: Any) -> None:
    """29 drives lose 0.3, and the one with nearly all pixels gains 0.05."""
    run = kit.make_run(drives=30, clips_per_drive=1)
    pixels = np.where(np.arange(30) == 3, 1e9, 1e4)
    gain = np.where(np.arange(30) == 3, 0.05, -0.3)
    cell, _ = both(
        kit, run, "iou",
        {"intersection": 0.6 * pixels, "union": pixels},
        {"intersection": (0.6 + gain) * pixels, "union": pixels},
    )  # fmt: skip
    assert cell["delta"] > 0.04 and cell["clusters"] == 30
    assert (cell["verdict"], cell["better"], cell["low"]) == ("INCONCLUSIVE", False, None)
    assert cell["reason"].startswith("unknown: one drive outweighs all others")


@pytest.mark.parametrize("seed", range(10))
def test_float_noise(kit: Any, seed: int) -> None:
    """Ratios that are equal on every drive, over other sums."""
    run = kit.make_run(drives=20, clips_per_drive=1)
    rng = np.random.default_rng(seed)
    error, pixels = rng.random(20), rng.random(20) + 1
    times = rng.integers(2, 9)
    cell, found = both(
        kit, run, "abs_rel",
        {"relative_error": error, "pixels": pixels},
        {"relative_error": error * times, "pixels": pixels * times},
    )  # fmt: skip
    assert (cell["delta"], cell["low"], cell["high"]) == (0, 0, 0)
    assert (found.verdict, cell["reason"], cell["better"]) == ("PASS", "no difference", False)


def test_a_loss_of_exactly_the_margin_does_not_pass(kit: Any) -> None:
    rng = np.random.default_rng(3)
    run = kit.make_run(drives=20, clips_per_drive=1)
    error, pixels = rng.random(20), rng.random(20) + 1
    cell, _ = both(
        kit, run, "abs_rel",
        {"relative_error": error, "pixels": pixels},
        {"relative_error": 3 * (error + 0.05 * pixels), "pixels": 3 * pixels},
    )  # fmt: skip
    assert cell["delta"] == pytest.approx(-0.05)
    assert cell["verdict"] == "REGRESSED"


def matched_rows(kit: Any, run: Any, network: str, scores: Any, matched: Any) -> None:
    """A row per clip and detection: ``scores`` and ``matched`` are ``(clips, k)``."""
    clips = run.clips.to_pylist()
    for clip, row, hits in zip(clips, scores, matched, strict=True):
        for frame, (score, hit) in enumerate(zip(row, hits, strict=True)):
            run.matches.append(
                {
                    "network_sha256": network, "reference": "labels", "prediction": KEY[0],
                    "clip_id": clip["clip_id"], "drive_id": clip["drive_id"],
                    "timestamp_ns": frame, "score": float(score), "matched": bool(hit),
                    "iou": 0.8 if hit else None,
                }
            )  # fmt: skip


def with_detections(kit: Any, decimals: int = 6, drives: int = 16) -> Any:
    run = kit.make_run(drives=drives, clips_per_drive=1)
    rng = np.random.default_rng(4)
    for network in (kit.deployed, kit.candidate):
        counted(run, network, "ap50", labels=12)
        matched = rng.random((drives, 10)) < 0.6
        scores = np.round(np.clip(rng.normal(0.4 + 0.2 * matched, 0.2), 0, 1), decimals)
        matched_rows(kit, run, network, scores, matched)
    return run


@pytest.mark.parametrize("decimals", [0, 1])
def test_ap_ties(kit: Any, decimals: int) -> None:
    """The same content has one value, whatever its clips are called."""
    gate, key = kit.gate_of((KEY[0], "ap50", "all")), (KEY[0], "ap50", "all")
    values = []
    for seed in range(5):
        run = with_detections(kit, decimals)
        names = run.clips["clip_id"].to_pylist()
        fresh = dict(zip(names, np.random.default_rng(seed).permutation(names), strict=True))
        run.clips = run.clips.set_column(0, "clip_id", pa.array([fresh[n] for n in names]))
        for row in (*run.scores, *run.matches):
            row["clip_id"] = fresh[row["clip_id"]]
        cell = kit.cells_of(run.judge(gate))[key]
        values.append([cell[name] for name in ("deployed", "candidate", "low", "high")])
    np.testing.assert_allclose(values, np.broadcast_to(values[0], (5, 4)), rtol=1e-12)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("margins: {f1: .inf}", "margins.f1: Input should be a finite number"),
        ("margins: {f1: .nan}", "margins.f1: Input should be a finite number"),
        ("margins: {f1: 1.0}", "it is a share, expected less than 1"),
        ("required_margin: .inf", "finite number"),
        ("required_margin: 3", "it is a share, expected less than 1"),
        ("min_clusters: 100000000", "less than or equal to 100000"),
    ],
)
def test_margin_inf(tmp_path: Any, text: str, said: str) -> None:
    own = text.removeprefix("required_margin: ") if text.startswith("required") else "0.02"
    cell = f"{{prediction: {KEY[0]}, metric: f1, margin: {own}}}"
    path = tmp_path / "gate.yaml"
    path.write_text(f"required: [{cell}]\n" + ("" if own != "0.02" else text))
    with pytest.raises(RidealongError, match=said) as caught:
        load_gate(path, FLEET)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("metric", "sums", "said"),
    [
        ("f1", {"tp": 40, "fp": -5, "fn": 0}, "fp of objects/pedestrian@main f1 on clip .* is -5"),
        ("f1", {"tp": float("inf"), "fp": 0, "fn": 0}, "is inf; expected a sum of zero or more"),
        ("flicker", {"flickers": 3, "said": 2}, "is 3 / 2; expected a share, from 0 to 1"),
        ("iou", {"intersection": 9, "union": 4}, "is 9 / 4; expected a share, from 0 to 1"),
    ],
)
def test_negative(kit: Any, metric: str, sums: dict[str, float], said: str) -> None:
    run = kit.make_run(drives=10, clips_per_drive=1)
    with pytest.raises(RidealongError, match=said) as caught:
        both(kit, run, metric, sums, sums)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("times", [2, 3])
def test_doubled(kit: Any, times: int) -> None:
    run = with_detections(kit)
    run.matches = run.matches * times
    with pytest.raises(RidealongError, match="were the same rows given twice"):
        run.judge(kit.gate_of((KEY[0], "ap50", "all")))


def test_doubled_rows_of_a_poor_network_are_found_too(kit: Any) -> None:
    """So few labels are found that twice as many are not too many: every row stands twice."""
    run = kit.make_run(drives=10, clips_per_drive=1)
    for network in (kit.deployed, kit.candidate):
        counted(run, network, "ap50", labels=100)
        matched_rows(kit, run, network, np.full((10, 2), 0.5), np.ones((10, 2), bool))
    gate = kit.gate_of((KEY[0], "ap50", "all"))
    assert run.judge(gate).verdict == "PASS"
    run.matches = run.matches * 2
    with pytest.raises(RidealongError, match="is given 2 times"):
        run.judge(gate)


def test_dropped_prediction(kit: Any) -> None:
    """The run can pass, and an alert names what the candidate lacks."""
    run = kit.make_run()
    for network in (kit.deployed, kit.candidate):
        counted(run, network, tp=8, fp=1, fn=2)
    counted(run, kit.deployed, name="objects/bus@rear", tp=8, fp=1, fn=2)
    found = run.judge(kit.gate_of(KEY))
    cell = kit.cells_of(found)["objects/bus@rear", "f1", "all"]
    assert found.verdict == "PASS"
    assert (cell["verdict"], cell["alert"]) == ("INCONCLUSIVE", True)
    assert cell["reason"].startswith("missing: the candidate lacks objects/bus@rear")
    assert found.reason == "the required check passes; the candidate lacks objects/bus@rear"


def test_what_only_the_candidate_says_is_no_alert(kit: Any) -> None:
    run = kit.make_run()
    for network in (kit.deployed, kit.candidate):
        counted(run, network, tp=8, fp=1, fn=2)
    counted(run, kit.candidate, name="objects/bus@rear", tp=8, fp=1, fn=2)
    found = run.judge(kit.gate_of(KEY))
    assert not kit.cells_of(found)["objects/bus@rear", "f1", "all"]["alert"]
    assert found.reason == "the required check passes"


@pytest.mark.parametrize("metric", ["f1", "iou", "ap50"])
def test_no_labels_cluster(kit: Any, metric: str) -> None:
    """Labels in 2 of 30 drives, and one false positive in each of the others."""
    run = kit.make_run(drives=30, clips_per_drive=1)
    there = np.arange(30) < 2
    sums = {
        "f1": {"tp": 20 * there, "fp": 1 * ~there, "fn": 0},
        "iou": {"intersection": 20 * there, "union": 20 * there + ~there},
        "ap50": {"labels": 20 * there},
    }[metric]
    for network in (kit.deployed, kit.candidate):
        if metric == "ap50":
            matched_rows(kit, run, network, np.linspace(0, 1, 30)[:, None], there[:, None])
    cell, _ = both(kit, run, metric, sums, sums)
    assert (cell["verdict"], cell["clusters"]) == ("INCONCLUSIVE", 2)
    assert "2 independent drives with something to judge" in cell["reason"]


def test_drives_needed(kit: Any) -> None:
    """The number is one that half of such cells need, and an end stands beside it."""
    run = kit.make_run(drives=20, clips_per_drive=1)
    rng = np.random.default_rng(9)
    for network in (kit.deployed, kit.candidate):
        tp = rng.binomial(60, np.clip(rng.normal(0.7, 0.1, 20), 0, 1))
        counted(run, network, tp=tp, fp=5, fn=60 - tp)
    cell = kit.cells_of(run.judge(kit.gate_of(KEY)))[KEY]
    assert cell["verdict"] == "INCONCLUSIVE"
    assert 5 < cell["drives_needed"] < 100
    assert f"about {cell['drives_needed']} more drives would decide it, at most" in cell["reason"]


def test_the_night_of_the_demo_stays_a_regression(kit: Any) -> None:
    """9 drives, 6.5 effective, a delta of -0.143 with a margin of 0.05: no floor on those."""
    run = kit.make_run(drives=9, clips_per_drive=1)
    pixels = 1e4 * np.array([1, 1, 1, 1, 1.2, 1.5, 0.5, 0.3, 3.0])
    lost = 0.143 + np.array([0.02, -0.03, 0.01, 0.04, -0.02, -0.03, 0.03, 0.0, 0.0])
    counted(run, kit.deployed, "iou", intersection=0.243 * pixels, union=pixels)
    counted(run, kit.candidate, "iou", intersection=(0.243 - lost) * pixels, union=pixels)
    cell = kit.cells_of(run.judge(load_gate()))["bev/vehicle", "iou", "all"]
    assert 6 < cell["clusters_effective"] < 7
    assert (cell["clusters"], cell["required"], cell["verdict"]) == (9, True, "REGRESSED")


def test_a_sum_that_is_too_large_to_be_one(kit: Any) -> None:
    run = kit.make_run(drives=20, clips_per_drive=1)
    counted(run, kit.deployed, tp=1e300, fp=1, fn=2)
    with pytest.raises(RidealongError, match=r"tp of .* is 1e\+300; .* at most 1e\+15"):
        run.judge(kit.gate_of(KEY))


@pytest.mark.parametrize("name", ["prediction", "metric", "statistic", "definition"])
def test_a_score_without_a_name(kit: Any, name: str) -> None:
    run = kit.make_run(drives=20, clips_per_drive=1)
    counted(run, kit.deployed, tp=8, fp=1, fn=2)
    run.scores[3][name] = None
    with pytest.raises(RidealongError, match=f"1 rows have no {name}"):
        run.judge(kit.gate_of(KEY))


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("score", None, "have no score"),
        ("score", float("nan"), "is nan"),
        ("score", float("inf"), "is inf"),
        ("matched", None, "have no matched"),
    ],
)
def test_detections_that_say_nothing(kit: Any, column: str, value: Any, said: str) -> None:
    run = kit.make_run(drives=30, clips_per_drive=1)
    for network in (kit.deployed, kit.candidate):
        counted(run, network, "ap50", labels=2)
        matched_rows(kit, run, network, np.linspace(0, 1, 30)[:, None], np.ones((30, 1), bool))
    run.matches[-1][column] = value
    with pytest.raises(RidealongError, match=said):
        run.judge(kit.gate_of((KEY[0], "ap50", "all")))


@pytest.mark.parametrize("table", ["clips", "drives"])
def test_a_clip_or_drive_that_stands_twice(kit: Any, table: str) -> None:
    run = kit.make_run(drives=20, clips_per_drive=1)
    setattr(run, table, pa.concat_tables([getattr(run, table)] * 2))
    with pytest.raises(RidealongError, match="is listed 2 times"):
        run.judge(kit.gate_of(KEY))


def test_an_attribute_without_a_text_is_unknown(kit: Any) -> None:
    run = kit.make_run(drives=20, clips_per_drive=1)
    at = run.drives.schema.get_field_index("software")
    run.drives = run.drives.set_column(at, "software", pa.array([""] * 20))
    for network in (kit.deployed, kit.candidate):
        counted(run, network, tp=8, fp=1, fn=2)
    gate = kit.gate_of(KEY, watched={"by": ["software"]})
    assert set(kit.cells_of(run.judge(gate))) == {KEY}
