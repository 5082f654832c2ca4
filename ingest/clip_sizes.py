"""How large clips that are not cut yet will be, estimated from those that are in the lake."""

from collections.abc import Mapping
from dataclasses import dataclass

from ingest.rows import DriveRow
from ingest.schemas import CLIPS, DRIVES
from ingest.triggers.windows import ClipWindow
from ridealong.lake import Snapshot
from ridealong.terminal.readable import counted, size
from ridealong.units import NS_PER_S

# Assumed where the home has no clip to measure. A camera at 1280 x 960 in H.264 takes about 1.5
# Mbit a second, and telemetry as JSON messages about 10 kB a second.
DEFAULT_CAMERA_BYTES_PER_S = 190_000.0
DEFAULT_TELEMETRY_BYTES_PER_S = 10_000.0


@dataclass(frozen=True)
class ClipSizes:
    """Bytes per second of clips.

    Attributes:
        camera: Per camera, by the source of the drive; of clips with cameras.
        camera_of_all: The same over all sources; the default without clips.
        telemetry: Of clips without cameras; the default without such clips.
        measured: How many clips with a length were measured.
    """

    camera: Mapping[str, float]
    camera_of_all: float
    telemetry: float
    measured: int

    def bytes_of(self, drive: DriveRow, window: ClipWindow) -> float:
        """The expected size of one clip."""
        seconds = (window.end_ns - window.start_ns) / NS_PER_S
        cameras = sum(window.wants(camera) for camera in drive.cameras)
        if not cameras:
            return seconds * self.telemetry
        return seconds * cameras * self.camera.get(drive.source, self.camera_of_all)

    @property
    def basis(self) -> str:
        """From what the sizes are estimated, in words."""
        rate = f"{size(round(self.camera_of_all))} per second and camera"
        if not self.measured:
            return f"assumed: {rate}, because there are no clips to measure"
        return f"{rate}, measured on {counted(self.measured, 'clip')}"


def clip_sizes(snapshot: Snapshot) -> ClipSizes:
    """Measure the clips in the lake."""
    rows = snapshot.query(
        """select source, cameras > 0 as seen, count(*) as clips, sum(bytes) as bytes,
            sum(length_s * greatest(cameras, 1)) as seconds
        from (
            select d.source, len(c.cameras) as cameras, c.end_s - c.start_s as length_s, c.bytes
            from clips c join drives d using (drive_id)
        ) where length_s > 0 group by 1, 2 order by 1, 2""",
        CLIPS,
        DRIVES,
    ).to_pylist()
    seen = [row for row in rows if row["seen"]]
    unseen = [row for row in rows if not row["seen"]]
    return ClipSizes(
        camera={str(row["source"]): float(row["bytes"]) / row["seconds"] for row in seen},
        camera_of_all=_rate(seen, DEFAULT_CAMERA_BYTES_PER_S),
        telemetry=_rate(unseen, DEFAULT_TELEMETRY_BYTES_PER_S),
        measured=sum(row["clips"] for row in rows),
    )


def _rate(rows: list[dict[str, float]], default: float) -> float:
    seconds = sum(row["seconds"] for row in rows)
    return sum(float(row["bytes"]) for row in rows) / seconds if seconds else default
