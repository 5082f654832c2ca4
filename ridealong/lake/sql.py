"""DuckDB as ridealong uses it: without extensions, within bounds, and with errors in one line."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

import duckdb
import pyarrow as pa

from ridealong.errors import RidealongError
from ridealong.limits import refused

WORKING_MEMORY = "800MB"  # of one `workspace`; what exceeds it goes to the disk
FEW = 100_000  # rows for which one thread is enough


@dataclass(frozen=True)
class Query:
    """Rows that are not read before they are needed.

    Attributes:
        sql: Selects them from files, and from ``tables``.
        tables: Arrow tables, by the names that the SQL has for them.
    """

    sql: str
    tables: Mapping[str, pa.Table] = field(default_factory=dict)


Rows: TypeAlias = pa.Table | Query


def quoted(name: str) -> str:
    """A name, quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text, quoted for SQL."""
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def sql_errors(where: str) -> Iterator[None]:
    """Turn errors of DuckDB and Arrow about a query into one line for the user."""
    try:
        yield
    except (duckdb.Error, pa.ArrowException, MemoryError) as error:
        first = str(error).strip().split("\n", maxsplit=1)[0]
        raise refused(error, where) or RidealongError(first, where=where) from error


def quiet_connection(**options: str | bool | int) -> duckdb.DuckDBPyConnection:
    """DuckDB in memory, without extensions: it must never load one from the network."""
    quiet = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    return duckdb.connect(config={**quiet, **options})


@contextmanager
def workspace(*inputs: Rows) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for sums over these rows: its memory is bounded, and the rest is on the disk."""
    few = all(isinstance(rows, pa.Table) and rows.num_rows < FEW for rows in inputs)
    threads = {"threads": 1} if few else {}  # starting more takes longer than the work
    with (
        tempfile.TemporaryDirectory(prefix="ridealong-sums-") as folder,
        quiet_connection(
            memory_limit=WORKING_MEMORY,
            temp_directory=folder,
            preserve_insertion_order=False,
            **threads,
        ) as connection,
    ):
        yield connection


def create_view(connection: duckdb.DuckDBPyConnection, name: str, rows: Rows) -> None:
    """Give rows a name in SQL; nothing is read or copied yet."""
    if isinstance(rows, Query):
        for inner, table in rows.tables.items():
            connection.register(inner, table)
        connection.execute(f"CREATE TEMP VIEW {quoted(name)} AS {rows.sql}")
    else:
        connection.register(name, rows)
