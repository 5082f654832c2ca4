"""Which columns of a table are its time, and how it is written, from names and first values."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.sources.mapping.conversion import is_text
from ingest.sources.mapping.guessing import words_of
from ingest.sources.table.spec import NS_PER_UNIT, TimeSpec
from ingest.sources.table.times import Times, read_times
from ingest.telemetry.clock import ERA_NS
from ridealong.errors import RidealongError
from ridealong.units import NS_PER_S

TIME = frozenset(
    {"time", "timestamp", "timestamps", "ts", "t", "datetime", "epoch", "stamp", "utc", "clock"}
    | {"zeit", "uhrzeit", "zeitstempel", "heure", "hora"}
)
DATE = frozenset({"date", "day", "datum", "tag", "fecha", "jour"})
SUFFIXES = {
    "ns": "ns", "nsec": "ns", "nanos": "ns", "us": "us", "usec": "us", "micros": "us",
    "ms": "ms", "msec": "ms", "millis": "ms", "s": "s", "sec": "s", "secs": "s", "seconds": "s",
}  # fmt: skip
DATES = ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%d-%m-%Y", "%Y%m%d")
CLOCKS = ("%H:%M:%S", "%H:%M:%S.%f", "%H:%M:%S,%f", "%I:%M:%S %p", "%H:%M")
USUAL_HZ = 10
LEAST_SHARE = 0.9  # of the first rows that a way to read them must fit


@dataclass(frozen=True)
class GuessedTime:
    """What a table's time may be.

    ``why``: by key, what of it is more a guess than a reading.
    """

    spec: TimeSpec
    times: Times
    why: dict[str, str]


def guess_time(rows: pa.Table) -> GuessedTime | None:
    """The time of a table from its first rows; None if no column looks like one."""
    for columns in _candidates(rows):
        found = _read(rows, columns)
        if found is not None:
            return found
    return None


def _candidates(rows: pa.Table) -> Iterator[tuple[str, ...]]:
    """Columns that may be the time, the likeliest first."""
    words = {name: words_of(name) for name in rows.column_names}
    named = [name for name, own in words.items() if TIME & set(own) or "timestamp" in name.lower()]
    named.sort(key=lambda name: len([w for w in words[name] if w not in SUFFIXES]))
    dates = [name for name, own in words.items() if DATE & set(own) and not TIME & set(own)]
    yield from ((name,) for name in rows.column_names if pa.types.is_timestamp(_kind(rows, name)))
    yield from product(dates, (name for name in named if is_text(_kind(rows, name))))
    yield from ((name,) for name in (*named, *dates))
    yield from ((name,) for name in rows.column_names if words[name] and words[name][-1] == "time")


def _kind(rows: pa.Table, name: str) -> pa.DataType:
    return rows.schema.field(name).type


def _read(rows: pa.Table, columns: tuple[str, ...]) -> GuessedTime | None:
    kind = _kind(rows, columns[0])
    if len(columns) == 1 and (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        unit, guess = _unit(columns[0], rows.column(columns[0]))
        spec = TimeSpec.model_validate({"column": columns, "unit": unit})
        return _tried(rows, spec, {"unit": guess} if guess else {})
    for spec, why in _ways(columns):
        found = _tried(rows, spec, why)
        if found is not None:
            return found
    return None


def _ways(columns: tuple[str, ...]) -> Iterator[tuple[TimeSpec, dict[str, str]]]:
    """The ways to read text, the likeliest first."""
    zone = {"zone": "the table names none"}
    yield TimeSpec(column=columns), {}
    yield TimeSpec(column=columns, zone="UTC"), zone
    for date, clock in product(DATES, CLOCKS):
        why = {"format": "day and month may be swapped"} if "/" in date else {}
        yield TimeSpec(column=columns, format=f"{date} {clock}", zone="UTC"), {**zone, **why}


def _tried(rows: pa.Table, spec: TimeSpec, why: dict[str, str]) -> GuessedTime | None:
    try:
        times = read_times(rows, spec, ".")
    except RidealongError:
        return None
    there = np.array([value not in (None, "") for value in times.written.to_pylist()], bool)
    if not there.any() or times.known[there].mean() < LEAST_SHARE:
        return None
    return GuessedTime(spec, times, why)


def _unit(name: str, values: pa.ChunkedArray) -> tuple[str, str | None]:
    """The unit of times that are numbers, and why it is a guess."""
    words = words_of(name)
    said = SUFFIXES.get(words[-1]) if len(words) > 1 else None
    first = pc.drop_null(values)[0].as_py() if values.null_count < len(values) else 0
    since_1970 = [
        unit
        for unit in ("s", "ms", "us", "ns")
        if ERA_NS[0] <= first * NS_PER_UNIT[unit] < ERA_NS[1]
    ]
    if since_1970 and said in (None, since_1970[0]):
        return since_1970[0], None
    if said is not None:
        return said, None
    return _by_rate(values), "from the time between rows"


def _by_rate(values: pa.ChunkedArray) -> str:
    """The unit in which the rate of the rows is nearest to that of most logs, 10 a second."""
    steps = np.diff(np.asarray(pc.drop_null(values).to_numpy(), np.float64))
    step = float(np.median(steps[steps > 0])) if (steps > 0).any() else 1.0

    def distance(unit: str) -> float:
        return abs(math.log10(step * NS_PER_UNIT[unit] / NS_PER_S * USUAL_HZ))

    return min(("s", "ms", "us", "ns"), key=distance)
