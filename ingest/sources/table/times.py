"""The time of each row: numbers or text, in UTC or in local time, to nanoseconds since 1970."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.sources.mapping.conversion import is_text
from ingest.sources.table.columns import whole
from ingest.sources.table.spec import NS_PER_UNIT, TimeSpec
from ridealong.arrays import Bools, Floats, Ints
from ridealong.errors import UnreadableError

LIMIT_NS = 2**62
LONGEST_SHOWN = 60
WITH_ZONE = r"[0-9]:?[0-9]{2}.*(Z|z|[-+][0-9]{2}(:?[0-9]{2})?)\s*$"
COMMA_FRACTION = r"(:[0-9]{2}),([0-9])"
NS = pa.timestamp("ns")
NS_UTC = pa.timestamp("ns", tz="UTC")


@dataclass(frozen=True)
class Times:
    """The times of ``N`` rows.

    Attributes:
        times_ns: ``(N,)`` nanoseconds since 1970; 0 where unknown.
        known: ``(N,)``: the row has a time.
        local: ``(N,)``: the time is that of a clock in the mapping's zone, not yet UTC.
        written: ``N`` times as the log writes them, for messages: text, numbers or instants.
    """

    times_ns: Ints
    known: Bools
    local: Bools
    written: pa.Array

    def shown(self, row: int) -> str:
        """The time of one row as the log writes it; empty if it writes none."""
        value = self.written[row].as_py()
        return "" if value is None else str(value)


def read_times(rows: pa.Table, spec: TimeSpec, decimal: str) -> Times:
    """The times of the rows of a table.

    Raises:
        UnreadableError: It cannot be told what they mean: numbers without a unit, text without a
            zone; or the format is none.
    """
    columns = [_decoded(rows.column(name)) for name in spec.column]
    name = " and ".join(map(repr, spec.column))
    if len(columns) > 1:
        text = [_as_text(column, name) for column in columns]
        return _of_text(pc.binary_join_element_wise(*text, " "), spec, name)
    (column,) = columns
    kind = column.type
    if pa.types.is_timestamp(kind):
        return _of_timestamps(column, spec, name)
    if is_text(kind) or pa.types.is_null(kind):
        text = pc.utf8_trim_whitespace(column.cast(pa.string()))
        if spec.unit is not None:
            return _of_numbers(_numbers(text, decimal), text, spec.unit)
        return _of_text(text, spec, name)
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise UnreadableError(f"{name} holds {kind}", expected="times")
    if spec.unit is None:
        raise UnreadableError(
            f"{name} holds numbers", hint="set their unit in the mapping, like time: {unit: ms}"
        )
    return _of_numbers(column, column, spec.unit)


def why_unknown(text: str, spec: TimeSpec) -> str:
    """Why a row has no time."""
    name = ", ".join(spec.column)
    if not text:
        return f"{name}: is empty; expected a time"
    expected = spec.format or (f"a number of {spec.unit}" if spec.unit else "a time like ISO 8601")
    return f"{name}: {text[:LONGEST_SHOWN]!r} is not a time; expected {expected}"


def outside(times_ns: Ints, spec: TimeSpec) -> tuple[Bools, str]:
    """``(N,)``: the instant is not in the days that the mapping names (UTC); and what these are."""
    low = -LIMIT_NS if spec.earliest is None else _day_ns(str(spec.earliest), 0)
    high = LIMIT_NS if spec.latest is None else _day_ns(str(spec.latest), 1)
    days = " to ".join(str(day) for day in (spec.earliest or "…", spec.latest or "…"))
    return (times_ns < low) | (times_ns >= high), days


def _day_ns(day: str, days_later: int) -> int:
    return int((np.datetime64(day, "D") + days_later).astype("datetime64[ns]").astype(np.int64))


def _decoded(column: pa.ChunkedArray) -> pa.Array:
    values = whole(column)
    is_coded = pa.types.is_dictionary(values.type)
    return values.cast(values.type.value_type) if is_coded else values


def _as_text(column: pa.Array, name: str) -> pa.Array:
    try:
        return pc.utf8_trim_whitespace(column.cast(pa.string()))
    except pa.ArrowException as error:
        raise UnreadableError(f"{name} holds {column.type}", expected="text") from error


def _of_numbers(numbers: pa.Array, written: pa.Array, unit: str) -> Times:
    factor = NS_PER_UNIT[unit]
    known = np.asarray(numbers.is_valid().to_numpy(zero_copy_only=False), bool)
    values = pc.fill_null(numbers, 0).to_numpy(zero_copy_only=False)
    if np.issubdtype(values.dtype, np.floating):
        known &= np.isfinite(values) & (np.abs(values) < LIMIT_NS / factor)
        times_ns = _whole_ns(np.where(known, values, 0), factor)
    else:
        known &= (values < LIMIT_NS // factor) & (values > -(LIMIT_NS // factor))
        times_ns = np.where(known, values, 0).astype(np.int64) * factor
    return Times(times_ns, known, np.zeros(len(known), bool), written)


def _whole_ns(values: Floats, factor: int) -> Ints:
    """Floating-point times to nanoseconds, without the digits below what such a number can tell.

    So 0.1 s after a full second of our time is that, and not 99,999,905 ns.
    """
    whole = np.floor(values)
    rest_ns = (values - whole) * factor
    coarse = float(np.abs(values).max(initial=0)) * np.finfo(np.float64).eps * factor
    step = 10 ** max(0, math.ceil(math.log10(coarse))) if coarse > 1 else 1
    rounded = np.rint(rest_ns / step).astype(np.int64) * step
    return np.asarray(whole.astype(np.int64) * factor + rounded, np.int64)


def _numbers(text: pa.Array, decimal: str) -> pa.Array:
    """Numbers that are written as text; null where it is none."""
    text = pc.if_else(pc.equal(text, ""), pa.scalar(None, text.type), text)
    text = text if decimal == "." else pc.replace_substring(text, decimal, ".")
    for kind in (pa.int64(), pa.float64()):
        try:
            return text.cast(kind)
        except pa.ArrowInvalid:
            continue
    return _tried(text, "try_cast(value as double)").cast(pa.float64())


def _of_timestamps(column: pa.Array, spec: TimeSpec, name: str) -> Times:
    try:
        values = column.cast(pa.timestamp("ns", tz=column.type.tz))
    except pa.ArrowInvalid as error:
        raise UnreadableError(f"{name} holds an instant outside 1677 to 2262") from error
    # Arrow counts an instant without a zone as UTC, and so do the programs that write most files.
    is_local = column.type.tz is None and spec.zone is not None
    return _known(values, np.full(len(values), is_local), column)


def _of_text(text: pa.Array, spec: TimeSpec, name: str) -> Times:
    with_zone = np.asarray(
        pc.fill_null(pc.match_substring_regex(text, WITH_ZONE), False).to_numpy(
            zero_copy_only=False
        ),
        bool,
    )
    if spec.format is not None:
        values, is_utc = _by_format(text, spec.format)
        with_zone = np.full(len(text), is_utc)
    else:
        values = _iso(text, with_zone)
    times = _known(values, ~with_zone, text)
    if spec.zone is None and (times.known & times.local).any():
        first = text[int(np.flatnonzero(times.known & times.local)[0])].as_py()
        raise UnreadableError(
            f"{name} has times without a zone, like {first!r}",
            hint="set it in the mapping, like time: {zone: UTC}",
        )
    return times


def _known(values: pa.Array, local: Bools, written: pa.Array) -> Times:
    known = np.asarray(values.is_valid().to_numpy(zero_copy_only=False), bool)
    times_ns = np.asarray(pc.fill_null(values.cast(pa.int64()), 0), np.int64)
    return Times(times_ns, known, local, written)


def _iso(text: pa.Array, with_zone: Bools) -> pa.Array:
    """ISO 8601; null where it is none. Those with a zone are in UTC, the others as the clock."""
    text = pc.if_else(pc.equal(text, ""), pa.scalar(None, text.type), text)
    if pc.any(pc.match_substring(text, ",")).as_py():  # which the norm allows, but Arrow does not
        text = pc.replace_substring_regex(text, COMMA_FRACTION, r"\1.\2")
    try:
        if with_zone[np.asarray(text.is_valid().to_numpy(zero_copy_only=False), bool)].all():
            return text.cast(NS_UTC).cast(NS)
        if not with_zone.any():
            return text.cast(NS)
    except pa.ArrowInvalid:
        pass  # one of them is odd, so each is tried alone
    zoned = _tried(text, "try_cast(value as timestamptz)::timestamp")
    plain = _tried(text, "try_cast(value as timestamp)")
    found = pc.if_else(pa.array(with_zone), zoned, plain)
    return found.cast(NS, safe=False)


def _by_format(text: pa.Array, format_: str) -> tuple[pa.Array, bool]:
    """By a format of DuckDB's strptime; and whether it has a zone, so the times are in UTC."""
    quoted = format_.replace("'", "''")
    is_utc = "%z" in format_.lower()
    cast = "::timestamptz::timestamp" if is_utc else "::timestamp"
    try:
        # As text is read once for all rows that say the same, a slow format costs little.
        return _tried(text, f"try_strptime(value, '{quoted}'){cast}").cast(NS, safe=False), is_utc
    except duckdb.Error as error:
        raise UnreadableError(
            f"time.format {format_!r} is not a time format",
            expected="one like '%d.%m.%Y %H:%M:%S.%f'",
        ) from error


def _tried(values: pa.Array, expression: str) -> pa.Array:
    """What DuckDB makes of text; ``expression`` is over ``value`` and gives null for failures."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'; set threads = 1")
        connection.register("given", pa.table({"value": values}))
        found = connection.sql(f"select {expression} as found from given").to_arrow_table()
    return whole(found.column("found"))


def joined_times(parts: Sequence[Times]) -> Times:
    """The times of several pieces, one after the other."""
    written = [part.written for part in parts]
    if len({each.type for each in written}) > 1:  # one piece had odd values, so it is text
        written = [each.cast(pa.string()) for each in written]
    return Times(
        np.concatenate([part.times_ns for part in parts]),
        np.concatenate([part.known for part in parts]),
        np.concatenate([part.local for part in parts]),
        pa.concat_arrays(written),
    )
