"""One drive of telemetry and videos, opened."""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import groupby
from operator import itemgetter

import numpy as np
import pyarrow as pa

from ingest.clips.packets import CopiedVideo
from ingest.sources.attributes import AttributesSpec
from ingest.sources.joined.pairs import ApartError
from ingest.sources.joined.videos import Video
from ingest.telemetry.validation import validate_telemetry
from ridealong.arrays import Ints
from ridealong.perception.annotations import Perception
from ridealong.perception.geometry import CameraCalibration
from ridealong.perception.recording import (
    DriveAttributes,
    DriveFiles,
    Image,
    LeftOut,
    Recording,
    RowAside,
    Selective,
    Sifted,
)
from ridealong.terminal.readable import exact_instant

NO_ROWS = pa.table({"timestamp_ns": pa.array([], pa.int64())})


class JoinedRecording:
    """Telemetry and videos of one drive.

    Raises:
        ApartError: The times of a video and of the telemetry do not overlap.
    """

    def __init__(
        self,
        files: DriveFiles,
        telemetry: Recording | None,
        videos: Sequence[Video],
        stated: AttributesSpec | None = None,
    ) -> None:
        self._telemetry, self._videos, self._stated = telemetry, videos, stated
        self._table = NO_ROWS if telemetry is None else telemetry.telemetry()
        self._times_ns = times_of(self._table)
        why = next(filter(None, (disagreement(self._times_ns, video) for video in videos)), None)
        if why is not None:
            raise ApartError(why, where=files.path, hint="say 'start' in a drive.yaml")
        self._recordings = [video.recording(files, self._first_ns) for video in videos]
        self._camera = {name: each for each in self._recordings for name in each.cameras}

    @property
    def attributes(self) -> DriveAttributes:
        """Those of the telemetry and of ``drive.yaml``; the drive lasts as long as any of them."""
        known = DriveAttributes() if self._telemetry is None else self._telemetry.attributes
        if self._stated is not None:
            stated = self._stated.model_dump(exclude={"cameras"}, exclude_none=True)
            known = replace(known, **stated)
        begins = [video.begins_ns(self._first_ns) for video in self._videos]
        ends = [at + video.length_ns for at, video in zip(begins, self._videos, strict=True)]
        rows = [int(at) for at in self._times_ns[[0, -1]]] if len(self._times_ns) else []
        assumed = (*(known.assumed or ()), *self._assumed())
        return replace(
            known, start_ns=min(begins + rows), end_ns=max(ends + rows), assumed=assumed or None
        )

    @property
    def cameras(self) -> Mapping[str, CameraCalibration]:
        """The cameras of all videos."""
        return {name: each.cameras[name] for name, each in self._camera.items()}

    def telemetry(self) -> pa.Table:
        """The rows of the telemetry, not yet validated."""
        return self._table

    def row_numbers(self) -> Ints:
        """``(N,)`` numbers of the rows in their file."""
        if isinstance(self._telemetry, Sifted):
            return self._telemetry.row_numbers()
        return np.arange(self._table.num_rows)

    def rows_aside(self) -> Sequence[RowAside]:
        """The rows that the telemetry's source set aside."""
        return self._telemetry.rows_aside() if isinstance(self._telemetry, Sifted) else ()

    def frames(
        self, start_ns: int, end_ns: int, cameras: Sequence[str]
    ) -> Iterator[tuple[int, dict[str, Image]]]:
        """Frames of all videos with ``start_ns <= timestamp_ns <= end_ns``, by time."""
        found = (each.frames(start_ns, end_ns, cameras) for each in self._recordings)
        in_time = heapq.merge(*found, key=itemgetter(0))
        for time_ns, images in groupby(in_time, key=itemgetter(0)):
            yield time_ns, {name: image for _, one in images for name, image in one.items()}

    def copied_video(self, camera: str, start_ns: int, end_ns: int) -> CopiedVideo | str:
        """A camera's packets in a window, or why they must be encoded anew."""
        return self._camera[camera].copied_video(camera, start_ns, end_ns)

    def labels(self, start_ns: int, end_ns: int) -> Perception | None:
        """None: it has no labels."""
        return None

    def left_out(self) -> Sequence[LeftOut]:
        """What was left out of telemetry and videos, so far as it is known without decoding."""
        own = self._telemetry.left_out() if isinstance(self._telemetry, Selective) else ()
        return [*own, *(item for video in self._videos for item in video.tracks.left_out)]

    @cached_property
    def _first_ns(self) -> int:
        return int(self._times_ns[0]) if len(self._times_ns) else 0

    def _assumed(self) -> Iterator[str]:
        for video in self._videos:
            if video.recorded_ns is None:
                names = ", ".join(video.tracks.cameras)
                with_ = "begins with the telemetry" if len(self._times_ns) else "begins in 1970"
                yield f"camera {names} {with_}, because {video.path.name} has no recorded time"


def times_of(telemetry: pa.Table) -> Ints:
    """``(N,)`` times of the valid rows."""
    rows = validate_telemetry(telemetry, "").rows
    return np.asarray(rows.column("timestamp_ns").to_numpy(), np.int64)


def disagreement(times_ns: Ints, video: Video) -> str | None:
    """Why a video cannot belong to telemetry of these times; None if it can."""
    if not len(times_ns) or video.recorded_ns is None:
        return None
    begin, end = video.recorded_ns, video.recorded_ns + video.length_ns
    if begin <= times_ns[-1] and times_ns[0] <= end:
        return None
    first, last = (exact_instant(int(at)) for at in times_ns[[0, -1]])
    return (
        f"{video.path.name} ({exact_instant(begin)} to {exact_instant(end)}) and its telemetry "
        f"({first} to {last}) do not overlap in time"
    )
