from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrics.gate.schemas import CELLS
from metrics.gate.spec import load_gate
from metrics.tasks.metric import Better, Metric, Reference, over
from ridealong.errors import RidealongError

SIGNED = ("delta", "low", "high")


def counts(rng: np.random.Generator, clips: int, quality: float) -> dict[str, np.ndarray]:
    """Of 20 labels a clip, about ``quality`` found."""
    tp = rng.binomial(20, quality, clips)
    return {"tp": tp, "fp": rng.binomial(4, 0.5, clips), "fn": 20 - tp}


def add_pair(kit: Any, run: Any, deployed: float, candidate: float, night: float | None = None):
    """F1 of pedestrians for both; ``night`` is the candidate's quality there, where different."""
    rng = np.random.default_rng(1)
    clips = run.clips.num_rows
    run.add(kit.deployed, kit.pedestrian, "f1", counts(rng, clips, deployed))
    said = counts(rng, clips, candidate)
    if night is not None:
        dark = np.isin(
            run.clips["drive_id"],
            run.drives.filter(pa.compute.equal(run.drives["light"], "night"))["drive_id"],
        )
        said = {k: np.where(dark, v, said[k]) for k, v in counts(rng, clips, night).items()}
    run.add(kit.candidate, kit.pedestrian, "f1", said)


def test_fields_are_the_contracts(kit: Any) -> None:
    wanted = (
        "prediction metric slice deployed candidate delta low high level margin clips clusters "
        "clusters_effective reference required verdict reason"
    )
    assert CELLS.names[:17] == wanted.split()


def test_equal_networks_pass(kit: Any) -> None:
    run = kit.make_run()
    add_pair(kit, run, 0.8, 0.8)
    found = run.judge(kit.gate_of((kit.pedestrian, "f1", "all")))
    cell = kit.cells_of(found)[kit.pedestrian, "f1", "all"]
    assert (found.verdict, cell["verdict"]) == ("PASS", "PASS")
    assert cell["low"] < cell["delta"] < cell["high"]
    assert (cell["clips"], cell["clusters"], cell["level"]) == (40, 20, 0.95)
    assert 19 < cell["clusters_effective"] <= 20
    assert found.reason == "the required check passes"


def test_the_same_network_twice_differs_nowhere(kit: Any) -> None:
    run = kit.make_run()
    add_pair(kit, run, 0.8, 0.8)
    found = run.judge(kit.gate_of((kit.pedestrian, "f1", "all")), candidate=kit.deployed)
    assert found.verdict == "PASS"
    for cell in found.cells.to_pylist():
        assert (cell["delta"], cell["low"], cell["high"], cell["verdict"]) == (0, 0, 0, "PASS")
        assert cell["reason"] == "no difference"
        assert not cell["better"] and not cell["alert"]


def test_worse_at_night_alone_is_named_there(kit: Any) -> None:
    run = kit.make_run(drives=24)
    add_pair(kit, run, 0.8, 0.9, night=0.4)
    gate = kit.gate_of(*[(kit.pedestrian, "f1", s) for s in ("light=day", "light=night")])
    found = run.judge(gate)
    cells = kit.cells_of(found)
    assert found.verdict == "REGRESSED"
    assert cells[kit.pedestrian, "f1", "light=day"]["verdict"] == "PASS"
    assert cells[kit.pedestrian, "f1", "light=day"]["better"]
    night = cells[kit.pedestrian, "f1", "light=night"]
    assert night["verdict"] == "REGRESSED"
    assert night["p_adjusted"] <= 0.05 and night["delta"] < -0.2
    assert f"{kit.pedestrian} f1 at light=night" in found.reason
    overall = cells[kit.pedestrian, "f1", "all"]
    assert not overall["required"] and overall["alert"] and overall["verdict"] == "REGRESSED"


def test_watched_cells_never_block(kit: Any) -> None:
    run = kit.make_run(drives=24)
    add_pair(kit, run, 0.8, 0.9, night=0.4)
    found = run.judge(kit.gate_of((kit.pedestrian, "f1", "light=day")))
    assert found.verdict == "PASS"
    assert kit.cells_of(found)[kit.pedestrian, "f1", "light=night"]["alert"]


def test_swapping_the_networks_turns_every_sign(kit: Any) -> None:
    run = kit.make_run()
    add_pair(kit, run, 0.8, 0.7)
    gate = kit.gate_of((kit.pedestrian, "f1", "all"))
    there = run.judge(gate).cells.to_pylist()
    back = run.judge(gate, deployed=kit.candidate, candidate=kit.deployed).cells.to_pylist()
    for one, other in zip(there, back, strict=True):
        assert one["delta"] == -other["delta"]
        assert (one["low"], one["high"]) == (-other["high"], -other["low"])
        assert (one["deployed"], one["candidate"]) == (other["candidate"], other["deployed"])


def test_delta_is_the_improvement_where_lower_is_better(kit: Any) -> None:
    run = kit.make_run()
    for network, error in ((kit.deployed, 0.2), (kit.candidate, 0.1)):
        statistics = {"relative_error": error * 100, "pixels": 100}
        run.add(network, "depth@main", "abs_rel", statistics)
    cell = kit.cells_of(run.judge(kit.gate_of(("depth@main", "abs_rel", "all"))))
    assert cell["depth@main", "abs_rel", "all"]["delta"] == pytest.approx(0.1)


def test_drives_of_one_cluster_are_one_observation(kit: Any) -> None:
    run = kit.make_run(drives=32)
    rng = np.random.default_rng(2)
    # Neighbours are the same scene twice: as separate drives they look like twice the evidence.
    half = counts(rng, 32, 0.8)
    twice = {k: v.reshape(16, 2).repeat(2, axis=0).ravel() for k, v in half.items()}
    other = {k: v.reshape(16, 2).repeat(2, axis=0).ravel() for k, v in counts(rng, 32, 0.8).items()}
    run.add(kit.deployed, kit.pedestrian, "f1", twice)
    run.add(kit.candidate, kit.pedestrian, "f1", other)
    gate, key = kit.gate_of((kit.pedestrian, "f1", "all")), (kit.pedestrian, "f1", "all")
    apart = kit.cells_of(run.judge(gate))[key]
    shared = pa.array([f"traffic-{index // 2}" for index in range(32)])
    at = run.drives.column_names.index("cluster_id")
    run.drives = run.drives.set_column(at, "cluster_id", shared)
    merged = kit.cells_of(run.judge(gate))[key]
    assert (apart["clusters"], merged["clusters"]) == (32, 16)
    assert merged["delta"] == pytest.approx(apart["delta"])
    assert merged["high"] - merged["low"] > 1.3 * (apart["high"] - apart["low"])


def test_a_required_cell_without_data_is_no_pass(kit: Any) -> None:
    run = kit.make_run()
    add_pair(kit, run, 0.8, 0.9)
    here, there = (kit.pedestrian, "f1", "all"), ("lights/red@narrow", "f1", "all")
    foggy = (kit.pedestrian, "f1", "weather=fog")
    found = run.judge(kit.gate_of(here, there, foggy))
    assert found.verdict == "INCONCLUSIVE"
    for key in (there, foggy):
        cell = kit.cells_of(found)[key]
        assert cell["verdict"] == "INCONCLUSIVE"
        assert cell["reason"].startswith("missing: ")
        assert cell["delta"] is cell["deployed"] is cell["low"] is None
    assert "2 of 3 required checks undecided" in found.reason


def test_no_scores_at_all(kit: Any) -> None:
    found = kit.make_run().judge(load_gate())
    assert found.verdict == "INCONCLUSIVE"
    assert found.cells.num_rows == len(load_gate().required)


def test_clips_that_one_network_lacks_are_no_pass(kit: Any) -> None:
    run = kit.make_run()
    rng = np.random.default_rng(3)
    run.add(kit.deployed, kit.pedestrian, "f1", counts(rng, 40, 0.8))
    said = {k: v.astype(object) for k, v in counts(rng, 40, 0.9).items()}
    said["tp"][:5] = None
    run.add(kit.candidate, kit.pedestrian, "f1", said)
    cell = kit.cells_of(run.judge(kit.gate_of((kit.pedestrian, "f1", "all"))))
    cell = cell[kit.pedestrian, "f1", "all"]
    assert (cell["verdict"], cell["clips"], cell["clips_unpaired"]) == ("INCONCLUSIVE", 35, 5)
    said = "missing: 5 clips have a score of one network alone; the candidate's is missing on 5"
    assert cell["reason"] == said


def test_a_prediction_that_the_candidate_lacks_is_no_pass(kit: Any) -> None:
    run = kit.make_run()
    run.add(kit.deployed, kit.pedestrian, "f1", counts(np.random.default_rng(3), 40, 0.8))
    found = run.judge(kit.gate_of((kit.pedestrian, "f1", "all")))
    assert found.verdict == "INCONCLUSIVE"
    assert found.cells["reason"][0].as_py() == (
        f"missing: the candidate lacks {kit.pedestrian}, which the deployed network has"
    )


def test_clips_that_disagreement_chose_never_count(kit: Any) -> None:
    run = kit.make_run()
    add_pair(kit, run, 0.8, 0.8)
    gate, key = kit.gate_of((kit.pedestrian, "f1", "all")), (kit.pedestrian, "f1", "all")
    chosen = [index % 2 == 1 for index in range(40)]
    run.clips = run.clips.set_column(2, "by_disagreement", pa.array(chosen))
    found = kit.cells_of(run.judge(gate))[key]
    run.clips = run.clips.filter(pa.compute.invert(run.clips["by_disagreement"]))
    assert found == kit.cells_of(run.judge(gate))[key]
    assert found["clips"] == 20


def test_disagreement_informs_and_never_judges(kit: Any) -> None:
    run = kit.make_run()
    add_pair(kit, run, 0.8, 0.8)
    statistics = {"pairs": 3, "items": 10}
    run.add(kit.candidate, kit.pedestrian, "disagreement", statistics, reference=kit.deployed)
    run.add(kit.candidate, kit.pedestrian, "disagreement", statistics, reference="e" * 64)
    gate = kit.gate_of((kit.pedestrian, "f1", "all"), (kit.pedestrian, "disagreement", "all"))
    found = run.judge(gate)
    cells = [c for c in found.cells.to_pylist() if c["metric"] == "disagreement"]
    told = [c for c in cells if c["reference"] == kit.deployed and c["slice"] == "all"]
    assert len(told) == 1
    assert told[0]["deployed"] is told[0]["delta"] is told[0]["low"] is None
    assert told[0]["candidate"] is not None and told[0]["clips"] == 40
    assert not told[0]["required"]
    assert told[0]["reason"] == "shows that they differ, not which is better"
    assert found.verdict == "INCONCLUSIVE"  # requiring it asks for what cannot be had


def test_an_empty_denominator_is_unknown(kit: Any) -> None:
    run = kit.make_run()
    for network in (kit.deployed, kit.candidate):
        run.add(network, kit.pedestrian, "recall", {"tp": 0, "fn": 0})
        run.add(
            network, kit.pedestrian, "f1", {"tp": 0, "fp": int(network == kit.deployed), "fn": 0}
        )
    gate = kit.gate_of((kit.pedestrian, "f1", "all"), (kit.pedestrian, "recall", "all"))
    cells = kit.cells_of(run.judge(gate))
    f1 = cells[kit.pedestrian, "f1", "all"]
    assert (f1["deployed"], f1["candidate"], f1["delta"], f1["verdict"]) == (
        0, None, None, "INCONCLUSIVE",
    )  # fmt: skip
    assert f1["reason"].startswith("unknown: the candidate")
    assert cells[kit.pedestrian, "recall", "all"]["reason"].startswith("missing")


def test_a_loss_within_the_margin_is_flagged(kit: Any) -> None:
    run = kit.make_run(drives=40)
    for network, tp in ((kit.deployed, 80), (kit.candidate, 78)):
        noise = np.random.default_rng(4).integers(-3, 4, 80)
        hits = tp + noise + (np.random.default_rng(tp).integers(-1, 2, 80))
        run.add(network, kit.pedestrian, "f1", {"tp": hits, "fp": 5, "fn": 100 - hits})
    cell = kit.cells_of(run.judge(kit.gate_of((kit.pedestrian, "f1", "all"))))
    cell = cell[kit.pedestrian, "f1", "all"]
    assert (cell["verdict"], cell["worse_within_margin"]) == ("PASS", True)
    assert "significantly worse within the margin" in cell["reason"]


def test_undecided_says_how_many_more_drives(kit: Any) -> None:
    run = kit.make_run(drives=10, clips_per_drive=1)
    add_pair(kit, run, 0.8, 0.77)
    gate, key = kit.gate_of((kit.pedestrian, "f1", "all")), (kit.pedestrian, "f1", "all")
    cell = kit.cells_of(run.judge(gate))[key]
    assert cell["verdict"] == "INCONCLUSIVE"
    assert cell["drives_needed"] > 0
    assert f"about {cell['drives_needed']} more drives would decide it" in cell["reason"]


def test_what_lacks_only_drives_needs_only_the_fewest(kit: Any) -> None:
    run = kit.make_run(drives=5)
    add_pair(kit, run, 0.3, 0.9)
    cell = kit.cells_of(run.judge(kit.gate_of((kit.pedestrian, "f1", "all"))))
    cell = cell[kit.pedestrian, "f1", "all"]
    assert (cell["verdict"], cell["drives_needed"]) == ("INCONCLUSIVE", 3)
    assert cell["reason"] == (
        "5 independent drives with something to judge, at least 8 needed: 3 more"
    )


def test_a_regression_against_the_baseline_is_flagged(kit: Any) -> None:
    run = kit.make_run(drives=40)
    for network, tp in ((kit.baseline, 90), (kit.deployed, 82), (kit.candidate, 80)):
        hits = tp + np.random.default_rng(tp).integers(-2, 3, 80)
        run.add(network, kit.pedestrian, "f1", {"tp": hits, "fp": 5, "fn": 100 - hits})
    gate, key = kit.gate_of((kit.pedestrian, "f1", "all")), (kit.pedestrian, "f1", "all")
    alone, held = run.judge(gate), run.judge(gate, baseline=kit.baseline)
    assert (alone.verdict, held.verdict) == ("PASS", "PASS")
    assert kit.cells_of(alone)[key]["worse_than_baseline"] is None
    assert kit.cells_of(held)[key]["worse_than_baseline"] is True


def add_detections(kit: Any, run: Any, quality: dict[str, float]) -> None:
    rng = np.random.default_rng(8)
    for network, share in quality.items():
        run.add(network, kit.pedestrian, "ap50", {"labels": 10})
        for clip, drive in zip(
            run.clips["clip_id"].to_pylist(), run.clips["drive_id"].to_pylist(), strict=True
        ):
            hit = rng.random(10) < share
            for frame, (matched, score) in enumerate(zip(hit, rng.random(10), strict=True)):
                run.matches.append(
                    {
                        "network_sha256": network,
                        "reference": "labels",
                        "clip_id": clip,
                        "drive_id": drive,
                        "prediction": kit.pedestrian,
                        "timestamp_ns": frame,
                        "score": score / 2 + matched / 2,
                        "matched": bool(matched),
                        "iou": 0.7 if matched else None,
                    }
                )


def test_average_precision_is_judged_from_matched_rows(kit: Any) -> None:
    run = kit.make_run()
    add_detections(kit, run, {kit.deployed: 0.9, kit.candidate: 0.6})
    found = run.judge(kit.gate_of((kit.pedestrian, "ap50", "all")))
    cell = kit.cells_of(found)[kit.pedestrian, "ap50", "all"]
    assert cell["verdict"] == "REGRESSED"
    # Matches score above 1/2 and misses below: all that is found is found first.
    found_share = np.mean([m["matched"] for m in run.matches[len(run.matches) // 2 :]])
    assert cell["candidate"] == pytest.approx(found_share, abs=0.011)
    assert cell["delta"] == pytest.approx(cell["candidate"] - cell["deployed"])
    same = run.judge(kit.gate_of((kit.pedestrian, "ap50", "all")), candidate=kit.deployed)
    assert same.verdict == "PASS" and set(same.cells["delta"].to_pylist()) == {0.0}


def test_order_of_rows_does_not_matter(kit: Any) -> None:
    run = kit.make_run()
    add_pair(kit, run, 0.8, 0.7)
    add_detections(kit, run, {kit.deployed: 0.9, kit.candidate: 0.6})
    gate = kit.gate_of((kit.pedestrian, "f1", "all"), (kit.pedestrian, "ap50", "light=night"))
    before = run.judge(gate)
    rng = np.random.default_rng(0)
    run.scores = [run.scores[index] for index in rng.permutation(len(run.scores))]
    run.matches = [run.matches[index] for index in rng.permutation(len(run.matches))]
    run.clips = run.clips.take(rng.permutation(run.clips.num_rows))
    run.drives = run.drives.take(rng.permutation(run.drives.num_rows))
    assert run.judge(gate).cells.equals(before.cells)


def test_contradictions_are_refused(kit: Any) -> None:
    gate = kit.gate_of((kit.pedestrian, "f1", "all"))
    run = kit.make_run()
    add_pair(kit, run, 0.8, 0.7)
    first = run.scores[0]
    for change, said in (
        ({}, "scored twice"),
        ({"definition": "two", "clip_id": run.clips["clip_id"][1].as_py()}, "several definitions"),
        ({"value": float("nan")}, "is nan"),
    ):
        run.scores.append(first | change)
        with pytest.raises(RidealongError, match=said):
            run.judge(gate)
        run.scores.pop()
    run.drives = run.drives.slice(1)
    with pytest.raises(RidealongError, match="'drive-000' of a clip is unknown"):
        run.judge(gate)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 12), st.integers(0, 1000), st.floats(0, 1), st.floats(0, 1))
def test_fewer_than_eight_clusters_decide_nothing(
    kit: Any, drives: int, seed: int, deployed: float, candidate: float
) -> None:
    run = kit.make_run(drives=drives, clips_per_drive=3)
    rng = np.random.default_rng(seed)
    for network, quality in ((kit.deployed, deployed), (kit.candidate, candidate)):
        run.add(network, kit.pedestrian, "f1", counts(rng, drives * 3, quality))
    found = run.judge(
        kit.gate_of((kit.pedestrian, "f1", "all"), (kit.pedestrian, "f1", "light=day"))
    )
    for cell in found.cells.to_pylist():
        assert cell["clusters"] >= 8 or cell["verdict"] == "INCONCLUSIVE"
        values = [v for v in cell.values() if isinstance(v, float)]
        assert np.isfinite(values).all()


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.floats(-0.1, 0.1), st.floats(0, 0.2))
def test_a_constant_improvement_never_costs_a_pass(
    kit: Any, seed: int, effect: float, gain: float
) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(50, 150, 24)
    hard = rng.normal(1.0, 0.1, 24)
    error = hard - effect + rng.normal(0, 0.05, 24)
    states = []
    for added in (0.0, gain):
        run = kit.make_run(drives=12)
        for network, each in ((kit.deployed, hard), (kit.candidate, error - added)):
            statistics = {"relative_error": each * pixels, "pixels": pixels}
            run.add(network, "depth@main", "abs_rel", statistics)
        states.append(run.judge(kit.gate_of(("depth@main", "abs_rel", "all"))).verdict)
    order = ["REGRESSED", "INCONCLUSIVE", "PASS"]
    assert order.index(states[1]) >= order.index(states[0])


@pytest.mark.slow
def test_a_null_candidate_is_seldom_called_a_regression(kit: Any) -> None:
    """Whole runs with an effect of each drive but none on average: few may be REGRESSED."""
    rng = np.random.default_rng(11)
    alarms = 0
    gate = kit.gate_of(*[(f"objects/{k}@main", "f1", "all") for k in ("car", "truck", "bus")])
    for _ in range(100):
        run = kit.make_run(drives=16, clips_per_drive=1)
        for kind in ("car", "truck", "bus"):
            effect = rng.normal(0, 0.1, 16)
            for network, sign in ((kit.deployed, 0), (kit.candidate, 1)):
                tp = rng.binomial(200, np.clip(0.7 + sign * effect, 0, 1))
                statistics = {"tp": tp, "fp": 20, "fn": 200 - tp}
                run.add(network, f"objects/{kind}@main", "f1", statistics)
        alarms += run.judge(gate).verdict == "REGRESSED"
    assert alarms <= 10


def of_result_files(kit: Any) -> Any:
    """Frames with attributes of their own, scored by one metric that no family has."""
    run = kit.make_run(drives=16, clips_per_drive=2)
    sunny = pa.array(["yes", "no"] * 16).dictionary_encode()
    run.clips = run.clips.append_column("in the sun", sunny)
    hits = {kit.deployed: 8, kit.candidate: np.where(np.arange(32) % 2, 8, 4)}
    for network, found in hits.items():
        run.add(network, "mine/any name", "hits", {"n": found, "d": 10})
    return run


def my_metric(task: str, name: str) -> Metric | None:
    known = task == "mine" and name == "hits"
    better, of = Better.HIGHER, Reference.LABELS
    return (
        Metric(name, task, better, "1", ("n", "d"), of, "", "", over("n", "d")) if known else None
    )


def test_result_files_have_their_own_metrics_and_attributes(kit: Any) -> None:
    run, key = of_result_files(kit), ("mine/any name", "hits", "in the sun=yes")
    gate = kit.gate_of(key, watched={"by": ["in the sun", "light"]})
    cells = kit.cells_of(run.judge(gate, metrics=my_metric))
    slices = {"all", "in the sun=yes", "in the sun=no", "light=day", "light=night"}
    assert {name for _, _, name in cells} == slices
    assert cells[key]["verdict"] == "REGRESSED"
    assert cells[key]["delta"] == pytest.approx(-0.4)
    assert cells[key[0], "hits", "in the sun=no"]["delta"] == 0
    assert not run.judge(gate).cells["deployed"].drop_null().to_pylist()
    with pytest.raises(RidealongError, match=r"'sun' in a slice; known: .*in the sun.*road"):
        run.judge(kit.gate_of(key, watched={"by": ["sun"]}), metrics=my_metric)


def test_in_a_complete_run_a_missing_sum_is_zero(kit: Any) -> None:
    run = of_result_files(kit)
    gate = kit.gate_of(("mine/any name", "hits", "all"), watched={"by": ["in the sun"]})
    whole = run.judge(gate, metrics=my_metric, complete=True)
    assert whole.cells.equals(run.judge(gate, metrics=my_metric).cells)
    for row in run.scores:
        if row["network_sha256"] == kit.candidate and row["statistic"] == "n":
            row["value"] = 0.0
    zeros = run.judge(gate, metrics=my_metric, complete=True)
    run.scores = [row for row in run.scores if row["value"]]
    assert run.judge(gate, metrics=my_metric, complete=True).cells.equals(zeros.cells)
    cell = kit.cells_of(zeros)["mine/any name", "hits", "all"]
    assert (cell["candidate"], cell["clips"], cell["clips_unpaired"]) == (0, 32, 0)
