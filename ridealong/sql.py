"""DuckDB as ridealong uses it: without extensions, within bounds, and with errors in one line."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TypeAlias

import duckdb
import pyarrow as pa

from ridealong.errors import RidealongError
from ridealong.limits import refused

WORKING_MEMORY = 800_000_000  # bytes of one `workspace`; what exceeds it goes to the disk
BYTES_A_ROW = 16  # more memory, with which many millions of rows can be summed
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


def quiet_connection(
    database: str = ":memory:", /, **options: str | bool | int
) -> duckdb.DuckDBPyConnection:
    """DuckDB without extensions: it must never load one from the network."""
    quiet = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    return duckdb.connect(database, config={**quiet, **options})


def quick_connection() -> duckdb.DuckDBPyConnection:
    """A connection for one query over files; what it creates must be temporary.

    All have one instance of DuckDB: to open another takes 15 ms, often longer than the query.
    """
    return _instance_for_queries().cursor()


@cache
def _instance_for_queries() -> duckdb.DuckDBPyConnection:
    return quiet_connection(enable_external_file_cache=False)  # it would fill the memory


@contextmanager
def workspace(*inputs: Rows) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for sums over these rows, with its own temporary tables and views.

    Its memory is bounded; what exceeds it goes to the disk.
    """
    if all(isinstance(rows, pa.Table) and rows.num_rows < FEW for rows in inputs):
        with _instance_for_few_rows().cursor() as connection:
            yield connection
        return
    with (
        tempfile.TemporaryDirectory(prefix="ridealong-sums-") as folder,
        _bounded(_memory_for(inputs), temp_directory=folder) as connection,
    ):
        yield connection


@cache
def _instance_for_few_rows() -> duckdb.DuckDBPyConnection:
    """To open DuckDB, or to start its threads, would take longer than to sum a few rows.

    A few rows fit into memory, so nothing goes to the disk.
    """
    return _bounded(WORKING_MEMORY, threads=1, temp_directory="")


def _memory_for(inputs: Iterable[Rows]) -> int:
    """Not everything that DuckDB does with rows can go to the disk, so many rows need more."""
    return max(WORKING_MEMORY, BYTES_A_ROW * sum(map(_count, inputs)))


def _count(rows: Rows) -> int:
    """How many rows there are; of files, their footers say so."""
    if isinstance(rows, pa.Table):
        return int(rows.num_rows)
    with quick_connection() as connection:
        create_view(connection, "counted", rows)
        (found,) = connection.execute("SELECT count(*) FROM counted").fetchall()
        return int(found[0])


def _bounded(memory: int, **options: str | int) -> duckdb.DuckDBPyConnection:
    return quiet_connection(memory_limit=f"{memory}B", preserve_insertion_order=False, **options)


def create_view(connection: duckdb.DuckDBPyConnection, name: str, rows: Rows) -> None:
    """Give rows a name in SQL; nothing is read or copied yet."""
    if isinstance(rows, Query):
        for inner, table in rows.tables.items():
            connection.register(inner, table)
        connection.execute(f"CREATE TEMP VIEW {quoted(name)} AS {rows.sql}")
    else:
        connection.register(name, rows)
