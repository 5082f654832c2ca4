"""Processes that do items: what they answer, how they end, and that nobody outlives the owner."""

import os
import signal
import threading
import time
from contextlib import closing
from functools import partial
from operator import methodcaller
from typing import Any

import pytest

from ridealong.execution.processes.pool import ProcessDiedError, Processes


def test_items_are_done_by_processes_that_come_with_the_first_and_go_at_the_end(
    serving: Any,
) -> None:
    with closing(Processes(partial(methodcaller, "upper"), 2)) as processes:
        assert serving(os.getpid()) == []
        assert [processes.do(word) for word in ("one", "two", "three")] == ["ONE", "TWO", "THREE"]
        assert len(serving(os.getpid())) == 2
    assert serving(os.getpid()) == []
    with pytest.raises(ProcessDiedError, match="the process has ended"):
        processes.do("four")  # a thread that comes late


def test_many_threads_may_wait_for_few_processes(serving: Any) -> None:
    done: list[str] = []
    with closing(Processes(partial(methodcaller, "upper"), 1)) as processes:
        threads = [
            threading.Thread(target=lambda n=n: done.append(processes.do(f"item {n}")))
            for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(serving(os.getpid())) == 1
    assert sorted(done) == [f"ITEM {n}" for n in range(8)]


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        (partial(partial, signal.raise_signal), r"the process that did it died \(SIGKILL\)"),
        (partial(partial, os._exit), "the process that did it ended with 9"),
    ],
)
def test_a_process_that_dies_is_told_and_another_takes_its_place(
    serving: Any, ending: partial[partial[None]], said: str
) -> None:
    processes = Processes(ending, 1)
    for _ in range(2):  # the second item finds a new process
        with pytest.raises(ProcessDiedError, match=said):
            processes.do(9)
    processes.close()
    assert serving(os.getpid()) == []


def test_closing_ends_a_process_in_the_midst_of_an_item_and_starts_no_other(serving: Any) -> None:
    processes = Processes(partial(partial, time.sleep), 1)
    said: list[BaseException] = []

    def wait() -> None:
        try:
            processes.do(600)
        except ProcessDiedError as error:
            said.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    end = time.monotonic() + 60
    while not serving(os.getpid()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)
    processes.close()
    thread.join(timeout=30)
    assert len(said) == 1
    with pytest.raises(ProcessDiedError, match="the process has ended"):
        processes.do(600)
    assert serving(os.getpid()) == []
