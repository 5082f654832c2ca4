"""Many processes at one lake: the same input counts once, and a reader never sees a torn state."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ingest.schemas import TELEMETRY
from ridealong.lake import Lake

pytestmark = pytest.mark.slow

PROCESSES = 6


@pytest.fixture
def race(tmp_path: Path, start: Any, finish: Any) -> Callable[..., list[int]]:
    """Start a process for each action; all begin at once. Gives their exit codes."""
    line = tmp_path / "line"
    line.mkdir()

    def run(home: Path, actions: Sequence[tuple[str, ...]]) -> list[int]:
        processes = [start(home, "--race", line, *action) for action in actions]
        while len([*line.glob("*.ready")]) < len(processes):
            assert all(process.poll() is None for process in processes)
            time.sleep(0.01)
        (line / "go").touch()
        return finish(processes)

    return run


def test_six_processes_racing_the_same_input_commit_it_once(
    lake: Lake, race: Any, whole: Any
) -> None:
    codes = race(lake.home, [("put", "same")] * PROCESSES)
    assert sorted(codes) == [0] + [3] * (PROCESSES - 1)
    assert whole(lake.snapshot()) == {"same"}
    lake.vacuum(0)
    assert (lake.check().errors, lake.check().remarks) == ((), ())


def test_six_processes_making_the_home_and_committing_their_own(
    home: Path, race: Any, whole: Any
) -> None:
    names = [f"p{index}" for index in range(PROCESSES)]
    assert race(home, [("put", name) for name in names]) == [0] * PROCESSES
    lake = Lake.open(home)
    assert whole(lake.snapshot()) == set(names)
    assert lake.snapshot().commits()["number"].to_pylist() == list(range(1, PROCESSES + 1))
    assert (lake.check().errors, lake.check().remarks) == ((), ())


@pytest.mark.slow
def test_deletes_and_compactions_racing_each_other_lose_nothing(
    lake: Lake, driver: ModuleType, race: Any, whole: Any
) -> None:
    for name in "abcdef":
        driver.put(lake, name)
    actions = [("erase", "a"), ("erase", "b"), ("compact",), ("compact",), ("put", "g")]
    actions.append(("vacuum", "3600"))
    assert race(lake.home, actions) == [0] * 6
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
    assert len({frozenset(names) for names in seen}) > 1  # it did look while things happened
    assert lake.snapshot().read(TELEMETRY).num_rows == 9 * driver.ROWS
