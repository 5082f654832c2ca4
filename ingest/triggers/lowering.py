"""Time functions taken out of conditions: each becomes a column of its own.

What is left is made of row-wise parts, joined by logic, ``held`` and the window of ``changed``:
those say how true they are (see `robustness`), so they stay where they are no part of a number.
"""

from dataclasses import dataclass, fields, replace
from typing import Any

from ingest.triggers.expressions import (
    And,
    Kind,
    Node,
    Not,
    Or,
    Timed,
    Variable,
    Window,
    variables,
)

CONDITIONS = frozenset({Window.HELD, Window.ANY, Window.CHANGED})


@dataclass(frozen=True)
class Sliding:
    """A column that is a time function of a row-wise operand."""

    name: str
    window: Window
    operand: Node
    duration_ns: int | None


class Lowering:
    """Takes time functions out of conditions; equal ones of several conditions are one column.

    Attributes:
        levels: The columns; those of a level read signals and columns of earlier levels.
    """

    def __init__(self) -> None:
        self.levels: list[list[Sliding]] = []
        self._columns: dict[Node, Variable] = {}
        self._level_of: dict[str, int] = {}

    def condition(self, node: Node) -> Node:
        """The condition without time functions other than those that join conditions."""
        match node:
            case And(operands) | Or(operands):
                return type(node)(tuple(self.condition(part) for part in operands))
            case Not(operand):
                return Not(self.condition(operand))
            case Timed(Window.HELD | Window.ANY, operand):
                return replace(node, operand=self.condition(operand))
            case _:
                return self._value(node)

    def _value(self, node: Node) -> Node:
        changes = {field.name: self._part(getattr(node, field.name)) for field in fields(node)}
        node = replace(node, **changes)
        return self._column(node) if isinstance(node, Timed) else node

    def _part(self, value: Any) -> Any:
        if isinstance(value, Node):
            return self._value(value)
        if isinstance(value, tuple):
            return tuple(self._part(part) for part in value)
        return value

    def _column(self, node: Timed) -> Variable:
        if node not in self._columns:
            name = f"~{len(self._columns)}"
            self._columns[node] = Variable(name, _kind(node))
            self._place(Sliding(name, node.window, node.operand, node.duration_ns))
        return self._columns[node]

    def _place(self, column: Sliding) -> None:
        read = variables(column.operand) & self._level_of.keys()
        level = max((self._level_of[name] + 1 for name in read), default=0)
        self._level_of[column.name] = level
        if level == len(self.levels):
            self.levels.append([])
        self.levels[level].append(column)


def _kind(node: Timed) -> Kind:
    if node.window is Window.LAG and isinstance(node.operand, Variable):
        return node.operand.kind
    return Kind.BOOLEAN if node.window in CONDITIONS else Kind.NUMBER
