"""Progress that workers report from inside a pipeline, where they share the launcher's process.

A pipeline's functions are pickled, so they carry only a key (the commit's id); whoever watches
that key in the same process hears of each step, elsewhere reporting does nothing.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Steps(Protocol):
    """Progress of one piece of long work."""

    def advance(self, count: int = 1) -> None:
        """That many more steps are done."""

    def at(self, done: int) -> None:
        """So many steps are done in all."""

    def expect(self, count: int) -> None:
        """That many more steps are to be done than was known."""


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
    """That many more steps of the work called ``key`` are to come."""
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
