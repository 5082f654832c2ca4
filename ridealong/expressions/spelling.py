"""Spellings of other languages in an expression, and what to write instead."""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ridealong.errors import RidealongError
from ridealong.expressions.syntax import place_of
from ridealong.units import check_unit

LONGEST_SHOWN = 200  # characters of a corrected text in a message

_OPERATORS = {
    "&&": "and",
    "&": "and",
    "||": "or",
    "|": "or",
    "=>": ">=",
    "=<": "<=",
    "===": "=",
    "≥": ">=",
    "≤": "<=",
    "≠": "<>",
}
_USUAL_UNITS = ("km/h", "m/s", "m/s^2", "s", "ms", "min", "h", "degrees", "degrees/s", "percent")
_KEYWORDS = "and|or|not|in|is|between|null|true|false"
_WORD = r"(?:%|[A-Za-z\u00b5\u03bc°]+)(?:\^-?[1-9]|[²³])?"
_TOKENS = re.compile(
    rf"""
    (?P<text>'(?:[^']|'')*(?:'|$))
    | (?P<odd_quotes>[‘’][^‘’]*[‘’]|[“”][^“”]*[“”]|"\s*[-+]?[0-9.][^"]*"|"[A-Z0-9_]+")
    | (?P<name>[A-Za-z_"][\w."]*)
    | (?>(?P<number>[0-9][0-9.]*(?:[eE][-+]?[0-9]+)?))\s*
      (?!(?:{_KEYWORDS})\b)(?P<unit>{_WORD}(?:[/*·]{_WORD})*)(?!\w)
    | (?P<operator>&&?|\|\|?|===|=>|=<|≥|≤|≠)
    """,
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True)
class Respelled:
    """A part of a text with a foreign spelling: what is wrong, and what to write instead."""

    start: int
    end: int
    why: str
    instead: str


def explained(text: str, error: RidealongError) -> RidealongError:
    """The error for a refused text; if a foreign spelling is to blame, an error that explains it.

    It gives the correct spelling of the part, and the whole text with all parts corrected.
    """
    parts = list(_foreign(text))
    if not parts:
        return error
    whole = " ".join(_corrected(text, parts).split())
    first = parts[0]
    shown = f", as in: {whole}" if len(whole) <= LONGEST_SHOWN else ""
    what = f"{place_of(first.start, text)}: {first.why}"
    return RidealongError(what, hint=f"write {first.instead}{shown}")


def _foreign(text: str) -> Iterator[Respelled]:
    for token in _TOKENS.finditer(text):
        start, end, found = *token.span(), token.group()
        if token["operator"]:
            why = f"{found!r} is not part of the language"
            yield Respelled(start, end, why, _OPERATORS[found])
        elif token["odd_quotes"]:
            yield Respelled(start, end, f"{found} has the wrong quotes", f"'{found[1:-1]}'")
        elif token["number"] and (unit := _unit(token["unit"])):
            why = f"the quantity {found} has no quotes"
            yield Respelled(start, end, why, f"'{token['number']} {unit}'")


def _unit(text: str) -> str | None:
    """The unit that is meant; None if it is not a unit."""
    try:
        check_unit(text)
    except RidealongError:
        return next(iter(difflib.get_close_matches(text, _USUAL_UNITS, n=1, cutoff=0.7)), None)
    return text


def _corrected(text: str, parts: list[Respelled]) -> str:
    out, end = [], 0
    for part in parts:
        apart = "" if part.instead.startswith("'") else " "
        out += [text[end : part.start], apart, part.instead, apart]
        end = part.end
    return "".join([*out, text[end:]])
