"""Drives that a gate still needs, from a run's cells alone."""

from typing import Any

import numpy as np
import pytest

from metrics.gate.cells import Verdict, cells_from
from metrics.gate.planning import GatePlan, plan_gate
from metrics.gate.spec import GateSpec
from metrics.gate.verdicts import RunVerdict

CAR, TRUCK, BUS = (f"objects/{name}@main" for name in ("car", "truck", "bus"))


def gate_of(*predictions: str, **keys: Any) -> GateSpec:
    required = [{"prediction": name, "metric": "f1", "margin": 0.02} for name in predictions]
    return GateSpec.model_validate({"required": required, "margins": {"f1": 0.02}} | keys)


def judged(kit: Any, gate: GateSpec, drives: int = 12, **noise: float) -> RunVerdict:
    """Equal networks whose difference varies so much from drive to drive, by prediction."""
    run, rng = kit.make_run(drives, 1), np.random.default_rng(4)
    for name, spread in noise.items():
        for network in (kit.deployed, kit.candidate):
            tp = np.clip(np.round(rng.normal(80, spread, drives)), 0, 100)
            sums = {"tp": tp, "fp": 20.0, "fn": 100 - tp}
            run.add(network, f"objects/{name}@main", "f1", sums)
    return run.judge(gate)


def plan(found: RunVerdict, gate: GateSpec) -> GatePlan:
    return plan_gate(found.verdict, cells_from(found.cells), gate)


def test_the_middle_is_the_number_that_the_verdict_names(kit: Any) -> None:
    gate = gate_of(CAR, TRUCK)
    found = judged(kit, gate, car=10, truck=20)
    planned = plan(found, gate)
    required = [row for row in found.cells.to_pylist() if row["required"]]
    needed = {row["prediction"]: row["drives_needed"] for row in required}
    assert {one.cell["prediction"]: one.needed for one in planned.cells} == needed
    for one in planned.cells:
        assert f"at most {one.needed_at_most} in most cases" in one.cell["reason"]
    assert [one.cell["prediction"] for one in planned.cells] == [CAR, TRUCK]


def test_the_whole_gate_needs_more_than_its_neediest_cell(kit: Any) -> None:
    gate = gate_of(CAR, TRUCK)
    planned = plan(judged(kit, gate, car=10, truck=20), gate)
    most = planned.cells[-1].needed_at_most
    assert planned.needed is not None and most is not None and planned.needed > most
    assert planned.chance == 0.9 and not planned.decided
    alone = gate_of(TRUCK)
    one = plan(judged(kit, alone, truck=20), alone)
    assert one.needed == one.cells[0].needed_at_most  # with one cell beta is not divided


def test_what_no_number_of_drives_decides(kit: Any) -> None:
    gate = gate_of(CAR, BUS)
    planned = plan(judged(kit, gate, car=20), gate)
    assert [(one.cell["prediction"], one.needed is None) for one in planned.cells] == [
        (CAR, False),
        (BUS, True),
    ]
    assert planned.needed is None and not planned.decided


def test_scores_of_one_network_alone(kit: Any) -> None:
    run, gate = kit.make_run(12, 1), gate_of(CAR)
    sums: dict[str, Any] = {"tp": 80.0, "fp": 20.0, "fn": 20.0}
    run.add(kit.deployed, CAR, "f1", sums)
    run.add(kit.candidate, CAR, "f1", sums | {"tp": [None, *[80.0] * 11]})
    (one,) = plan(run.judge(gate), gate).cells
    assert one.needed is None and one.needed_at_most is None


def test_a_decided_gate_needs_nothing(kit: Any) -> None:
    gate = gate_of(CAR)
    planned = plan(judged(kit, gate, drives=40, car=0.5), gate)
    assert (planned.verdict, planned.decided, [*planned.cells]) == (Verdict.PASS, True, [])


@pytest.mark.parametrize("drives", [1, 3])
def test_too_few_drives_need_those_that_are_missing(kit: Any, drives: int) -> None:
    gate = gate_of(CAR)
    (one,) = plan(judged(kit, gate, drives=drives, car=1), gate).cells
    assert one.needed == gate.min_clusters - drives
