"""The rows of one drive: read from its pieces, with times and signals, and what is wrong with them.

Rows without a time, or with a value that means nothing, are set aside with their reason. The rest
is telemetry, which is validated like that of every source.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.sources.mapping.conversion import Converted, convert, is_text
from ingest.sources.mapping.joining import TIMESTAMP, joined, samples_of
from ingest.sources.table.columns import whole
from ingest.sources.table.files import Piece
from ingest.sources.table.spec import TableMapping
from ingest.sources.table.times import Times, joined_times, outside, read_times, why_unknown
from ingest.sources.table.zones import to_utc
from ingest.telemetry.validation import validate_telemetry
from ridealong.arrays import Bools, Ints
from ridealong.perception.recording import LeftOut, RowAside
from ridealong.terminal.readable import counted

BATCH = 10_000  # rows whose content is written as JSON at a time


@dataclass(frozen=True)
class DriveRows:
    """The rows of one drive.

    Attributes:
        telemetry: ``timestamp_ns`` and signals, ``N`` rows.
        numbers: ``(N,)`` numbers of the rows in their file.
        aside: The rows that are no telemetry.
        notes: What was changed in the others.
        assumed: What the log does not say.
    """

    telemetry: pa.Table
    numbers: Ints
    aside: tuple[RowAside, ...]
    notes: tuple[LeftOut, ...] = ()
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Part:
    """The rows of one piece: times, signals by name, and faults by place."""

    numbers: Ints
    times: Times
    signals: Mapping[str, pa.Array]
    aside: Mapping[int, RowAside]
    ragged: tuple[RowAside, ...]
    unknown: Mapping[str, int] = field(default_factory=dict)


def read_rows(
    pieces: Iterable[tuple[Piece, str]], mapping: TableMapping, *, sort: bool = False
) -> DriveRows:
    """Read the rows of a drive.

    Args:
        pieces: Its pieces in order, each with the decimal sign of numbers in text.
        mapping: What the columns mean.
        sort: The pieces are of several files, whose order says nothing about time.

    Raises:
        UnreadableError: A column cannot be what the mapping says.
    """
    parts = [_part(piece, mapping, decimal) for piece, decimal in pieces]
    if not parts:
        return DriveRows(_table(np.empty(0, np.int64), {}), np.empty(0, np.int64), ())
    times = joined_times([part.times for part in parts])
    bad = np.concatenate([_marks(part.aside, len(part.numbers)) for part in parts])
    utc = _in_utc(times, bad, mapping)
    bad[list(utc.wrong)] = True
    signals = {name: _joined([part.signals[name] for part in parts]) for name in parts[0].signals}
    table, good = _table(utc.times_ns, signals), np.flatnonzero(~bad)
    if sort:
        good = good[np.argsort(utc.times_ns[good], kind="stable")]
    if sort or len(good) != len(bad):
        table = table.take(pa.array(good))
    numbers = np.concatenate([part.numbers for part in parts])
    aside = [row for part in parts for row in (*part.ragged, *part.aside.values())]
    for place, reason in utc.wrong.items():
        content = json.dumps({", ".join(mapping.time.column): times.shown(place)})
        aside.append(RowAside(int(numbers[place]), reason, content))
    notes = (*utc.notes, *_unknown_notes(parts))
    found = DriveRows(table, numbers[good], tuple(aside), notes, utc.assumed)
    return _held(_merged(found), mapping)


def _unknown_notes(parts: Sequence[_Part]) -> list[LeftOut]:
    unknown = sum((Counter(part.unknown) for part in parts), Counter[str]())
    return [
        LeftOut(0, f"{name}: {counted(count, 'value')} unknown, as the mapping says", "values")
        for name, count in unknown.items()
    ]


def _part(piece: Piece, mapping: TableMapping, decimal: str) -> _Part:
    times = read_times(piece.rows, mapping.time, decimal)
    signals: dict[str, pa.Array] = {}
    reasons: dict[int, list[str]] = {
        place: [why_unknown(times.shown(place), mapping.time)]
        for place in np.flatnonzero(~times.known).tolist()
    }
    unknown: dict[str, int] = {}
    for name, spec in mapping.signals.items():
        found = convert(whole(piece.rows.column(name)), spec, name, decimal)
        signals[spec.signal] = found.values
        for place, why in found.faults.items():
            reasons.setdefault(place, []).append(why)
        if found.unknown:
            unknown[name] = found.unknown
    ragged = tuple(
        RowAside(
            number,
            "has another number of columns than the first line",
            json.dumps(line, ensure_ascii=False),
        )
        for number, line in piece.ragged.items()
    )
    return _Part(piece.numbers, times, signals, _set_aside(piece, reasons), ragged, unknown)


def _set_aside(piece: Piece, reasons: Mapping[int, Sequence[str]]) -> dict[int, RowAside]:
    places = sorted(reasons)
    return {
        place: RowAside(int(piece.numbers[place]), "; ".join(reasons[place]), content)
        for place, content in zip(places, _contents(piece.rows, places), strict=True)
    }


def _contents(rows: pa.Table, places: Sequence[int]) -> Iterator[str]:
    for start in range(0, len(places), BATCH):
        for row in rows.take(pa.array(places[start : start + BATCH])).to_pylist():
            yield json.dumps(row, ensure_ascii=False, default=str)


@dataclass(frozen=True)
class _InUtc:
    """The times of ``N`` rows in UTC; by place, what is wrong with others; what to report."""

    times_ns: Ints
    wrong: Mapping[int, str]
    notes: tuple[LeftOut, ...] = ()
    assumed: tuple[str, ...] = ()


def _in_utc(times: Times, bad: Bools, mapping: TableMapping) -> _InUtc:
    found = _of_zone(times, np.flatnonzero(times.known & times.local & ~bad), mapping.time.zone)
    odd, days = outside(found.times_ns, mapping.time)
    wrong = {
        place: f"{times.shown(place)} is not in the days of the mapping ({days})"
        for place in np.flatnonzero(odd & ~bad).tolist()
    }
    return replace(found, wrong={**wrong, **found.wrong})


def _of_zone(times: Times, local: Ints, zone: str | None) -> _InUtc:
    """With the rows of these places from the zone's clock to UTC."""
    if not len(local) or zone is None:
        return _InUtc(times.times_ns, {})
    utc = to_utc(times.times_ns[local], zone)
    times_ns = times.times_ns.copy()
    times_ns[local] = utc.times_ns
    wrong = {
        place: f"{times.shown(place)} does not exist in {zone}: clocks went forward"
        for place in local[utc.absent].tolist()
    }
    notes, assumed = [], []
    hour = "in the hour that occurs twice"
    if utc.twice:
        what = f"time: {counted(utc.twice, 'row')} {hour} when clocks go back"
        notes.append(LeftOut(0, f"{what}; neighbouring rows decide which", "time"))
    if utc.guessed:
        assumed.append(f"{counted(utc.guessed, 'row')} {hour} are before the change of clocks")
    return _InUtc(times_ns, wrong, tuple(notes), tuple(assumed))


def _merged(rows: DriveRows) -> DriveRows:
    """Neighbouring rows of one instant as one row, where no signal has two values."""
    times = rows.telemetry.column(TIMESTAMP).to_numpy()
    starts = np.flatnonzero(np.append(True, times[1:] != times[:-1])) if len(times) else times
    if len(starts) == len(times):
        return rows
    counts = np.diff(np.append(starts, len(times)))
    group = np.repeat(np.arange(len(starts)), counts)
    clash = np.zeros(len(starts), bool)
    known = {}
    for name in rows.telemetry.column_names[1:]:
        known[name] = np.asarray(pc.is_valid(rows.telemetry.column(name)).to_numpy(), bool)
        clash |= np.bincount(group, known[name], len(starts)) > 1
    # A group in which values clash stays as it is: its rows are duplicates.
    kept = np.isin(np.arange(len(times)), starts) | clash[group]
    place = np.flatnonzero(kept)
    columns = {}
    for name, is_known in known.items():
        take, valid = place.copy(), is_known[place].copy()
        single = np.flatnonzero(is_known & ~clash[group])
        at = np.searchsorted(place, starts[group[single]])
        take[at], valid[at] = single, True
        columns[name] = rows.telemetry.column(name).take(pa.array(take, mask=~valid))
    merged = len(times) - len(place)
    if not merged:
        return rows
    what = f"time: {counted(merged, 'row')} joined to others of the same instant"
    table = pa.table({TIMESTAMP: pa.array(times[place]), **columns})
    return replace(
        rows,
        telemetry=table,
        numbers=rows.numbers[place],
        notes=(*rows.notes, LeftOut(0, what, "time")),
    )


def _held(rows: DriveRows, mapping: TableMapping) -> DriveRows:
    """The rows with the values that still last, if the mapping says so of any signal.

    They are validated first, or a wrong value would last too.
    """
    if not any(spec.hold for spec in mapping.signals.values()):
        return rows
    times = rows.telemetry.column(TIMESTAMP).to_numpy()
    order = np.argsort(times, kind="stable")
    table, numbers = rows.telemetry.take(pa.array(order)), rows.numbers[order]
    valid = validate_telemetry(table, "", numbers)
    own_ns = valid.rows.column(TIMESTAMP).to_numpy()
    parts = [
        samples_of(own_ns, Converted(whole(valid.rows.column(spec.signal))), spec)
        for spec in mapping.signals.values()
    ]
    filled = joined(parts, own_ns)
    last = np.searchsorted(times[order], filled.column(TIMESTAMP).to_numpy(), side="right") - 1
    more = valid.quarantine.select(["row", "reason", "content"]).to_pylist()
    aside = (*rows.aside, *(RowAside(**row) for row in more))
    return replace(rows, telemetry=filled, numbers=numbers[last], aside=aside)


def _table(times_ns: Ints, signals: Mapping[str, pa.Array]) -> pa.Table:
    return pa.table({TIMESTAMP: pa.array(times_ns, pa.int64()), **signals})


def _marks(aside: Mapping[int, RowAside], rows: int) -> Bools:
    marks = np.zeros(rows, bool)
    marks[list(aside)] = True
    return marks


def _joined(parts: Sequence[pa.Array]) -> pa.ChunkedArray:
    """One column; pieces whose type differs, because one had odd values, become alike."""
    kinds = {part.type for part in parts if not pa.types.is_null(part.type)}
    if len(kinds) > 1:
        kind = pa.float64()
        if any(map(is_text, kinds)):
            kind = pa.string()
        parts = [part.cast(kind) for part in parts]
    elif kinds:
        (kind,) = kinds
        parts = [part.cast(kind) for part in parts]
    return pa.chunked_array(parts)
