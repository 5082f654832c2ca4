"""What each clip costs: by hand, and shares that always sum to the cell's delta."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.gate.costs import COSTS, CellKey, LossParts, clip_costs, loss_parts, shares
from metrics.inference.ratio import ratio
from metrics.schemas import MATCHES, SCORES


def costs(kit: Any, run: Any, metric: str, where: str = "all", reference: str = "labels") -> Any:
    return clip_costs(
        pa.Table.from_pylist(run.scores, schema=SCORES.schema),
        pa.Table.from_pylist(run.matches, schema=MATCHES.schema),
        run.clips,
        run.drives,
        (kit.deployed, kit.candidate),
        CellKey(kit.pedestrian, metric, where, reference),
    )


def parts(kit: Any, run: Any, *cells: CellKey) -> LossParts:
    return loss_parts(
        pa.Table.from_pylist(run.scores, schema=SCORES.schema),
        pa.Table.from_pylist(run.matches, schema=MATCHES.schema),
        run.clips,
        run.drives,
        (kit.deployed, kit.candidate),
        cells,
    )


def test_shares_by_hand(kit: Any) -> None:
    """F1: deployed 12/16 = 0.75, candidate 8/16 = 0.5; delta -0.25, and D is 16 in both."""
    run = kit.make_run(drives=3, clips_per_drive=1)
    run.add(kit.deployed, kit.pedestrian, "f1", {"tp": [1, 2, 3], "fp": [2, 0, 0], "fn": [0, 2, 0]})
    said = {"tp": [1, 2, 1], "fp": [2, 0, 2], "fn": [0, 2, 2]}
    run.add(kit.candidate, kit.pedestrian, "f1", said)
    found = costs(kit, run, "f1").to_pylist()
    assert [row["clip_id"] for row in found] == [f"drive-00{i}-clip-0" for i in (2, 0, 1)]
    assert [row["share"] for row in found] == pytest.approx([-0.25, 0, 0])
    assert [row["deployed"] for row in found] == pytest.approx([1.0, 0.5, 4 / 6])
    assert [row["candidate"] for row in found] == pytest.approx([1 / 3, 0.5, 4 / 6])


def test_a_lower_metric_turns_the_sign(kit: Any) -> None:
    """Flickers a second: 2/4 of the deployed network, 3/4 of the candidate, all on one clip."""
    run = kit.make_run(drives=2, clips_per_drive=1)
    for network, flickers in ((kit.deployed, [1, 1]), (kit.candidate, [1, 2])):
        said = {"flickers": flickers, "said": 2}
        run.add(network, kit.pedestrian, "flicker", said, reference="self")
    found = costs(kit, run, "flicker", reference="self").to_pylist()
    assert [row["drive_id"] for row in found] == ["drive-001", "drive-000"]
    assert [row["share"] for row in found] == pytest.approx([-0.25, 0])


def test_a_slice_has_its_own_shares(kit: Any) -> None:
    run = kit.make_run(drives=4, clips_per_drive=1)
    run.add(kit.deployed, kit.pedestrian, "f1", {"tp": 4, "fp": 0, "fn": 0})
    run.add(kit.candidate, kit.pedestrian, "f1", {"tp": [4, 3, 4, 1], "fp": 0, "fn": [0, 1, 0, 3]})
    night = costs(kit, run, "f1", "light=night").to_pylist()
    assert [row["drive_id"] for row in night] == ["drive-003", "drive-001"]
    assert sum(row["share"] for row in night) == pytest.approx(2 * 4 / (2 * 4 + 4) - 1)
    assert all(row["share"] == 0 for row in costs(kit, run, "f1", "light=day").to_pylist())


def test_average_precision_by_hand(kit: Any) -> None:
    """Two clips with one label each; the candidate loses one of the two labels: 1 to 0.5."""
    run = kit.make_run(drives=2, clips_per_drive=1)
    clips = run.clips.to_pylist()
    for network, matched in ((kit.deployed, (True, True)), (kit.candidate, (True, False))):
        run.add(network, kit.pedestrian, "ap50", {"labels": 1})
        for clip, score, hit in zip(clips, (0.9, 0.8), matched, strict=True):
            row = {"network_sha256": network, "reference": "labels", "prediction": kit.pedestrian}
            run.matches.append(
                row | clip | {"timestamp_ns": 0, "score": score, "matched": hit, "iou": None}
            )
    for row in run.matches:
        row.pop("by_disagreement")
    found = costs(kit, run, "ap50").to_pylist()
    assert [row["drive_id"] for row in found] == ["drive-001", "drive-000"]
    assert [row["share"] for row in found] == pytest.approx([-0.5, 0])
    assert [row["deployed"] for row in found] == [1, 1]
    assert [row["candidate"] for row in found] == [0, 1]


def test_what_is_no_better_and_no_worse_has_no_costs(kit: Any) -> None:
    run = kit.make_run(drives=2)
    run.add(kit.candidate, kit.pedestrian, "disagreement", {"union": 2}, kit.deployed)
    assert costs(kit, run, "disagreement", reference=kit.deployed).equals(COSTS.empty_table())
    assert costs(kit, run, "f1").num_rows == 0


def test_a_clip_that_one_network_alone_was_scored_on_does_not_count(kit: Any) -> None:
    run = kit.make_run(drives=2, clips_per_drive=1)
    run.add(kit.deployed, kit.pedestrian, "f1", {"tp": 1, "fp": 0, "fn": 0})
    run.add(
        kit.candidate, kit.pedestrian, "f1", {"tp": [1, None], "fp": [0, None], "fn": [1, None]}
    )
    assert costs(kit, run, "f1")["drive_id"].to_pylist() == ["drive-000"]


def test_parts_of_several_losses_by_hand(kit: Any) -> None:
    """Recall: the clip at night lost three labels, the one by day one, so 3/4 and 1/4 of the loss.

    Depth: all of the loss is at night. By day there is none to share, nor in unknown cells.
    """
    run = kit.make_run(drives=2, clips_per_drive=1)
    depth = "depth@main"
    for network, tp, error in ((kit.deployed, [4, 4], [2, 2]), (kit.candidate, [3, 1], [2, 6])):
        run.add(network, kit.pedestrian, "recall", {"tp": tp, "fn": [4 - hit for hit in tp]})
        run.add(network, depth, "abs_rel", {"relative_error": error, "pixels": 4})
    recall = [
        CellKey(kit.pedestrian, "recall", where, "labels") for where in ("all", "light=night")
    ]
    depths = [CellKey(depth, "abs_rel", where, "labels") for where in ("all", "light=day")]
    unknown = [CellKey("bev/road", "iou", "all", "labels"), CellKey(depth, "abs_rel", "all", "x")]
    found = parts(kit, run, *recall, *depths, *unknown)
    assert found.clip_ids == ["drive-000-clip-0", "drive-001-clip-0"]
    assert found.parts.T.tolist() == [[0.25, 0.75], [0, 1], [0, 1], [0, 0], [0, 0], [0, 0]]


SUMS = st.integers(1, 40)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(SUMS, SUMS, SUMS, SUMS), min_size=1, max_size=12))
def test_shares_sum_to_the_difference(rows: list[tuple[int, int, int, int]]) -> None:
    sums = np.array(rows, np.float64)
    first, second = ratio(sums[:, :1], sums[:, 1:2]), ratio(sums[:, 2:3], sums[:, 3:])
    found = shares(first, second)
    assert found.sum() == pytest.approx(first.value[0] - second.value[0], abs=1e-12)
    same = (sums[:, :2] == sums[:, 2:]).all(axis=1)
    assert np.abs(found[same]).max(initial=0.0) < 1e-12


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(SUMS, SUMS, SUMS, SUMS), min_size=2, max_size=8))
def test_parts_are_shares_of_the_whole_and_sum_to_one(
    kit: Any, rows: list[tuple[int, int, int, int]]
) -> None:
    run = kit.make_run(drives=len(rows), clips_per_drive=1)
    sums = np.array(rows)
    for network, at in ((kit.deployed, 0), (kit.candidate, 2)):
        run.add(network, kit.pedestrian, "f1", {"tp": sums[:, at], "fp": sums[:, at + 1], "fn": 0})
    cells = [CellKey(kit.pedestrian, "f1", where, "labels") for where in ("all", "light=night")]
    found = parts(kit, run, *cells)
    for cell, column in zip(cells, found.parts.T, strict=True):
        behind = costs(kit, run, "f1", cell.slice).to_pylist()
        delta = sum(row["share"] for row in behind)
        if abs(delta) < 1e-9:
            continue  # rounding decides whether anything was lost
        lost = delta < 0
        assert column.sum() == pytest.approx(1.0 if lost else 0.0)
        for row in behind if lost else []:
            part = column[found.clip_ids.index(row["clip_id"])]
            assert part == pytest.approx(row["share"] / delta)
