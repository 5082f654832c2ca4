"""How a CSV file is written: encoding, delimiter and decimal sign, as stated or as found."""

import codecs
import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from ingest.sources.table.spec import FormatSpec
from ridealong.errors import UnreadableError
from ridealong.terminal.readable import listed

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
DELIMITERS = (",", ";", "\t", "|")
NAMES = {"\t": "a tab"}
SAMPLE_LINES = 60
COMMA = re.compile(r"\s*[-+]?\d+,\d+([eE][-+]?\d+)?\s*")
POINT = re.compile(r"\s*[-+]?\d*\.\d+([eE][-+]?\d+)?\s*")


@dataclass(frozen=True)
class Dialect:
    """How one CSV file is written.

    Attributes:
        encoding: Of its bytes, as Python names it.
        mark: Bytes of the byte order mark.
        delimiter, decimal: Between columns, and in numbers.
        names: Of the columns, in order.
        head: Lines before the first row of values.
        guessed: Its encoding was neither stated nor told by its bytes.
    """

    encoding: str
    mark: int
    delimiter: str
    decimal: str
    names: tuple[str, ...]
    head: int
    guessed: bool = False


def find_dialect(
    sample: bytes, stated: FormatSpec, wanted: Sequence[str], where: str
) -> tuple[Dialect, list[list[str]]]:
    """The dialect of a file from its first bytes, and the first rows of values.

    Args:
        sample: The first bytes, uncompressed; the last line may be cut.
        stated: What the mapping says of it.
        wanted: Columns that must be there, if they are known: they tell the delimiter.
        where: The file.

    Raises:
        UnreadableError: It is empty, or no text; or its delimiter cannot be determined.
    """
    encoding, mark = _encoding(sample, stated)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(sample[mark:])
    if "\0" in text[:4096]:
        raise UnreadableError("is not text", where=where, expected="a CSV file")
    lines = text.splitlines()[:-1] if not text.endswith(("\n", "\r")) else text.splitlines()
    lines = (lines or text.splitlines())[stated.skip_lines :][:SAMPLE_LINES]
    lines = [line for line in lines if line.strip()]
    if not lines:
        raise UnreadableError("is empty", where=where, expected="a CSV file with a line of names")
    delimiter = stated.delimiter or _delimiter(lines, wanted, stated, where)
    rows = list(csv.reader(lines, delimiter=delimiter))
    names = tuple(stated.columns or (name.strip() for name in rows[0]))
    head = stated.skip_lines + (stated.columns is None)
    values = rows if stated.columns else rows[1:]
    decimal = stated.decimal or _decimal(values, delimiter)
    guessed = encoding == "cp1252" and stated.encoding is None
    return Dialect(encoding, mark, delimiter, decimal, names, head, guessed), values


def sample_rows(sample: bytes, dialect: Dialect) -> pa.Table:
    """The whole lines of a sample, as text by column; lines of another length are left out."""
    decoder = codecs.getincrementaldecoder(dialect.encoding)("replace")
    lines = decoder.decode(sample[dialect.mark :]).splitlines()[dialect.head :]
    rows = list(csv.reader(lines, delimiter=dialect.delimiter))
    whole = [row for row in rows if len(row) == len(dialect.names)]
    columns = zip(*whole, strict=True) if whole else [[]] * len(dialect.names)
    named = dict(zip(dialect.names, columns, strict=True))
    return pa.table({name: pa.array(list(v), pa.string()) for name, v in named.items() if name})


def _encoding(sample: bytes, stated: FormatSpec) -> tuple[str, int]:
    """The encoding, and the length of the byte order mark."""
    found = next(((name, len(mark)) for mark, name in MARKS if sample.startswith(mark)), None)
    if found is not None:
        return found[0].replace("-sig", ""), found[1]
    if stated.encoding is not None:
        return stated.encoding.replace("latin-1", "cp1252"), 0
    if sample[1:200:2].count(0) > len(sample[1:200:2]) // 2:
        return "utf-16-le", 0
    if sample[0:200:2].count(0) > len(sample[0:200:2]) // 2:
        return "utf-16-be", 0
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return "cp1252", 0  # a superset of what Latin-1 writes
    return "utf-8", 0


def _delimiter(lines: Sequence[str], wanted: Sequence[str], stated: FormatSpec, where: str) -> str:
    """The delimiter that the known names tell, else the only one with which all lines agree."""
    split = {each: list(csv.reader(lines, delimiter=each)) for each in DELIMITERS}
    if wanted and stated.columns is None:
        there = {d: len({n.strip() for n in rows[0]} & set(wanted)) for d, rows in split.items()}
        most = max(there.values())
        best = [each for each, count in there.items() if count == most]
        if most and len(best) == 1:
            return best[0]
    even = [
        each
        for each, rows in split.items()
        if len(rows[0]) > 1 and sum(len(row) == len(rows[0]) for row in rows) >= 0.9 * len(rows)
    ]
    if len(even) == 1:
        return even[0]
    what = "its delimiter cannot be determined"
    if even:
        ways = (f"{NAMES.get(d, repr(d))} gives {len(split[d][0])} columns" for d in even)
        what += f": {' and '.join(ways)}"
    raise UnreadableError(
        what,
        where=where,
        expected=f"one of {', '.join(NAMES.get(each, repr(each)) for each in DELIMITERS)}",
        hint="set it in the mapping, like format: {delimiter: ';'}; "
        f"the first line is {lines[0][:60]!r}",
    )


def _decimal(rows: Sequence[Sequence[str]], delimiter: str) -> str:
    cells = [cell for row in rows for cell in row]
    commas = sum(bool(COMMA.fullmatch(cell)) for cell in cells)
    points = sum(bool(POINT.fullmatch(cell)) for cell in cells)
    return "," if delimiter != "," and commas > points else "."


def check_columns(names: Sequence[str], wanted: Sequence[str], where: str) -> None:
    """Raise `UnreadableError` unless every wanted column is there, once."""
    missing = [name for name in wanted if name not in names]
    if missing:
        raise UnreadableError(
            f"has no column {listed([repr(name) for name in missing], 4)}, which the mapping names",
            where=where,
            expected=f"one of {listed([repr(name) for name in names], 12)}",
        )
    twice = next((name for name in wanted if list(names).count(name) > 1), None)
    if twice is not None:
        raise UnreadableError(f"has two columns {twice!r}", where=where, expected="one")
