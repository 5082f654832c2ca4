"""Quantities with units, as users write them: ``'10 km/h'``, ``'100ms'``, ``'3 m/s^2'``."""

import math
import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from ridealong.errors import RidealongError

if TYPE_CHECKING:
    import pint

NS_PER_S = 1_000_000_000
LONGEST_NS = 2**63 - 1  # the most that a column of nanoseconds can hold: 292 years
DURATION_EXAMPLE = "a duration like '15 s'"
QUANTITY_EXAMPLE = "a number and a unit, like '10 km/h'"

# Only single-digit powers are allowed: Pint would try to compute '10^10^10'.
_FACTOR = r"[A-Za-z\u00b5\u03bc°_%]{1,24}(\^-?[1-9]|[²³])?"
_UNIT = re.compile(rf"{_FACTOR}([ */·]{{1,3}}{_FACTOR}){{0,5}}")
_QUANTITY = re.compile(
    r"\s*(?P<number>[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?)\s*(?P<unit>\S.*?)?\s*",
    re.DOTALL,
)


@cache
def registry() -> "pint.UnitRegistry[Any]":
    """The unit registry, with VSS's spellings added."""
    import pint  # here, because it takes 0.15 s to load and few commands read a unit

    units: pint.UnitRegistry[Any] = pint.UnitRegistry(cache_folder=None)
    units.define("@alias degree_Celsius = Celsius")
    return units


def parse_quantity(text: str) -> tuple[float, str]:
    """Split ``'10 km/h'`` or ``'10km/h'`` into ``(10.0, 'km/h')``; the unit may be ``''``.

    Raises:
        RidealongError: No finite number, or an unknown unit.
    """
    shown = _shown(text)
    parts = _QUANTITY.fullmatch(text) if len(text) <= 1000 else None
    if parts is None:
        raise RidealongError(f"{shown} is not a quantity", expected=QUANTITY_EXAMPLE)
    value, unit = float(parts["number"]), parts["unit"] or ""
    if not math.isfinite(value):
        raise RidealongError(f"{shown} is not finite", expected=QUANTITY_EXAMPLE)
    if unit and not _UNIT.fullmatch(unit):
        raise RidealongError(f"{shown} is not a quantity", expected=QUANTITY_EXAMPLE)
    check_unit(unit)
    return value, unit


@lru_cache(maxsize=1024)
def check_unit(unit: str) -> None:
    """Raise `RidealongError` unless ``unit`` is known (``''`` is dimensionless)."""
    try:
        registry().parse_units(unit)
    except Exception as error:  # pint raises its own errors, tokenize's and AttributeError
        raise RidealongError(
            f"unknown unit {unit!r}", expected="a unit like 'm/s^2', 'km/h', 's', 'degrees'"
        ) from error


def conversion(from_unit: str, to_unit: str) -> tuple[float, float]:
    """Factor and offset that turn a value in ``from_unit`` into one in ``to_unit``.

    Raises:
        RidealongError: The two units measure different quantities.
    """
    units = registry()
    source, target = units.parse_units(from_unit), units.parse_units(to_unit)
    if source.dimensionality != target.dimensionality:
        raise RidealongError(
            f"cannot convert {from_unit or 'a bare number'!r} to {to_unit or 'a bare number'!r}"
        )
    zero = units.Quantity(0.0, source).to(target).magnitude
    one = units.Quantity(1.0, source).to(target).magnitude
    return float(one - zero), float(zero)


@lru_cache(maxsize=4096)
def parse_duration_ns(text: str) -> int:
    """Parse a duration such as ``'15 s'``, ``'100ms'`` or ``'2h'`` to whole nanoseconds.

    Raises:
        RidealongError: It is not a duration, or it is negative or longer than `LONGEST_NS`.
    """
    value, unit = _parts_of_duration(text)
    try:
        factor, _ = conversion(unit, "s")
    except Exception as error:  # pint raises its own errors for logarithmic units
        hint = f"a minute is 'min': write '{value:g} min'" if unit == "m" else None
        raise RidealongError(
            f"{text!r} is not a duration", expected="one like '15 s'", hint=hint
        ) from error
    if value < 0:
        raise RidealongError(f"{text!r} is negative", expected=DURATION_EXAMPLE)
    length = value * factor * NS_PER_S
    if not length < LONGEST_NS:
        raise RidealongError(f"{text!r} is too long", expected="at most 292 years")
    return round(length)


def _parts_of_duration(text: str) -> tuple[float, str]:
    try:
        value, unit = parse_quantity(text)
    except RidealongError as error:
        raise RidealongError(
            f"{_shown(text)} is not a duration", expected="one like '15 s'"
        ) from error
    if not unit:
        raise RidealongError(f"{_shown(text)} has no unit", expected=DURATION_EXAMPLE)
    return value, unit


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:39]}…")
