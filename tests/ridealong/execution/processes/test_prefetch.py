"""Items that are started before they are asked for: in order, once each, and none after the end."""

import threading

import pytest

from ridealong.execution.processes.pool import ProcessDiedError
from ridealong.execution.processes.prefetch import Prefetcher


def test_items_are_done_in_the_order_of_their_announcement_and_once() -> None:
    seen: list[int] = []

    def double(item: int) -> int:
        seen.append(item)
        return 2 * item

    prefetcher = Prefetcher(double, 1)
    prefetcher.start([3, 1, 2])
    assert [prefetcher.do(item) for item in (1, 2, 3, 3)] == [2, 4, 6, 6]
    prefetcher.start([2, 4])
    assert prefetcher.do(5) == 10  # nobody announced it
    assert seen == [3, 1, 2, 4, 5]
    prefetcher.close()


def test_an_error_belongs_to_its_item_alone() -> None:
    prefetcher = Prefetcher(lambda item: 1 // item, 2)
    prefetcher.start([0, 1])
    with pytest.raises(ZeroDivisionError):
        prefetcher.do(0)
    assert prefetcher.do(1) == 1
    prefetcher.close()


def test_nothing_is_started_after_the_end() -> None:
    running, go_on, seen = threading.Event(), threading.Event(), []

    def wait(item: int) -> int:
        seen.append(item)
        running.set()
        go_on.wait(60)
        return item

    prefetcher = Prefetcher(wait, 1)
    prefetcher.start([1, 2])
    assert running.wait(60)
    prefetcher.close()
    with pytest.raises(ProcessDiedError):
        prefetcher.do(2)  # it was announced, and is not begun any more
    with pytest.raises(ProcessDiedError):
        prefetcher.do(3)
    go_on.set()
    assert prefetcher.do(1) == 1 and seen == [1]
