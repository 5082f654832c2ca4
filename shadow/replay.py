"""Scores one clip: decodes it once for all networks that run, or uses stored outputs.

These are plain functions. The pipeline calls them for one clip at a time, so only one clip is in
memory.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from threading import Lock

import pyarrow as pa

from ingest.clips.read import ClipReader, open_clip
from metrics.schemas import MATCHES, SCORES
from metrics.tasks.clip_view import ClipView
from metrics.tasks.evaluate import score_clip, with_identity
from metrics.tasks.metric import Reference
from metrics.tasks.registry import parse_prediction, sparse_tasks
from ridealong.arrays import Ints
from ridealong.errors import UnreadableError
from ridealong.execution.accounting import Status
from ridealong.execution.failures import DISK_FULL, described, is_full
from ridealong.lake import DataFile, write_data_file
from ridealong.lake.tables import TableSpec
from ridealong.perception.annotations import Perception, at_times
from shadow.inference import OpenNetworks, perceive_clip
from shadow.kept import as_kept, cameras_with_frames, looked_for, read_kept
from shadow.keys import ScoreUnit, definition_in
from shadow.networks.manifest import NetworkManifest
from shadow.networks.network import Network
from shadow.networks.opening import open_network, parse_manifest
from shadow.replay_plan import ClipOutcome, ClipPlan, NetworkFile, ReplayPlan
from shadow.schemas import OUTPUTS


@dataclass(frozen=True)
class _Seen:
    """The outputs of each network, and the labels; shared, so that lines are drawn once."""

    views: Mapping[str, ClipView]
    labels: ClipView | None


@dataclass(frozen=True)
class _Scored:
    """The rows of one network on one clip, and what could not be scored with the reason."""

    statistics: pa.Table
    matches: pa.Table
    unscored: frozenset[str]


class _NetworkFailedError(Exception):
    """A network failed on a clip that can be read."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Replayer:
    """Replays a plan's clips; threads may share it.

    Args:
        plan: The plan.
        networks: Its networks, by sha256, which somebody else closes; by default the replayer has
            its own, and `close` closes them.
    """

    def __init__(self, plan: ReplayPlan, networks: OpenNetworks | None = None) -> None:
        self._plan = plan
        self._owns = networks is None
        self._networks = networks or _networks(plan.home, plan.networks, plan.device)
        self._full = False

    def close(self) -> None:
        """Close its own networks; call it when no clip is in progress."""
        if self._owns:
            self._networks.close()

    @cached_property
    def _manifests(self) -> dict[str, NetworkManifest]:
        return {file.sha256: parse_manifest(file.manifest) for file in self._plan.networks}

    def replay(self, clip: ClipPlan) -> ClipOutcome:
        """Replay and score one clip; a failure is an outcome, not an exception.

        After the disk was full once, no clip is tried.
        """
        if self._full:
            return ClipOutcome(clip.clip_id, Status.FAILED, DISK_FULL)
        try:
            return self._replay(clip)
        except Exception as error:
            by_network = isinstance(error, _NetworkFailedError)
            cause = error.cause if isinstance(error, _NetworkFailedError) else error
            self._full |= is_full(cause)  # threads share it, so it must not be reset
            return ClipOutcome(clip.clip_id, Status.FAILED, described(cause), by_network=by_network)

    def _replay(self, clip: ClipPlan) -> ClipOutcome:
        seen = self._see(clip)
        scored = [scores for sha in seen.views for scores in self._score(clip, seen, sha)]
        outputs = [
            self._outputs(clip, sha, seen.views[sha].perception) for sha in sorted(clip.keep)
        ]
        return ClipOutcome(
            item_id=clip.clip_id,
            status=Status.DONE,
            replayed=bool(clip.run),
            frames=max((seen.views[sha].frames for sha in clip.run), default=0),
            unscored=tuple(sorted({why for scores in scored for why in scores.unscored})),
            written=(
                *self._write(clip, SCORES, [scores.statistics for scores in scored]),
                *self._write(clip, MATCHES, [scores.matches for scores in scored]),
                *self._write(clip, OUTPUTS, outputs),
            ),
        )

    def _see(self, clip: ClipPlan) -> _Seen:
        """The outputs of the networks that the clip needs, and the labels at those frames."""
        home = self._plan.home
        newest = home / clip.labels_blob if clip.labels_blob else None
        with open_clip(home / clip.blob, newest) as reader:
            times = reader.sample_times(self._plan.rate_hz)
            outputs = self._run(clip, reader) | self._kept(clip, reader, times)
            found = reader.labels(with_dense=_needs_dense_labels(clip))
            sizes, there = reader.image_sizes, cameras_with_frames(reader, times)
        views = {}
        for sha in (file.sha256 for file in self._plan.networks if file.sha256 in outputs):
            manifest = self._manifests[sha]
            perception = as_kept(outputs[sha], looked_for(manifest, there))
            views[sha] = ClipView(perception, manifest.thresholds, sizes)
        labels = ClipView(at_times(found, times), image_sizes=sizes) if found else None
        return _Seen(views, labels)

    def _run(self, clip: ClipPlan, reader: ClipReader) -> dict[str, Perception]:
        """The outputs of the networks that are run, by network."""
        if not clip.run:
            return {}
        networks = {sha: self._networks[sha] for sha in clip.run}
        try:
            return perceive_clip(reader, networks, self._plan.rate_hz)
        except UnreadableError:
            raise
        except Exception as error:
            raise _NetworkFailedError(error) from error

    def _kept(self, clip: ClipPlan, reader: ClipReader, times: Ints) -> dict[str, Perception]:
        """The outputs that are stored, by network."""
        home, stored_by = self._plan.home, self._plan.stored_by
        return {
            sha: read_kept(home / file if file else None, sha, clip.clip_id, stored_by, times)
            for sha, file in clip.from_kept
        }

    def _score(self, clip: ClipPlan, seen: _Seen, sha: str) -> Iterator[_Scored]:
        """The plan for one network."""
        predictions = [parse_prediction(name) for name in self._manifests[sha].predictions]
        units = [unit for unit in clip.units if unit.network_sha256 == sha]
        other = next((unit.other_sha256 for unit in units if unit.other_sha256), None)
        for references, tasks in _by_references(units).items():
            scores = score_clip(
                seen.views[sha],
                [prediction for prediction in predictions if prediction.task in tasks],
                seen.labels,
                seen.views[other] if other else None,
                where=f"clip {clip.clip_id}",
                references=references,
            )
            statistics, matches = with_identity(
                scores,
                sha,
                other,
                clip.clip_id,
                clip.drive_id,
                partial(definition_in, self._plan.definition),
                clip.labels,
            )
            reasons = frozenset(f"{u.reference.value}: {u.reason}" for u in scores.unscored)
            yield _Scored(statistics, matches, reasons)

    def _outputs(self, clip: ClipPlan, sha: str, perception: Perception) -> pa.Table:
        rows = perception.sparse
        for name, value in (
            ("definition", self._plan.stored_by),
            ("drive_id", clip.drive_id),
            ("clip_id", clip.clip_id),
            ("network_sha256", sha),
        ):
            rows = rows.add_column(0, name, pa.repeat(pa.scalar(value), len(rows)))
        return rows.select(OUTPUTS.schema.names).cast(OUTPUTS.schema)

    def _write(
        self, clip: ClipPlan, spec: TableSpec, tables: list[pa.Table]
    ) -> tuple[DataFile, ...]:
        rows = pa.concat_tables([spec.schema.empty_table(), *tables])
        written = write_data_file(self._plan.home, clip.commit_id, spec, rows)
        return (written,) if written else ()


def _needs_dense_labels(clip: ClipPlan) -> bool:
    """Whether a dense family is compared with labels; unpacking dense labels is slow."""
    compared = (unit.task for unit in clip.units if unit.reference == Reference.LABELS)
    return any(task not in sparse_tasks() for task in compared)


def _by_references(units: Sequence[ScoreUnit]) -> dict[frozenset[Reference], set[str]]:
    """One network's families, by the references to compare them with."""
    references: dict[str, set[Reference]] = {}
    for unit in units:
        kind = Reference.OTHER if unit.other_sha256 else Reference(unit.reference)
        references.setdefault(unit.task, set()).add(kind)
    tasks: dict[frozenset[Reference], set[str]] = {}
    for task, kinds in references.items():
        tasks.setdefault(frozenset(kinds), set()).add(task)
    return tasks


def clip_replayer(plan: ReplayPlan) -> Callable[[ClipPlan], ClipOutcome]:
    """`Replayer.replay` of that plan, for a worker process."""
    with _SHARING:
        return Replayer(plan, _shared(plan.home, plan.networks, plan.device)).replay


def _networks(home: Path, files: tuple[NetworkFile, ...], device: str) -> OpenNetworks:
    return OpenNetworks({file.sha256: partial(_open, home, file, device) for file in files})


# One set of networks a worker process, whose threads share it; the process ends with it.
_shared = lru_cache(maxsize=2)(_networks)
_SHARING = Lock()  # threads that begin at once would each get a set


def _open(home: Path, file: NetworkFile, device: str) -> Network:
    artifact = None if file.blob is None else home / file.blob
    return open_network(parse_manifest(file.manifest), artifact, device)
