"""Progress that workers report from inside a pipeline, where they share the launcher's process.

A pipeline's functions are pickled, so they carry only a key (the commit's id). Code that watches
this key in the same process gets each step. In other processes, reporting does nothing.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Steps(Protocol):
    """Progress of one piece of long work."""

    def advance(self, count: int = 1) -> None:
        """This many more steps are done."""

    def at(self, done: int) -> None:
        """This many steps are done in total."""

    def expect(self, count: int) -> None:
        """This many more steps are expected."""


_LOCK = threading.Lock()
_WATCHED: dict[str, Steps] = {}


@contextmanager
def watching(key: str, steps: Steps) -> Iterator[None]:
    """Send the steps reported under ``key`` to ``steps``."""
    with _LOCK:
        _WATCHED[key] = steps
    try:
        yield
    finally:
        with _LOCK:
            del _WATCHED[key]


def expect(key: str, count: int) -> None:
    """This many more steps of the work called ``key`` are expected."""
    with _LOCK:
        steps = _WATCHED.get(key)
        if steps:
            steps.expect(count)


def report(key: str) -> None:
    """One more step of the work called ``key`` is done."""
    with _LOCK:
        steps = _WATCHED.get(key)
        if steps:
            steps.advance()
