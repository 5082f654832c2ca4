"""``docs/signals.md`` says of every recorded signal what the catalogue says, and what is derived.

Run as a program, it writes the table of recorded signals anew.
"""

import re
from pathlib import Path

from ingest.sources.comma2k19.source import Comma2k19Source
from ingest.telemetry.signals import Signal, recorded

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "signals.md"
SELF = "tests/ingest/telemetry/test_signals_page.py"
BEGIN = f"<!-- recorded signals: written by `python {SELF}` -->\n"
END = "<!-- end -->"


def row(signal: Signal) -> str:
    unit = signal.unit or "-"
    meaning = " ".join(signal.description.split()).replace("|", r"\|")
    return f"| `{signal.name}` | {signal.datatype} | {unit} | {extent(signal)} | {meaning} |"


def extent(signal: Signal) -> str:
    if signal.allowed:
        return ", ".join(signal.allowed)
    low, high = signal.minimum, signal.maximum
    if low is None and high is None:
        return "-"
    return f"{low:.12g} to {high:.12g}" if high is not None else f"at least {low:.12g}"


def table() -> str:
    head = ["| signal | type | unit | range | meaning |", "|---|---|---|---|---|"]
    return "\n".join([*head, *map(row, recorded())]) + "\n"


def section(text: str, begin: str) -> str:
    return text.split(begin, 1)[1].split(END, 1)[0]


def test_the_table_is_the_catalogue() -> None:
    assert section(PAGE.read_text("utf-8"), BEGIN) == table()


def test_what_comma2k19_derives_is_defined() -> None:
    defined = section(PAGE.read_text("utf-8"), "<!-- derived signals: comma2k19 -->\n")
    source = Comma2k19Source()
    (files,) = source.discover(ROOT / "examples" / "comma2k19_first30s")
    given = source.open(files).telemetry().column_names
    assert {"timestamp_ns", *re.findall(r"^\| `([^`]+)`", defined, re.MULTILINE)} == set(given)


def write() -> None:
    text = PAGE.read_text("utf-8")
    PAGE.write_text(text.replace(BEGIN + section(text, BEGIN), BEGIN + table()), "utf-8")


if __name__ == "__main__":
    write()
