"""The frames of a clip share its part of the loss, whatever the metric."""

from pathlib import Path
from typing import Any

import pytest

from ingest.listing import list_clips
from ridealong.lake import Lake, Snapshot
from shadow.costs import run_loss_parts
from shadow.frame_losses import FrameLosses
from shadow.outputs import run_outputs
from shadow.report import run_cells
from shadow.runs import find_run

# Kept outputs and such that are inferred again; matched rows and sums.
WANTED = (("objects", "ap50"), ("lanes", "f1"), ("segmentation", "iou"))


def worst_cells(snapshot: Snapshot, run: dict[str, Any]) -> list[dict[str, Any]]:
    """Of each wanted task and metric the cell that lost most over all."""
    found = []
    for task, metric in WANTED:
        cells = [
            cell
            for cell in run_cells(snapshot, run["run_id"])
            if cell["prediction"].startswith(f"{task}/")
            and (cell["metric"], cell["slice"]) == (metric, "all")
            and (cell["delta"] or 0) < 0
        ]
        found.append(min(cells, key=lambda cell: cell["delta"]))
    return found


@pytest.mark.slow
def test_the_shares_of_frames_sum_to_their_clip_s(demo_home: Path) -> None:
    lake = Lake.open(demo_home)
    snapshot = lake.snapshot()
    run = find_run(snapshot, "latest")
    cells = worst_cells(snapshot, run)
    whole = run_loss_parts(snapshot, run, cells)
    share = dict(zip(whole.clip_ids, whole.parts.mean(axis=1), strict=True))
    clips = list_clips(snapshot, "source = 'simulation'").to_pylist()
    clip = min(clips, key=lambda clip: clip["frames"])
    with run_outputs(lake, snapshot, run) as outputs:
        losses = FrameLosses(outputs, cells)
        every, lost = losses.shares(clip), losses.of(clip)
    assert sum(every.values()) == pytest.approx(share[clip["clip_id"]], abs=1e-12)
    assert share[clip["clip_id"]] != 0 and len(set(every.values())) > 5
    assert lost == {time: part for time, part in every.items() if part > 0}
