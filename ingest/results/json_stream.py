"""The parts of a large JSON file, one after the other.

A file of results can have gigabytes, and Python's objects take about ten times the space of their
text. So a window of text moves over the file, and only a batch of elements, or one member of an
object, exists at a time.
"""

import io
import json
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from json import JSONDecodeError
from pathlib import Path
from typing import Any, TextIO

from ridealong.errors import RidealongError
from ridealong.limits import refused
from ridealong.regular_files import require_regular

CHUNK = 1 << 20  # characters that are read at once
CHUNK_OF_MEMBERS = 1 << 22  # the same where each value may be long
BATCH = 1 << 13  # elements that are given at once
# A text that is cut off ends in an error this near to its end, or in an unterminated string.
NEAR = 16

_BLANK = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


def lists_in(path: Path, keys: Collection[str]) -> Iterator[tuple[str | None, list[Any]]]:
    """The elements of lists in a file, in batches of `BATCH` or about `CHUNK` characters at most.

    A list gives at least one batch, which is empty if the list is.

    Args:
        path: A JSON file, in UTF-8, UTF-16 or UTF-32.
        keys: If the file holds an object: which of its members are wanted. If it holds a list, that
            is given under the key None.

    Raises:
        RidealongError: It is not a JSON file, is cut off, has a key twice, or a wanted member is
            not a list.
    """
    with _opened(path, "a JSON file", CHUNK) as window:
        first = window.next()
        if first == "[":
            yield from ((None, batch) for batch in window.batches())
        elif first == "{":
            yield from _lists(window, keys)
        else:
            raise window.unexpected("a list or an object")
        window.end()


def members_in(path: Path, key: str, expected: str) -> Iterator[tuple[str, Any]]:
    """The members of the object that the outermost object has under a key.

    A name may come several times. The other keys are skipped.

    Args:
        path: A JSON file, in UTF-8, UTF-16 or UTF-32.
        key: The key.
        expected: What the file should be, for messages.

    Raises:
        RidealongError: It cannot be read, is not a JSON file, is cut off, or has no such object.
    """
    found = False
    with _opened(path, expected, CHUNK_OF_MEMBERS) as window:
        for name in window.names(expected):
            if name != key:
                window.value()
                continue
            found = True
            for member in window.names(expected):
                yield member.encode(errors="replace").decode(), window.value()
        window.end()
    if not found:
        raise RidealongError(f"has no {key!r}", where=path, expected=expected)


def beginning(path: Path, characters: int = 1 << 16) -> str:
    """The first characters of a text file; an empty text if it is none or cannot be read."""
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as content:
            head = content.read(4 * characters)
        return head.decode(json.detect_encoding(head[:4]), "ignore")[:characters]
    except (OSError, UnicodeDecodeError):
        return ""


def _lists(window: "_Window", keys: Collection[str]) -> Iterator[tuple[str, list[Any]]]:
    """The wanted lists of the object that starts here."""
    seen = set()
    for key in window.names("an object"):
        if key in keys and key in seen:
            raise RidealongError(f"has {key!r} twice", where=window.path)
        seen.add(key)
        if window.next() == "[":
            yield from ((key, batch) for batch in window.batches() if key in keys)
        else:
            value = window.value()
            if key in keys:
                what = f"{key!r} is {_kind(value)}"
                raise RidealongError(what, where=window.path, expected="a list")


@contextmanager
def _opened(path: Path, expected: str, chunk: int) -> Iterator["_Window"]:
    try:
        if path.is_dir():
            raise RidealongError("is a folder", where=path, expected=expected)
        require_regular(path)
        with path.open("rb") as content:
            encoding = json.detect_encoding(content.read(4))
            content.seek(0)
            with io.TextIOWrapper(content, encoding, newline="") as text:
                yield _Window(path, text, chunk)
    except OSError as error:
        what = error.strerror or str(error)
        raise refused(error, path) or RidealongError(what, where=path, expected=expected) from error


class _Window:
    """A moving piece of a text, and the place in it up to which it was read."""

    def __init__(self, path: Path, text: TextIO, chunk: int) -> None:
        self.path = path
        self._text = text
        self._chunk = chunk
        self._window = ""
        self._at = 0
        self._before = 0  # characters before the window
        self._whole = False  # whether the window has the end of the text
        self._begun = False  # whether there was anything but blanks

    def next(self) -> str:
        """The next character that is not blank, without taking it; an empty text at the end."""
        while True:
            match = _BLANK.match(self._window, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._window):
                self._begun = True
                return self._window[self._at]
            if self._whole:
                return ""
            self._more()

    def value(self) -> Any:
        """The value that starts here."""
        self.next()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._window, self._at)
            except JSONDecodeError as error:
                cut_off = error.msg.startswith("Unterminated string")
                self._need_more(error.msg, len(self._window) if cut_off else error.pos)
            except RecursionError as error:
                raise RidealongError("is nested too deeply", where=self.path) from error
            except ValueError as error:  # a number of thousands of digits
                raise self._fault(str(error), self._at) from error
            else:
                # A number near the end of the window may go on, as in 1.5|e+3 and 1.5e+|3.
                if end < len(self._window) - 2 or self._whole:
                    self._at = end
                    return value
                self._more()

    def names(self, expected: str) -> Iterator[str]:
        """The names in the object that starts here; the caller takes the value after each."""
        if self.next() != "{":
            raise self.unexpected(expected)
        self._at += 1
        ended = self.next() == "}"
        while not ended:
            name = self.value()
            if not isinstance(name, str):
                raise self._fault("a key is not text", self._at)
            self._pass(":")
            yield name
            ended = self.next() == "}"
            if not ended:
                self._pass(",")
        self._at += 1

    def batches(self) -> Iterator[list[Any]]:
        """The elements of the list that starts here."""
        self._at += 1
        batch: list[Any] = []
        begun = self._before + self._at
        ended = self.next() == "]"
        while not ended:
            many = None if batch else self._objects()
            batch += many or [self.value()]
            ended = self.next() == "]"
            if not ended:
                self._pass(",")
                self.next()
            long = self._before + self._at - begun >= self._chunk
            if not ended and (many or long or len(batch) == BATCH):
                yield batch
                batch, begun = [], self._before + self._at
        self._at += 1
        yield batch

    def end(self) -> None:
        """Nothing may follow."""
        if self.next():
            raise self._fault("there is more after its end", self._at)

    def unexpected(self, expected: str) -> RidealongError:
        """The error that something else than expected starts here, or nothing at all."""
        if self.next():
            kind = _kind(self.value())
            return RidealongError(f"holds {kind}", where=self.path, expected=expected)
        what = "is cut off" if self._begun else "is empty"
        return RidealongError(what, where=self.path, expected=expected)

    def _objects(self) -> list[Any] | None:
        """The objects of a list up to the last one that ends in the window, parsed at once.

        That is twice as fast as one by one. Where they have parts that are objects, or text with
        braces, the last end may not be one of the list's own; then parsing fails, as there are too
        few closing marks.
        """
        if len(self._window) - self._at < self._chunk // 2 and not self._whole:
            self._more()
        end = self._window.rfind("},", self._at) + 1
        if not end:
            return None
        try:
            found: list[Any] = json.loads(f"[{self._window[self._at : end]}]")
        except (ValueError, RecursionError):
            return None  # a real fault is found, and located, one by one
        self._at = end
        return found

    def _pass(self, mark: str) -> None:
        if self.next() != mark:
            raise self._fault(f"{mark!r} is missing", self._at)
        self._at += 1

    def _need_more(self, fault: str, at: int) -> None:
        """Read on if the text may merely be cut off here."""
        if self._whole or at < len(self._window) - NEAR:
            raise self._fault(fault, at)
        self._more()

    def _more(self) -> None:
        rest = self._window[self._at :]
        # An element that does not fit is read again from its start: so the window doubles.
        try:
            new = self._text.read(max(self._chunk, len(rest)))
        except UnicodeError as error:
            raise RidealongError(
                "is not text", where=self.path, expected="JSON in UTF-8"
            ) from error
        self._before += self._at
        self._window, self._at = rest + new, 0
        self._whole = not new

    def _fault(self, what: str, at: int) -> RidealongError:
        place = self._before + at
        cut_off = self._whole and at >= len(self._window)
        what = "is cut off" if cut_off else f"is not valid JSON: {what} (character {place})"
        return RidealongError(what, where=self.path)


def _kind(value: Any) -> str:
    kinds = {bool: "true or false", str: "a text", dict: "an object", list: "a list"}
    if value is None:
        return "null"
    return kinds.get(type(value), "a number")
