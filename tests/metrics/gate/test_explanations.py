"""Which slice a regression comes from: made-up fleets in which it is known."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.gate.explanations import NONE, _causes

LABELS = 100
Drive = dict[str, str]


def verdict_of(kit: Any, lost: Callable[[Drive], float], run: Any = None) -> dict[str, Any]:
    """The cells by slice, where the candidate loses so many of 100 labels on a drive's clips.

    32 drives, eight for each pair of light and road; all are in clear weather and in Germany.
    """
    run = run or kit.make_run(drives=32, clips_per_drive=1)
    losses = np.array([lost(drive) for drive in run.drives.to_pylist()])
    left = np.clip(80 - losses, 0, LABELS)
    for network, tp in ((kit.deployed, np.full(len(losses), 80.0)), (kit.candidate, left)):
        run.add(network, kit.pedestrian, "f1", {"tp": tp, "fp": 0, "fn": LABELS - tp})
    cells = kit.cells_of(run.judge(kit.gate_of((kit.pedestrian, "f1", "all"))))
    return {name[2]: cell for name, cell in cells.items()}


def causes(cells: dict[str, Any]) -> dict[str, str | None]:
    """The cause of every cell that regressed, by slice."""
    assert all(c["because_of"] is None for c in cells.values() if c["verdict"] != "REGRESSED")
    return {n: c["because_of"] for n, c in cells.items() if c["verdict"] == "REGRESSED"}


EVERYWHERE = ("all", "country=DE", "light=night", "road=city", "road=highway", "weather=clear")


def test_a_loss_at_night_is_one_loss_wherever_it_shows(kit: Any) -> None:
    cells = verdict_of(kit, lambda drive: 40.0 * (drive["light"] == "night"))
    assert causes(cells) == dict.fromkeys(EVERYWHERE, "light=night")
    said = "only because of light=night: there is no loss outside it"
    assert cells["road=city"]["reason"].endswith(said)
    assert "because" not in cells["light=night"]["reason"]


def test_a_loss_everywhere_has_no_one_cause(kit: Any) -> None:
    cells = verdict_of(kit, lambda drive: 30.0)
    assert set(causes(cells)) == {*EVERYWHERE, "light=day"}
    assert set(causes(cells).values()) == {None}


def test_two_reasons_are_not_one(kit: Any) -> None:
    """By day on the highway too: leaving the night out leaves a loss, and so does the highway."""
    either = {("night", "city"), ("night", "highway"), ("day", "highway")}
    cells = verdict_of(kit, lambda drive: 40.0 * ((drive["light"], drive["road"]) in either))
    assert causes(cells)["all"] is causes(cells)["light=night"] is None


def test_of_two_that_share_the_loss_the_larger_is_named(kit: Any) -> None:
    """At night in the city, where a gain on some drives by day makes the city's loss smaller."""
    gain = iter([6.0, 6.0, 6.0, 6.0, 0.0, 0.0, 0.0, 0.0])

    def lost(drive: Drive) -> float:
        if drive["road"] == "highway":
            return 0.0
        return 60.0 if drive["light"] == "night" else -next(gain)

    cells = verdict_of(kit, lost)
    assert cells["light=night"]["delta"] < cells["road=city"]["delta"]
    assert causes(cells)["road=city"] == causes(cells)["all"] == "light=night"


def test_a_cell_with_a_loss_of_its_own_contradicts(kit: Any) -> None:
    """By day the highway loses what the city gains: no loss by day, but one on the highway."""
    by_day = {"city": -12.0, "highway": 12.0}
    cells = verdict_of(kit, lambda d: 40.0 if d["light"] == "night" else by_day[d["road"]])
    found = causes(cells)
    assert found["all"] == found["road=city"] == found["light=night"] == "light=night"
    assert found["road=highway"] is None


@pytest.mark.parametrize(("day", "cause"), [(7, None), (8, "light=night")])
def test_what_is_left_must_be_enough_drives(kit: Any, day: int, cause: str | None) -> None:
    run = kit.make_run(drives=16 + day, clips_per_drive=1)
    light = pa.array(["night"] * 16 + ["day"] * day)
    run.drives = run.drives.set_column(run.drives.column_names.index("light"), "light", light)
    cells = verdict_of(kit, lambda drive: 40.0 * (drive["light"] == "night"), run)
    assert causes(cells)["all"] == cause


@pytest.mark.parametrize(
    ("losses", "cause"),
    [
        pytest.param([0.4, -0.4], "light=night", id="neither"),
        pytest.param([2.0, 2.1], None, id="significant, within the margin"),
        pytest.param([35.0, -15.0], None, id="beyond the margin, not significant"),
    ],
)
def test_neither_significant_nor_beyond_the_margin(
    kit: Any, losses: list[float], cause: str | None
) -> None:
    """By day: delta of F1 is about the labels lost over 90, the margin is 0.05."""
    by_day = iter(losses * 8)
    cells = verdict_of(kit, lambda d: 60.0 if d["light"] == "night" else next(by_day))
    assert causes(cells)["all"] == cause


def test_a_slice_of_too_few_drives_to_regress_can_be_the_cause(kit: Any) -> None:
    run = kit.make_run(drives=32, clips_per_drive=1)
    light = pa.array(["night"] * 7 + ["day"] * 25)
    run.drives = run.drives.set_column(run.drives.column_names.index("light"), "light", light)
    cells = verdict_of(kit, lambda drive: 60.0 * (drive["light"] == "night"), run)
    assert cells["light=night"]["verdict"] == "INCONCLUSIVE"
    assert cells["light=night"]["because_of"] is None
    assert causes(cells)["all"] == "light=night"


def test_average_precision_has_causes_too(kit: Any) -> None:
    run = kit.make_run(drives=32, clips_per_drive=1)
    dark = np.array([drive["light"] == "night" for drive in run.drives.to_pylist()])
    for network, hits in ((kit.deployed, np.full(32, 9)), (kit.candidate, np.where(dark, 4, 9))):
        run.add(network, kit.pedestrian, "ap50", {"labels": 10})
        for clip, drive, hit in zip(
            run.clips["clip_id"].to_pylist(), run.clips["drive_id"].to_pylist(), hits, strict=True
        ):
            for frame in range(10):
                row = {"network_sha256": network, "reference": "labels", "clip_id": clip}
                row |= {"drive_id": drive, "prediction": kit.pedestrian, "timestamp_ns": frame}
                score = 1 - frame / 20
                run.matches.append(row | {"score": score, "matched": frame < hit, "iou": None})
    found = run.judge(kit.gate_of((kit.pedestrian, "ap50", "all")))
    cells = {name[2]: cell for name, cell in kit.cells_of(found).items()}
    assert causes(cells) == dict.fromkeys(EVERYWHERE, "light=night")


def test_causes_by_hand() -> None:
    """Slices a, b, c: a and b explain each other, and c is explained by both; b lost most."""
    gone = np.array([[[1, 1, 0], [1, 1, 0], [1, 1, 0]]], np.bool_)
    assert _causes(gone, np.array([[-0.1, -0.3, -0.2]])).tolist() == [[1, 1, 1]]
    assert _causes(gone, np.array([[-0.3, -0.3, -0.2]])).tolist() == [[0, 0, 0]]
    # a is explained by b and not the other way round, so b is the cause, however small its loss.
    gone[0, 1, 0] = False
    assert _causes(gone, np.array([[-0.9, -0.1, -0.2]])).tolist() == [[1, 1, 1]]
    assert _causes(np.zeros_like(gone), np.zeros((1, 3))).tolist() == [[NONE] * 3]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-20, 60), min_size=4, max_size=4), st.integers(0, 100))
def test_a_cause_has_a_loss_and_is_its_own(kit: Any, lost: list[float], seed: int) -> None:
    noise = np.random.default_rng(seed)
    by = dict(zip((("day", "city"), ("day", "highway"), ("night", "city")), lost, strict=False))
    cells = verdict_of(
        kit, lambda d: by.get((d["light"], d["road"]), lost[3]) + noise.uniform(-5, 5)
    )
    found = causes(cells)
    for cause in set(found.values()) - {None}:
        assert found.get(cause, cause) == cause
        assert cells[cause]["delta"] < -cells[cause]["margin"]
        rest = {"light=night": "light=day", "light=day": "light=night"}.get(cause)
        assert rest is None or cells[rest]["verdict"] != "REGRESSED"
