"""What was seen on a clip: labels and the sparse outputs of a run's networks, kept for a while."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from dashboard.routes.home import Clip, Home
from dashboard.routes.memory import Memory
from ingest.clips.paths import with_paths_in_images
from metrics.tasks.clip_view import ClipView
from ridealong.arrays import Ints
from ridealong.errors import RidealongError
from ridealong.perception.annotations import at_times
from ridealong.units import NS_PER_S
from shadow.runs import ROLES, Run

LABELS = "labels"
LAYERS = (LABELS, *ROLES)
MEMORY_BYTES = 64 << 20


@dataclass(frozen=True)
class Seen:
    """What was seen on a clip.

    Attributes:
        first_ns: The instant from which times count.
        views: By layer; only those that there are.
    """

    first_ns: int
    views: Mapping[str, ClipView]

    def layer(self, name: str) -> ClipView:
        """One layer.

        Raises:
            RidealongError: There is no such layer.
        """
        if name not in self.views:
            known = ", ".join(self.views) or "none"
            raise RidealongError(f"the clip has no layer {name!r} (it has: {known})")
        return self.views[name]

    def within(self, start_s: float, end_s: float) -> "Seen":
        """Only the frames from ``start_s`` to before ``end_s``."""

        def cut(view: ClipView) -> ClipView:
            times = view.perception.timestamps_ns
            seconds = (times - self.first_ns) / NS_PER_S
            inside = times[(seconds >= start_s) & (seconds < end_s)]
            return view.on(at_times(view.perception, inside))

        return replace(self, views={name: cut(view) for name, view in self.views.items()})

    @property
    def nbytes(self) -> int:
        """The memory that it takes."""
        return sum(view.perception.sparse.nbytes for view in self.views.values())


@dataclass(frozen=True)
class Views:
    """What was seen on clips, read when first needed.

    Attributes:
        home: The home.
        memory: Keeps what was read.
    """

    home: Home
    memory: Memory[Seen]

    def of(self, clip: Clip, run: Run | None) -> Seen:
        """The labels of a clip, and the sparse outputs of a run's networks.

        Raises:
            RidealongError: The clip or the outputs are damaged.
        """
        labels = self.home.labels_blob(clip)
        key = (clip["clip_id"], clip["blob"], labels, run["run_id"] if run else None)
        return self.memory.get(key, lambda: self._read(clip, run))

    def _read(self, clip: Clip, run: Run | None) -> Seen:
        opened = self.home.outputs(run).open(clip) if run else self.home.open(clip)
        with opened as reader:
            views = {}
            labels = reader.labels(with_dense=False)
            if labels is not None:
                rows = with_paths_in_images(labels.sparse, reader.cameras)
                views[LABELS] = ClipView(replace(labels, sparse=rows), {}, reader.image_sizes)
            if run is not None:
                outputs = self.home.outputs(run)
                times = reader.sample_times(outputs.rate_hz)
                views |= outputs.views(reader, times, dense=False)
        return Seen(self.home.first_ns(clip), views)


def views_of(home: Home) -> Views:
    """The views of a home's clips, with a memory of the usual size."""
    return Views(home, Memory(MEMORY_BYTES, size=lambda seen: seen.nbytes))


def seconds_of(times_ns: Ints, first_ns: int) -> list[float]:
    """Times as the player counts them."""
    found: list[float] = (np.asarray(times_ns - first_ns) / NS_PER_S).round(4).tolist()
    return found
