"""Which frames of a run's clips carry the loss of its cells.

A frame's part of a cell's loss is what `metrics.gate.costs` gives when the frames of a clip stand
in the clip's place. Statistics are sums over frames, so the frames share their clip's part,
exactly. What a frame adds is what `metrics.tasks.evaluate.score_clip` says of that frame alone.
A comparison with the network itself (flicker, jitter) also needs the two frames before: the frame
that shows it has what it adds to theirs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ingest.annotations import at_times
from ingest.clips.read import open_clip
from metrics.schemas import SCORES
from metrics.tasks.evaluate import ClipScores, score_clip, with_identity
from metrics.tasks.metric import MATCH_ROWS, Reference
from metrics.tasks.prediction import Prediction, parse_prediction
from metrics.tasks.views import View
from shadow.costs import CostTables, cost_tables, parts_of_loss
from shadow.outputs import ROLES, SPARSE_TASKS, RunOutputs

MEMORY = 2  # frames before a frame on which what it shows of itself depends

Row = Mapping[str, Any]
Times = NDArray[np.int64]


@dataclass(frozen=True)
class FrameLosses:
    """How the frames of a run's clips share the loss of some of its cells.

    Attributes:
        outputs: What the run's networks said.
        cells: The cells that lost, rows of verdicts.
    """

    outputs: RunOutputs
    cells: Sequence[dict[str, Any]]

    def of(self, clip: Row) -> dict[int, float]:
        """A clip's frames with a share of the loss above 0, by time in ns.

        Shares are as in `shadow.losses`, the mean over the cells; those of all frames of a clip
        (also the ones left out here) sum to the clip's. Only this clip is in memory.

        Raises:
            RidealongError: The clip is damaged, or the stored scores contradict themselves.
        """
        times, scores = self._scored(clip)
        ids = [f"{clip['clip_id']}@{time}" for time in times.tolist()]
        finer = _with_frames(self._tables, clip, ids, scores)
        found = parts_of_loss(finer, dict(self.outputs.run), self.cells)
        share = dict(zip(found.clip_ids, found.parts.mean(axis=1).tolist(), strict=True))
        shares = {
            time: share.get(name, 0.0) for name, time in zip(ids, times.tolist(), strict=True)
        }
        return {time: value for time, value in shares.items() if value > 0}

    @cached_property
    def _tables(self) -> CostTables:
        return cost_tables(self.outputs.snapshot, dict(self.outputs.run), self.cells)

    def _scored(self, clip: Row) -> tuple[Times, pa.Table]:
        """A clip's frames, and both networks' scores of each, with a frame's id for the clip's."""
        named = {parse_prediction(cell["prediction"]) for cell in self.cells}
        dense = any(prediction.task not in SPARSE_TASKS for prediction in named)
        with open_clip(self.outputs.lake.path(clip["blob"])) as reader:
            times = reader.sample_times(self.outputs.rate_hz)
            views = self.outputs.views(reader, times, dense)
            found = reader.labels(with_dense=dense)
        sizes = views[ROLES[0]].image_sizes
        labels = View(at_times(found, times), image_sizes=sizes) if found else None
        tables = [SCORES.schema.empty_table()]
        for role in ROLES:
            tasks = {prediction.task for prediction in named}
            own = [one for one in self.outputs.predictions(role, *tasks) if one in named]
            seen = _Seen(views[role], labels, own, f"clip {clip['clip_id']}")
            tables += [self._rows(seen, clip, role, times, at) for at in range(len(times))]
        return times, pa.concat_tables(tables)

    def _rows(self, seen: "_Seen", clip: Row, role: str, times: Times, at: int) -> pa.Table:
        references = {cell["reference"] for cell in self.cells}
        parts = [seen.against_labels(times[at : at + 1])]
        if Reference.SELF in references:
            parts.append(seen.added_to_itself(times[max(0, at - MEMORY) : at + 1]))
        scores = ClipScores(pa.concat_tables(parts), MATCH_ROWS.empty_table(), ())
        frame_id, run = f"{clip['clip_id']}@{times[at]}", self.outputs.run
        network = run[f"{role}_sha256"]
        return with_identity(scores, network, None, frame_id, clip["drive_id"], run["definition"])[
            0
        ]


@dataclass(frozen=True)
class _Seen:
    """What one network said on a clip, and the labels: any of its frames can be scored."""

    own: View
    labels: View | None
    predictions: Sequence[Prediction]
    where: str

    def against_labels(self, times: Times) -> pa.Table:
        """The statistics of some frames against the labels."""
        return _of(self._scores(times), Reference.LABELS)

    def added_to_itself(self, times: Times) -> pa.Table:
        """What the last of some frames adds to the statistics against the network itself."""
        now = _of(self._scores(times), Reference.SELF)
        if len(times) == 1:
            return now
        before = _of(self._scores(times[:-1]), Reference.SELF)
        at = now.schema.get_field_index("value")
        return now.set_column(at, "value", pc.subtract(now["value"], before["value"]))

    def _scores(self, times: Times) -> ClipScores:
        labels = _cut(self.labels, times) if self.labels else None
        return score_clip(_cut(self.own, times), self.predictions, labels, where=self.where)


def _cut(view: View, times: Times) -> View:
    return view.on(at_times(view.perception, times))


def _of(scores: ClipScores, reference: Reference) -> pa.Table:
    return scores.statistics.filter(pc.equal(scores.statistics["reference"], reference.value))


def _with_frames(tables: CostTables, clip: Row, ids: Sequence[str], scores: pa.Table) -> CostTables:
    """The tables with a clip's frames in its place."""
    own = pc.equal(tables.clips["clip_id"], clip["clip_id"])
    frames = tables.clips.filter(own).take(pa.array([0] * len(ids), pa.int64()))
    frames = frames.set_column(
        frames.schema.get_field_index("clip_id"), "clip_id", pa.array(ids, pa.string())
    )
    others = pc.not_equal(tables.scores["clip_id"], clip["clip_id"])
    return replace(
        tables,
        clips=pa.concat_tables([tables.clips.filter(pc.invert(own)), frames]),
        scores=pa.concat_tables([tables.scores.filter(others), scores]),
        matches=_matches_by_frame(tables.matches, clip["clip_id"]),
    )


def _matches_by_frame(matches: pa.Table, clip_id: str) -> pa.Table:
    """Matched rows with a frame's id for that of this clip."""
    times = pc.cast(matches["timestamp_ns"], pa.string())
    named = pc.binary_join_element_wise(matches["clip_id"], times, "@")
    own = pc.equal(matches["clip_id"], clip_id)
    at = matches.schema.get_field_index("clip_id")
    return matches.set_column(
        at, matches.schema.field(at), pc.if_else(own, named, matches["clip_id"])
    )
