"""Columns at the samples of a grid: recorded signals, and time functions of them."""

from collections.abc import Mapping
from functools import cached_property

from ingest.triggers.columns import Column, read_column, unknown_column
from ingest.triggers.grid import Grid, Positions
from ingest.triggers.lowering import Sliding
from ingest.triggers.rowwise import Rows
from ingest.triggers.sliding import Slider
from ridealong.expressions.nodes import Window


class Readings:
    """Columns over a grid by name; each is computed once, when it is first used."""

    def __init__(self, grid: Grid, sliding: Mapping[str, Sliding]) -> None:
        self.grid = grid
        self._sliding = sliding
        self._slider = Slider(grid)
        self._columns: dict[str, Column] = {}
        self._codes: dict[str, int] = {}

    def column(self, name: str) -> Column:
        """``(N,)`` a signal or a time function; a signal without a column is unknown."""
        if name not in self._columns:
            self._columns[name] = self._new(name)
        return self._columns[name]

    @cached_property
    def rows(self) -> Rows:
        """All samples."""
        return Rows(self.grid.rows, self.column, self._codes)

    def rows_at(self, positions: Positions) -> Rows:
        """The given samples."""
        return Rows(len(positions), lambda name: self.column(name).at(positions), self._codes)

    def _new(self, name: str) -> Column:
        if name in self._sliding:
            return self._slid(self._sliding[name])
        telemetry = self.grid.telemetry
        place = telemetry.schema.get_field_index(name)
        if place < 0:
            return unknown_column(telemetry.num_rows)
        return read_column(telemetry.column(place), self._codes)

    def _slid(self, sliding: Sliding) -> Column:
        if sliding.window is Window.ELAPSED:
            return self._slider.elapsed(sliding.duration_ns)
        operand = self.rows.column(sliding.operand)
        return self._slider.slide(sliding.window, operand, sliding.duration_ns)
