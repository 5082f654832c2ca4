"""The names that an expression may use, and what each of them is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.types as pt

from ridealong.errors import RidealongError
from ridealong.expressions.nodes import Kind, Variable
from ridealong.specs import nearest

# Columns of versions, and columns with a fixed vocabulary, in any table.
VERSIONS = frozenset({"software"})
VOCABULARIES = {
    "weather": ("clear", "rain", "fog"),
    "light": ("day", "dusk", "night"),
    "road": ("city", "highway", "rural"),
}


@dataclass(frozen=True)
class Namespace:
    """Names with their types.

    Attributes:
        variables: By full name.
        noun: The word for a name in messages.
        timed: Whether time functions are allowed, because rows are samples of a drive.
        refuse: Called with an unknown name; may raise a more precise error.
    """

    variables: Mapping[str, Variable]
    noun: str
    timed: bool
    refuse: Callable[[str], object] | None = None

    def find(self, name: str) -> Variable:
        """The variable of that name.

        Raises:
            RidealongError: The name is unknown; the message suggests the nearest one.
        """
        if name in self.variables:
            return self.variables[name]
        if self.timed and "." not in name:
            hint = f"a signal has a full name, like Vehicle.Speed; a text has quotes: '{name}'"
            raise RidealongError(f"unknown {self.noun} {name!r}", hint=hint)
        if self.refuse:
            self.refuse(name)
        hint = nearest(name, list(self.variables))
        raise RidealongError(f"unknown {self.noun} {name!r}", hint=hint)


def table_namespace(schema: pa.Schema) -> Namespace:
    """The columns of a table that an expression can read; others (structs) are left out."""
    columns = (_column_variable(field) for field in schema)
    return Namespace({c.name: c for c in columns if c is not None}, noun="column", timed=False)


def _column_variable(field: pa.Field) -> Variable | None:
    unit = (field.metadata or {}).get(b"unit", b"").decode()
    kind = _kind_of(field)
    if kind is None:
        return None
    return Variable(
        field.name,
        kind,
        unit,
        VOCABULARIES.get(field.name, ()) if kind is Kind.TEXT else (),
        single=pt.is_float32(field.type),
        whole=pt.is_integer(field.type),
    )


def _kind_of(field: pa.Field) -> Kind | None:
    kind = field.type
    if pt.is_dictionary(kind):
        kind = kind.value_type
    if pt.is_boolean(kind):
        return Kind.BOOLEAN
    if pt.is_integer(kind) or pt.is_floating(kind):
        return Kind.NUMBER
    if _is_text(kind):
        return Kind.VERSION if field.name in VERSIONS else Kind.TEXT
    if pt.is_list(kind) and _is_text(kind.value_type):
        return Kind.TEXTS
    return None


def _is_text(kind: pa.DataType) -> bool:
    return bool(pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind))
