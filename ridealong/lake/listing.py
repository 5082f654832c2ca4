"""Rows of a table for people: filtered by an expression, in a fixed order; or one row by its id."""

import difflib

import pyarrow as pa

from ridealong.errors import RidealongError
from ridealong.lake.snapshot import Snapshot
from ridealong.lake.tables import TableSpec


def list_rows(snapshot: Snapshot, spec: TableSpec, where: str | None = None) -> pa.Table:
    """The live rows of a table for which ``where`` is true, in the table's order.

    Raises:
        RidealongError: ``where`` is not an expression over the table's columns.
    """
    condition, parameters = condition_of(where, spec)
    order = ", ".join(f'"{name}"' for name in spec.order) or "1"
    query = f'select * from "{spec.name}" where {condition} order by {order}'
    return snapshot.query(query, spec, params=parameters)


def condition_of(where: str | None, spec: TableSpec) -> tuple[str, dict[str, str]]:
    """``where`` as SQL, and its parameters; without one, ``true``.

    Raises:
        RidealongError: It is not an expression over the table's columns.
    """
    if where is None:
        return "true", {}
    # The language takes as long to load as the rest of a list, so it is loaded only if needed.
    from ridealong.expressions.compile import compile_where

    predicate = compile_where(where, spec.schema)
    return predicate.sql, predicate.parameters


def find_row(snapshot: Snapshot, spec: TableSpec, key: str, value: str) -> dict[str, object]:
    """The one row whose ``key`` is ``value``, or begins with it when that is unambiguous.

    Raises:
        RidealongError: No such row, or several.
    """
    rows = snapshot.read(spec).to_pylist()
    exact = [row for row in rows if row[key] == value]
    found = exact or [row for row in rows if value and str(row[key]).startswith(value)]
    what = spec.name.removesuffix("s")
    if len(found) == 1:
        return dict(found[0])
    if len(found) > 1:
        more = " and more" if len(found) > 3 else ""
        some = ", ".join(str(row[key]) for row in found[:3]) + more
        raise RidealongError(
            f"{what} {value!r} is ambiguous: {len(found)} begin with it ({some})",
            hint="give more characters",
        )
    names = [str(row[key]) for row in rows]
    close = difflib.get_close_matches(value, names, n=1, cutoff=0.6)
    hint = f"did you mean {close[0]!r}?" if close else f"see `ridealong {spec.name} list`"
    raise RidealongError(f"unknown {what} {value!r}", hint=hint)
