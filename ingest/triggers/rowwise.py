"""Evaluates the parts of expressions that read one sample, over all samples at once.

An arithmetic result that is not finite is unknown.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.triggers import bounds
from ingest.triggers.columns import Column, Truth, truth_of
from ridealong.arrays import Floats
from ridealong.expressions.nodes import (
    Absolute,
    And,
    Arithmetic,
    Compare,
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

OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
KNOWN = np.zeros((), bool)


@dataclass(frozen=True)
class Rows:
    """``N`` samples at which row-wise parts of a plan are evaluated.

    Attributes:
        count: ``N``.
        read: Gives the column of a name.
        codes: Numbers of the texts in columns.
    """

    count: int
    read: Callable[[str], Column]
    codes: dict[str, int]
    _tested: dict[int, Truth] = field(default_factory=dict, repr=False)

    def truth(self, node: Node) -> Truth:
        """``(N,)`` truth of a condition."""
        match node:
            case Not(operand):
                return -self.truth(operand)
            case And(operands):
                return reduce(np.minimum, map(self.truth, operands))
            case Or(operands):
                return reduce(np.maximum, map(self.truth, operands))
            case _:
                return self._once(node)

    def _once(self, node: Node) -> Truth:
        """A single test, cached by identity, because plans keep their trees.

        Hashing a tree takes longer than evaluating it on one drive.
        """
        if id(node) not in self._tested:
            self._tested[id(node)] = self._filled(self._test(node))
        return self._tested[id(node)]

    def _test(self, node: Node) -> Truth:
        match node:
            case Variable(name):
                return self.read(name).truth
            case Flag(value):
                return truth_of(np.array(value), KNOWN)
            case IsUnknown(operand):
                return truth_of(self._used(operand).unknown, KNOWN)
            case Compare(sign, left, right):
                return _compared(sign, self._used(left), self._used(right))
        raise TypeError(f"no condition over single samples: {type(node).__name__}")

    def margin(self, node: Node) -> Floats:
        """``(N,)`` margin of a part without and, or, not: see `robustness`."""
        match node:
            case Compare(sign, left, right, Kind.NUMBER) if sign not in ("=", "<>"):
                ends = (right, left) if sign in ("<", "<=") else (left, right)
                greater, less = map(self._used, ends)
                return self._filled(_difference(greater, less))
            case _:
                truth = self.truth(node)
                return np.where(truth == 0, np.nan, np.where(truth == 1, np.inf, -np.inf))

    def column(self, node: Node) -> Column:
        """``(N,)`` values of a part."""
        column = self._used(node)
        return Column(self._filled(column.values), self._filled(column.unknown), column.bounds)

    def _used(self, node: Node) -> Column:
        """A part's value; unknown if it is not finite."""
        column = self._value(node)
        if not isinstance(node, Arithmetic | Absolute):
            return column
        unknown = column.unknown | ~np.isfinite(column.values)
        return Column(column.values, unknown, column.bounds)

    def _value(self, node: Node) -> Column:
        match node:
            case Variable(name):
                return self.read(name)
            case Number(value):
                return Column(_literal(value), KNOWN)
            case Text(value):
                return Column(np.array(self.codes.setdefault(value, len(self.codes))), KNOWN)
            case Absolute() | Extreme() | Arithmetic():
                return self._calculated(node)
            case _:
                truth = self.truth(node)
                return Column(truth == 1, truth == 0)

    def _calculated(self, node: Absolute | Extreme | Arithmetic) -> Column:
        match node:
            case Absolute(operand):
                column = self._value(operand)
                return Column(np.abs(column.numbers), column.unknown, bounds.absolute(column))
            case Extreme(name, operands):
                columns = [self._used(operand) for operand in operands]
                unknown = reduce(np.logical_or, (column.unknown for column in columns))
                pick = np.minimum if name == "least" else np.maximum
                numbers = reduce(pick, (column.numbers for column in columns))
                return Column(numbers, unknown, bounds.extreme(name, columns))
            case Arithmetic(sign, left, right):
                return _arithmetic(sign, self._value(left), self._value(right))

    def _filled(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values for all samples; literals alone give one value."""
        return values if values.ndim else np.full(self.count, values)


def _literal(value: float | int) -> NDArray[Any]:
    """A number, in 32 bits if possible, to avoid converting a 32-bit column."""
    if isinstance(value, float) and abs(value) < 3e38 and float(np.float32(value)) == value:
        return np.array(value, np.float32)
    return np.array(value)


def _arithmetic(sign: str, left: Column, right: Column) -> Column:
    """Arithmetic in float64; unknown for a division by zero."""
    unknown = left.unknown | right.unknown
    if sign == "/":
        unknown = unknown | (right.values == 0)
    with np.errstate(all="ignore"):
        numbers = OPERATORS[sign](left.numbers, right.numbers)
    return Column(numbers, unknown, bounds.arithmetic(sign, left, right))


def _compared(sign: str, left: Column, right: Column) -> Truth:
    unknown = left.unknown | right.unknown
    truth = truth_of(OPERATORS[sign](left.values, right.values), unknown)
    if left.bounds is None and right.bounds is None:
        return truth
    return np.where(unknown, bounds.compared(sign, left, right), truth)


def _difference(greater: Column, less: Column) -> Floats:
    """The difference of two numbers; NaN if not even its sign is known."""
    with np.errstate(over="ignore"):
        difference: Floats = greater.with_nan - less.with_nan
    if greater.bounds is None and less.bounds is None:
        return difference
    unknown = greater.unknown | less.unknown
    return np.where(unknown, bounds.least_difference(greater, less), difference)
