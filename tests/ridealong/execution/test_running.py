"""A run of a pipeline is found by its key, in the launcher's process, until it ends."""

import pickle
from dataclasses import replace

import pytest

from ridealong.execution.processes.pool import ProcessDiedError
from ridealong.execution.running import find_running, running


class Count:
    done = 0

    def advance(self, count: int = 1) -> None:
        self.done += count

    def at(self, done: int) -> None:
        self.done = done

    def expect(self, count: int) -> None:
        raise AssertionError


def test_a_run_is_found_by_its_key_until_it_ends() -> None:
    steps, workers = Count(), object()
    with running(steps, workers) as (key, run), running(None, None) as (another, _):
        copy = pickle.loads(pickle.dumps(key))
        assert find_running(copy) is run and find_running(another) is not run
        assert run.workers is workers and run.outcomes is None
        run.advance()
    assert steps.done == 1
    with pytest.raises(ProcessDiedError, match="the run has ended"):
        find_running(copy)


def test_a_run_of_another_process_is_not_found() -> None:
    with running(None, None) as (key, _):
        assert find_running(replace(key, process="another")) is None
