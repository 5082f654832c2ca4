"""Quantities with units, as users write them: ``'10 km/h'``, ``'0.1 s'``, ``'3 m/s^2'``."""

import math
from functools import cache
from typing import TYPE_CHECKING, Any

from ingest.errors import RidealongError

if TYPE_CHECKING:
    import pint

NS_PER_S = 1_000_000_000


@cache
def registry() -> "pint.UnitRegistry[Any]":
    """The unit registry, with VSS's spellings added."""
    import pint  # here, since it takes 0.15 s to load and few commands read a unit

    units: pint.UnitRegistry[Any] = pint.UnitRegistry(cache_folder=None)
    units.define("@alias degree_Celsius = Celsius")
    return units


def parse_quantity(text: str) -> tuple[float, str]:
    """Split ``'10 km/h'`` into ``(10.0, 'km/h')``; a bare number has the unit ``''``.

    Raises:
        RidealongError: No number, or an unknown unit.
    """
    number, _, unit = text.strip().partition(" ")
    try:
        value = float(number)
    except ValueError:
        raise RidealongError(
            f"{text!r} is not a quantity", expected="a number, a space and a unit, like '10 km/h'"
        ) from None
    if not math.isfinite(value):
        raise RidealongError(f"{text!r} is not finite", expected="a number, like '10 km/h'")
    check_unit(unit.strip())
    return value, unit.strip()


def check_unit(unit: str) -> None:
    """Raise `RidealongError` unless ``unit`` is known (``''`` is dimensionless)."""
    try:
        registry().parse_units(unit)
    except Exception as error:  # pint raises its own, tokenize's and AttributeError
        raise RidealongError(
            f"unknown unit {unit!r}", expected="a unit like 'm/s^2', 'km/h', 's', 'degrees'"
        ) from error


def conversion(from_unit: str, to_unit: str) -> tuple[float, float]:
    """Factor and offset that turn a value in ``from_unit`` into one in ``to_unit``.

    Raises:
        RidealongError: The two measure different things.
    """
    units = registry()
    source, target = units.parse_units(from_unit), units.parse_units(to_unit)
    if source.dimensionality != target.dimensionality:
        raise RidealongError(
            f"{from_unit or 'a bare number'!r} cannot be turned into {to_unit or 'a bare number'!r}"
        )
    zero = units.Quantity(0.0, source).to(target).magnitude
    one = units.Quantity(1.0, source).to(target).magnitude
    return float(one - zero), float(zero)


def parse_duration_ns(text: str) -> int:
    """Read a duration such as ``'15 s'``, ``'100 ms'`` or ``'2 h'`` as whole nanoseconds.

    Raises:
        RidealongError: Not a duration, or a negative one.
    """
    value, unit = parse_quantity(text)
    if not unit:
        raise RidealongError(f"{text!r} has no unit", expected="a duration like '15 s'")
    try:
        factor, _ = conversion(unit, "s")
    except RidealongError:
        raise RidealongError(f"{text!r} is not a duration", expected="one like '15 s'") from None
    if value < 0:
        raise RidealongError(f"{text!r} is negative", expected="a duration like '15 s'")
    return round(value * factor * NS_PER_S)
