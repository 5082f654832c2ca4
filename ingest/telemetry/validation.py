"""Check telemetry against the signal catalogue: valid rows are kept, invalid ones quarantined.

A drive is refused (`UnreadableError`) if a column is not a recorded signal or has the wrong type.
A single row is invalid if

- a value is outside the range of its signal, infinite, or not one of the allowed words;
- its timestamp is unknown;
- it is out of order.

NaN is unknown: null. Whole numbers are rounded half to even, after the range check.

Out of order: as few rows as possible are removed so that the others are strictly ascending in time.
If there is a choice, earlier rows of the file stay. So a late or duplicate row is removed, and a
timestamp that jumps far ahead costs only its own row.
"""

import json
import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ingest.schemas import QUARANTINE, TELEMETRY
from ingest.telemetry.signals import Signal, nearest_recorded, recorded
from ridealong.arrays import Bools, Ints, numpy_type
from ridealong.errors import UnreadableError
from ridealong.terminal.readable import exact_instant, listed

TIMESTAMP = "timestamp_ns"
# Between these, windows and steps can be added and subtracted in 64 bits.
EARLIEST, LATEST = -(2**61), 2**62  # 1896 and 2116
NAMED = 10  # columns that a message names; it counts the others
FLOAT32_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class ValidTelemetry:
    """The valid rows in the schema of telemetry, and the others in that of quarantine.

    ``rows.num_rows + quarantine.num_rows`` is the number of rows given.
    """

    rows: pa.Table
    quarantine: pa.Table


@dataclass(frozen=True)
class _Column:
    """A checked column: invalid values are null; ``bad`` marks them (None: there are none)."""

    name: str
    values: pa.Array
    bad: Bools | None = None
    explain: Callable[[object], str] = str

    @property
    def bad_rows(self) -> NDArray[np.int64]:
        """Numbers of the rows with an invalid value."""
        return np.empty(0, np.int64) if self.bad is None else np.flatnonzero(self.bad)


def validate_telemetry(raw: pa.Table, drive_id: str, numbers: Ints | None = None) -> ValidTelemetry:
    """Check one drive's telemetry: ``timestamp_ns`` and any recorded signals.

    The quarantined rows have their drive, their number and the reason. The caller fills in where
    the drive was read from (``source``, ``path``).

    Args:
        raw: ``N`` rows.
        drive_id: The drive.
        numbers: ``(N,)`` numbers of the rows in the log; by default they count from 0.

    Raises:
        UnreadableError: Wrong schema; the message names the column and the nearest right name.
    """
    check_schema(raw.schema, where=drive_id)
    raw = _legible(raw)
    times = _timestamps(raw, where=drive_id)
    columns = [_column(raw, signal) for signal in recorded()]
    problems = [column for column in (times, *columns) if column.bad is not None]
    bad = np.zeros(raw.num_rows, bool)
    for column in problems:
        bad[column.bad_rows] = True
    disorder = _disorder(times.values, bad)
    bad[list(disorder)] = True
    drive = pa.repeat(pa.scalar(drive_id, pa.string()), raw.num_rows)
    arrays = [drive, times.values, *(column.values for column in columns)]
    rows = pa.Table.from_arrays(arrays, schema=TELEMETRY.schema)
    if not bad.any():
        return ValidTelemetry(rows, QUARANTINE.schema.empty_table())
    quarantine = _quarantine(raw, bad, _reasons(raw, problems, disorder), drive_id, numbers)
    return ValidTelemetry(rows.filter(pa.array(~bad)).combine_chunks(), quarantine)


def check_schema(schema: pa.Schema, where: str | Path) -> None:
    """Raise `UnreadableError` unless the columns are ``timestamp_ns`` and recorded signals.

    Types must be convertible: any number for a number, boolean for boolean, text for text.
    """
    problem = _problem_of(schema)
    if problem is not None:
        what, expected, hint = problem
        raise UnreadableError(f"wrong schema: {what}", where=where, expected=expected, hint=hint)


@lru_cache
def _problem_of(schema: pa.Schema) -> tuple[str, str | None, str | None] | None:
    """What is wrong with a schema, what is expected, a hint; cached, as drives share schemas."""
    signals = {signal.name: signal for signal in recorded()}
    names = schema.names
    unknown = [name for name in names if name not in signals and name != TIMESTAMP]
    if TIMESTAMP not in names:
        found = "columns found: " + listed(names, NAMED) if names else None
        hint = "; ".join(text for text in (found, _meant(unknown)) if text)
        return f"no column {TIMESTAMP!r}", "whole nanoseconds since 1970, UTC", hint or None
    twice = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if twice is not None:
        return f"duplicate column {twice!r}", "each column once", None
    if len(unknown) == 1:
        meant = _meant(unknown)
        expected = None if meant else "a name of docs/signals.md"
        return f"column {unknown[0]!r} is not a recorded signal", expected, meant
    if unknown:
        what = f"{len(unknown)} columns are not recorded signals: {listed(unknown, NAMED)}"
        return what, "names of docs/signals.md", _meant(unknown) or "rename them, or leave them out"
    return _wrong_type(schema, signals)


def _wrong_type(
    schema: pa.Schema, signals: Mapping[str, Signal]
) -> tuple[str, str | None, str | None] | None:
    for column in schema:
        name, kind = column.name, column.type
        if name != TIMESTAMP and not _convertible(kind, signals[name]):
            return f"column {name!r} holds {kind}", signals[name].datatype, None
        if name == TIMESTAMP and not (pa.types.is_int64(kind) or pa.types.is_timestamp(kind)):
            expected = "int64 nanoseconds since 1970, UTC, or an Arrow timestamp"
            is_number = pa.types.is_floating(kind) or pa.types.is_integer(kind)
            hint = f"{kind} cannot hold them exactly: convert the column" if is_number else None
            return f"column {name!r} holds {kind}", expected, hint
    return None


def _meant(unknown: Sequence[str]) -> str | None:
    """Which signals unknown columns may mean; None if no name is similar."""
    near = {name: " or ".join(map(repr, nearest_recorded(name))) for name in unknown[:NAMED]}
    if len(unknown) == 1 and near[unknown[0]]:
        return f"did you mean {near[unknown[0]]}?"
    found = [f"{known} for {name!r}" for name, known in near.items() if known]
    return "did you mean " + ", ".join(found) + "?" if found else None


def in_order(timestamps_ns: NDArray[np.int64]) -> Bools:
    """Mark the longest strictly ascending subsequence; of several, the earliest one."""
    if (np.diff(timestamps_ns) > 0).all():
        return np.ones(len(timestamps_ns), bool)
    # Patience sorting from the end: of equally long continuations, the last one found starts first.
    # tails[k] is minus the greatest timestamp that starts an ascending run of k + 1 rows.
    tails: list[int] = []
    tail_rows: list[int] = []
    after = np.full(len(timestamps_ns), -1, np.int64)
    times = timestamps_ns.tolist()
    for row in range(len(times) - 1, -1, -1):
        time = -times[row]
        length = len(tails) if not tails or time > tails[-1] else bisect_left(tails, time)
        after[row] = tail_rows[length - 1] if length else -1
        if length == len(tails):
            tails.append(time)
            tail_rows.append(row)
        else:
            tails[length], tail_rows[length] = time, row
    return _chain(after, tail_rows[-1])


def _chain(after: NDArray[np.int64], row: int) -> Bools:
    kept = np.zeros(len(after), bool)
    while row >= 0:
        kept[row] = True
        row = int(after[row])
    return kept


def _convertible(kind: pa.DataType, signal: Signal) -> bool:
    types = pa.types
    if types.is_null(kind):
        return True
    if signal.datatype == "boolean":
        return bool(types.is_boolean(kind))
    if signal.datatype == "string":
        inner = kind.value_type if types.is_dictionary(kind) else kind
        return bool(types.is_string(inner) or types.is_large_string(inner))
    return bool(types.is_integer(kind) or types.is_floating(kind))


def _legible(raw: pa.Table) -> pa.Table:
    """The same table, with bytes that are not UTF-8 replaced: no signal allows such a word."""
    for place, column in enumerate(raw.columns):
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            try:
                column.validate(full=True)
            except pa.ArrowInvalid:
                words = column.cast(pa.large_binary()).to_pylist()
                legible = [
                    None if word is None else word.decode("utf-8", "replace") for word in words
                ]
                raw = raw.set_column(place, raw.field(place).name, pa.array(legible, column.type))
    return raw


def _whole(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 1:
        return column.chunk(0)  # combining would copy it
    whole = column.combine_chunks()
    return whole if isinstance(whole, pa.Array) else pa.concat_arrays(whole.chunks)


def _timestamps(raw: pa.Table, where: str | Path) -> _Column:
    values = _whole(raw.column(TIMESTAMP))
    if pa.types.is_timestamp(values.type):
        try:
            values = values.cast(pa.timestamp("ns", tz=values.type.tz)).cast(pa.int64())
        except pa.ArrowInvalid as error:
            raise UnreadableError(
                f"column {TIMESTAMP!r} holds an instant outside 1677 to 2262", where=where
            ) from error
    good = pc.fill_null(pc.and_(pc.greater_equal(values, EARLIEST), pc.less(values, LATEST)), False)
    bad = None if pc.all(good).as_py() is not False else ~_flags(good)
    return _Column(TIMESTAMP, values, bad, _why_no_instant)


def _why_no_instant(value: object) -> str:
    what = "is null" if value is None else f"{value} is before 1896 or after 2116"
    return f"{what}; expected nanoseconds since 1970"


def _column(raw: pa.Table, signal: Signal) -> _Column:
    place = raw.schema.get_field_index(signal.name)
    if place < 0:
        return _Column(signal.name, pa.nulls(raw.num_rows, signal.arrow_type))
    return _check(_whole(raw.column(place)), signal)


def _check(values: pa.Array, signal: Signal) -> _Column:
    if pa.types.is_null(values.type):
        return _Column(signal.name, values.cast(signal.arrow_type))
    if signal.datatype == "boolean":
        return _Column(signal.name, values)
    if signal.datatype == "string":
        return _check_words(values.cast(pa.string()), signal)
    return _check_numbers(values, signal)


def _check_words(values: pa.Array, signal: Signal) -> _Column:
    if not signal.allowed:
        return _Column(signal.name, values)
    known = pc.is_in(values, value_set=pa.array([*signal.allowed, None], pa.string()))
    if pc.all(known).as_py() is not False:
        return _Column(signal.name, values)
    expected = "one of " + ", ".join(signal.allowed)
    return _Column(
        signal.name,
        pc.if_else(known, values, pa.scalar(None, pa.string())),
        _flags(pc.invert(known)),
        lambda value: f"{value!r}; expected {expected}",
    )


def _check_numbers(values: pa.Array, signal: Signal) -> _Column:
    is_float = pa.types.is_floating(values.type)
    if pa.types.is_float16(values.type):
        values = values.cast(pa.float32())
    low, high = _bounds(signal)
    bad = None
    if not _surely_within(values, low, high):
        values, bad = _within(_nan_to_null(values) if is_float else values, low, high)
    if is_float and pa.types.is_integer(signal.arrow_type):
        values = pc.round(values, round_mode="half_to_even")
    if values.type != signal.arrow_type:
        values = values.cast(signal.arrow_type, safe=False)
    return _Column(
        signal.name,
        values,
        bad,
        lambda value: f"{value!r}; expected {_range_text(signal, low, high)}",
    )


def _surely_within(values: pa.Array, low: float, high: float) -> bool:
    """Whether no value is NaN or out of range; false also if a slower check must decide.

    Values in the places of nulls count too: excluding them takes twenty times as long, and they are
    nearly always zeros or earlier values.
    """
    if values.null_count == len(values):
        return True
    numbers = np.frombuffer(values.buffers()[1], numpy_type(values.type))
    numbers = numbers[values.offset : values.offset + len(values)]
    # NaN propagates through min and max, and no comparison with it is true. Python compares floats
    # and integers exactly.
    return bool(low <= numbers.min().item() <= numbers.max().item() <= high)


def _within(values: pa.Array, low: float, high: float) -> tuple[pa.Array, Bools | None]:
    """The values, null where out of range, and a mask of those places."""
    # Comparing as float64 is exact for every type that a signal can have.
    numbers = values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    bad = (numbers < low) | (numbers > high)
    if not bad.any():
        return values, None
    return pc.if_else(pa.array(bad), pa.scalar(None, values.type), values), bad


def _nan_to_null(values: pa.Array) -> pa.Array:
    unknown = pc.is_nan(values)
    if not pc.any(unknown).as_py():
        return values
    return pc.if_else(unknown, pa.scalar(None, values.type), values)


def _bounds(signal: Signal) -> tuple[float, float]:
    widest = FLOAT32_MAX if signal.datatype == "float" else float(np.finfo(np.float64).max)
    low = -widest if signal.minimum is None else signal.minimum
    high = widest if signal.maximum is None else signal.maximum
    return low, high


def _range_text(signal: Signal, low: float, high: float) -> str:
    unit = f" {signal.unit}" if signal.unit else ""
    if signal.minimum is None and signal.maximum is None:
        return f"a finite {signal.datatype}{unit}"
    if signal.maximum is None:
        return f"at least {low:g}{unit}, finite"
    return f"{low:g} to {high:.12g}{unit}"


def _flags(values: pa.Array) -> Bools:
    return np.asarray(values.to_numpy(zero_copy_only=False), bool)


def _disorder(times: pa.Array, bad: Bools) -> dict[int, str]:
    """Rows that are valid by themselves but out of order, each with its reason."""
    rows = np.flatnonzero(~bad)
    good = np.asarray(times.to_numpy(zero_copy_only=False)[rows], np.int64)
    kept = in_order(good)
    if kept.all():
        return {}
    # The latest kept timestamp up to each row.
    seen = np.maximum.accumulate(np.where(kept, good, np.iinfo(np.int64).min))
    odd = np.flatnonzero(~kept)
    is_double = np.isin(good[odd], good[kept])
    out = {}
    for index, double in zip(odd.tolist(), is_double.tolist(), strict=True):
        time = exact_instant(int(good[index]))
        if double:
            why = f"{time} is a duplicate of another row's"
        elif good[index] < seen[index]:
            why = f"{time} is late: it comes after {exact_instant(int(seen[index]))}"
        else:
            why = f"{time} is later than the rows after it"
        out[int(rows[index])] = f"{TIMESTAMP}: {why}; expected ascending timestamps"
    return out


def _reasons(
    raw: pa.Table, problems: Iterable[_Column], disorder: dict[int, str]
) -> dict[int, list[str]]:
    reasons = {row: [why] for row, why in disorder.items()}
    for column in problems:
        rows = column.bad_rows
        for row, value in zip(
            rows.tolist(), raw.column(column.name).take(rows).to_pylist(), strict=True
        ):
            reasons.setdefault(row, []).append(f"{column.name}: {column.explain(value)}")
    return reasons


def _quarantine(
    raw: pa.Table,
    bad: Bools,
    reasons: dict[int, list[str]],
    drive_id: str,
    numbers: Ints | None,
) -> pa.Table:
    places = np.flatnonzero(bad).tolist()
    in_log = places if numbers is None else numbers[places].tolist()
    rows: list[dict[str, object]] = [
        {
            "drive_id": drive_id,
            "kind": "row",
            "row": number,
            "reason": "; ".join(reasons[place]),
            "content": _as_json(content),
        }
        for place, number, content in zip(places, in_log, raw.take(places).to_pylist(), strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=QUARANTINE.schema)


def _as_json(row: dict[str, object]) -> str:
    plain = {
        name: str(value) if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }
    return json.dumps(plain, ensure_ascii=False, allow_nan=False, default=str)
