"""Typed parts of an expression, and how two of them get one kind and one unit."""

from dataclasses import dataclass, replace

import numpy as np
from sqlglot import exp

from ridealong.errors import RidealongError
from ridealong.expressions.namespaces import Namespace
from ridealong.expressions.nodes import Arithmetic, Kind, Node, Number, Text, Variable
from ridealong.expressions.quantities import factor_and_offset, quantity_in
from ridealong.expressions.syntax import position
from ridealong.specs import nearest
from ridealong.units import parse_quantity


@dataclass(frozen=True)
class Value:
    """A typed part of an expression.

    Attributes:
        node: Its tree.
        kind: The kind of its value.
        unit: The unit of a number; None for a bare number, which takes its neighbour's unit.
        allowed: The texts that it may be; empty if any are allowed.
        single: It is a number recorded with 32-bit precision.
        quoted: It is a literal in quotes, whose meaning depends on its neighbour.
    """

    node: Node
    kind: Kind
    unit: str | None = None
    allowed: tuple[str, ...] = ()
    single: bool = False
    quoted: bool = False


class Scope:
    """One text and the names it may use."""

    def __init__(self, text: str, namespace: Namespace) -> None:
        self.text, self.namespace = text, namespace

    def error(
        self, at: exp.Expr, what: str, expected: str | None = None, hint: str | None = None
    ) -> RidealongError:
        """An error that points at a part."""
        place = position(at, self.text)
        return RidealongError(f"{place}: {what}", expected=expected, hint=hint)

    def reraise(self, at: exp.Expr, error: RidealongError) -> RidealongError:
        """The same error, pointing at a part."""
        return self.error(at, error.what, error.expected, error.hint)

    def adapted(self, at: exp.Expr, literal: Value, beside: Value) -> Value:
        """A literal in quotes, as what its neighbour makes it."""
        assert isinstance(literal.node, Text)
        text = literal.node.value
        if beside.kind is Kind.NUMBER and beside.unit is not None:
            return self._quantity_beside(at, text, beside)
        if beside.kind is Kind.NUMBER:
            return self.own_quantity(at, literal)
        if beside.kind is Kind.TEXT:
            self._check_allowed(at, text, beside)
            return replace(literal, quoted=False)
        if beside.kind is Kind.VERSION:
            if not any(character.isdigit() for character in text):
                raise self.error(at, f"{text!r} is not a version", "one like '2026.4'")
            return replace(literal, kind=Kind.VERSION, quoted=False)
        if beside.kind is Kind.TEXTS:
            hint = f"write contains({title(beside.node)}, {text!r})"
            raise self.error(at, "a list is not one text", hint=hint)
        raise self.error(at, f"{text!r} is not a condition", "true or false")

    def own_quantity(self, at: exp.Expr, literal: Value) -> Value:
        """A literal in quotes, as a quantity in its own unit."""
        assert isinstance(literal.node, Text)
        try:
            value, unit = parse_quantity(literal.node.value)
        except RidealongError as error:
            raise self.reraise(at, error) from None
        return Value(Number(value), Kind.NUMBER, unit or None)

    def _quantity_beside(self, at: exp.Expr, text: str, beside: Value) -> Value:
        unit = beside.unit or ""
        try:
            number = quantity_in(text, unit)
        except RidealongError as error:
            raise self.reraise(at, error) from None
        return Value(Number(number), Kind.NUMBER, unit)

    def _check_allowed(self, at: exp.Expr, text: str, beside: Value) -> None:
        if beside.allowed and text not in beside.allowed:
            known = ", ".join(beside.allowed)
            what = f"{title(beside.node)} is never {text!r}"
            close = nearest(text, list(beside.allowed))
            hint = close if close.startswith("did") else None
            raise self.error(at, what, f"one of {known}", hint)

    def matched(
        self, one: exp.Expr, left: Value, two: exp.Expr, right: Value
    ) -> tuple[Value, Value]:
        """Two values as values of one kind; numbers get the unit of the left one."""
        if left.quoted and right.quoted:
            raise self.error(one, "two literals in quotes", "a name on one side")
        if left.quoted:
            left = self.adapted(one, left, right)
        if right.quoted:
            right = self.adapted(two, right, left)
        if left.kind is not right.kind:
            raise self.error(
                two, f"a {left.kind} compared with a {right.kind}", "two of the same kind"
            )
        return (left, right) if left.kind is not Kind.NUMBER else self._same_unit(two, left, right)

    def _same_unit(self, at: exp.Expr, left: Value, right: Value) -> tuple[Value, Value]:
        if left.unit is None or right.unit is None:
            unit = right.unit if left.unit is None else left.unit
            left, right = replace(left, unit=unit), replace(right, unit=unit)
        elif left.unit != right.unit:
            right = self._converted(at, right, left.unit)
        return _rounded(left, right), _rounded(right, left)

    def _converted(self, at: exp.Expr, value: Value, unit: str) -> Value:
        try:
            factor, offset = factor_and_offset(
                value.unit or "", unit, value.unit or "a bare number"
            )
        except RidealongError as error:
            raise self.reraise(at, error) from None
        node = value.node
        if factor != 1:
            node = Arithmetic("*", node, Number(factor))
        if offset != 0:
            node = Arithmetic("+", node, Number(offset))
        return Value(node, Kind.NUMBER, unit)


def _rounded(value: Value, beside: Value) -> Value:
    """A literal beside a 32-bit signal gets its precision, so a recorded 4.4 equals ``4.4``."""
    if beside.single and isinstance(value.node, Number) and abs(value.node.value) < 3e38:
        return replace(value, node=Number(float(np.float32(value.node.value))))
    return value


def title(node: Node) -> str:
    """The name of a part in messages."""
    return node.name if isinstance(node, Variable) else "this"
