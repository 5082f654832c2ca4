"""What the routes read of a home: its newest state, its clips, its runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from dashboard.routes.dense_outputs import DenseOutputs
from dashboard.routes.memory import Folder, Memory
from dashboard.session import version
from ingest.clips.label_versions import newest_labels
from ingest.clips.read import ClipReader, open_clip
from ingest.schemas import CLIP_LABELS, CLIPS
from ridealong.errors import RidealongError
from ridealong.lake import Lake, Snapshot
from shadow.outputs import Infer, RunOutputs, infer_now, lasting_outputs
from shadow.runs import Run, find_run, list_runs
from shadow.schemas import NETWORKS, OUTPUTS, RUN_NAMES, RUNS

ROWS_KEPT = 256
RUNS_KEPT = 4  # with their networks, once these were needed

Clip = dict[str, Any]  # a row of the table clips
FOLDER_BYTES = 2 << 30


@dataclass
class Home:
    """One home.

    Attributes:
        path: The lake's folder.
        folder: For files; the server removes it when it ends.
        infer: Runs networks for dense outputs.
    """

    path: Path
    folder: Folder
    infer: Infer = infer_now
    _rows: Memory[dict[str, Any]] = field(
        default_factory=lambda: Memory(ROWS_KEPT, size=lambda _: 1)
    )
    _lists: Memory[list[Run]] = field(default_factory=lambda: Memory(1, size=lambda _: 1))
    _outputs: Memory[RunOutputs] = field(
        default_factory=lambda: Memory(RUNS_KEPT, size=lambda _: 1)
    )
    _firsts: Memory[int] = field(default_factory=lambda: Memory(ROWS_KEPT, size=lambda _: 1))

    @property
    def lake(self) -> Lake:
        """The lake."""
        return Lake(self.path)

    def snapshot(self) -> Snapshot:
        """The lake's newest commit.

        Raises:
            RidealongError: There is no lake, or it is damaged.
        """
        return Lake.open(self.path).snapshot()

    def clip(self, clip_id: str) -> Clip:
        """A clip that is in the lake now.

        Raises:
            RidealongError: There is no such clip.
        """
        snapshot = self.snapshot()

        def read() -> Clip:
            rows = snapshot.query(
                "select * from clips where clip_id = ?", CLIPS, params=[clip_id]
            ).to_pylist()
            if not rows:
                raise RidealongError(f"there is no clip {clip_id!r}")
            return dict(rows[0])

        return self._rows.get(("clip", version(snapshot, CLIPS), clip_id), read)

    def runs(self) -> list[Run]:
        """All runs, the newest first."""
        snapshot = self.snapshot()
        now = version(snapshot, RUNS, RUN_NAMES)
        return self._lists.get(now, lambda: list_runs(snapshot))

    def run(self, name: str) -> Run:
        """A run, by its id, its name or ``latest``.

        Raises:
            RidealongError: There is no such run.
        """
        snapshot = self.snapshot()
        now = version(snapshot, RUNS, RUN_NAMES)
        return self._rows.get(("run", now, name), lambda: find_run(snapshot, name))

    @cached_property
    def dense(self) -> DenseOutputs:
        """Dense outputs of the networks, inferred when first needed."""
        return DenseOutputs(self.folder, self.infer)

    def first_ns(self, clip: Clip) -> int:
        """The instant from which a clip's times count: its first camera set.

        A clip without cameras, or whose file cannot be read, has times from its start.
        """

        def read() -> int:
            try:
                with self.open(clip) as reader:
                    times = reader.set_timestamps()
            except RidealongError:
                return int(clip["start_ns"])
            return int(times[0]) if len(times) else int(clip["start_ns"])

        return self._firsts.get((clip["clip_id"], clip["blob"]), read)

    @contextmanager
    def open(self, clip: Clip) -> Iterator[ClipReader]:
        """Open a clip's file inside a ``with`` block.

        Raises:
            RidealongError: The clip has no file, or it is missing or damaged.
        """
        if not clip["blob"]:
            raise RidealongError(f"there is no video of clip {clip['clip_id']!r}")
        labels = self.labels_blob(clip)
        with open_clip(
            self.lake.path(clip["blob"]), self.lake.path(labels) if labels else None
        ) as reader:
            yield reader

    def labels_blob(self, clip: Clip) -> str | None:
        """The file of a clip's newest labels; None if it is the clip's own."""
        snapshot = self.snapshot()
        key = ("labels", version(snapshot, CLIP_LABELS), "")
        newest = self._rows.get(key, lambda: dict(newest_labels(snapshot)))
        return newest.get(clip["clip_id"])

    def outputs(self, run: Run) -> RunOutputs:
        """The outputs of a run's networks.

        Raises:
            RidealongError: One of its networks is not registered.
        """
        snapshot = self.snapshot()
        return self._outputs.get(
            (version(snapshot, OUTPUTS, NETWORKS), run["run_id"]),
            lambda: lasting_outputs(self.lake, snapshot, run, self.dense),
        )


def home_at(path: Path, folder: Path, infer: Infer = infer_now) -> Home:
    """The home in a folder; ``folder`` is for files, and the server removes it when it ends."""
    return Home(path, Folder(folder, FOLDER_BYTES), infer)
