"""The signals of a clip's telemetry, one at a time."""

from typing import Any

import numpy as np
import pyarrow as pa

from dashboard.routes.answers import Answer, Asked, as_json
from dashboard.routes.home import Clip, Home
from dashboard.session import version
from ingest.schemas import TELEMETRY
from ingest.telemetry.signals import lookup
from ridealong.errors import RidealongError
from ridealong.lake import Snapshot
from ridealong.sql import quoted
from ridealong.units import NS_PER_S

SHOWN_FIRST = ("Vehicle.Speed", "Vehicle.Acceleration.Longitudinal")
DIGITS = 6  # significant ones: more than any sensor has
NUMERIC = [
    field.name
    for field in TELEMETRY.schema
    if field.name != "timestamp_ns"
    and (pa.types.is_floating(field.type) or pa.types.is_integer(field.type))
]
INSIDE = "drive_id = ? and timestamp_ns between ? and ?"


def known_signals(snapshot: Snapshot, clip: Clip) -> list[dict[str, Any]]:
    """The numeric signals that have at least two known values in a clip."""
    counts = ", ".join(f"count({quoted(name)}) as {quoted(name)}" for name in NUMERIC)
    (row,) = snapshot.query(
        f"select {counts} from telemetry where {INSIDE}", TELEMETRY, params=_window(clip)
    ).to_pylist()
    return [
        {"name": name, "unit": lookup(name).unit, "default": name in SHOWN_FIRST}
        for name, count in row.items()
        if count >= 2
    ]


def signal(home: Home, asked: Asked) -> Answer:
    """One signal over the clip: its own samples, null where a value is unknown.

    Raises:
        RidealongError: There is no such signal, or it is no number.
    """
    clip, name, snapshot = asked.clip, asked.needed("name"), home.snapshot()
    own = lookup(name)
    if name not in NUMERIC:
        raise RidealongError(f"the signal {name!r} is no number")
    zero_ns = home.first_ns(clip)

    def make() -> bytes:
        rows = snapshot.query(
            f"""select timestamp_ns, {quoted(name)} as value from telemetry
            where {INSIDE} order by timestamp_ns""",
            TELEMETRY,
            params=_window(clip),
        )
        times = (rows["timestamp_ns"].to_numpy() - zero_ns) / NS_PER_S
        values = [_rounded(value) for value in rows["value"].to_pylist()]
        return as_json(
            {"name": name, "unit": own.unit, "times": times.round(3).tolist(), "values": values}
        )

    return Answer(("signal", version(snapshot, TELEMETRY), clip["clip_id"], name), make)


def _rounded(value: float | None) -> float | None:
    if value is None or not np.isfinite(value):
        return None
    return float(f"{value:.{DIGITS}g}")


def _window(clip: Clip) -> list[object]:
    return [clip["drive_id"], clip["start_ns"], clip["end_ns"]]
