"""How pages write what they were told: names without markup, numbers, and what is missing."""

import re

from ridealong.terminal.readable import rounded

MISSING = "–"
_USUAL = 3  # decimals, where no interval says what is known
_LEAST_P = 1e-4


def plain(text: str) -> str:
    """Text in which Markdown finds nothing to mark up, so that it shows as it stands."""
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~$:&@/])", r"\\\1", " ".join(text.split()))


def number(value: float | None, places: int = _USUAL, sign: bool = False) -> str:
    """A number with so many decimals, and with ``sign`` a plus where it has no minus."""
    return MISSING if value is None else rounded(value, places, sign)


def interval(low: float | None, high: float | None, places: int = _USUAL) -> str:
    """Both ends of an interval, with so many decimals."""
    if low is None or high is None:
        return MISSING
    return f"{number(low, places, sign=True)} to {number(high, places, sign=True)}"


def probability(value: float | None) -> str:
    """A p-value to two digits; what is smaller than anybody can tell is said to be just that."""
    if value is None:
        return MISSING
    return f"{value:.2g}" if value >= _LEAST_P else f"< {_LEAST_P:g}"
