"""One factory of synthetic clips for all tests of this folder."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ingest.clips.write import ClipContent, write_clip
from ingest.simulation.rig import RigCamera
from ridealong.perception.annotations import ANNOTATIONS, Perception, Task, annotation_table
from ridealong.perception.geometry import CameraCalibration, mounted_camera
from ridealong.perception.recording import Image

START_NS = 1_700_000_000_123_456_789
STEP_NS = 200_000_000


def calibration(name: str, width: int = 64, height: int = 48) -> CameraCalibration:
    return mounted_camera(name, width, height, 70.0, 10.0, 2.0, (1.6, 0.1, 1.4))


def picture(index: int, shift: int = 0, width: int = 64, height: int = 48) -> Image:
    """A gradient with a bright square that moves: easy on the codec, different in each frame."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = np.linspace(0, 200, width, dtype=np.uint8)
    image[..., 1] = np.linspace(0, 120, height, dtype=np.uint8)[:, None]
    image[..., 2] = 40 + shift * 20
    x, y = (index * 3 + shift * 7) % (width - 12), (index + shift) % (height - 12)
    image[y : y + 12, x : x + 12] = (250, 240, 30)
    return image


def frames(
    count: int, cameras: Sequence[str], missing: Sequence[tuple[int, str]] = (), **size: int
) -> Iterator[tuple[int, dict[str, Image]]]:
    for index in range(count):
        yield (
            START_NS + index * STEP_NS,
            {
                name: picture(index, shift, **size)
                for shift, name in enumerate(cameras)
                if (index, name) not in missing
            },
        )


def telemetry(rows: int) -> pa.Table:
    times = START_NS + np.arange(rows) * 100_000_000
    schema = pa.schema(
        [
            pa.field("drive_id", pa.string()),
            pa.field("timestamp_ns", pa.int64(), metadata={"unit": "ns"}),
            pa.field("Vehicle.Speed", pa.float32(), metadata={"unit": "km/h", "description": "v"}),
            pa.field("Vehicle.CurrentLocation.Latitude", pa.float64()),
            pa.field("Vehicle.Chassis.Brake.PedalPosition", pa.int16()),
            pa.field("Vehicle.ADAS.ABS.IsEngaged", pa.bool_()),
            pa.field("Vehicle.ADAS.ActiveAutonomyLevel", pa.string()),
            pa.field("Vehicle.Never", pa.float32()),
        ]
    )
    speeds = [None if i % 3 == 1 else 50.1 + i / 7 for i in range(rows)]
    columns = [
        ["drive"] * rows,
        times,
        pa.array(speeds, pa.float32()),
        [48.0 + i * 1e-9 for i in range(rows)],
        [i % 100 for i in range(rows)],
        [None if i % 2 else i % 4 == 0 for i in range(rows)],
        [None if i % 5 else "SÆ_2" for i in range(rows)],
        [None] * rows,
    ]
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema)


def labels(count: int, cameras: Sequence[str]) -> Perception:
    times = START_NS + np.arange(count, dtype=np.int64) * STEP_NS
    rng = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    for index, time in enumerate(times.tolist()):
        for camera in cameras if index % 4 != 3 else []:
            rows += _frame_rows(time, camera, index)
    depth = rng.uniform(0.5, 300, (count, 12, 16)).astype(np.float32)
    depth[:, 0] = np.nan
    grid = rng.integers(0, 3, (count, 8, 8)).astype(np.uint8)
    return Perception(
        timestamps_ns=times,
        sparse=annotation_table(rows),
        depth=dict.fromkeys(cameras, depth),
        segmentation=dict.fromkeys(cameras[:1], (grid * 127).astype(np.uint8)),
        bev={"road": grid},
        tasks=frozenset({Task.OBJECTS, Task.LANES, Task.LIGHTS}),
    )


def _frame_rows(time: int, camera: str, index: int) -> list[dict[str, Any]]:
    common = {"timestamp_ns": time, "camera": camera, "score": 1.0}
    x = float(index % 40)
    box = {"x1": x + 0.1, "y1": 5.3, "x2": x + 12.7, "y2": 17.0}
    lane = [10.0, 47.0, 20.5, 30.25, 30.1, 20.0]
    return [
        common | box | {"task": "objects", "category": "car", "track_id": 2**60 + index},
        common | box | {"task": "lights", "category": "red", "relevant": True},
        common | {"task": "lanes", "category": "lane_line", "points": lane},
    ]


def content(count: int = 25, **changes: Any) -> ClipContent:
    """A clip of two small cameras at 5 Hz with everything in it; ``changes`` replace fields."""
    cameras = ["main", "rear"]
    if not isinstance(changes.get("cameras", {}), dict):
        cameras = changes.pop("cameras")
    whole = ClipContent(
        clip_id="c0ffee",
        drive={
            "drive_id": "drive",
            "source": "simulation",
            "country": "DE",
            "duration_s": float("nan"),
            "features": ["x"],
        },
        start_ns=START_NS,
        end_ns=START_NS + count * STEP_NS,
        events=[
            {"event_id": "e1", "trigger": "hard_brake", "margin": 0.5},
            {"event_id": "e2", "trigger": "swerve", "margin": None},
            {"event_id": "e3", "trigger": "hard_brake", "margin": 1.5},
        ],
        telemetry=telemetry(2 * count),
        cameras={name: calibration(name) for name in cameras},
        frames=frames(count, cameras),
        labels=labels(count, cameras),
    )
    return replace(whole, **changes)


class Factory:
    """The functions above, as tests reach them."""

    START_NS, STEP_NS, CAMERAS, SCHEMA = START_NS, STEP_NS, tuple(RigCamera), ANNOTATIONS
    calibration = staticmethod(calibration)
    picture = staticmethod(picture)
    frames = staticmethod(frames)
    telemetry = staticmethod(telemetry)
    labels = staticmethod(labels)
    content = staticmethod(content)


@pytest.fixture(scope="session")
def make() -> type[Factory]:
    return Factory


@pytest.fixture
def clip_file(tmp_path: Path, make: type[Factory]) -> Path:
    """A whole clip, written."""
    path = tmp_path / "clip.mcap"
    write_clip(path, make.content())
    return path


@pytest.fixture(scope="session")
def write(make: type[Factory]) -> Callable[..., Path]:
    def write_content(folder: Path, **changes: Any) -> Path:
        path = folder / "made.mcap"
        write_clip(path, make.content(**changes))
        return path

    return write_content
