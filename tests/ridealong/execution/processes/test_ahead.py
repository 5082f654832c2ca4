"""Items that are started before they are asked for: in order, once each, and none after the end."""

import threading

import pytest

from ridealong.execution.processes.ahead import Ahead
from ridealong.execution.processes.pool import ProcessDiedError


def test_items_are_done_in_the_order_of_their_announcement_and_once() -> None:
    seen: list[int] = []

    def double(item: int) -> int:
        seen.append(item)
        return 2 * item

    ahead = Ahead(double, 1)
    ahead.start([3, 1, 2])
    assert [ahead.do(item) for item in (1, 2, 3, 3)] == [2, 4, 6, 6]
    ahead.start([2, 4])
    assert ahead.do(5) == 10  # nobody announced it
    assert seen == [3, 1, 2, 4, 5]
    ahead.close()


def test_an_error_belongs_to_its_item_alone() -> None:
    ahead = Ahead(lambda item: 1 // item, 2)
    ahead.start([0, 1])
    with pytest.raises(ZeroDivisionError):
        ahead.do(0)
    assert ahead.do(1) == 1
    ahead.close()


def test_nothing_is_started_after_the_end() -> None:
    running, go_on, seen = threading.Event(), threading.Event(), []

    def wait(item: int) -> int:
        seen.append(item)
        running.set()
        go_on.wait(60)
        return item

    ahead = Ahead(wait, 1)
    ahead.start([1, 2])
    assert running.wait(60)
    ahead.close()
    with pytest.raises(ProcessDiedError):
        ahead.do(2)  # it was announced, and is not begun any more
    with pytest.raises(ProcessDiedError):
        ahead.do(3)
    go_on.set()
    assert ahead.do(1) == 1 and seen == [1]
