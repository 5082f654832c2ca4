"""Text on pages: names without markup, numbers, instants, and missing values."""

import re
from collections.abc import Mapping
from typing import Any

from ridealong.terminal.readable import decimals_known, instant, rounded
from ridealong.units import NS_PER_S

MISSING = "–"
_USUAL = 3  # decimals if there is no interval
_LEAST_P = 1e-4


def plain(text: str) -> str:
    """The text with Markdown escaped, so that it is shown unchanged."""
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~$:&@/])", r"\\\1", " ".join(text.split()))


def number(value: float | None, places: int = _USUAL, sign: bool = False) -> str:
    """A number with ``decimals`` decimals; with ``sign`` also a plus."""
    return MISSING if value is None else rounded(value, places, sign)


def places(cell: Mapping[str, Any]) -> int:
    """The decimals to which a cell's values are known, as in the report."""
    names = ("low", "high", "deployed", "candidate", "delta")
    return decimals_known(*(cell.get(name) for name in names))


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


def when(time_ns: int, *, seconds: bool = False) -> str:
    """An instant in UTC, to the minute or to the second."""
    whole = instant(time_ns // NS_PER_S * NS_PER_S).replace("T", " ")
    return whole[: 19 if seconds else 16]
