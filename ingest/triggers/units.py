"""The units of a condition's margin: those of the comparisons that it consists of."""

from ridealong.expressions.nodes import (
    Absolute,
    And,
    Arithmetic,
    Compare,
    Extreme,
    Kind,
    Node,
    Not,
    Number,
    Or,
    Timed,
    Variable,
    Window,
)

OWN = "the condition's own unit"  # of a product or a quotient


def margin_units(node: Node) -> tuple[str, ...]:
    """The unit of each comparison of numbers in a condition, without repetition, in its order.

    The margin of a condition is that of the comparison nearest to its threshold, so it is in one of
    these units. There is none if the condition compares no numbers.
    """
    return tuple(dict.fromkeys(_of_condition(node)))


def _of_condition(node: Node) -> list[str]:
    match node:
        case And(operands) | Or(operands):
            return [unit for part in operands for unit in _of_condition(part)]
        case Not(operand) | Timed(Window.HELD | Window.ANY, operand):
            return _of_condition(operand)
        case Compare(sign, left, right, Kind.NUMBER) if sign not in ("=", "<>"):
            known = [unit for unit in (_of_number(left), _of_number(right)) if unit is not None]
            return known[:1] or ["1"]
        case _:
            return []


def _of_number(node: Node) -> str | None:
    """The unit of a number; None for a literal, which has that of what it is compared with."""
    match node:
        case Variable():
            return node.unit or "1"
        case Timed(Window.COUNT):
            return "samples"
        case Timed(Window.SINCE | Window.ELAPSED):
            return "s"
        case Number():
            return None
        case _:
            return _of_calculation(node)


def _of_calculation(node: Node) -> str | None:
    match node:
        case Timed(_, operand) | Absolute(operand):
            return _of_number(operand)
        case Extreme(_, operands):
            return next(filter(None, map(_of_number, operands)), None)
        case Arithmetic("/", left, Timed(Window.ELAPSED)) if unit := _of_number(left):
            return f"{unit}/s"
        case Arithmetic("+" | "-", left, right):
            return _of_number(left) or _of_number(right)
        case Arithmetic(_, left, Number()) | Arithmetic("*", Number(), left):
            return _of_number(left)
    return OWN
