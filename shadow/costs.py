"""The cost of each clip of a run to the candidate, from stored scores (`metrics.gate.costs`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ingest.schemas import CLIPS
from metrics.gate.cells import Cell
from metrics.gate.costs import CellKey, LossParts, clip_costs, loss_parts
from metrics.schemas import SCORES
from ridealong.lake import Snapshot
from shadow.judged import Judged, judged_of
from shadow.scores import query_of


def run_clips(snapshot: Snapshot, run: Mapping[str, Any]) -> pa.Table:
    """The clips of a run."""
    clips = snapshot.read(CLIPS)
    return clips.filter(pc.is_in(clips["clip_id"], value_set=pa.array(run["clip_ids"])))


def cell_costs(snapshot: Snapshot, run: Mapping[str, Any], cell: Cell) -> pa.Table:
    """The clips behind one cell of a run, the costliest first: rows of `metrics.gate.costs.COSTS`.

    Raises:
        RidealongError: The stored scores contradict themselves.
    """
    tables = cost_tables(snapshot, run, [cell])
    return clip_costs(
        tables.scores,
        tables.matches,
        tables.judged.clips,
        tables.judged.drives,
        _networks(run),
        _key(cell),
        metrics=tables.judged.metrics,
        complete=tables.judged.complete,
    )


def run_loss_parts(snapshot: Snapshot, run: Mapping[str, Any], cells: Sequence[Cell]) -> LossParts:
    """Each clip's part of the loss of many cells of a run.

    Raises:
        RidealongError: The stored scores contradict themselves.
    """
    return parts_of_loss(cost_tables(snapshot, run, cells), run, cells)


@dataclass(frozen=True)
class CostTables:
    """The input of costs.

    Attributes:
        scores, matches: The rows of the cells' predictions by the run's networks.
        judged: What the run judged.
    """

    scores: pa.Table
    matches: pa.Table
    judged: Judged


def parts_of_loss(tables: CostTables, run: Mapping[str, Any], cells: Sequence[Cell]) -> LossParts:
    """Each clip's part of the loss of many cells, from tables that were read before.

    Raises:
        RidealongError: The scores contradict themselves.
    """
    keys = [_key(cell) for cell in cells]
    return loss_parts(
        tables.scores,
        tables.matches,
        tables.judged.clips,
        tables.judged.drives,
        _networks(run),
        keys,
        metrics=tables.judged.metrics,
        complete=tables.judged.complete,
    )


def cost_tables(snapshot: Snapshot, run: Mapping[str, Any], cells: Sequence[Cell]) -> CostTables:
    """The stored rows from which the costs of some cells are computed."""
    judged = judged_of(snapshot, run)
    predictions = sorted({cell["prediction"] for cell in cells})
    metrics = sorted({cell["metric"] for cell in cells})
    wanted, named = query_of(run), "list_contains(?, prediction)"
    both = f"{named} and list_contains(?, metric)"
    scores = wanted.rows(snapshot, SCORES, both, predictions, metrics)
    matches = wanted.rows(snapshot, judged.matches, named, predictions)
    return CostTables(scores, matches, judged)


def _key(cell: Cell) -> CellKey:
    return CellKey(cell["prediction"], cell["metric"], cell["slice"], str(cell["reference"]))


def _networks(run: Mapping[str, Any]) -> tuple[str, str]:
    return run["deployed_sha256"], run["candidate_sha256"]
