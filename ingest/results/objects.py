"""Fields of many JSON objects as columns, with their types checked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from ridealong.arrays import Bools, Floats
from ridealong.errors import RidealongError

Identity = int | str
NUMBERS = {int, float}
SHOWN = 60  # characters of a value in a message


@dataclass(frozen=True)
class Objects:
    """A batch of objects of a file.

    Attributes:
        path: The file, for messages.
        rows: The objects.
        name: What to call the object at an index, such as ``annotation 7``.
    """

    path: Path
    rows: Sequence[Any]
    name: Callable[[int], str]

    def __post_init__(self) -> None:
        for at, row in enumerate(self.rows):
            if type(row) is not dict:
                raise self.fault(at, f"is {shown(row)}", "an object")

    def column(self, key: str) -> list[Any]:
        """The values of a field; None where it is absent or null."""
        return [row.get(key) for row in self.rows]

    def fault(self, at: int, what: str, expected: str, hint: str | None = None) -> RidealongError:
        """The error about an object of the batch."""
        name = self.name(at)
        return RidealongError(f"{name} {what}", where=self.path, expected=expected, hint=hint)

    def identities(self, key: str) -> list[Identity]:
        """Numbers or texts that identify something; all must be there.

        Raises:
            RidealongError: One is missing, or is something else.
        """
        return [
            self._identity(at, key, value, "a whole number or text")
            for at, value in enumerate(self.column(key))
        ]

    def optional_identities(self, *keys: str) -> list[Identity | None]:
        """The first of several fields that is there, as an identity; None without any.

        Raises:
            RidealongError: It is something else.
        """
        columns = [self.column(key) for key in keys]
        if all(value is None for column in columns for value in column):
            return [None] * len(self.rows)
        return [
            next(
                (
                    self._identity(at, key, value, "a whole number or text")
                    for key, value in zip(keys, values, strict=True)
                    if value is not None
                ),
                None,
            )
            for at, values in enumerate(zip(*columns, strict=True))
        ]

    def _identity(self, at: int, key: str, value: Any, expected: str) -> Identity:
        if type(value) is int or type(value) is str:
            return value
        if type(value) is float and value.is_integer():
            return int(value)
        raise self._wrong(at, key, value, expected)

    def texts(self, key: str) -> list[str]:
        """Texts; all must be there.

        Raises:
            RidealongError: One is missing, or is something else.
        """
        values = self.column(key)
        for at, value in enumerate(values):
            if type(value) is not str:
                raise self._wrong(at, key, value, "text")
        return values

    def flags(self, key: str) -> Bools:
        """``(N,)`` true or false, or 1 or 0; false where absent.

        Raises:
            RidealongError: One is something else.
        """
        values = self.column(key)
        for at, value in enumerate(values):
            if not (value is None or value in (0, 1)):
                raise self._wrong(at, key, value, "0 or 1")
        return np.array([bool(value) for value in values], np.bool_)

    def numbers(self, key: str) -> Floats:
        """``(N,)`` finite numbers; NaN where absent.

        Raises:
            RidealongError: One is something else, or is not finite.
        """
        values = self.column(key)
        kinds = {*map(type, values)}
        if not kinds <= NUMBERS | {type(None)}:
            wrong = (i for i, one in enumerate(values) if one is not None)
            at = next(i for i in wrong if type(values[i]) not in NUMBERS)
            raise self._wrong(at, key, values[at], "a number")
        numbers = floats([np.nan if value is None else value for value in values])
        for at in np.flatnonzero(~np.isfinite(numbers)).tolist():
            if values[at] is not None:
                raise self._wrong(at, key, values[at], "a finite number")
        return numbers

    def quadruples(self, key: str) -> Floats:
        """``(N, 4)`` finite numbers; all must be there.

        Raises:
            RidealongError: One is missing, has another length, or is not finite.
        """
        values, expected = self.column(key), "a list of four finite numbers"
        for at, value in enumerate(values):
            if type(value) is not list or len(value) != 4:
                raise self._wrong(at, key, value, expected)
        flat = list(chain.from_iterable(values))
        if not {*map(type, flat)} <= NUMBERS:
            at = next(i for i, one in enumerate(flat) if type(one) not in NUMBERS) // 4
            raise self._wrong(at, key, values[at], expected)
        numbers = floats(flat).reshape(-1, 4)
        for at in np.flatnonzero(~np.isfinite(numbers).all(axis=1)).tolist():
            raise self._wrong(at, key, values[at], expected)
        return numbers

    def _wrong(self, at: int, key: str, value: Any, expected: str) -> RidealongError:
        what = f"has no {key!r}" if value is None else f"has the {key} {shown(value)}"
        return self.fault(at, what, expected)


def floats(values: Sequence[int | float]) -> Floats:
    """Numbers as an array; one that is too large for a float is infinite."""
    try:
        return np.array(values, np.float64)
    except OverflowError:
        return np.array([_float(value) for value in values], np.float64)


def _float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return np.inf


def shown(value: Any) -> str:
    """A value in a message, shortened."""
    text = str(value) if not isinstance(value, str) else repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
