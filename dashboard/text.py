"""How pages write what they were told: names without markup, numbers no finer than is known."""

import math
import re

MISSING = "–"
_FINEST, _COARSEST, _USUAL = 4, 2, 3  # decimals
_LEAST_P = 1e-4


def plain(text: str) -> str:
    """Text in which Markdown finds nothing to mark up, so that it shows as it stands."""
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~$:&@/])", r"\\\1", " ".join(text.split()))


def decimals(low: float | None, high: float | None) -> int:
    """Decimals that a value in this interval deserves: down to its half width's first digit."""
    if low is None or high is None:
        return _USUAL
    half = (high - low) / 2
    if not half > 0:
        return _FINEST
    return min(max(math.ceil(-math.log10(half)), _COARSEST), _FINEST)


def number(value: float | None, places: int = _USUAL, sign: bool = False) -> str:
    """A number with so many decimals, and with ``sign`` a plus where it has no minus."""
    return MISSING if value is None else f"{value:{'+' if sign else ''}.{places}f}"


def interval(low: float | None, high: float | None) -> str:
    """Both ends of an interval, no finer than it is wide."""
    if low is None or high is None:
        return MISSING
    places = decimals(low, high)
    return f"{number(low, places, sign=True)} to {number(high, places, sign=True)}"


def probability(value: float | None) -> str:
    """A p-value to two digits; what is smaller than anybody can tell is said to be just that."""
    if value is None:
        return MISSING
    return f"{value:.2g}" if value >= _LEAST_P else f"< {_LEAST_P:g}"
