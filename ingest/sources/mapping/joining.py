"""Signals that were recorded at instants of their own, as rows of one table.

A row has the values that were recorded at its instant, and those that still last (``hold``). Where
values last over a stretch without rows, rows are added in between, so that windows of triggers have
samples there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.sources.mapping.conversion import Converted, convert
from ingest.sources.mapping.fields import FieldSpec
from ridealong.arrays import Bools, Ints
from ridealong.errors import UnreadableError
from ridealong.units import NS_PER_S

TIMESTAMP = "timestamp_ns"
SPARSE_STEPS = 2.5  # triggers take a longer step than this many usual ones for a gap
MOST_ADDED = 20_000_000


@dataclass(frozen=True)
class Samples:
    """One signal at its own instants.

    Attributes:
        signal: Its name.
        times_ns: ``(N,)`` strictly ascending.
        values: ``N`` values, none of them null.
        hold_ns: How long each lasts if no other follows; 0: at its own instant alone.
    """

    signal: str
    times_ns: Ints
    values: pa.Array
    hold_ns: int = 0


def samples(times_ns: Ints, values: pa.Array, field: FieldSpec, name: str) -> Samples:
    """The known values of one field, by time; of several at one instant, the last counts.

    Values that mean nothing (`convert` reports them as faults) are left out.

    Args:
        times_ns: ``(N,)`` in any order.
        values: ``N`` values as the log has them.
        field: What they mean.
        name: The field's name in the log, for messages.

    Raises:
        UnreadableError: Values of this type can never be the signal's.
    """
    return samples_of(times_ns, convert(values, field, name), field)


def samples_of(times_ns: Ints, converted: Converted, field: FieldSpec) -> Samples:
    """The same from values that were converted already."""
    known = np.flatnonzero(
        np.asarray(converted.values.is_valid().to_numpy(zero_copy_only=False), bool)
    )
    order = known[np.argsort(times_ns[known], kind="stable")]
    times = times_ns[order]
    is_last = np.append(times[1:] != times[:-1], True)[: len(times)]
    chosen = order[is_last]
    return Samples(
        field.signal, times_ns[chosen], converted.values.take(pa.array(chosen)), field.hold_ns
    )


def joined(parts: Sequence[Samples], more_times_ns: Ints | None = None) -> pa.Table:
    """One table: ``timestamp_ns`` ascending, a column for each signal, null where it is unknown.

    Args:
        parts: The signals, each once.
        more_times_ns: ``(N,)`` further instants that get a row even without a value.

    Raises:
        UnreadableError: ``hold`` would add more rows than can be meant.
    """
    given = [part.times_ns for part in parts]
    own = np.unique(np.concatenate([*given, *([] if more_times_ns is None else [more_times_ns])]))
    reach_ns = max((part.hold_ns for part in parts), default=0)
    times = np.sort(np.concatenate([own, _between(own, reach_ns)])) if reach_ns else own
    columns = {part.signal: _at(part, times) for part in parts}
    table = pa.table({TIMESTAMP: pa.array(times, pa.int64()), **columns})
    if len(times) == len(own):
        return table
    return table.filter(pa.array(np.isin(times, own) | _any_known(table)))


def _between(times_ns: Ints, reach_ns: int) -> Ints:
    """Instants at the usual distance after each row that a gap follows, as far as values last."""
    steps = np.diff(times_ns)
    usual = int(np.median(steps)) if len(steps) else 0
    if usual <= 0:
        return np.empty(0, np.int64)
    at = np.flatnonzero(steps > usual * SPARSE_STEPS)
    counts = np.minimum(steps[at] - 1, reach_ns) // usual
    if counts.sum() > MOST_ADDED:
        raise UnreadableError(
            f"'hold' would add {int(counts.sum()):,} rows, {usual / NS_PER_S:g} s apart",
            hint="values last too long for rows so near to each other: choose a shorter 'hold'",
        )
    start = np.repeat(np.cumsum(counts) - counts, counts)
    number = np.arange(int(counts.sum())) - start + 1
    return np.asarray(np.repeat(times_ns[at], counts) + number * usual, np.int64)


def _at(part: Samples, times_ns: Ints) -> pa.Array:
    """The last value at or before each instant, null if it does not last until then."""
    if not len(part.times_ns):
        return pa.nulls(len(times_ns), part.values.type)
    index = np.searchsorted(part.times_ns, times_ns, side="right") - 1
    age_ns = times_ns - part.times_ns[np.maximum(index, 0)]
    lasts = (index >= 0) & (age_ns <= part.hold_ns)
    return part.values.take(pa.array(np.maximum(index, 0), mask=~lasts))


def _any_known(table: pa.Table) -> Bools:
    known = np.zeros(table.num_rows, bool)
    for column in table.drop_columns([TIMESTAMP]).columns:
        known |= np.asarray(pc.is_valid(column).to_numpy(), bool)
    return known
