"""Each frame's share of the loss of a run's cells.

The frames of a clip replace the clip in `metrics.gate.costs`. Statistics are sums over frames, so
the parts of the frames sum exactly to the part of their clip. A frame's own statistics are those of
`metrics.tasks.evaluate.score_clip` on this frame alone. Only comparisons with labels can be divided
in this way: flicker and jitter are differences between frames.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from metrics.gate.cells import Cell
from metrics.schemas import SCORES
from metrics.tasks.clip_view import ClipView
from metrics.tasks.evaluate import STATISTIC_ROWS, ClipScores, score_clip, with_identity
from metrics.tasks.metric import MATCH_ROWS, Reference
from metrics.tasks.prediction import Prediction
from metrics.tasks.registry import parse_prediction, sparse_tasks
from ridealong.arrays import Ints
from ridealong.perception.annotations import at_times
from shadow.costs import CostTables, cost_tables, parts_of_loss
from shadow.keys import definition_in
from shadow.outputs import RunOutputs
from shadow.runs import ROLES


@dataclass(frozen=True)
class FrameLosses:
    """The shares that frames have in the loss of some of a run's cells.

    Attributes:
        outputs: The outputs of the run's networks.
        cells: The cells that lost (rows of verdicts), only those compared with labels.
    """

    outputs: RunOutputs
    cells: Sequence[Cell]

    def of(self, clip: Mapping[str, Any]) -> dict[int, float]:
        """A clip's frames with a share of the loss above 0, by time in ns.

        Raises:
            RidealongError: As for `shares`.
        """
        return {time: share for time, share in self.shares(clip).items() if share > 0}

    def shares(self, clip: Mapping[str, Any]) -> dict[int, float]:
        """The shares of the frames of a clip that have any statistics, by time in ns.

        A share is the mean over the cells, as in `shadow.losses`. The shares sum to the clip's
        share. Only this clip is in memory.

        Raises:
            RidealongError: The clip is damaged, or the stored scores contradict themselves.
        """
        times, scores = self._scored(clip)
        time_of = {f"{clip['clip_id']}@{time}": time for time in times.tolist()}
        finer = _with_frames(self._tables, clip, [*time_of], scores)
        found = parts_of_loss(finer, dict(self.outputs.run), self.cells)
        shares = zip(found.clip_ids, found.parts.mean(axis=1).tolist(), strict=True)
        return {time_of[name]: share for name, share in shares if name in time_of}

    def share(self, clip: Mapping[str, Any]) -> float:
        """A clip's share of the loss, from stored scores; also where its frames have none.

        Raises:
            RidealongError: The stored scores contradict themselves.
        """
        found = parts_of_loss(self._tables, dict(self.outputs.run), self.cells)
        parts = dict(zip(found.clip_ids, found.parts.mean(axis=1).tolist(), strict=True))
        return float(parts.get(clip["clip_id"], 0.0))

    @cached_property
    def _tables(self) -> CostTables:
        return cost_tables(self.outputs.snapshot, dict(self.outputs.run), self.cells)

    def _scored(self, clip: Mapping[str, Any]) -> tuple[Ints, pa.Table]:
        """The times of a clip's labelled frames, and the scores of each under the frame's id."""
        tasks = {parse_prediction(cell["prediction"]).task for cell in self.cells}
        dense = tasks - sparse_tasks()
        with self.outputs.open(clip) as reader:
            found = reader.labels(with_dense=dense)
            labelled = found.timestamps_ns if found else np.empty(0, np.int64)
            times = np.intersect1d(reader.sample_times(self.outputs.rate_hz), labelled)
            if not len(times):
                return times, SCORES.schema.empty_table()
            views = self.outputs.views(reader, times, bool(dense))
        sizes = views[ROLES[0]].image_sizes
        labels = ClipView(at_times(found, times), image_sizes=sizes) if found else None
        tables = [SCORES.schema.empty_table()]
        for role in ROLES:
            seen = _Seen(views[role], labels, self._predictions(role), f"clip {clip['clip_id']}")
            tables += [self._rows(seen, clip, role, time) for time in times.tolist()]
        return times, pa.concat_tables(tables)

    def _predictions(self, role: str) -> list[Prediction]:
        """The predictions of a network that occur in the cells."""
        named = {parse_prediction(cell["prediction"]) for cell in self.cells}
        return [one for one in self.outputs.predictions(role) if one in named]

    def _rows(self, seen: "_Seen", clip: Mapping[str, Any], role: str, time: int) -> pa.Table:
        """One network's rows of SCORES of one frame."""
        rows, _ = with_identity(
            ClipScores(seen.statistics(time), MATCH_ROWS.empty_table(), ()),
            self.outputs.run[f"{role}_sha256"],
            None,
            f"{clip['clip_id']}@{time}",
            clip["drive_id"],
            partial(definition_in, self.outputs.run["definition"]),
        )
        return rows


@dataclass(frozen=True)
class _Seen:
    """One network's outputs on a clip, and the labels; any frame of them can be scored."""

    own: ClipView
    labels: ClipView | None
    predictions: Sequence[Prediction]
    where: str

    def statistics(self, time: int) -> pa.Table:
        """One frame's statistics against the labels."""
        if self.labels is None or not self.predictions:
            return STATISTIC_ROWS.empty_table()
        own, labels = (_cut(view, np.array([time])) for view in (self.own, self.labels))
        references = {Reference.LABELS}
        return score_clip(
            own, self.predictions, labels, where=self.where, references=references
        ).statistics


def _cut(view: ClipView, times: Ints) -> ClipView:
    return view.on(at_times(view.perception, times))


def _with_frames(
    tables: CostTables, clip: Mapping[str, Any], ids: Sequence[str], scores: pa.Table
) -> CostTables:
    """The tables with a clip replaced by its frames."""
    clips = tables.judged.clips
    own = pc.equal(clips["clip_id"], clip["clip_id"])
    frames = clips.filter(own).take(pa.array([0] * len(ids), pa.int64()))
    frames = frames.set_column(
        frames.schema.get_field_index("clip_id"), "clip_id", pa.array(ids, pa.string())
    )
    others = pc.not_equal(tables.scores["clip_id"], clip["clip_id"])
    return replace(
        tables,
        judged=replace(
            tables.judged, clips=pa.concat_tables([clips.filter(pc.invert(own)), frames])
        ),
        scores=pa.concat_tables([tables.scores.filter(others), scores]),
        matches=_matches_by_frame(tables.matches, clip["clip_id"]),
    )


def _matches_by_frame(matches: pa.Table, clip_id: str) -> pa.Table:
    """Matched rows with a frame's id instead of this clip's id."""
    times = pc.cast(matches["timestamp_ns"], pa.string())
    named = pc.binary_join_element_wise(matches["clip_id"], times, "@")
    own = pc.equal(matches["clip_id"], clip_id)
    at = matches.schema.get_field_index("clip_id")
    return matches.set_column(
        at, matches.schema.field(at), pc.if_else(own, named, matches["clip_id"])
    )
