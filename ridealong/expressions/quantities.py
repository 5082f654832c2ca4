"""Units in expressions: quantities in quotes, durations, and the units of results."""

import math

from ridealong.errors import RidealongError
from ridealong.units import (
    DURATION_EXAMPLE,
    conversion,
    parse_duration_ns,
    parse_quantity,
    registry,
)

LONGEST_DURATION_NS = 366 * 86_400 * 1_000_000_000


def quantity_in(text: str, unit: str) -> float:
    """The quantity ``text`` as a number of ``unit``.

    Raises:
        RidealongError: It is not a quantity, or its unit does not fit.
    """
    value, own = parse_quantity(text)
    factor, offset = factor_and_offset(own, unit, text)
    return value * factor + offset


def factor_and_offset(source: str, target: str, what: str) -> tuple[float, float]:
    """Factor and offset that convert ``source`` to ``target``; ``what`` is named in errors.

    Raises:
        RidealongError: The two units measure different quantities.
    """
    try:
        factor, offset = conversion(source, target)
    except Exception as error:  # pint raises its own errors for logarithmic and offset units
        raise RidealongError(
            f"{what!r} is not in a unit like {target!r}" if target else f"{what!r} has a unit",
            expected=f"a quantity in {target!r}" if target else "a bare number",
        ) from error
    if not (math.isfinite(factor) and math.isfinite(offset)):
        raise RidealongError(f"cannot convert {what!r} to {target!r}")
    return factor, offset


def duration_ns(text: str) -> int:
    """Parse a duration of at most a year, to nanoseconds.

    Raises:
        RidealongError: It is not a duration, or it is longer.
    """
    length = parse_duration_ns(text)
    if length > LONGEST_DURATION_NS:
        raise RidealongError(f"{text!r} is more than a year", expected=DURATION_EXAMPLE)
    return length


def difference_unit(unit: str | None) -> str | None:
    """The unit of a difference of two values; for temperatures, one without an offset."""
    if unit and "celsius" in unit.lower():
        return "delta_degree_Celsius"
    return unit


def combined_unit(operator: str, left: str | None, right: str | None) -> str | None:
    """The unit of a product (``*``) or quotient (``/``); None is a bare number.

    Raises:
        RidealongError: Pint cannot combine them, for example temperatures.
    """
    if not left and not right:
        return left if left == right else ""
    if not right:
        return left
    if not left and operator == "*":
        return right
    units = registry()
    try:
        one, two = units.parse_units(left or ""), units.parse_units(right)
        combined = one * two if operator == "*" else one / two
        conversion(str(combined), str(combined))
    except Exception as error:
        raise RidealongError(f"{left!r} {operator} {right!r} has no meaning") from error
    return str(combined)
