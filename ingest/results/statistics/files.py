"""One statistics file as a DuckDB table: its kind, its columns, and whether its rows make sense."""

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ridealong.errors import RidealongError
from ridealong.limits import refused
from ridealong.specs import nearest
from ridealong.sql import literal, quiet_connection, quoted

KEY = ("drive", "item", "prediction", "metric")
SUMS = ("numerator", "denominator")
VALUE = "value"  # instead of them: the numerator, with the denominator 1
OPTIONAL = ("better", "margin")
NUMBERS = (*SUMS, VALUE, "margin")
RESERVED = frozenset((*KEY, *SUMS, VALUE, *OPTIONAL))

BETTER = ("higher", "lower")
LARGEST = 1e15  # whole numbers are exact in a double up to here
DELIMITERS = ",;\t"
LONGEST_HEADER = 1_000_000  # bytes
SHOWN = 60  # characters of a wrong value

UNNAMED = "__index_level_"  # pandas calls its index so, in Parquet

_TYPES_OF_NUMBERS = ("INT", "DOUBLE", "FLOAT", "DECIMAL")
_NESTED = ("STRUCT", "MAP", "UNION", "LIST")


@dataclass(frozen=True)
class StatisticsFile:
    """A file whose columns are known.

    Attributes:
        path: The file.
        source: SQL of its rows, a FROM item.
        types: DuckDB's type of each column, by name.
        order: SQL of a row's number, from 1.
    """

    path: Path
    source: str
    types: Mapping[str, str]
    order: str

    @property
    def attributes(self) -> list[str]:
        """The columns that are free for slices."""
        free = (name for name in self.types if name not in RESERVED)
        return [name for name in free if not name.startswith(UNNAMED)]

    def row(self, number: int) -> str:
        """The place of a row, for messages."""
        return f"{self.path}, row {number}"


def open_file(connection: duckdb.DuckDBPyConnection, path: Path) -> StatisticsFile:
    """Find out what kind of file it is, and which columns it has.

    Raises:
        RidealongError: It cannot be read, is neither Parquet nor CSV, or lacks a column.
    """
    try:
        with path.open("rb") as content:
            start = content.read(LONGEST_HEADER)
    except OSError as error:
        raise refused(error, path) or RidealongError(
            (error.strerror or str(error)).lower(), where=path
        ) from error
    if not start.strip():
        raise RidealongError("the file is empty", where=path, expected="rows of statistics")
    if start.startswith(b"PAR1"):
        source = f"read_parquet({literal(str(path))}, file_row_number = true)"
        file = StatisticsFile(path, source, {}, "file_row_number + 1")
    else:
        source = _csv_source(path, start)
        file = StatisticsFile(path, source, {}, "row_number() over ()")
    with reading(path):
        described = connection.execute(f"describe select * from {source}").fetchall()
    types = {row[0]: str(row[1]) for row in described if row[0] != "file_row_number"}
    _check_columns(types, path)
    return StatisticsFile(path, source, types, file.order)


def is_statistics(path: Path) -> bool:
    """Whether the file looks like statistics: a table with the columns of the key."""
    try:
        with quiet_connection() as connection:
            open_file(connection, path)
    except (RidealongError, OSError):
        return False
    return True


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn DuckDB's errors about a file into one line."""
    try:
        yield
    except (duckdb.Error, MemoryError) as error:
        raise refused(error, path) or RidealongError(
            f"cannot be read: {_reason(error)}", where=path, expected="Parquet, or CSV in UTF-8"
        ) from error


def _reason(error: BaseException) -> str:
    """What DuckDB says, without its advice."""
    first, *more = str(error).strip().split("\n")
    told = ("Expected Number of Columns", "Value with", "Invalid unicode")
    details = [line.strip() for line in more if line.startswith(told)]
    return ": ".join([first.removeprefix("Invalid Input Error: "), *details[:1]])


def _csv_source(path: Path, start: bytes) -> str:
    names, delimiter = _header(path, start)
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    # Everything is text at first: a guess of types would turn the drive 0012 into 12.
    return (
        f"read_csv({literal(str(path))}, auto_detect = false, header = true, quote = '\"', "
        f"escape = '\"', delim = {literal(delimiter)}, columns = {{{columns}}})"
    )


def _header(path: Path, start: bytes) -> tuple[list[str], str]:
    """The names of a CSV file's columns, and what separates them."""
    line = start.splitlines()[0]
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RidealongError(
            "the file is neither Parquet nor text in UTF-8", where=path, hint="save it as UTF-8"
        ) from error
    if "\0" in text:
        raise RidealongError("is not text", where=path, expected="Parquet, or CSV in UTF-8")
    if text.lstrip()[:1] in ("[", "{"):
        raise RidealongError("looks like JSON", where=path, expected="Parquet, or CSV in UTF-8")
    found = [(_split(text, delimiter), delimiter) for delimiter in DELIMITERS]
    names, delimiter = max(found, key=lambda one: (len(set(KEY) & set(one[0])), len(one[0])))
    for name in names:
        if [one.lower() for one in names].count(name.lower()) > 1:  # as DuckDB compares them
            raise RidealongError(f"two columns have the name {name!r}", where=path)
    return names, delimiter


def _split(line: str, delimiter: str) -> list[str]:
    try:
        names = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []
    # A column without a name is the index that pandas writes.
    return [name.strip() or f"{UNNAMED}{at}" for at, name in enumerate(names)]


def _check_columns(types: Mapping[str, str], path: Path) -> None:
    needed = [*KEY, *(() if VALUE in types else SUMS)]
    missing = [name for name in needed if name not in types]
    if missing:
        expected = f"{', '.join(KEY)}, and numerator and denominator, or value"
        hint = nearest(missing[0], list(types))
        raise RidealongError(
            f"the column {missing[0]!r} is missing", where=path, expected=expected, hint=hint
        )
    if VALUE in types and set(SUMS) & set(types):
        raise RidealongError(
            "there are the columns value and numerator or denominator", where=path,
            expected="value alone, or numerator and denominator", hint="leave one of them out",
        )  # fmt: skip
    for name, kind in types.items():
        if kind.startswith(_NESTED) or kind.endswith("[]"):
            raise RidealongError(f"the column {name!r} has values of type {kind}", where=path)
        known = kind == "VARCHAR" or any(number in kind for number in _TYPES_OF_NUMBERS)
        if name in NUMBERS and not known:
            raise RidealongError(
                f"the column {name!r} has values of type {kind}", where=path, expected="numbers"
            )


def load_rows(connection: duckdb.DuckDBPyConnection, file: StatisticsFile, table: str) -> None:
    """Read the file into a table, and refuse rows that make no sense.

    Its columns: ``row``, those of `KEY`, ``numerator``, ``denominator``, ``better``, ``margin``,
    and ``a0``, ``a1``, ... for the attributes.

    Raises:
        RidealongError: There are no rows, or one is impossible; the message has its number.
    """
    numerator, denominator = (VALUE, None) if VALUE in file.types else SUMS
    columns = [
        f"{file.order} as row",
        *(f"{_text(name)} as {name}" for name in KEY),
        f"{_number(file, numerator)} as numerator",
        f"{_number(file, denominator)} as denominator" if denominator else "1.0 as denominator",
        f"{_text('better')} as better" if "better" in file.types else "null::varchar as better",
        f"{_number(file, 'margin')} as margin"
        if "margin" in file.types
        else "null::double as margin",
        *(f"{_text(name)} as a{at}" for at, name in enumerate(file.attributes)),
    ]
    with reading(file.path):
        connection.execute(
            f"create table {table} as select {', '.join(columns)} from {file.source}"
        )
        rows = connection.execute(f"select count(*) from {table}").fetchall()[0][0]
    if not rows:
        raise RidealongError("the file has no rows", where=file.path)
    _check_rows(connection, file, table)
    _check_once(connection, file, table)


def _text(name: str) -> str:
    return f"{quoted(name)}::varchar"


def _number(file: StatisticsFile, name: str) -> str:
    if file.types[name] != "VARCHAR":
        return f"{quoted(name)}::double"
    column = quoted(name)  # DuckDB would read 1_000 as a number
    return f"case when not contains({column}, '_') then try_cast({column} as double) end"


def _check_rows(connection: duckdb.DuckDBPyConnection, file: StatisticsFile, table: str) -> None:
    faults = [f"{name} is null" for name in KEY]
    names = {"numerator": VALUE if VALUE in file.types else SUMS[0]}
    names |= {"denominator": SUMS[1]} if VALUE not in file.types else {}
    for name in names:
        faults.append(f"{name} is null or not isfinite({name}) or {name} < 0 or {name} > {LARGEST}")
    if "margin" in file.types:
        names["margin"] = "margin"
        faults.append("margin is not null and (not isfinite(margin) or margin <= 0)")
    if "better" in file.types:
        faults.append(f"better is not null and better not in {BETTER}")
    where = " or ".join(f"({fault})" for fault in faults)
    found = connection.execute(
        f"select row, {', '.join(KEY)}, numerator, denominator, margin, better "
        f"from {table} where {where} order by row limit 1"
    ).fetchall()
    if found:
        raise _fault(connection, file, found[0], names)
    if "margin" in file.types and file.types["margin"] == "VARCHAR":
        _check_margins(connection, file)


def _fault(
    connection: duckdb.DuckDBPyConnection,
    file: StatisticsFile,
    row: tuple[object, ...],
    names: Mapping[str, str],
) -> RidealongError:
    """What is wrong with a row, given its checked columns."""
    known = dict(zip(("row", *KEY, *SUMS, "margin", "better"), row, strict=True))
    place = file.row(int(str(known["row"])))
    for name in KEY:
        if known[name] is None:
            return RidealongError(f"{name} is empty", where=place, expected="a name")
    if "better" in file.types and known["better"] not in (None, *BETTER):
        what = f"better is {shown(known['better'])}"
        return RidealongError(what, where=place, expected="higher or lower")
    for own, name in names.items():
        expected = "a number above 0" if own == "margin" else f"a number from 0 to {LARGEST:g}"
        value = known[own]
        if value is None and own != "margin":
            value = _raw(connection, file, name, int(str(known["row"])))
            what = f"{name} is empty" if value is None else f"{name} is {shown(value)}"
            return RidealongError(what, where=place, expected=expected)
        if value is not None and _is_odd(float(str(value)), own):
            return RidealongError(
                f"{name} is {float(str(value)):g}", where=place, expected=expected
            )
    raise AssertionError(row)


def _is_odd(value: float, name: str) -> bool:
    if name == "margin":
        return not 0 < value < float("inf")
    return not 0 <= value <= LARGEST


def _check_margins(connection: duckdb.DuckDBPyConnection, file: StatisticsFile) -> None:
    """Refuse text among the margins: as a number it is null, as an empty margin is."""
    with reading(file.path):
        found = connection.execute(
            f"select row, margin from (select {file.order} as row, margin from {file.source}) "
            "where margin is not null and (contains(margin, '_') "
            "or try_cast(margin as double) is null) order by row limit 1"
        ).fetchall()
    if found:
        row, value = found[0]
        raise RidealongError(
            f"margin is {shown(value)}", where=file.row(row), expected="a number above 0"
        )


def _raw(
    connection: duckdb.DuckDBPyConnection, file: StatisticsFile, name: str, row: int
) -> object:
    """A value as the file has it."""
    found = connection.execute(
        f"select value from (select {file.order} as row, {_text(name)} as value "
        f"from {file.source}) where row = ?", [row],
    ).fetchall()  # fmt: skip
    return found[0][0] if found else None


def _check_once(connection: duckdb.DuckDBPyConnection, file: StatisticsFile, table: str) -> None:
    key = ", ".join(KEY)
    with reading(file.path):
        found = connection.execute(
            f"select min(row), max(row), {key} from {table} group by {key} "
            "having count(*) > 1 order by 2 limit 1"
        ).fetchall()
    if found:
        first, second, drive, item, prediction, metric = found[0]
        raise RidealongError(
            f"{metric} of {prediction} on item {item} of drive {drive} is also in row {first}",
            where=file.row(second),
            expected="one row per drive, item, prediction and metric",
        )


def shown(value: object) -> str:
    """A wrong value for a message, not longer than a line."""
    text = str(value)
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "…")
