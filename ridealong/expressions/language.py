"""The expression language: text becomes a typed tree, or an error that names the column.

The grammar is SQL's. Allowed are names, numbers, text and quantities in quotes, ``and``, ``or``,
``not``, comparisons, ``in``, ``between``, ``is null``, ``+ - * /`` and the functions of
`FUNCTIONS`. The tree is our own; SQL text is never passed through.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar

from sqlglot import exp

from ridealong.errors import RidealongError, together
from ridealong.expressions.namespaces import Namespace
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
    Timed,
    Window,
    walk,
)
from ridealong.expressions.quantities import (
    combined_unit,
    difference_unit,
    duration_ns,
)
from ridealong.expressions.spelling import explained
from ridealong.expressions.syntax import parse_sql
from ridealong.expressions.values import Scope, Value
from ridealong.specs import nearest

T = TypeVar("T")

DEEPEST = 40
LARGEST = 1000  # nodes of the tree

COMPARISONS: Mapping[type, str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
ARITHMETIC: Mapping[type, str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
}
ORDERED = (Kind.NUMBER, Kind.VERSION)


def parse_condition(text: str, namespace: Namespace) -> Node:
    """A condition over the names of ``namespace``.

    Raises:
        RidealongError: It is not a valid condition; the message names the column.
    """
    try:
        node = _Typer(text, namespace).condition(parse_sql(text), 0)
    except RecursionError as error:
        raise RidealongError("nested too deep", hint="split it into simpler parts") from error
    except RidealongError as error:
        raise explained(text, error) from error
    # `between`, `delta` and `crossed` repeat their operand, so nesting multiplies the size.
    if sum(1 for _ in islice(walk(node), LARGEST + 1)) > LARGEST:
        raise RidealongError("too large an expression", hint="split it into simpler parts")
    return node


class _Typer(Scope):
    """Finds the type of every part of one text."""

    def condition(self, at: exp.Expr, depth: int) -> Node:
        value = self.value(at, depth)
        if value.kind is not Kind.BOOLEAN or value.quoted:
            what = f"a {value.kind} where a condition is expected"
            raise self.error(at, what, "a comparison, like x > 3")
        return value.node

    def number(self, at: exp.Expr, depth: int) -> Value:
        value = self.value(at, depth)
        if value.quoted:
            return self.own_quantity(at, value)
        if value.kind is not Kind.NUMBER:
            raise self.error(at, f"a {value.kind} is used as a number")
        return value

    def value(self, at: exp.Expr, depth: int) -> Value:
        if depth > DEEPEST:
            raise self.error(at, "nested too deep", f"at most {DEEPEST} levels")
        handler = HANDLERS.get(type(at))
        if handler is None:
            allowed = "names, numbers, comparisons, and, or, not, in, between, is null, functions"
            place = at.args["alias"] if isinstance(at, exp.Alias) else at
            raise self.error(place, f"{_described(at)} is not part of the language", allowed)
        return handler(self, at, depth + 1)

    # Leaves

    def name(self, at: exp.Expr, depth: int) -> Value:
        parts = _name_parts(at)
        if parts is None:
            raise self.error(at, f"{_described(at)} is not part of the language", "a name")
        name = ".".join(parts)
        try:
            variable = self.namespace.find(name)
        except RidealongError as error:
            if len(parts) == 1 and _may_be_text(at) and not self.namespace.timed:
                meant = str(error.hint)
                meant = f"{meant[:-1]}, or" if meant.endswith("?") else "did you mean"
                raise self.error(at, error.what, hint=f"{meant} the text '{name}'?") from None
            raise self.reraise(at, error) from None
        return Value(variable, variable.kind, variable.unit, variable.allowed, variable.single)

    def literal(self, at: exp.Expr, depth: int) -> Value:
        if at.args["is_string"]:
            return Value(Text(str(at.this)), Kind.TEXT, quoted=True)
        return Value(Number(self._finite(at, str(at.this))), Kind.NUMBER)

    def flag(self, at: exp.Expr, depth: int) -> Value:
        return Value(Flag(bool(at.this)), Kind.BOOLEAN)

    def null(self, at: exp.Expr, depth: int) -> Value:
        raise self.error(at, "nothing equals null", hint="write 'x is null' or 'x is not null'")

    def _finite(self, at: exp.Expr, text: str) -> float | int:
        try:
            value = int(text) if text.isascii() and text.isdigit() else float(text)
        except ValueError:
            raise self.error(at, f"{text!r} is not a number") from None
        if not math.isfinite(float(text)):
            raise self.error(at, f"{text[:40]} is too large a number")
        return value if abs(value) < 2**63 else float(text)

    def alike(self, one: exp.Expr, two: exp.Expr, depth: int) -> tuple[Value, Value]:
        """Two parts as values of one kind; numbers get the unit of the left one."""
        first, second = self.every(self.value, (one, two), depth)
        return self.matched(one, first, two, second)

    def every(
        self, typed: Callable[[exp.Expr, int], T], parts: Iterable[exp.Expr], depth: int
    ) -> list[T]:
        """The values of all parts; the mistakes in all of them are reported together."""
        found: list[T] = []
        errors: list[RidealongError] = []
        for part in parts:
            try:
                found.append(typed(part, depth))
            except RidealongError as error:
                errors.append(error)
        if errors:
            raise together(errors)
        return found

    # Logic

    def conjunction(self, at: exp.Expr, depth: int) -> Value:
        return Value(And(self._flat(at, depth)), Kind.BOOLEAN)

    def disjunction(self, at: exp.Expr, depth: int) -> Value:
        return Value(Or(self._flat(at, depth)), Kind.BOOLEAN)

    def _flat(self, at: exp.Expr, depth: int) -> tuple[Node, ...]:
        return tuple(self.every(self.condition, at.flatten(unnest=False), depth))

    def negation(self, at: exp.Expr, depth: int) -> Value:
        return Value(Not(self.condition(at.this, depth)), Kind.BOOLEAN)

    def brackets(self, at: exp.Expr, depth: int) -> Value:
        return self.value(at.this, depth)

    # Comparisons

    def comparison(self, at: exp.Expr, depth: int) -> Value:
        left, right = self.alike(at.this, at.expression, depth)
        return Value(self._compared(at, COMPARISONS[type(at)], left, right), Kind.BOOLEAN)

    def _compared(self, at: exp.Expr, operator: str, left: Value, right: Value) -> Node:
        if left.kind is Kind.TEXTS:
            raise self.error(at, "lists cannot be compared", hint="write contains(list, 'text')")
        if operator not in ("=", "<>") and left.kind not in ORDERED:
            raise self.error(
                at,
                f"a {left.kind} has no order",
                "= or <>",
            )
        return Compare(operator, left.node, right.node, left.kind)

    def between(self, at: exp.Expr, depth: int) -> Value:
        if at.args.get("symmetric"):
            raise self.error(at, "'between symmetric' is not part of the language")
        value, ends = self.value(at.this, depth), (at.args["low"], at.args["high"])
        pairs = [self.matched(at.this, value, end, self.value(end, depth)) for end in ends]
        low, high = self._compared(at, ">=", *pairs[0]), self._compared(at, "<=", *pairs[1])
        return Value(And((low, high)), Kind.BOOLEAN)

    def membership(self, at: exp.Expr, depth: int) -> Value:
        listed = at.args.get("expressions")
        if not listed or set(k for k, v in at.args.items() if v) - {"this", "expressions"}:
            raise self.error(at, "'in' has no list", "x in ('a', 'b')")
        value = self.value(at.this, depth)
        pairs = [self.matched(at.this, value, each, self.value(each, depth)) for each in listed]
        equal = [self._compared(at, "=", *pair) for pair in pairs]
        return Value(equal[0] if len(equal) == 1 else Or(tuple(equal)), Kind.BOOLEAN)

    def unknown(self, at: exp.Expr, depth: int) -> Value:
        if type(at.expression) is not exp.Null:
            raise self.error(at, "'is' without null", "x is null or x is not null")
        value = self.value(at.this, depth)
        if value.quoted:
            raise self.error(at, "a literal is never null", "a name")
        return Value(IsUnknown(value.node), Kind.BOOLEAN)

    # Numbers

    def arithmetic(self, at: exp.Expr, depth: int) -> Value:
        operator = ARITHMETIC[type(at)]
        if operator in "+-":
            return self._sum(at, operator, depth)
        left, right = self.number(at.this, depth), self.number(at.expression, depth)
        try:
            unit = combined_unit(operator, left.unit, right.unit)
        except RidealongError as error:
            raise self.reraise(at, error) from None
        return Value(Arithmetic(operator, left.node, right.node), Kind.NUMBER, unit)

    def _sum(self, at: exp.Expr, operator: str, depth: int) -> Value:
        left, right = self.alike(at.this, at.expression, depth)
        if left.kind is not Kind.NUMBER:
            raise self.error(at, f"a {left.kind} cannot be added or subtracted", "numbers")
        unit = difference_unit(left.unit) if operator == "-" else left.unit
        return Value(Arithmetic(operator, left.node, right.node), Kind.NUMBER, unit)

    def negative(self, at: exp.Expr, depth: int) -> Value:
        value = self.number(at.this, depth)
        if isinstance(value.node, Number):
            return replace(value, node=Number(-value.node.value))
        return replace(value, node=Arithmetic("-", Number(0), value.node))

    # Functions

    def call(self, at: exp.Expr, depth: int) -> Value:
        name = str(at.this).lower()
        function = FUNCTIONS.get(name)
        if function is None:
            raise self.error(at, f"unknown function {name!r}", hint=nearest(name, list(FUNCTIONS)))
        arguments = at.expressions
        if not function.fewest <= len(arguments) <= function.most:
            what = f"{name} has {len(arguments)} arguments"
            raise self.error(at, what, function.usage)
        if function.timed and not self.namespace.timed:
            raise self.error(at, f"{name} looks at samples over time; a table's rows have none")
        return function.typed(self, at, depth)

    def duration(self, at: exp.Expr) -> int:
        if not (isinstance(at, exp.Literal) and at.args["is_string"]):
            raise self.error(at, "not a duration", "one in quotes, like '0.5 s'")
        try:
            length = duration_ns(str(at.this))
        except RidealongError as error:
            raise self.reraise(at, error) from None
        if length == 0:
            raise self.error(at, f"{at.this!r} is not more than zero", "a duration like '0.5 s'")
        return length

    def optional_duration(self, at: exp.Expr) -> int | None:
        return self.duration(at.expressions[1]) if len(at.expressions) > 1 else None


def _held(typer: _Typer, at: exp.Expr, depth: int) -> Value:
    operand = typer.condition(at.expressions[0], depth)
    return Value(Timed(Window.HELD, operand, typer.duration(at.expressions[1])), Kind.BOOLEAN)


def _lag(typer: _Typer, at: exp.Expr, depth: int) -> Value:
    value = typer.value(at.expressions[0], depth)
    if value.quoted or value.kind is Kind.TEXTS:
        raise typer.error(at.expressions[0], "something that does not change over time", "a signal")
    return replace(value, node=Timed(Window.LAG, value.node, typer.optional_duration(at)))


def _delta(typer: _Typer, at: exp.Expr, depth: int) -> Value:
    value = typer.number(at.expressions[0], depth)
    before = Timed(Window.LAG, value.node, typer.optional_duration(at))
    node = Arithmetic("-", value.node, before)
    return Value(node, Kind.NUMBER, difference_unit(value.unit))


def _rate(typer: _Typer, at: exp.Expr, depth: int) -> Value:
    delta = _delta(typer, at, depth)
    elapsed = Timed(Window.ELAPSED, Number(0), typer.optional_duration(at))
    unit = None if delta.unit is None else combined_unit("/", delta.unit, "s")
    return Value(Arithmetic("/", delta.node, elapsed), Kind.NUMBER, unit)


def _aggregate(window: Window) -> Callable[[_Typer, exp.Expr, int], Value]:
    def typed(typer: _Typer, at: exp.Expr, depth: int) -> Value:
        value = typer.number(at.expressions[0], depth)
        node = Timed(window, value.node, typer.duration(at.expressions[1]))
        return replace(value, node=node, single=value.single and window is not Window.AVERAGE)

    return typed


def _count(typer: _Typer, at: exp.Expr, depth: int) -> Value:
    operand = typer.condition(at.expressions[0], depth)
    return Value(Timed(Window.COUNT, operand, typer.duration(at.expressions[1])), Kind.NUMBER)


def _changed(typer: _Typer, at: exp.Expr, depth: int) -> Value:
    value = typer.value(at.expressions[0], depth)
    if value.quoted or value.kind is Kind.TEXTS:
        raise typer.error(at.expressions[0], "something that does not change over time", "a signal")
    length = typer.optional_duration(at)
    node = Timed(Window.CHANGED, value.node)
    return Value(node if length is None else Timed(Window.ANY, node, length), Kind.BOOLEAN)


def _crossed(typer: _Typer, at: exp.Expr, depth: int) -> Value:
    value, level = typer.alike(at.expressions[0], at.expressions[1], depth)
    if value.kind is not Kind.NUMBER:
        raise typer.error(at.expressions[0], f"a {value.kind} cannot cross a level", "a number")
    before = Timed(Window.LAG, value.node)

    def compared(operator: str, node: Node) -> Node:
        return Compare(operator, node, level.node, Kind.NUMBER)

    up = And((compared("<", before), compared(">=", value.node)))
    down = And((compared(">", before), compared("<=", value.node)))
    return Value(Or((up, down)), Kind.BOOLEAN)


def _since(typer: _Typer, at: exp.Expr, depth: int) -> Value:
    operand = typer.condition(at.expressions[0], depth)
    return Value(Timed(Window.SINCE, operand), Kind.NUMBER, "s")


def _absolute(typer: _Typer, at: exp.Expr, depth: int) -> Value:
    value = typer.number(at.expressions[0], depth)
    return replace(value, node=Absolute(value.node))


def _extreme(name: str) -> Callable[[_Typer, exp.Expr, int], Value]:
    def typed(typer: _Typer, at: exp.Expr, depth: int) -> Value:
        # The first operand with a unit decides: literals and other units are converted to it.
        seen = [typer.value(part, depth) for part in at.expressions]
        ruling = next((i for i, v in enumerate(seen) if not v.quoted and v.unit is not None), 0)
        by, parts = at.expressions[ruling], zip(at.expressions, seen, strict=True)
        values = [typer.matched(by, seen[ruling], part, value)[1] for part, value in parts]
        if values[0].kind is not Kind.NUMBER:
            raise typer.error(by, f"a {values[0].kind} is used as a number")
        return Value(Extreme(name, tuple(v.node for v in values)), Kind.NUMBER, values[0].unit)

    return typed


def _contains(typer: _Typer, at: exp.Expr, depth: int) -> Value:
    items = typer.value(at.expressions[0], depth)
    text = typer.value(at.expressions[1], depth)
    if items.kind is not Kind.TEXTS:
        raise typer.error(
            at.expressions[0], f"a {items.kind} cannot contain anything", "a list of texts"
        )
    if not text.quoted or not isinstance(text.node, Text):
        raise typer.error(at.expressions[1], "not a text in quotes", "contains(list, 'text')")
    return Value(Contains(items.node, text.node), Kind.BOOLEAN)


@dataclass(frozen=True)
class Function:
    """One function: its typing, and the number of its arguments."""

    typed: Callable[[_Typer, exp.Expr, int], Value]
    usage: str
    fewest: int
    most: int
    timed: bool = True


FUNCTIONS: Mapping[str, Function] = {
    "held": Function(_held, "held(condition, '0.5 s')", 2, 2),
    "lag": Function(_lag, "lag(x) or lag(x, '0.5 s')", 1, 2),
    "delta": Function(_delta, "delta(x) or delta(x, '0.5 s')", 1, 2),
    "rate": Function(_rate, "rate(x) or rate(x, '0.5 s')", 1, 2),
    "avg_over": Function(_aggregate(Window.AVERAGE), "avg_over(x, '2 s')", 2, 2),
    "min_over": Function(_aggregate(Window.LEAST), "min_over(x, '2 s')", 2, 2),
    "max_over": Function(_aggregate(Window.GREATEST), "max_over(x, '2 s')", 2, 2),
    "count_over": Function(_count, "count_over(condition, '2 s')", 2, 2),
    "changed": Function(_changed, "changed(x) or changed(x, '2 s')", 1, 2),
    "crossed": Function(_crossed, "crossed(x, level)", 2, 2),
    "since": Function(_since, "since(condition)", 1, 1),
    "abs": Function(_absolute, "abs(x)", 1, 1, timed=False),
    "least": Function(_extreme("least"), "least(a, b)", 2, 16, timed=False),
    "greatest": Function(_extreme("greatest"), "greatest(a, b)", 2, 16, timed=False),
    "contains": Function(_contains, "contains(list, 'text')", 2, 2, timed=False),
}

HANDLERS: Mapping[type, Callable[[_Typer, exp.Expr, int], Value]] = {
    exp.Column: _Typer.name,
    exp.Dot: _Typer.name,
    exp.Literal: _Typer.literal,
    exp.Boolean: _Typer.flag,
    exp.Null: _Typer.null,
    exp.And: _Typer.conjunction,
    exp.Or: _Typer.disjunction,
    exp.Not: _Typer.negation,
    exp.Paren: _Typer.brackets,
    exp.Between: _Typer.between,
    exp.In: _Typer.membership,
    exp.Is: _Typer.unknown,
    exp.Neg: _Typer.negative,
    exp.Anonymous: _Typer.call,
    **dict.fromkeys(COMPARISONS, _Typer.comparison),
    **dict.fromkeys(ARITHMETIC, _Typer.arithmetic),
}


def _name_parts(at: exp.Expr) -> list[str] | None:
    """``Vehicle.Speed`` as its parts; None if one is not a plain identifier."""
    if isinstance(at, exp.Dot):
        before = _name_parts(at.this)
        last = _name_parts(at.expression)
        return None if before is None or last is None else [*before, *last]
    if isinstance(at, exp.Column):
        parts = [at.args.get(key) for key in ("catalog", "db", "table", "this")]
        named = [part for part in parts if part]
        plain = all(isinstance(part, exp.Identifier) for part in named)
        return [part.name for part in named] if plain else None
    return [at.name] if isinstance(at, exp.Identifier) else None


def _may_be_text(at: exp.Expr) -> bool:
    """Whether a name stands where a text often does: to the right of ``=``, or in a list."""
    above = at.parent
    if isinstance(above, exp.In):
        return above.this is not at
    return isinstance(above, exp.EQ | exp.NEQ) and above.expression is at


def _described(at: exp.Expr) -> str:
    """A refused part, in the user's terms."""
    names: Mapping[type, str] = {
        exp.Alias: "a second expression after the first",
        exp.Star: "'*'",
        exp.Select: "'select'",
        exp.Subquery: "'select'",
        exp.Case: "'case'",
        exp.Cast: "a cast",
        exp.Identifier: "this name",
    }
    return names.get(type(at), f"{type(at).__name__.lower()!r}")
