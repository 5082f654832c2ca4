"""Many processes at one lake: the same input counts once, and a reader never sees a torn state."""

import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ingest.schemas import TELEMETRY
from ridealong.lake import Lake

pytestmark = pytest.mark.slow

PROCESSES = 6
# The processes need about a second to start; then they all begin at once.
HEAD_START_S = 4.0


def test_six_processes_racing_the_same_input_commit_it_once(
    lake: Lake, start: Any, finish: Any, whole: Any
) -> None:
    at = time.time() + HEAD_START_S
    processes = [start(lake.home, "--start", at, "put", "same") for _ in range(PROCESSES)]
    assert sorted(finish(processes)) == [0] + [3] * (PROCESSES - 1)
    assert whole(lake.snapshot()) == {"same"}
    lake.vacuum(0)
    assert (lake.check().errors, lake.check().remarks) == ((), ())


def test_six_processes_making_the_home_and_committing_their_own(
    home: Path, start: Any, finish: Any, whole: Any
) -> None:
    at = time.time() + HEAD_START_S
    names = [f"p{index}" for index in range(PROCESSES)]
    assert finish([start(home, "--start", at, "put", name) for name in names]) == [0] * PROCESSES
    lake = Lake.open(home)
    assert whole(lake.snapshot()) == set(names)
    assert lake.snapshot().commits()["number"].to_pylist() == list(range(1, PROCESSES + 1))
    assert (lake.check().errors, lake.check().remarks) == ((), ())


@pytest.mark.slow
def test_deletes_and_compactions_racing_each_other_lose_nothing(
    lake: Lake, driver: ModuleType, start: Any, finish: Any, whole: Any
) -> None:
    for name in "abcdef":
        driver.put(lake, name)
    at = time.time() + HEAD_START_S
    actions = [("erase", "a"), ("erase", "b"), ("compact",), ("compact",), ("put", "g")]
    actions.append(("vacuum", "3600"))
    assert finish([start(lake.home, "--start", at, *action) for action in actions]) == [0] * 6
    assert whole(lake.snapshot()) == set("cdefg")
    lake.vacuum(0)
    assert (lake.check().errors, lake.check().remarks) == ((), ())


@pytest.mark.slow
def test_readers_under_commits_compaction_delete_and_vacuum(
    lake: Lake, driver: ModuleType, start: Any, finish: Any, whole: Any
) -> None:
    driver.put(lake, "first")
    kept = lake.snapshot()
    writer = start(lake.home, "churn", 9)
    seen: list[set[str]] = []
    while writer.poll() is None:
        seen.append(whole(lake.snapshot()))
        assert whole(kept) == {"first"}
    assert finish([writer]) == [0]
    assert whole(lake.snapshot()) == {"first"} | {f"churn-{i}" for i in (0, 1, 2, 3, 5, 6, 7, 8)}
    assert len({frozenset(names) for names in seen}) > 3  # it did look while things happened
    assert lake.snapshot().read(TELEMETRY).num_rows == 9 * driver.ROWS
