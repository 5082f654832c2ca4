"""Members of one JSON object in a large file, one after the other.

A file of results is one object of several hundred megabytes. Parsed at once it would need ten times
its size, so a window of text moves over it, and one member at a time becomes Python objects.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from ridealong.errors import RidealongError

CHUNK = 2**22  # characters
# Where a value is cut by the end of the window, its parser stops near that end.
NEAR_END = 2**10
_BLANK = " \t\n\r"
_DECODER = json.JSONDecoder()


def members(path: Path, key: str, expected: str) -> Iterator[tuple[str, Any]]:
    """The members of the object that the outermost object has under a key.

    A name may come several times. The other keys are skipped.

    Args:
        path: The file.
        key: The key.
        expected: What the file should be, for messages.

    Raises:
        RidealongError: It cannot be read, is not JSON in UTF-8, or has no such object.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            yield from _members(_Window(file, path, expected), key)
    except UnicodeDecodeError as error:
        raise RidealongError("is not UTF-8 text", where=path, expected=expected) from error
    except OSError as error:
        raise RidealongError(error.strerror or str(error), where=path, expected=expected) from error


def _members(window: "_Window", key: str) -> Iterator[tuple[str, Any]]:
    found = False
    for name in window.names():
        if name != key:
            window.value()
            continue
        found = True
        for member in window.names():
            yield member, window.value()
    window.end()
    if not found:
        raise window.error(f"has no {key!r}")


class _Window:
    """A moving piece of a text."""

    def __init__(self, file: TextIO, path: Path, expected: str) -> None:
        self._file, self._path, self._expected = file, path, expected
        self._text, self._at, self._passed = "", 0, 0
        self._begun = False  # something was there

    def names(self) -> Iterator[str]:
        """The names in the object that begins here; the caller takes the value after each."""
        first = self._next()
        if first != "{":
            raise self._unexpected(first)
        self._at += 1
        if self._next() == "}":
            self._at += 1
            return
        while True:
            self._expect('"')
            name = self.value()
            self._expect(":")
            self._at += 1
            yield name.encode(errors="replace").decode()  # half a character is none
            after = self._expect(",}")
            self._at += 1
            if after == "}":
                return

    def value(self) -> Any:
        """The value that begins here."""
        self._next()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                ahead, unfinished = error.pos - self._at, "Unterminated" in error.msg
                if (unfinished or error.pos > len(self._text) - NEAR_END) and self._more():
                    continue
                self._at += ahead
                if unfinished or self._at >= len(self._text):
                    raise self.error("is cut short", at=True) from error
                raise self.error(f"is not JSON ({error.msg})", at=True) from error
            except RecursionError as error:
                raise self.error("is nested too deeply", at=True) from error
            except ValueError as error:  # more digits than Python turns into a number
                raise self.error("has a number with too many digits", at=True) from error
            # A number may go on beyond the window.
            if end < len(self._text) or not self._more():
                self._at = end
                return value

    def end(self) -> None:
        """Nothing may follow."""
        if self._next():
            raise self.error("has text after its end", at=True)

    def error(self, what: str, at: bool = False) -> RidealongError:
        """An error about the file, with the place in it if wanted."""
        place = f" at character {self._passed + self._at + 1}" if at else ""
        return RidealongError(f"{what}{place}", where=self._path, expected=self._expected)

    def _expect(self, characters: str) -> str:
        """The next character, which must be one of these."""
        first = self._next()
        if not first or first not in characters:
            raise self.error("is not JSON" if first else "is cut short", at=True)
        return first

    def _unexpected(self, first: str) -> RidealongError:
        kinds = {
            "": "is cut short" if self._begun else "is empty",
            "[": "holds a list",
        }
        return self.error(kinds.get(first, "is not a JSON object"))

    def _next(self) -> str:
        """The next character that is not blank, without taking it; empty at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _BLANK:
                self._at += 1
            if self._at < len(self._text):
                self._begun = True
                return self._text[self._at]
            if not self._more():
                return ""

    def _more(self) -> bool:
        """Read on; what was taken is forgotten. The window doubles where a value is long."""
        left = len(self._text) - self._at
        more = self._file.read(max(CHUNK, left))
        self._passed += self._at
        self._text, self._at = self._text[self._at :] + more, 0
        return bool(more)
