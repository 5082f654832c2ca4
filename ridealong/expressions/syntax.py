"""Parses text to SQL's expression tree, by sqlglot, with the column of every part.

sqlglot's tree is not trusted: `language` converts the few kinds of nodes that it knows and refuses
the rest.
"""

from typing import Any, ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import ParseError, TokenError
from sqlglot.parsers.duckdb import DuckDBParser

from ridealong.errors import RidealongError

LONGEST_TEXT = 4000
DEEPEST_NESTING = 16  # sqlglot needs about twenty Python frames a level


class _Parser(DuckDBParser):
    """The parser without special functions."""

    FUNCTIONS: ClassVar[dict[str, Any]] = {}
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {}
    NO_PAREN_FUNCTIONS: ClassVar[dict[Any, Any]] = {}
    NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {}


class TriggerDialect(DuckDB):
    """DuckDB's grammar without its functions: every call is a name and its arguments."""

    Parser = _Parser


def parse_sql(text: str) -> exp.Expr:
    """The tree of exactly one expression.

    Raises:
        RidealongError: It is not one expression, or too long or nested too deep; the message names
            the column.
    """
    if len(text) > LONGEST_TEXT:
        raise RidealongError(
            f"{len(text)} characters are too many", expected=f"at most {LONGEST_TEXT}"
        )
    _check_nesting(text)
    try:
        trees = sqlglot.parse(text, dialect=TriggerDialect)
    except ParseError as error:
        raise _syntax_error(error, text) from error
    except TokenError as error:
        place = place_of(max(text.rfind("'"), 0), text)
        raise RidealongError(f"{place}: syntax error", expected="every quote closed") from error
    except RecursionError as error:
        raise RidealongError("nested too deep", hint="split it into simpler parts") from error
    except Exception as error:  # sqlglot raises others for some random texts
        raise RidealongError("syntax error") from error
    if not trees or trees[0] is None:
        raise RidealongError("column 1: the expression is empty", expected="an expression")
    if len(trees) > 1:
        raise RidealongError(f"{len(trees)} statements", expected="one expression")
    return trees[0]


def position(tree: exp.Expr, text: str) -> str:
    """Where a part begins: ``"column 12"``, or line and column if the text has several lines."""
    starts = [node.meta["start"] for node in tree.walk() if "start" in node.meta]
    parent = tree.parent
    if not starts and isinstance(parent, exp.Expr):
        return position(parent, text)
    return place_of(min(starts, default=0), text)


def place_of(offset: int, text: str) -> str:
    """An offset as a column, counted from 1, with its line if the text has several lines."""
    before = text[:offset]
    column = offset - (before.rfind("\n") + 1) + 1
    if "\n" not in text.strip():
        return f"column {column}"
    return f"line {before.count(chr(10)) + 1}, column {column}"


def _check_nesting(text: str) -> None:
    depth = 0
    for offset, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth > DEEPEST_NESTING:
            raise RidealongError(
                f"{place_of(offset, text)}: nested too deep",
                expected=f"at most {DEEPEST_NESTING} levels of brackets",
            )


def _syntax_error(error: ParseError, text: str) -> RidealongError:
    first = error.errors[0] if error.errors else {}
    near = str(first.get("highlight") or "")
    column = int(first.get("col") or 1) - max(len(near) - 1, 0)
    line = int(first.get("line") or 1)
    place = f"line {line}, column {column}" if "\n" in text.strip() else f"column {column}"
    what = f"syntax error at {near!r}" if near else "syntax error"
    description = str(first.get("description", ""))
    expected = "')'" if description == "Expecting )" else None
    if description.startswith("Required keyword"):
        expected = "a value beside it"
    return RidealongError(f"{place}: {what}", expected=expected)
