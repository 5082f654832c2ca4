"""From typed trees of single rows to DuckDB's SQL; time functions are columns by then.

Identifiers come from the catalogue or a schema and are quoted, numbers are printed, texts are
parameters: nothing that a user wrote reaches SQL as it stands.

Unknown is null. Whatever arithmetic makes that is not finite becomes unknown where it is used.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from ingest.errors import RidealongError
from ingest.triggers.expressions import (
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
from ingest.triggers.language import parse_condition
from ingest.triggers.namespaces import table_namespace

# A version's numbers and words, each padded, so that versions order as these texts do. (DuckDB 2.0
# turns two comparisons into a BETWEEN, and has none for lists.)
VERSION_KEY = (
    "array_to_string(list_transform("
    "regexp_extract_all(lower({0}), '[0-9]+|[a-z]+'), lambda v: lpad(v, 32, '0')), '.')"
)
LARGEST_FLOAT = 3e38
IDENTIFIER = re.compile(r'c\d+|"[^"]+"')


@dataclass(frozen=True)
class Predicate:
    """A condition as SQL, with the values of its parameters (``$p0``, …)."""

    sql: str
    parameters: dict[str, str]


@dataclass(frozen=True)
class Part:
    """SQL text, and the first stage whose columns suffice for it."""

    sql: str
    stage: int


@dataclass
class Writer:
    """Writes SQL for the nodes of one query.

    Attributes:
        staging: Whether columns may be computed in stages; a bare predicate has none.
        parameters: Texts by parameter name.
        stages: ``stages[i]`` are the columns that stage ``i + 1`` adds to those of stage ``i``.
        staged: Where the text of a column already stands.
    """

    staging: bool = True
    parameters: dict[str, str] = field(default_factory=dict)
    stages: list[list[str]] = field(default_factory=list)
    staged: dict[str, Part] = field(default_factory=dict)

    def write(self, node: Node) -> Part:
        """The node's value."""
        match node:
            case Variable() | Number() | Text() | Flag():
                return self._leaf(node)
            case Not() | And() | Or() | IsUnknown() | Contains() | Compare():
                return self._condition(node)
            case _:
                return self._arithmetic(node)

    def _leaf(self, node: Variable | Number | Text | Flag) -> Part:
        match node:
            case Variable():
                return self._variable(node)
            case Number(value):
                return Part(_number(value), 0)
            case Text(value):
                return Part(self._parameter(value), 0)
            case Flag(value):
                return Part("true" if value else "false", 0)

    def _condition(self, node: Not | And | Or | IsUnknown | Contains | Compare) -> Part:
        match node:
            case Not(operand):
                return put("(not {0})", [self.write(operand)])
            case And(operands) | Or(operands):
                operator = " and " if isinstance(node, And) else " or "
                return put(chain(operator, len(operands)), [self.write(o) for o in operands])
            case IsUnknown(operand):
                return put("({0} is null)", [self.finite(operand)])
            case Contains(items, text):
                return put("list_contains({0}, {1})", [self.write(items), self.write(text)])
            case Compare():
                return self._comparison(node)

    def finite(self, node: Node) -> Part:
        """The node's value; unknown where arithmetic ran out of numbers."""
        part = self.write(node)
        is_computed = isinstance(node, Arithmetic | Absolute)
        return self._where(part, "isfinite({0})") if is_computed else part

    def column(self, part: Part) -> Part:
        """Compute a part once, as a column of the stage after its own."""
        if IDENTIFIER.fullmatch(part.sql):
            return part
        if part.sql not in self.staged:
            while len(self.stages) <= part.stage:
                self.stages.append([])
            name = f"c{len(self.staged)}"
            self.stages[part.stage].append(f"{part.sql} as {name}")
            self.staged[part.sql] = Part(name, part.stage + 1)
        return self.staged[part.sql]

    def source(self, table: str) -> str:
        """The table with the columns of all stages, as a subquery.

        Subqueries, not ``with``: DuckDB binds what stands there twice, with every stage again.
        """
        sql = table
        for columns in self.stages:
            sql = f"(select *, {', '.join(columns)} from {sql})"
        return sql

    def _where(self, part: Part, condition: str) -> Part:
        """The value where a condition holds for it, else unknown.

        The value is needed twice, but its text must not stand twice: nested, that would double
        with every level.
        """
        if self.staging:
            part = self.column(part)
        if IDENTIFIER.fullmatch(part.sql):
            return put(f"(case when {condition} then {{0}} end)", [part])
        return put(f"list_filter([{{0}}], lambda v: {condition.format('v')})[1]", [part])

    def _variable(self, variable: Variable) -> Part:
        """A column. In stages it is known to be finite; a stranger's table may hold anything."""
        part = Part(quoted(variable.name), 0)
        if self.staging or variable.kind is not Kind.NUMBER or variable.whole:
            return part
        return self._where(part, "isfinite({0})")

    def _parameter(self, text: str) -> str:
        known = {value: name for name, value in self.parameters.items()}
        name = known.get(text, f"p{len(self.parameters)}")
        self.parameters[name] = text
        return f"${name}"

    def _comparison(self, node: Compare) -> Part:
        sides = [self.finite(node.left), self.finite(node.right)]
        if node.kind is Kind.VERSION:
            sides = [put(VERSION_KEY, [side]) for side in sides]
        ends = (node.left, node.right)
        if any(isinstance(end, Variable) and end.single for end in ends):
            sides = [_narrow(end, side) for end, side in zip(ends, sides, strict=True)]
        return put(f"({{0}} {node.operator} {{1}})", sides)

    def _arithmetic(self, node: Node) -> Part:
        match node:
            case Absolute(operand):
                return put("abs({0}::double)", [self.write(operand)])
            case Extreme(name, operands):
                # Nulls first: unknown if one operand is, other than SQL's least and greatest.
                order = "ASC" if name == "least" else "DESC"
                values = ", ".join(f"{{{i}}}::double" for i in range(len(operands)))
                template = f"list_sort([{values}], '{order}', 'NULLS FIRST')[1]"
                return put(template, [self.finite(operand) for operand in operands])
            case Arithmetic("/", left, right):
                divisor = self._where(put("{0}::double", [self.write(right)]), "{0} <> 0")
                return put("({0}::double / {1})", [self.write(left), divisor])
            case Arithmetic(operator, left, right):
                sides = [self.write(left), self.write(right)]
                return put(f"({{0}}::double {operator} {{1}}::double)", sides)
        raise TypeError(f"no SQL for {type(node).__name__}")


def put(template: str, parts: Sequence[Part]) -> Part:
    """Parts put into a template; computable where all of them are."""
    sql = template.format(*(part.sql for part in parts))
    return Part(sql, max((part.stage for part in parts), default=0))


def chain(operator: str, count: int) -> str:
    """``({0} and {1} and …)``."""
    return "(" + operator.join(f"{{{number}}}" for number in range(count)) + ")"


def _narrow(node: Node, part: Part) -> Part:
    """A literal beside a 32-bit column, to which it is rounded: spares the column's conversion."""
    if isinstance(node, Number) and abs(node.value) < LARGEST_FLOAT:
        return put("{0}::float", [part])
    return part


def compile_where(text: str, schema: pa.Schema, where: str = "--where") -> Predicate:
    """An expression over a table's columns as a predicate for DuckDB.

    Raises:
        RidealongError: Not such an expression; ``where`` names it in the message.
    """
    try:
        node = parse_condition(text, table_namespace(schema))
    except RidealongError as error:
        raise RidealongError(
            error.what, where=where, expected=error.expected, mend=error.mend
        ) from error
    return predicate(node)


def predicate(node: Node) -> Predicate:
    """A row-wise condition as a predicate for DuckDB."""
    writer = Writer(staging=False)
    return Predicate(writer.write(node).sql, writer.parameters)


def quoted(name: str) -> str:
    """A name as SQL's identifier."""
    return '"' + name.replace('"', '""') + '"'


def _number(value: float | int) -> str:
    """A number as DuckDB's integer or double; one without an exponent would be a decimal."""
    if isinstance(value, int):
        return str(value) if value >= 0 else f"({value})"
    text = repr(value)
    return f"({text})" if "e" in text else f"({text}e0)"
