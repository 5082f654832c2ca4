"""The mapping file of ``--source table``: what the columns mean, and which rows are one drive."""

from collections.abc import Container, Iterator
from functools import lru_cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field

from ingest.sources.attributes import AttributesSpec
from ingest.sources.mapping.fields import Fields
from ridealong.errors import RidealongError
from ridealong.specs import Day, Spec, parse_spec

NS_PER_UNIT = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "µs": 1_000, "ns": 1}
FOLDER, FILE = "folder", "file"
FILL_IN = "FILL_IN"  # in a proposed mapping, what a person must say


def known_zone(name: str) -> str:
    """The name of a time zone; raises `ValueError` if there is none of that name."""
    try:
        ZoneInfo(name)
    except Exception as error:  # a missing file, a folder, or a path that leads out
        raise ValueError(
            f"unknown time zone {name!r}; expected one like 'UTC' or 'Europe/Berlin'"
        ) from error
    return name


def _columns(names: object) -> object:
    return (names,) if isinstance(names, str) else names


Columns = Annotated[
    tuple[str, ...],
    Field(min_length=1),
    BeforeValidator(_columns, json_schema_input_type=str | tuple[str, ...]),
]


class TimeSpec(Spec):
    """Where the time of a row is, and how it is written."""

    column: Columns = Field(description="the column, or several, like [date, time]")
    unit: Literal["s", "ms", "us", "µs", "ns"] | None = Field(
        None, description="of times that are numbers, since 1970 or since the drive's start"
    )
    format: Annotated[str, Field(min_length=2, max_length=80)] | None = Field(
        None, description="of times that are text, like '%d.%m.%Y %H:%M:%S.%f'; default: ISO 8601"
    )
    zone: Annotated[str, AfterValidator(known_zone)] | None = Field(
        None, description="of times that are text without a zone, like 'Europe/Berlin'"
    )
    earliest: Day | None = Field(None, description="a row before this day has a wrong date")
    latest: Day | None = Field(None, description="a row after this day has a wrong date")

    @classmethod
    def clashes(cls, keys: Container[str]) -> Iterator[str]:
        """Numbers have a unit, text has a format and a zone."""
        for key in ("format", "zone"):
            if "unit" in keys and key in keys:
                yield f"'unit' is for numbers and '{key}' for text"


class FormatSpec(Spec):
    """How a CSV file is written; what is not said is found in the file."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = Field(
        None, description="like ',' or ';' or a tab"
    )
    decimal: Literal[".", ","] | None = Field(None, description="decimal sign of numbers")
    encoding: Literal["utf-8", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252"] | None = (
        Field(None, description="default: by the byte order mark, UTF-8, else cp1252")
    )
    skip_lines: int = Field(0, ge=0, le=10_000, description="lines before the names of columns")
    columns: tuple[str, ...] | None = Field(
        None, min_length=1, description="names of columns, if the file does not have them"
    )


class TableMapping(Spec):
    """The mapping file of ``--source table``."""

    time: TimeSpec
    signals: Fields
    drive: Columns = Field(
        (),
        min_length=0,
        description="'file' or 'folder' is one drive, or the columns that name it; default: a "
        "file, or a folder whose files are parts (part-0, part-1, … or key=value folders)",
    )
    format: FormatSpec = FormatSpec()
    attributes: AttributesSpec = AttributesSpec()

    @property
    def id_columns(self) -> tuple[str, ...]:
        """The columns that name the drive of a row; none if files do."""
        return () if self.drive in ((FILE,), (FOLDER,)) else self.drive

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that are read, each once."""
        return tuple(dict.fromkeys((*self.time.column, *self.id_columns, *self.signals)))


def open_lines(text: str) -> Iterator[int]:
    """Numbers of the lines of a mapping that a person must still fill in; comments may stay."""
    for number, line in enumerate(text.splitlines(), start=1):
        if FILL_IN in line.partition("#")[0]:
            yield number


def parse_mapping(text: str, where: str) -> TableMapping:
    """Read a mapping from YAML; ``where`` names it in messages.

    Raises:
        RidealongError: It is not one; the message names the line.
    """
    for number in open_lines(text):
        raise RidealongError(
            f"{FILL_IN} is not filled in yet",
            where=f"{where}:{number}",
            hint="write the name of a column there, and the signal that it is",
        )
    return parse_spec(text, TableMapping, where)


@lru_cache(maxsize=64)
def stored_mapping(text: str) -> TableMapping:
    """The mapping that a drive was found with, from `mapping_text`."""
    return TableMapping.model_validate_json(text)


def mapping_text(mapping: TableMapping) -> str:
    """The mapping as JSON, the same for all files that mean the same."""
    return mapping.model_dump_json(exclude_defaults=True)
