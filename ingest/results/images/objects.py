"""Fields of many JSON objects as columns, with their types checked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from ridealong.arrays import Bools, Floats
from ridealong.errors import RidealongError
from ridealong.specs import nearest

Identity = int | str
NUMBERS = {int, float}
IDENTITIES = {int, str}
LARGEST = 1e100  # an area or a distance of such numbers is still finite
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

    def take(self, which: Sequence[int]) -> "Objects":
        """Some of the objects."""
        rows = [self.rows[at] for at in which]
        return Objects(self.path, rows, lambda at: self.name(which[at]))

    def inner(self, key: str) -> "Objects":
        """The objects under a field; an empty one where it is absent.

        Raises:
            RidealongError: A value is something else.
        """
        rows = [{} if value is None else value for value in self.column(key)]
        return Objects(self.path, rows, lambda at: f"{key} of {self.name(at)}")

    def fault(self, at: int, what: str, expected: str, hint: str | None = None) -> RidealongError:
        """The error about an object of the batch."""
        name = self.name(at)
        return RidealongError(f"{name} {what}", where=self.path, expected=expected, hint=hint)

    def identities(self, key: str) -> list[Identity]:
        """Whole numbers or texts that identify something; all must be there.

        Raises:
            RidealongError: One is missing, or is something else.
        """
        values = self.column(key)
        if {*map(type, values)} <= IDENTITIES:
            return values
        return [self._identity(at, key, value) for at, value in enumerate(values)]

    def optional_identities(self, *keys: str) -> list[Identity | None]:
        """The first of several fields that is there, as an identity; None without any.

        Raises:
            RidealongError: It is something else.
        """
        found: list[Identity | None] = [None] * len(self.rows)
        for key in reversed(keys):
            values = self.column(key)
            if {*map(type, values)} != {type(None)}:
                for at, value in enumerate(values):
                    if value is not None:
                        found[at] = self._identity(at, key, value)
        return found

    def _identity(self, at: int, key: str, value: Any) -> Identity:
        if isinstance(value, int | str) and type(value) is not bool:
            return value
        if type(value) is float and value.is_integer():
            return int(value)
        raise self._wrong(at, key, value, "a whole number or text")

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

    def optional_texts(self, *keys: str) -> list[str | None]:
        """The first of several fields that is there, as text; None without any.

        Raises:
            RidealongError: It is something else.
        """
        return [None if value is None else str(value) for value in self.optional_identities(*keys)]

    def drive(self, at: int, key: str | None) -> str | None:
        """The drive of one frame by the field that names it; None if no field is asked for.

        Raises:
            RidealongError: Neither the object nor its ``attributes`` have the field.
        """
        if key is None:
            return None
        row = self.rows[at]
        nested = row.get("attributes")
        fields = {**nested, **row} if isinstance(nested, dict) else row
        value = fields.get(key)
        if isinstance(value, bool | int | float | str):
            return str(value)
        hint = nearest(key, list(fields))
        raise self.fault(at, f"has no field {key!r}", "the name of its drive", hint)

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
        for at in np.flatnonzero(~_usable(numbers)).tolist():
            if values[at] is not None:
                raise self._wrong(at, key, values[at], f"a finite number up to {LARGEST:g}")
        return numbers

    def all_numbers(self, key: str) -> Floats:
        """``(N,)`` finite numbers; all must be there.

        Raises:
            RidealongError: One is missing, is something else, or is not finite.
        """
        numbers = self.numbers(key)
        for at in np.flatnonzero(np.isnan(numbers)).tolist():
            raise self._wrong(at, key, None, "a finite number")
        return numbers

    def first_numbers(self, *keys: str) -> Floats:
        """``(N,)`` the first of several fields that is there; NaN without any.

        Raises:
            RidealongError: It is something else, or is not finite.
        """
        found = np.full(len(self.rows), np.nan)
        for key in reversed(keys):
            numbers = self.numbers(key)
            found = np.where(np.isnan(numbers), found, numbers)
        return found

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
        for at in np.flatnonzero(~_usable(numbers).all(axis=1)).tolist():
            raise self._wrong(at, key, values[at], f"{expected} up to {LARGEST:g}")
        return numbers

    def _wrong(self, at: int, key: str, value: Any, expected: str) -> RidealongError:
        what = f"has no {key!r}" if value is None else f"has the {key} {shown(value)}"
        return self.fault(at, what, expected)


def numbered(noun: str, first: int) -> Callable[[int], str]:
    """Names of objects: a noun and the place in the file, from 0."""
    return lambda at: f"{noun} {first + at}"


def floats(values: Sequence[int | float]) -> Floats:
    """Numbers as an array; one that is too large for a float is infinite."""
    try:
        return np.array(values, np.float64)
    except OverflowError:
        return np.array([_float(value) for value in values], np.float64)


def _usable(numbers: Floats) -> Bools:
    return np.asarray(np.abs(numbers) <= LARGEST)  # false for NaN


def _float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return np.inf


def shown(value: Any) -> str:
    """A value in a message, shortened."""
    text = str(value) if not isinstance(value, str) else repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
