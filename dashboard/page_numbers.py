"""The number of a page of a table in an address."""

from collections.abc import Sequence

LONGEST = 6  # digits


def page_in(asked: Sequence[str]) -> int:
    """The number, from 1, that the parameter's first value is; 1 if it is none."""
    text = next(iter(asked), "")
    is_number = text.isdecimal() and text.isascii() and len(text) <= LONGEST
    return max(int(text), 1) if is_number else 1
