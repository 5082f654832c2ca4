"""A consistent view of all tables, as of one version of the table ``commits``."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from ridealong.errors import RidealongError
from ridealong.lake import history, log
from ridealong.lake.files import DataFile, order_of, schema_of
from ridealong.lake.history import History, as_table
from ridealong.lake.tables import TableSpec
from ridealong.lake.verifying import DamagedError, require_sound
from ridealong.sql import Query, literal, quick_connection, quiet_connection, quoted, sql_errors


@dataclass(frozen=True)
class Snapshot:
    """The lake at one moment; it does not change while others commit, delete and compact.

    Its files stay on the disk until a `vacuum` removes files of their age.
    """

    home: Path
    history: History

    def tables(self) -> list[str]:
        """Names of the tables that have rows."""
        return sorted(name for name, files in self.history.live.items() if files)

    def data_files(self, table: TableSpec | str) -> list[DataFile]:
        """The table's data files, by path; their hashes are checked.

        Raises:
            DamagedError: A file is missing or damaged.
            RidealongError: The table uses deletion vectors or column mapping.
        """
        name = name_of(table)
        log.require_plain(self.home / name)
        files = [file for _, file in sorted(self.history.live.get(name, {}).items())]
        self._require_sound([file.path for file in files])
        return files

    def _require_sound(self, paths: Sequence[str]) -> None:
        try:
            require_sound(self.home, paths)
        except DamagedError as error:
            gone = [path for path in paths if not (self.home / path).exists()]
            if gone and set(gone) <= history.read(self.home)[1].replaced.keys():
                raise RidealongError(
                    "a vacuum removed the file while this command was about to read it",
                    where=self.home / gone[0],
                    hint="run it again; give vacuum an age that is longer than any command takes",
                ) from error
            raise

    def files(self, table: TableSpec | str) -> list[str]:
        """Absolute paths of the table's Parquet files, for DuckDB's or pyarrow's readers."""
        return [str(self.home / file.path) for file in self.data_files(table)]

    def spec(self, table: TableSpec | str) -> TableSpec:
        """The table as its files define it: every column of any file, and the newest row order.

        Raises:
            RidealongError: There is no file, so the columns are unknown.
        """
        name, live = name_of(table), self.data_files(table)
        if not live:
            if isinstance(table, TableSpec):
                return table
            from ridealong.specs import nearest  # loads YAML and pydantic, and only for an error

            raise RidealongError(
                f"no table {name!r} in the lake", hint=nearest(name, self.tables())
            )
        one_each = {file.schema: file for file in live}.values()
        schemas = [schema_of(self.home / file.path) for file in one_each]
        schema = pa.unify_schemas([one.remove_metadata() for one in schemas])
        return TableSpec(name, schema, order_of(schemas[-1]))

    def connect(self, *tables: TableSpec | str) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection with one view per table (all tables of the lake by default).

        A view of a spec has exactly the spec's columns, with null where a file lacks one. It exists
        even if the table is empty. Threads share the connection through ``.cursor()``.

        Raises:
            RidealongError: A table that is given by its name is empty, so its columns are unknown.
        """
        connection = quiet_connection()
        self._create_views(connection, "VIEW", tables or tuple(self.tables()))
        return connection

    def _create_views(
        self, connection: duckdb.DuckDBPyConnection, kind: str, tables: Sequence[TableSpec | str]
    ) -> None:
        for table in tables:
            spec = table if isinstance(table, TableSpec) else self.spec(table)
            with sql_errors(f"table {spec.name}"):
                body = self.relation(spec, self.data_files(spec))
                connection.execute(f"CREATE {kind} {quoted(spec.name)} AS {body}")

    def query(
        self,
        sql: str,
        *tables: TableSpec | str,
        params: Sequence[object] | Mapping[str, object] | None = None,
    ) -> pa.Table:
        """The rows of a SQL query over the named tables, as Arrow; ``params`` are its parameters.

        Raises:
            DamagedError: A file of the tables is missing or damaged.
            RidealongError: The query fails, or the limits of the machine are too low for it.
        """
        where = f"table {', '.join(map(name_of, tables))}"
        with quick_connection() as connection, sql_errors(where):
            self._create_views(connection, "TEMP VIEW", tables or tuple(self.tables()))
            return connection.sql(sql, params=params).to_arrow_table()

    def rows(self, spec: TableSpec) -> Query:
        """The rows of a table, to be read where they are needed; its columns are the spec's.

        Raises:
            DamagedError: A file of the table is missing or damaged.
        """
        return Query(self.relation(spec, self.data_files(spec)))

    def relation(self, spec: TableSpec, files: Sequence[DataFile], path_column: str = "") -> str:
        """SQL that selects the spec's columns from files; ``path_column`` adds each row's file."""
        known = self._columns_of(files)
        columns = [
            quoted(field.name)
            if field.name in known
            else f"CAST(NULL AS {sql_type(field.type)}) AS {quoted(field.name)}"
            for field in spec.schema
        ]
        if not files:
            return f"SELECT {', '.join(columns)} WHERE false"
        # If all files have the same columns, they need not all be opened before the first row.
        union = len({file.schema for file in files}) > 1
        paths = ", ".join(literal(str(self.home / file.path)) for file in files)
        options = f"hive_partitioning = false, union_by_name = {union}"
        if path_column:
            columns.append(quoted(path_column))
            options += f", filename = {literal(path_column)}"
        return f"SELECT {', '.join(columns)} FROM read_parquet([{paths}], {options})"

    def read(
        self,
        table: TableSpec | str,
        columns: Sequence[str] | None = None,
        where: str | None = None,
    ) -> pa.Table:
        """Rows of one table in the spec's order, as Arrow; an empty table has no rows.

        Args:
            table: The table's spec, or its name.
            columns: Which columns; all by default.
            where: A SQL condition over the table's columns. It is trusted: never pass user input.

        Raises:
            RidealongError: The condition is invalid, or a file cannot be read.
        """
        spec = table if isinstance(table, TableSpec) else self.spec(table)
        names = list(columns) if columns is not None else spec.schema.names
        query = f"SELECT {', '.join(map(quoted, names))} FROM {quoted(spec.name)}"
        query += f" WHERE ({where})" if where else ""
        query += f" ORDER BY {', '.join(map(quoted, spec.order))}" if spec.order else ""
        return self.query(query, spec).cast(pa.schema([spec.schema.field(name) for name in names]))

    def sources(self) -> frozenset[str]:
        """All sources that were ever committed."""
        return self.history.sources

    def commits(self) -> pa.Table:
        """The table of commits, in the order in which they happened."""
        return as_table(self.history.commits)

    def _columns_of(self, files: Iterable[DataFile]) -> set[str]:
        one_each = {file.schema: file for file in files}.values()
        return {name for file in one_each for name in schema_of(self.home / file.path).names}


def name_of(table: TableSpec | str) -> str:
    """The table's name."""
    return table.name if isinstance(table, TableSpec) else table


def sql_type(kind: pa.DataType) -> str:
    """DuckDB's name for an Arrow type."""
    if pa.types.is_list(kind):
        return f"{sql_type(kind.value_type)}[]"
    if kind in _SQL_TYPES:
        return _SQL_TYPES[kind]
    with quiet_connection() as connection:
        empty = pa.schema([pa.field("column", kind)]).empty_table()
        return str(connection.from_arrow(empty).types[0])


# The types of our own tables. Asking DuckDB means passing it Arrow, which loads pandas: 0.2 s, more
# than the rest of a list command takes.
_SQL_TYPES = {
    pa.string(): "VARCHAR",
    pa.bool_(): "BOOLEAN",
    pa.int8(): "TINYINT",
    pa.int16(): "SMALLINT",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.float32(): "FLOAT",
    pa.float64(): "DOUBLE",
}
