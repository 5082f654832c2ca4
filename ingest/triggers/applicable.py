"""The drives that a trigger is evaluated on."""

import threading
from collections.abc import Sequence
from datetime import UTC, date, datetime

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ingest.triggers.conditions import parse_drive_filter
from ingest.triggers.spec import TriggerSpec
from ridealong.expressions.compile import predicate
from ridealong.units import NS_PER_S

_local = threading.local()


def applicable(drives: pa.Table, triggers: Sequence[TriggerSpec]) -> dict[str, NDArray[np.bool_]]:
    """For each trigger its drives: `where` is true and the trigger has not expired."""
    days = [_day(start) for start in drives["start_ns"].to_pylist()]
    passes = {}
    for trigger in triggers:
        alive = [trigger.expires is None or day <= trigger.expires for day in days]
        passes[trigger.name] = np.array(alive, np.bool_) & _matching(drives, trigger.where)
    return passes


def _matching(drives: pa.Table, where: str | None) -> NDArray[np.bool_]:
    if where is None:
        return np.ones(drives.num_rows, np.bool_)
    condition = predicate(parse_drive_filter(where))
    rows = drives.append_column("pos", pa.array(np.arange(drives.num_rows)))
    connection = _connection()
    connection.register("drives", rows)
    try:
        found = connection.execute(
            f"select pos from drives where {condition.sql}", dict(condition.parameters)
        ).fetchnumpy()
    finally:
        connection.unregister("drives")
    matching = np.zeros(drives.num_rows, np.bool_)
    matching[found["pos"]] = True
    return matching


def _connection() -> duckdb.DuckDBPyConnection:
    """A connection for this thread: a shared one gives wrong results."""
    if not hasattr(_local, "connection"):
        _local.connection = duckdb.connect(config={"enable_external_access": False})
    connection: duckdb.DuckDBPyConnection = _local.connection
    return connection


def _day(time_ns: int) -> date:
    return datetime.fromtimestamp(time_ns // NS_PER_S, tz=UTC).date()
