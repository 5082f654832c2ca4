"""Compiles typed trees over the columns of a table to DuckDB's SQL.

Identifiers come from the catalogue or a schema and are quoted, numbers are printed, and text is
passed as parameters. So nothing that a user wrote gets into the SQL unchanged.

Unknown is null. If the result of arithmetic is not finite, it becomes unknown where it is used.
"""

import re
from dataclasses import dataclass, field

import pyarrow as pa

from ridealong.errors import RidealongError
from ridealong.expressions.language import parse_condition
from ridealong.expressions.namespaces import table_namespace
from ridealong.expressions.nodes import (
    Absolute,
    And,
    Arithmetic,
    Compare,
    Contains,
    Extreme,
    Flag,
    IsUnknown,
    Kind,
    Node,
    Not,
    Number,
    Or,
    Text,
    Variable,
)

# A version's numbers and words, each padded, joined to one text whose order is that of versions.
# (Not a list: DuckDB 2.0 turns two comparisons into a BETWEEN, which lists do not support.)
VERSION_KEY = (
    "array_to_string(list_transform("
    "regexp_extract_all(lower({0}), '[0-9]+|[a-z]+'), lambda v: lpad(v, 32, '0')), '.')"
)
IDENTIFIER = re.compile(r'"[^"]+"')


@dataclass(frozen=True)
class Predicate:
    """A condition as SQL, with the values of its parameters (``$p0``, …)."""

    sql: str
    parameters: dict[str, str]


@dataclass
class Writer:
    """Writes SQL for one tree; ``parameters`` are its text values by parameter name."""

    parameters: dict[str, str] = field(default_factory=dict)

    def write(self, node: Node) -> str:
        """The node's value."""
        match node:
            case Variable() | Number() | Text() | Flag():
                return self._leaf(node)
            case Not() | And() | Or() | IsUnknown() | Contains() | Compare():
                return self._condition(node)
            case _:
                return self._arithmetic(node)

    def _leaf(self, node: Variable | Number | Text | Flag) -> str:
        match node:
            case Variable():
                return self._variable(node)
            case Number(value):
                return _number(value)
            case Text(value):
                return self._parameter(value)
            case Flag(value):
                return "true" if value else "false"

    def _condition(self, node: Not | And | Or | IsUnknown | Contains | Compare) -> str:
        match node:
            case Not(operand):
                return f"(not {self.write(operand)})"
            case And(operands) | Or(operands):
                operator = " and " if isinstance(node, And) else " or "
                return f"({operator.join(map(self.write, operands))})"
            case IsUnknown(operand):
                return f"({self._finite(operand)} is null)"
            case Contains(items, text):
                return f"list_contains({self.write(items)}, {self.write(text)})"
            case Compare():
                return self._comparison(node)

    def _finite(self, node: Node) -> str:
        """The node's value; unknown if arithmetic gave no finite number."""
        sql = self.write(node)
        is_computed = isinstance(node, Arithmetic | Absolute)
        return self._where(sql, "isfinite({0})") if is_computed else sql

    def _where(self, sql: str, condition: str) -> str:
        """The value if a condition is true of it, else unknown.

        The value is needed twice, but its SQL must not be written twice: in nested expressions the
        text would double with every level.
        """
        if IDENTIFIER.fullmatch(sql):
            return f"(case when {condition.format(sql)} then {sql} end)"
        return f"list_filter([{sql}], lambda v: {condition.format('v')})[1]"

    def _variable(self, variable: Variable) -> str:
        """A column; its numbers may be infinite or NaN, which become unknown."""
        name = quoted(variable.name)
        if variable.kind is not Kind.NUMBER or variable.whole:
            return name
        return self._where(name, "isfinite({0})")

    def _parameter(self, text: str) -> str:
        known = {value: name for name, value in self.parameters.items()}
        name = known.get(text, f"p{len(self.parameters)}")
        self.parameters[name] = text
        return f"${name}"

    def _comparison(self, node: Compare) -> str:
        left, right = self._finite(node.left), self._finite(node.right)
        if node.kind is Kind.VERSION:
            left, right = VERSION_KEY.format(left), VERSION_KEY.format(right)
        return f"({left} {node.operator} {right})"

    def _arithmetic(self, node: Node) -> str:
        match node:
            case Absolute(operand):
                return f"abs({self.write(operand)}::double)"
            case Extreme(name, operands):
                # Nulls first: unknown if one operand is, unlike SQL's least and greatest.
                order = "ASC" if name == "least" else "DESC"
                values = ", ".join(f"{self._finite(operand)}::double" for operand in operands)
                return f"list_sort([{values}], '{order}', 'NULLS FIRST')[1]"
            case Arithmetic("/", left, right):
                divisor = self._where(f"{self.write(right)}::double", "{0} <> 0")
                return f"({self.write(left)}::double / {divisor})"
            case Arithmetic(operator, left, right):
                return f"({self.write(left)}::double {operator} {self.write(right)}::double)"
        raise TypeError(f"no SQL for {type(node).__name__}")


def compile_where(text: str, schema: pa.Schema, where: str = "--where") -> Predicate:
    """An expression over a table's columns as a predicate for DuckDB.

    Raises:
        RidealongError: It is not a valid condition; ``where`` names it in the message.
    """
    try:
        node = parse_condition(text, table_namespace(schema))
    except RidealongError as error:
        raise RidealongError(
            error.what, where=where, expected=error.expected, hint=error.hint
        ) from error
    return predicate(node)


def predicate(node: Node) -> Predicate:
    """A row-wise condition as a predicate for DuckDB."""
    writer = Writer()
    return Predicate(writer.write(node), writer.parameters)


def quoted(name: str) -> str:
    """A name as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def _number(value: float | int) -> str:
    """A number as an integer or a double; without an exponent DuckDB would read a decimal."""
    if isinstance(value, int):
        return str(value) if value >= 0 else f"({value})"
    text = repr(value)
    return f"({text})" if "e" in text else f"({text}e0)"
