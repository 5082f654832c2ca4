"""Replaces time functions in conditions by columns, one for each.

The rest consists of row-wise parts, joined by logic, ``held`` and the window of ``changed``. These
have a robustness (see `robustness`), so they stay if they are not part of a number.
"""

from dataclasses import dataclass, fields, replace
from typing import Any

from ridealong.expressions.nodes import And, Kind, Node, Not, Or, Timed, Variable, Window

CONDITIONS = frozenset({Window.HELD, Window.ANY, Window.CHANGED})


@dataclass(frozen=True)
class Sliding:
    """A column that is a time function of a row-wise operand."""

    window: Window
    operand: Node
    duration_ns: int | None


class Lowering:
    """Replaces time functions by columns; equal ones of several conditions share a column.

    Attributes:
        columns: The columns by name; they read signals and earlier columns.
    """

    def __init__(self) -> None:
        self.columns: dict[str, Sliding] = {}
        self._known: dict[Node, Variable] = {}

    def condition(self, node: Node) -> Node:
        """The condition with columns for all time functions that do not join conditions."""
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
        if node not in self._known:
            name = f"~{len(self._known)}"
            self._known[node] = Variable(name, _kind(node))
            self.columns[name] = Sliding(node.window, node.operand, node.duration_ns)
        return self._known[node]


def _kind(node: Timed) -> Kind:
    if node.window is Window.LAG and isinstance(node.operand, Variable):
        return node.operand.kind
    return Kind.BOOLEAN if node.window in CONDITIONS else Kind.NUMBER
