"""Networks that break the contract, each in one way, and one that does not."""

from dataclasses import replace

import numpy as np
import pytest

from ridealong.errors import RidealongError
from ridealong.perception.annotations import Perception, annotation_table
from shadow.networks import contract
from shadow.networks.contract import check_contract
from shadow.networks.probing import made_up_clip


class Fake:
    """A network with one box in each frame, and depth."""

    def __init__(self, change=lambda found, network: found):
        self.change, self.calls = change, 0

    class manifest:
        kind, id, cameras = "safetensors", "fake-1", ("main",)
        predictions = ("objects/car@main", "depth@main")

    def perceive(self, frames, timestamps_ns, calibrations, *, present=None):
        self.calls += 1
        there = (present or {}).get("main", np.ones(len(timestamps_ns), bool))
        box = {"task": "objects", "category": "car", "score": 0.5, "camera": "main"}
        corners = {"x1": 1.0, "y1": 2.0, "x2": 3.0, "y2": 4.0}
        rows = [{"timestamp_ns": t, **box, **corners} for t in timestamps_ns[there].tolist()]
        depth = np.where(there[:, None, None], np.float32(7), np.float32(np.nan))
        found = Perception(timestamps_ns, annotation_table(rows), depth={"main": depth})
        return self.change(found, self)


def faults(change):
    findings = check_contract(Fake(change), [made_up_clip(("main",))])
    return [str(fault) for fault in findings.faults]


def column(name, value):
    def change(found, _):
        rows = [{**row, name: value} for row in found.sparse.to_pylist()]
        return replace(found, sparse=annotation_table(rows))

    return change


CAR = "objects/car@main in frame 0 (timestamp 0 ns)"


def test_a_good_network():
    findings = check_contract(Fake(), [made_up_clip(("main",))])
    assert not findings.faults and findings.milliseconds >= 0 and findings.memory_mb > 10
    assert [check.check.partition(" (")[0] for check in findings.checks] == [
        "forms", "names", "ranges", "repeats", "batches", "lost frames"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "check", "said"),
    [
        (column("score", 1.5), "ranges", f"the score of {CAR} is 1.5; expected 0 to 1"),
        (column("category", "bus"), "names", "objects/bus@main is returned but not listed"),
        (column("x2", 0.5), "ranges", f"the box of {CAR} is (1, 2, 0.5, 4); expected x1 < x2"),
        (column("timestamp_ns", 3), "forms", "a row has a time that is not a frame's"),
        (
            lambda found, _: replace(found, depth={"main": -found.depth["main"]}),
            "ranges",
            "depth of 'main' has -7 in frame 0 (timestamp 0 ns); expected metres above 0",
        ),
        (
            lambda found, _: replace(found, depth={"main": found.depth["main"][0]}),
            "forms",
            "depth of 'main' is float32 (1, 1); expected float32 (4, rows, columns)",
        ),
        (
            lambda found, _: replace(found, depth={"rear": found.depth["main"]}),
            "names",
            "depth@rear is returned but not listed",
        ),
        (
            lambda found, network: column("x1", network.calls / 100)(found, network),
            "repeats",
            "a second run returns other outputs",
        ),
        (
            lambda found, _: column("x2", 20.0 + 2 * len(found.timestamps_ns))(found, _),
            "batches",
            "camera sets alone and together: 100.0% of rows or cells differ",
        ),
        (
            lambda found, _: replace(found, depth={"main": np.nan_to_num(found.depth["main"])}),
            "lost frames",
            "depth of 'main' is known",
        ),
    ],
)  # fmt: skip
def test_what_is_off_is_said(change, check, said):
    found = faults(change)
    assert any(line.startswith(f"{check} (4 made-up") and said in line for line in found), found


def test_a_network_that_fails():
    def fail(found, network):
        raise RidealongError("output 'y' is NaN in frame 2", where="fake-1")

    (line,) = faults(fail)
    assert line == "runs (4 made-up camera sets): fake-1: output 'y' is NaN in frame 2"
    assert contract._peak_kb("none") == 0
