"""One clip through both networks: decoded once, inferred in batches over time, scored.

Plain functions that the pipeline calls for one clip at a time, so memory is bounded by one.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from threading import Lock

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.clips.read import open_clip
from metrics.schemas import MATCHES, SCORES
from metrics.tasks.clip_view import ClipView
from metrics.tasks.evaluate import score_clip, with_identity
from metrics.tasks.metric import Reference
from metrics.tasks.registry import parse_prediction
from ridealong.execution.accounting import Status
from ridealong.execution.failures import DISK_FULL, described, is_full
from ridealong.lake import DataFile, write_data_file
from ridealong.lake.tables import TableSpec
from ridealong.perception.annotations import Perception, at_times
from shadow.networks.network import Network
from shadow.networks.opening import open_network, parse_manifest
from shadow.schemas import OUTPUTS


@dataclass(frozen=True)
class ClipPlan:
    """What to do with one clip.

    Attributes:
        clip_id, drive_id: Which clip.
        blob: Its file, relative to the home.
        score: Networks (sha256) that have no stored scores on it.
        compare: The two networks were not compared on it yet.
        commit_id: Its batch's, under which its files are written.
    """

    clip_id: str
    drive_id: str
    blob: str
    score: tuple[str, ...]
    compare: bool
    commit_id: str = ""


@dataclass(frozen=True)
class ClipOutcome:
    """What became of one clip: frames judged, what could not be scored and why, files written."""

    item_id: str
    status: Status
    reason: str | None = None
    frames: int = 0
    unscored: tuple[str, ...] = ()
    written: tuple[DataFile, ...] = ()


@dataclass(frozen=True)
class NetworkFile:
    """A network as workers find it: identity, manifest as JSON, artifact relative to the home."""

    sha256: str
    manifest: str
    blob: str | None


@dataclass(frozen=True)
class Batch:
    """Clips that are committed together; each of them carries the batch's commit id."""

    commit_id: str
    clips: tuple[ClipPlan, ...]


@dataclass(frozen=True)
class ReplayPlan:
    """One replay; without its batches it is small enough to be pickled into every worker.

    Attributes:
        home: The lake's folder.
        networks: Those of the run; only one when a network is compared with itself.
        batches: What to do with each clip, in the order in which it is to be done.
        rate_hz: Frames judged a second: that of the slower network.
        definition: `shadow.planning.judged_by`: metric definitions and frame rate.
        device: Where the networks run, as torch names it.
    """

    home: Path
    networks: tuple[NetworkFile, ...]
    batches: tuple[Batch, ...]
    rate_hz: float
    definition: str
    device: str

    @property
    def clips(self) -> tuple[ClipPlan, ...]:
        """The clips of all batches."""
        return tuple(clip for batch in self.batches for clip in batch.clips)


@dataclass(frozen=True)
class _Seen:
    """What each network said, and the labels; ready for scoring, so that lines are drawn once."""

    views: dict[str, ClipView]
    labels: ClipView | None


_LOADING = Lock()  # threads that begin at once would each load the networks


@lru_cache(maxsize=4)
def _loaded(home: Path, file: NetworkFile, device: str) -> Network:
    """Open a network once a process, however many workers share it; the process ends with it."""
    artifact = None if file.blob is None else home / file.blob
    return open_network(parse_manifest(file.manifest), artifact, device)


class Replayer:
    """Replays a plan's clips, one at a time."""

    def __init__(self, plan: ReplayPlan) -> None:
        self._plan = plan
        self._full = False

    @cached_property
    def _networks(self) -> dict[str, Network]:
        plan = self._plan
        with _LOADING:
            return {file.sha256: _loaded(plan.home, file, plan.device) for file in plan.networks}

    def replay(self, clip: ClipPlan) -> ClipOutcome:
        """Replay and score one clip; never raises for its sake.

        Once the disk is full, no other is tried.
        """
        if self._full:
            return ClipOutcome(clip.clip_id, Status.FAILED, DISK_FULL)
        try:
            return self._replay(clip)
        except Exception as error:
            self._full |= is_full(error)  # threads share it: none may take it back
            return ClipOutcome(clip.clip_id, Status.FAILED, described(error))

    def _replay(self, clip: ClipPlan) -> ClipOutcome:
        seen = self._perceive(clip)
        scored = [self._score(clip, seen, sha) for sha in seen.views]
        outputs = [self._outputs(clip, sha, seen.views[sha].perception) for sha in clip.score]
        return ClipOutcome(
            item_id=clip.clip_id,
            status=Status.DONE,
            frames=max(view.frames for view in seen.views.values()),
            unscored=tuple(sorted({why for _, _, reasons in scored for why in reasons})),
            written=(
                *self._write(clip, SCORES, [statistics for statistics, _, _ in scored]),
                *self._write(clip, MATCHES, [matches for _, matches, _ in scored]),
                *self._write(clip, OUTPUTS, outputs),
            ),
        )

    def _perceive(self, clip: ClipPlan) -> _Seen:
        """What each network that this clip still needs says, and the labels at those frames."""
        needed = self._networks if clip.compare else {s: self._networks[s] for s in clip.score}
        cameras = sorted({camera for n in needed.values() for camera in n.manifest.cameras})
        with open_clip(self._plan.home / clip.blob) as reader:
            times, images, present = reader.read_sets(cameras, self._plan.rate_hz)
            labels, calibrations = reader.labels(), reader.cameras
        there = {name: np.ascontiguousarray(present[:, at]) for at, name in enumerate(cameras)}
        sizes = {name: (camera.width, camera.height) for name, camera in calibrations.items()}
        views = {}
        for sha, network in needed.items():
            said = network.perceive(images, times, calibrations, present=there)
            views[sha] = ClipView(said, network.manifest.thresholds, sizes)
        if labels is None:
            return _Seen(views, None)
        return _Seen(views, ClipView(at_times(labels, times), image_sizes=sizes))

    def _score(self, clip: ClipPlan, seen: _Seen, sha: str) -> tuple[pa.Table, pa.Table, set[str]]:
        """Rows of scores and matches that the plan asks of one network, and what has none."""
        manifest, other = self._networks[sha].manifest, self._other(sha)
        scores = score_clip(
            seen.views[sha],
            [parse_prediction(name) for name in manifest.predictions],
            seen.labels if sha in clip.score else None,
            seen.views[other] if clip.compare else None,
            where=f"clip {clip.clip_id}",
        )
        if sha not in clip.score:  # it has scores of its own: only the comparison is new
            compared = pc.equal(scores.statistics["reference"], Reference.OTHER.value)
            scores = replace(scores, statistics=scores.statistics.filter(compared))
        against = other if clip.compare else None
        statistics, matches = with_identity(
            scores, sha, against, clip.clip_id, clip.drive_id, self._plan.definition
        )
        reasons = {f"{u.reference.value}: {u.reason}" for u in scores.unscored}
        return statistics, matches, reasons if sha in clip.score else set()

    def _other(self, sha: str) -> str:
        """The network that this one is compared with; itself where there is only one."""
        return next((name for name in self._networks if name != sha), sha)

    def _outputs(self, clip: ClipPlan, sha: str, perception: Perception) -> pa.Table:
        rows = perception.sparse
        for name, value in (
            ("definition", self._plan.definition),
            ("drive_id", clip.drive_id),
            ("clip_id", clip.clip_id),
            ("network_sha256", sha),
        ):
            rows = rows.add_column(0, name, pa.array([value] * len(rows), pa.string()))
        return rows.select(OUTPUTS.schema.names).cast(OUTPUTS.schema)

    def _write(
        self, clip: ClipPlan, spec: TableSpec, tables: list[pa.Table]
    ) -> tuple[DataFile, ...]:
        rows = pa.concat_tables([spec.schema.empty_table(), *tables])
        written = write_data_file(self._plan.home, clip.commit_id, spec, rows)
        return (written,) if written else ()


def clip_replayer(plan: ReplayPlan) -> Callable[[ClipPlan], ClipOutcome]:
    """`Replayer.replay` of that plan: what a process of its own is told to do."""
    return Replayer(plan).replay
