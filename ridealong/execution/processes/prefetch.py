"""Starts items before a pipeline requests them.

Work is committed in batches, one pipeline per batch. If workers waited for the next pipeline
whenever one ends, some cores would be idle at the end of every batch. So the next items are
announced in advance, and the workers continue with them.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from threading import Lock
from typing import Generic, TypeVar

from ridealong.execution.processes.pool import ProcessDiedError

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")


class Prefetcher(Generic[Job, Outcome]):
    """Does items in the order in which they are announced, several at once, each item once.

    Args:
        do: Does one item; it is called in ``count`` threads.
        count: How many items are done at once.
    """

    def __init__(self, do: Callable[[Job], Outcome], count: int) -> None:
        self._do = do
        self._threads = ThreadPoolExecutor(count)
        self._started: dict[Job, Future[Outcome]] = {}
        self._lock = Lock()

    def start(self, items: Iterable[Job]) -> None:
        """Announce items, in order; items that were announced before keep their place.

        Raises:
            ProcessDiedError: The prefetcher is closed.
        """
        with self._lock:
            for item in items:
                if item not in self._started:
                    self._started[item] = self._submit(item)

    def do(self, item: Job) -> Outcome:
        """Wait for the outcome of an item; it starts now if it was not announced.

        Raises:
            ProcessDiedError: Its worker died, or the prefetcher was closed meanwhile.
        """
        self.start([item])
        try:
            return self._started[item].result()
        except CancelledError as error:
            raise ProcessDiedError("the run has ended") from error

    def close(self, wait: bool = False) -> None:
        """Start nothing any more.

        Args:
            wait: Wait for the items in progress.
        """
        self._threads.shutdown(wait=wait, cancel_futures=True)

    def _submit(self, item: Job) -> Future[Outcome]:
        try:
            return self._threads.submit(self._do, item)
        except RuntimeError as error:  # closed: a runner's threads may come late
            raise ProcessDiedError("the run has ended") from error
