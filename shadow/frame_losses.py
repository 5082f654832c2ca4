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

from ingest.annotations import Task, at_times
from ingest.clips.read import open_clip
from metrics.schemas import SCORES
from metrics.tasks.evaluate import STATISTIC_ROWS, ClipScores, score_clip, with_identity
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

        Raises:
            RidealongError: As for `shares`.
        """
        return {time: share for time, share in self.shares(clip).items() if share > 0}

    def shares(self, clip: Row) -> dict[int, float]:
        """The shares of all frames of a clip that say something, by time in ns.

        They are as in `shadow.losses`, the mean over the cells, and sum to the clip's share. Only
        this clip is in memory.

        Raises:
            RidealongError: The clip is damaged, or the stored scores contradict themselves.
        """
        times, scores = self._scored(clip)
        time_of = {f"{clip['clip_id']}@{time}": time for time in times.tolist()}
        finer = _with_frames(self._tables, clip, [*time_of], scores)
        found = parts_of_loss(finer, dict(self.outputs.run), self.cells)
        shares = zip(found.clip_ids, found.parts.mean(axis=1).tolist(), strict=True)
        return {time_of[name]: share for name, share in shares if name in time_of}

    @cached_property
    def _tables(self) -> CostTables:
        return cost_tables(self.outputs.snapshot, dict(self.outputs.run), self.cells)

    def _scored(self, clip: Row) -> tuple[Times, pa.Table]:
        """A clip's frames, and both networks' scores of each, with a frame's id for the clip's."""
        tasks = {parse_prediction(cell["prediction"]).task for cell in self.cells}
        dense = not tasks <= SPARSE_TASKS
        with open_clip(self.outputs.lake.path(clip["blob"])) as reader:
            times = reader.sample_times(self.outputs.rate_hz)
            views = self.outputs.views(reader, times, dense)
            found = reader.labels(with_dense=dense)
        sizes = views[ROLES[0]].image_sizes
        labels = View(at_times(found, times), image_sizes=sizes) if found else None
        tables = [SCORES.schema.empty_table()]
        for role in ROLES:
            by_labels, by_itself = (
                self._predictions(role, reference)
                for reference in (Reference.LABELS, Reference.SELF)
            )
            seen = _Seen(views[role], labels, by_labels, by_itself, f"clip {clip['clip_id']}")
            tables += [self._rows(seen, clip, role, times, at) for at in range(len(times))]
        return times, pa.concat_tables(tables)

    def _predictions(self, role: str, reference: Reference) -> list[Prediction]:
        """What a network answers for among the cells that are compared with that reference."""
        cells = (cell for cell in self.cells if cell["reference"] == reference)
        named = {parse_prediction(cell["prediction"]) for cell in cells}
        return [one for one in self.outputs.predictions(role, *Task) if one in named]

    def _rows(self, seen: "_Seen", clip: Row, role: str, times: Times, at: int) -> pa.Table:
        """One network's rows of SCORES of one frame."""
        added = pa.concat_tables([seen.against_labels(times, at), seen.against_itself(times, at)])
        rows, _ = with_identity(
            ClipScores(added, MATCH_ROWS.empty_table(), ()),
            self.outputs.run[f"{role}_sha256"],
            None,
            f"{clip['clip_id']}@{times[at]}",
            clip["drive_id"],
            self.outputs.run["definition"],
        )
        return rows


@dataclass(frozen=True)
class _Seen:
    """What one network said on a clip: any of its frames can be scored.

    Attributes:
        own: What it said.
        labels: The labels; None where there are none.
        by_labels, by_itself: The predictions to compare with the labels, and with itself.
        where: The clip, for errors.
    """

    own: View
    labels: View | None
    by_labels: Sequence[Prediction]
    by_itself: Sequence[Prediction]
    where: str

    def against_labels(self, times: Times, at: int) -> pa.Table:
        """What a frame adds to the statistics against the labels."""
        if self.labels is None or not self.by_labels:
            return STATISTIC_ROWS.empty_table()
        own, labels = (_cut(view, times[at : at + 1]) for view in (self.own, self.labels))
        return _of(score_clip(own, self.by_labels, labels, where=self.where), Reference.LABELS)

    def against_itself(self, times: Times, at: int) -> pa.Table:
        """What a frame adds to the statistics against the network itself."""
        if not self.by_itself:
            return STATISTIC_ROWS.empty_table()
        now = self._by_itself(times[max(0, at - MEMORY) : at + 1])
        if at == 0:
            return now
        before = self._by_itself(times[max(0, at - MEMORY) : at])
        added = pc.subtract(now["value"], before["value"])
        return now.set_column(now.schema.get_field_index("value"), "value", added)

    def _by_itself(self, times: Times) -> pa.Table:
        scores = score_clip(_cut(self.own, times), self.by_itself, where=self.where)
        return _of(scores, Reference.SELF)


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
