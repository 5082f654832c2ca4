"""CSV as programs write it: delimiters, decimal commas, encodings, compression, odd lines."""

import bz2
import gzip
from typing import Any

import pytest

from ridealong.errors import UnreadableError

SECONDS = "time: {column: t, unit: s}"
ROWS = [("0", "1.5", "ü"), ("1", "2.5", "b"), ("2", "3.5", "c")]
WANTED = ([0, 10**9, 2 * 10**9], [1.5, 2.5, 3.5])


def table(delimiter: str = ",", decimal: str = ".", end: str = "\n", quote: str = "") -> str:
    lines = [("t", "v", "größe"), *ROWS]
    text = [delimiter.join(quote + cell + quote for cell in line) for line in lines]
    return "".join(line.replace(".", decimal) + end for line in text)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_ends_of_lines(read_table: Any, delimiter: str, end: str) -> None:
    read = read_table(table(delimiter, end=end), SECONDS)
    assert (read.times, read.values()) == WANTED and not read.bad


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_decimal_comma(read_table: Any, delimiter: str) -> None:
    read = read_table(table(delimiter, ","), SECONDS)
    assert (read.times, read.values()) == WANTED


def test_quoted_decimal_comma_between_commas(read_table: Any) -> None:
    read = read_table(table(",", ",", quote='"'), f"{SECONDS}\nformat: {{decimal: ','}}")
    assert (read.times, read.values()) == WANTED


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encodings(read_table: Any, encoding: str, end: str) -> None:
    read = read_table(table(";", ",", end).encode(encoding), SECONDS)
    assert (read.times, read.values()) == WANTED
    guessed = encoding in ("latin-1", "cp1252")
    assert (read.recording.attributes.assumed is not None) == guessed


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark(read_table: Any, encoding: str) -> None:
    read = read_table(table().encode(encoding), SECONDS)
    assert (read.times, read.values()) == WANTED


def test_a_column_whose_name_is_no_ascii(read_table: Any) -> None:
    mapping = f"{SECONDS}\nsignals: {{größe: {{signal: Vehicle.Speed}}}}"
    text = "t;größe\n0;1,5\n1;2,5\n"
    assert read_table(text.encode("latin-1"), mapping).values() == [1.5, 2.5]


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress])
def test_compressed(read_table: Any, compress: Any) -> None:
    read = read_table(compress(table().encode()), SECONDS, "trip.csv.gz")
    assert (read.times, read.values()) == WANTED
    assert read.files.drive_id.startswith("trip-")


def test_compression_that_breaks_off(read_table: Any) -> None:
    text = "t,v\n" + "".join(f"{k},{k * 7919 % 1013}\n" for k in range(5000))
    with pytest.raises(UnreadableError, match=r"trip\.csv\.gz: cannot be read"):
        read_table(gzip.compress(text.encode())[:-4000], SECONDS, "trip.csv.gz")


def test_no_line_of_names_and_lines_before_it(read_table: Any) -> None:
    stated = f"{SECONDS}\nformat: {{columns: [t, v]}}"
    assert read_table("0,1\n1,2\n", stated).values() == [1, 2]
    stated = f"{SECONDS}\nformat: {{skip_lines: 2}}"
    assert read_table("Logger 7\n\nt,v\n0,1\n1,2\n", stated).values() == [1, 2]


def test_odd_lines_are_set_aside(read_table: Any) -> None:
    read = read_table("t,v\n0,1\n1\n2,3,4\n3,x\n,5\nnow,6\n6,7\n", SECONDS)
    assert read.values() == [1, 7]
    odd = "has another number of columns than the first line"
    assert read.bad == [
        (1, odd),
        (2, odd),
        (3, "v: 'x' is not a number"),
        (4, "t: is empty; expected a time"),
        (5, "t: 'now' is not a time; expected a number of s"),
    ]
    assert read.telemetry.quarantine["content"].to_pylist()[2] == '{"t": "3", "v": "x"}'


def test_quoted_lines_breaks(read_table: Any) -> None:
    read = read_table('t,note,v\n0,"a\nb,c",1\n1,"say ""no""",2\n', SECONDS)
    assert read.values() == [1, 2]


def test_the_last_line_may_lack_its_end(read_table: Any) -> None:
    assert read_table("t,v\n0,1\n1,2", SECONDS).values() == [1, 2]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "is empty"),
        ("t v\n0 1\n", "its delimiter cannot be determined; expected one of ',', ';', a tab, '|'"),
        (
            "a,b;c\n1,2;3\n",
            "its delimiter cannot be determined: ',' gives 2 columns and ';' gives 2",
        ),
        ("t,w\n0,1\n", "has no column 'v', which the mapping names; expected one of 't'"),
        ("t,v,v\n0,1,2\n", "has two columns 'v'"),
        (b"\x7fELF\0\0\0\0\0\0", "is not text"),
        ("t,v\n", "has no valid row"),
    ],
)
def test_what_is_no_such_table(read_table: Any, content: str | bytes, why: str) -> None:
    from ingest.drives import drive_row

    with pytest.raises(UnreadableError) as caught:
        read = read_table(content, SECONDS)
        drive_row(read.files, read.recording, read.telemetry)
    assert why in str(caught.value) and "trip.csv" in str(caught.value)


def test_not_utf8_far_down(read_table: Any) -> None:
    rows = "".join(f"{k},1,text\n" for k in range(40_000))
    mapping = f"{SECONDS}\nsignals: {{mode: {{signal: Vehicle.ADAS.ActiveAutonomyLevel}}}}"
    content = f"t,v,mode\n{rows}".encode() + "40000,1,\u00fc\n".encode("latin-1")
    with pytest.raises(UnreadableError, match="is not UTF-8 text from some line on"):
        read_table(content, mapping)
