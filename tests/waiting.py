"""Waiting for what happens in other processes and threads: never for a fixed time."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def until(condition: Callable[[], Found], seconds: float = 60.0) -> Found:
    """Ask again and again until the answer is true, and return it.

    Raises:
        AssertionError: It never was, in all this time.
    """
    ends = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < ends, f"not within {seconds:g} s"
        time.sleep(0.02)
    return found
