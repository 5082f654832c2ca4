"""What the launcher's process keeps beside a pipeline: progress, workers, and the outcomes.

Beam pickles the functions of a pipeline, so none of these can be passed to them. They carry a key
instead. In the launcher's process the key finds what belongs to the run. In any other process it
finds nothing: items are done where they arrive, and the outcomes go to a file.
"""

import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ridealong.execution.processes.pool import ProcessDiedError, Workers
from ridealong.terminal.progress import Steps

_PROCESS = secrets.token_hex(8)  # distinguishes a run that ended here from a run of another process
_LOCK = threading.Lock()
_RUNNING: dict["Key", "Running"] = {}


@dataclass(frozen=True)
class Key:
    """Names one run of a pipeline; small, and pickled into every worker."""

    process: str = _PROCESS
    number: str = field(default_factory=lambda: secrets.token_hex(8))


class Running:
    """One run of a pipeline, in the process that launched it.

    Attributes:
        workers: They do the items in place of the pipeline's own threads; may be None.
        outcomes: What the last step delivered; None until then.
    """

    def __init__(self, steps: Steps | None, workers: Workers | None) -> None:
        self._steps, self._lock = steps, threading.Lock()
        self.workers = workers
        self.outcomes: Sequence[Any] | None = None

    def advance(self) -> None:
        """One more item is done."""
        if self._steps is not None:
            with self._lock:
                self._steps.advance()


@contextmanager
def running(steps: Steps | None, workers: Workers | None) -> Iterator[tuple[Key, Running]]:
    """Register a run until the block ends."""
    key, run = Key(), Running(steps, workers)
    with _LOCK:
        _RUNNING[key] = run
    try:
        yield key, run
    finally:
        with _LOCK:
            del _RUNNING[key]


def find_running(key: Key) -> Running | None:
    """The run, if this process launched it.

    Raises:
        ProcessDiedError: It was launched here and has ended. A runner's threads may continue for a
            while after Ctrl-C; their work is not needed any more.
    """
    with _LOCK:
        run = _RUNNING.get(key)
    if run is None and key.process == _PROCESS:
        raise ProcessDiedError("the run has ended")
    return run
