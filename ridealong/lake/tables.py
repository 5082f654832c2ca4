"""What defines a table of the lake: its name, its columns with units and meanings, its order."""

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class TableSpec:
    """A table of the lake: the name of its folder, its columns, and the order of rows in a file.

    A column named ``blob`` contains the path of a file that belongs to the row (a clip, a network's
    weights), relative to the home.
    """

    name: str
    schema: pa.Schema
    order: tuple[str, ...] = ()


def column(name: str, kind: pa.DataType, meaning: str, unit: str = "") -> pa.Field:
    """A field with its meaning and unit in the metadata."""
    metadata = {"description": meaning} | ({"unit": unit} if unit else {})
    return pa.field(name, kind, metadata=metadata)


STRINGS = pa.list_(pa.field("element", pa.string()))
NUMBERS = pa.list_(pa.field("element", pa.float64()))
