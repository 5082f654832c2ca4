"""The typed tree of an expression; it can contain only what the language allows.

Every node is frozen and hashable, so equal parts of several triggers are computed once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import StrEnum


class Kind(StrEnum):
    """Kinds of values."""

    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "condition"
    VERSION = "version"  # text that is ordered part by part
    TEXTS = "list of texts"


class Window(StrEnum):
    """What a time function computes from its samples."""

    HELD = "held"  # true for a run of at least the duration
    LAG = "lag"  # the value a duration ago; without a duration, the previous sample's
    ELAPSED = "elapsed"  # seconds since the sample that `LAG` reads
    AVERAGE = "avg_over"
    LEAST = "min_over"
    GREATEST = "max_over"
    COUNT = "count_over"  # samples at which it is true
    ANY = "any_over"  # true at some sample of the window
    CHANGED = "changed"  # differs from the previous sample
    SINCE = "since"  # seconds since it was last true


@dataclass(frozen=True)
class Variable:
    """A signal or a column.

    Attributes:
        name: Its full name.
        kind: The kind of its values.
        unit: Its unit as the catalogue spells it; ``''`` if it has none.
        allowed: The texts that it may have; empty if any are allowed.
        single: It is recorded with 32-bit precision.
        whole: Its values are integers.
    """

    name: str
    kind: Kind
    unit: str = ""
    allowed: tuple[str, ...] = ()
    single: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Number:
    """A finite number, already in the unit that its place needs."""

    value: float | int


@dataclass(frozen=True)
class Text:
    """A text literal."""

    value: str


@dataclass(frozen=True)
class Flag:
    """``true`` or ``false``."""

    value: bool


@dataclass(frozen=True)
class Not:
    """Negation; unknown stays unknown."""

    operand: "Node"


@dataclass(frozen=True)
class And:
    """True if all operands are true, false if one is false, else unknown."""

    operands: tuple["Node", ...]


@dataclass(frozen=True)
class Or:
    """False if all operands are false, true if one is true, else unknown."""

    operands: tuple["Node", ...]


@dataclass(frozen=True)
class Compare:
    """``left operator right`` for two values of one kind; unknown if one of them is."""

    operator: str  # = <> < <= > >=
    left: "Node"
    right: "Node"
    kind: Kind


@dataclass(frozen=True)
class IsUnknown:
    """``operand is null``; never unknown itself."""

    operand: "Node"


@dataclass(frozen=True)
class Contains:
    """Whether a list of texts contains a text."""

    items: "Node"
    text: Text


@dataclass(frozen=True)
class Arithmetic:
    """``left operator right``; unknown if the result is not finite."""

    operator: str  # + - * /
    left: "Node"
    right: "Node"


@dataclass(frozen=True)
class Extreme:
    """``least`` or ``greatest``; unknown if one operand is."""

    name: str
    operands: tuple["Node", ...]


@dataclass(frozen=True)
class Absolute:
    """Absolute value."""

    operand: "Node"


@dataclass(frozen=True)
class Timed:
    """A time function over the samples of one drive; without a duration: the previous sample."""

    window: Window
    operand: "Node"
    duration_ns: int | None = None


Node = (
    Variable
    | Number
    | Text
    | Flag
    | Not
    | And
    | Or
    | Compare
    | IsUnknown
    | Contains
    | Arithmetic
    | Extreme
    | Absolute
    | Timed
)


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below."""
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple) and field.name == "operands":
            yield from value


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, from the top."""
    yield node
    for child in children(node):
        yield from walk(child)


def variables(node: Node) -> set[str]:
    """Names of the signals or columns that are read."""
    return {part.name for part in walk(node) if isinstance(part, Variable)}


def is_rowwise(node: Node) -> bool:
    """Whether it reads only one sample."""
    return not any(isinstance(part, Timed) for part in walk(node))


def without_holds(node: Node) -> Node:
    """The same expression with every ``held(c, d)`` replaced by ``c``."""
    match node:
        case Timed(Window.HELD, operand):
            return without_holds(operand)
        case And(operands):
            return And(tuple(without_holds(part) for part in operands))
        case Or(operands):
            return Or(tuple(without_holds(part) for part in operands))
        case Not(operand):
            return Not(without_holds(operand))
        case _:
            return node


def holds(node: Node) -> list[Timed]:
    """The ``held(…)`` at the top of an expression: below nothing but and, or, not."""
    match node:
        case Timed(Window.HELD):
            return [node]
        case And(operands) | Or(operands):
            return [hold for part in operands for hold in holds(part)]
        case Not(operand):
            return holds(operand)
        case _:
            return []


def is_separable(node: Node) -> bool:
    """Whether the rows at which it can be true can be found from single rows.

    This is so if its only time functions are ``held(…)`` of row-wise conditions, and none of them
    is negated. Then it is false wherever it is false without its holds.
    """
    match node:
        case Timed(Window.HELD, operand):
            return is_rowwise(operand)
        case And(operands) | Or(operands):
            return all(is_separable(part) for part in operands)
        case _:
            return is_rowwise(node)
