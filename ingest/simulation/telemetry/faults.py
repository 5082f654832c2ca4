"""Faults between vehicle and file: a drive's telemetry with the faults in its spec.

Rows stay as a source would deliver them: validation removes duplicate and late ones.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from ingest.simulation.fleet import Faults
from ingest.simulation.plan import DriveSpec

TIMESTAMP = "timestamp_ns"


def spoil(telemetry: pa.Table, drive: DriveSpec, faults: Faults) -> pa.Table:
    """Apply the drive's faults, in a fixed order; each has its own random generator."""
    for name, apply in _FAULTS.items():
        if name in drive.faults:
            rng = np.random.default_rng([drive.seed, *name.encode()])
            telemetry = apply(telemetry, faults, rng)
    return telemetry.combine_chunks()


def _jitter(rows: pa.Table, faults: Faults, rng: np.random.Generator) -> pa.Table:
    """Each timestamp is off by a normal amount, cut at three deviations and below half a step."""
    deviation = faults.jittered_clock.jitter_ns
    off = np.clip(rng.normal(0, 1, rows.num_rows), -3, 3) * deviation
    off = np.clip(off, -45_000_000, 45_000_000).round().astype(np.int64)
    times = rows[TIMESTAMP].to_numpy() + off
    # The first row keeps its time, which is the drive's start.
    times[0] = rows[TIMESTAMP][0].as_py()
    return rows.set_column(0, rows.schema.field(0), pa.array(np.maximum(times, times[0])))


def _drop(rows: pa.Table, faults: Faults, rng: np.random.Generator) -> pa.Table:
    """Each row but the first and the last is lost with that probability."""
    kept = rng.random(rows.num_rows) >= faults.dropped_samples.samples
    kept[[0, -1]] = True
    return rows.filter(pa.array(kept))


def _duplicate(rows: pa.Table, faults: Faults, rng: np.random.Generator) -> pa.Table:
    """A stretch is sent twice, the second time right after the first."""
    order = _stretch(rows.num_rows, faults.duplicate_segment.rows, rng)
    start, end = order
    return pa.concat_tables([rows.slice(0, end), rows.slice(start, end - start), rows.slice(end)])


def _late(rows: pa.Table, faults: Faults, rng: np.random.Generator) -> pa.Table:
    """A stretch is sent after the same number of later rows."""
    start, end = _stretch(rows.num_rows, faults.late_segment.rows, rng)
    behind = min(2 * end - start, rows.num_rows)
    order = np.arange(rows.num_rows)
    order[start:behind] = np.roll(order[start:behind], start - end)
    return rows.take(pa.array(order))


def _stretch(rows: int, length: int, rng: np.random.Generator) -> tuple[int, int]:
    """Start and end of a stretch without the first and the last row."""
    length = max(min(length, rows // 3), 1)
    start = int(rng.integers(1, max(rows - length, 2)))
    return start, min(start + length, rows)


_Fault = Callable[[pa.Table, Faults, np.random.Generator], pa.Table]
_FAULTS: dict[str, _Fault] = {
    "jittered_clock": _jitter,
    "dropped_samples": _drop,
    "duplicate_segment": _duplicate,
    "late_segment": _late,
}
