"""One drive of a table, opened."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from ingest.sources.attributes import drive_attributes
from ingest.sources.table.drives import beside, tables_of
from ingest.sources.table.rows import DriveRows, read_rows
from ingest.sources.table.spec import TableMapping
from ridealong.arrays import Ints
from ridealong.errors import UnreadableError
from ridealong.perception.annotations import Perception
from ridealong.perception.geometry import CameraCalibration
from ridealong.perception.recording import DriveAttributes, DriveFiles, Image, LeftOut, RowAside


class TableRecording:
    """One drive of a table: telemetry alone."""

    def __init__(self, files: DriveFiles, mapping: TableMapping) -> None:
        self._path = Path(files.path)
        self._mapping = mapping
        self._tables = tables_of(files, mapping)

    @property
    def attributes(self) -> DriveAttributes:
        """Those of the file beside it, else those of the mapping."""
        stated = self._mapping.attributes.model_dump(exclude={"cameras"}, exclude_none=True)
        own = {
            name: value
            for name, value in vars(drive_attributes(beside(self._path))).items()
            if value is not None and name != "labelled"
        }
        encodings = [text for table in self._tables.tables for text in table.assumed]
        assumed = tuple(dict.fromkeys((*encodings, *self._rows.assumed)))
        return replace(DriveAttributes(**{**stated, **own}), assumed=assumed or None)

    @property
    def cameras(self) -> Mapping[str, CameraCalibration]:
        """None."""
        return {}

    def telemetry(self) -> pa.Table:
        """The rows that have a time and whose values mean something."""
        return self._rows.telemetry

    def row_numbers(self) -> Ints:
        """``(N,)`` numbers of the rows in their file."""
        return self._rows.numbers

    def rows_aside(self) -> Sequence[RowAside]:
        """The other rows."""
        return self._rows.aside

    def left_out(self) -> Sequence[LeftOut]:
        """What was changed in the rows: values that are unknown, rows that were joined."""
        return self._rows.notes

    def frames(
        self, start_ns: int, end_ns: int, cameras: Sequence[str]
    ) -> Iterator[tuple[int, dict[str, Image]]]:
        """None."""
        return iter(())

    def labels(self, start_ns: int, end_ns: int) -> Perception | None:
        """None: it has no labels."""
        return None

    @cached_property
    def _rows(self) -> DriveRows:
        try:
            return read_rows(
                self._tables.pieces(), self._mapping, sort=len(self._tables.tables) > 1
            )
        except UnreadableError as error:
            if error.where is not None:
                raise
            raise UnreadableError(
                error.what, where=self._path, expected=error.expected, hint=error.hint
            ) from error
