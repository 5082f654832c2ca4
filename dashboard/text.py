"""Text on pages: names without markup, numbers, and missing values."""

import re

from ridealong.terminal.readable import rounded

MISSING = "–"
_USUAL = 3  # decimals if there is no interval
_LEAST_P = 1e-4


def plain(text: str) -> str:
    """The text with Markdown escaped, so that it is shown unchanged."""
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~$:&@/])", r"\\\1", " ".join(text.split()))


def number(value: float | None, places: int = _USUAL, sign: bool = False) -> str:
    """A number with ``decimals`` decimals; with ``sign`` also a plus."""
    return MISSING if value is None else rounded(value, places, sign)


def interval(low: float | None, high: float | None, places: int = _USUAL) -> str:
    """Both ends of an interval, with ``decimals`` decimals."""
    if low is None or high is None:
        return MISSING
    return f"{number(low, places, sign=True)} to {number(high, places, sign=True)}"


def probability(value: float | None) -> str:
    """A p-value to two digits; a tiny one as an upper bound."""
    if value is None:
        return MISSING
    return f"{value:.2g}" if value >= _LEAST_P else f"< {_LEAST_P:g}"
