"""A simulated drive on disk: a folder of Parquet files, and its plan as JSON.

``drive.json`` what was decided (`DriveSpec`) and the rig; ``telemetry.parquet`` as a vehicle would
send it, faults included; ``ego.parquet``, ``actors.parquet``, ``tracks.parquet`` and
``lights.parquet`` the state of the world, from which frames and labels are rendered on demand. A
folder is complete or absent.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ingest.simulation.fleet import RigSpec
from ingest.simulation.plan import DriveSpec
from ingest.simulation.traffic.log import Seen, Tracks, Traffic
from ridealong.errors import RidealongError, UnreadableError, each
from ridealong.specs import Spec, load_json_spec

FORMAT = 1


class DriveFile(Spec):
    """The contents of ``drive.json``."""

    format: int = FORMAT
    drive: DriveSpec
    rig: RigSpec


@dataclass(frozen=True, eq=False)
class DriveLog:
    """The world's state over a drive.

    Attributes:
        ego: ``x_m``, ``y_m``, ``yaw_rad``, ``speed_mps`` of the rear axle, ``signal`` (name of the
            next traffic light, "" none), ``link`` and ``signal_m`` (way to it), a row a step.
        seen, tracks: The other road users.
        lights: ``step``, ``name`` and ``state`` of each change of a traffic light.
    """

    ego: Mapping[str, NDArray[np.generic]]
    seen: Seen
    tracks: Tracks
    lights: Mapping[str, NDArray[np.generic]]


def write_drive(
    folder: Path, drive: DriveSpec, rig: RigSpec, telemetry: pa.Table, traffic: Traffic
) -> None:
    """Write a drive; ``folder`` appears only when it is complete.

    Raises:
        OSError: It cannot be written; no partial folder is left.
    """
    partial = folder.with_name(f".{folder.name}-{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        text = DriveFile(drive=drive, rig=rig).model_dump_json(indent=1)
        (partial / "drive.json").write_text(text + "\n", "utf-8")
        tables = {"telemetry": telemetry, **_tables(traffic)}
        for name, table in tables.items():
            path = partial / f"{name}.parquet"
            pq.write_table(table, path, compression="zstd", write_page_checksum=True)
        _sync(partial)
        partial.rename(folder)
    except OSError:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def read_drive_file(folder: Path) -> DriveFile:
    """Read ``drive.json``.

    Raises:
        UnreadableError: Missing, damaged, or of another version.
    """
    path = folder / "drive.json"
    try:
        found = load_json_spec(path, DriveFile)
    except RidealongError as error:
        raise UnreadableError(f"not a simulated drive ({each(error)[0]})") from error
    if found.format != FORMAT:
        raise UnreadableError(f"format {found.format}", where=path, expected=f"format {FORMAT}")
    return found


def read_table(folder: Path, name: str) -> pa.Table:
    """Read one of the drive's Parquet files.

    Raises:
        UnreadableError: Missing or damaged.
    """
    path = folder / f"{name}.parquet"
    try:
        return pq.read_table(path, partitioning=None, page_checksum_verification=True)
    except (OSError, pa.ArrowException) as error:
        why = str(error).splitlines()[0]
        raise UnreadableError(f"cannot be read as Parquet ({why})", where=path) from error


def read_log(folder: Path) -> DriveLog:
    """Read the state of the world over a drive."""
    actors = _columns(read_table(folder, "actors"))
    tracks = _columns(read_table(folder, "tracks"))
    rgb = np.stack([tracks[name] for name in ("red", "green", "blue")], axis=1)
    return DriveLog(
        ego=_columns(read_table(folder, "ego")),
        seen=Seen(
            step=actors["step"].astype(np.int64),
            track=actors["track_id"].astype(np.int64),
            **{name: actors[name].astype(np.float64) for name in _STATE},
            lamps=actors["lamps"].astype(np.int64),
        ),
        tracks=Tracks(
            number=tracks["track_id"].astype(np.int64),
            kind=tracks["kind"].astype(np.int64),
            **{name: tracks[name].astype(np.float64) for name in _SIZE},
            rgb=rgb.astype(np.uint8),
        ),
        lights=_columns(read_table(folder, "lights")),
    )


_STATE = ("x_m", "y_m", "yaw_rad", "speed_mps", "acceleration")
_SIZE = ("length_m", "width_m", "height_m")


def _tables(traffic: Traffic) -> dict[str, pa.Table]:
    seen, tracks, ego, motion = traffic.seen, traffic.tracks, traffic.ego, traffic.motion
    names = np.append(traffic.signals.names, "")
    return {
        "actors": pa.table(
            {
                "step": pa.array(seen.step, pa.int32()),
                "track_id": pa.array(seen.track, pa.int32()),
                **{name: _floats(getattr(seen, name)) for name in _STATE},
                "lamps": pa.array(seen.lamps, pa.int32()),
            }
        ),
        "tracks": pa.table(
            {
                "track_id": pa.array(tracks.number, pa.int32()),
                "kind": pa.array(tracks.kind, pa.int8()),
                **{name: _floats(getattr(tracks, name)) for name in _SIZE},
                **{
                    name: pa.array(tracks.rgb[:, i])
                    for i, name in enumerate(("red", "green", "blue"))
                },
            }
        ),
        "ego": pa.table(
            {
                "x_m": pa.array(motion.x_m),
                "y_m": pa.array(motion.y_m),
                "yaw_rad": pa.array(motion.yaw_rad),
                "speed_mps": pa.array(motion.speed_mps),
                "lane": pa.array(ego.lane.tolist(), pa.string()),
                "signal": pa.array(names[ego.signal].tolist(), pa.string()),
                "link": pa.array(ego.link, pa.int32()),
                "signal_m": _floats(ego.signal_m),
            }
        ),
        "lights": pa.table(
            {
                "step": pa.array(traffic.signals.step, pa.int32()),
                "name": pa.array(traffic.signals.name.tolist(), pa.string()),
                "state": pa.array(traffic.signals.state.tolist(), pa.string()),
            }
        ),
    }


def _floats(values: NDArray[np.float64]) -> pa.Array:
    """Round to millimetres: finer than any camera shows, and it compresses well."""
    return pa.array(np.round(values, 3).astype(np.float32))


def _columns(table: pa.Table) -> dict[str, NDArray[np.generic]]:
    return {
        name: table[name].to_numpy()
        if not pa.types.is_string(table.schema.field(name).type)
        else np.array(table[name].to_pylist(), "U")
        for name in table.column_names
    }


def _sync(folder: Path) -> None:
    for path in [*sorted(folder.iterdir()), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
