"""Commands killed between and inside their steps: nothing half-done, and a re-run completes it."""

import shutil
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ridealong.lake import Lake

pytestmark = pytest.mark.slow

STRIDE = 12  # 1 tries every step, and takes ten minutes
# What the process is killed in, and what the lake holds before it, and after it was run again.
COMMANDS = {
    "create": ((), "create", set(), set()),
    "put": (("a",), "put b", {"a"}, {"a", "b"}),
    "first put": ((), "put b", set(), {"b"}),
    "erase": (("a", "b"), "erase b", {"a", "b"}, {"a"}),
    "compact": (("a", "b", "c"), "compact", {"a", "b", "c"}, {"a", "b", "c"}),
    "vacuum": (("a", "b"), "vacuum 0", {"a"}, {"a"}),
}


def prepare(home: Path, driver: ModuleType, name: str) -> None:
    """The home as it is before the command; for a vacuum, with something to sweep."""
    if name == "create":
        return
    lake = Lake.create(home)
    for drive in COMMANDS[name][0]:
        driver.put(lake, drive)
    if name == "vacuum":
        lake.compact()
        lake.erase_vehicle("vehicle-b")


@pytest.mark.parametrize("name", COMMANDS)
def test_killed_between_steps(
    name: str, tmp_path: Path, driver: ModuleType, start: Any, finish: Any, whole: Any
) -> None:
    prepare(tmp_path / "before", driver, name)

    def trial(step: int) -> bool:
        home = tmp_path / str(step) / "home"
        home.parent.mkdir()
        if name != "create":
            shutil.copytree(tmp_path / "before", home)
        code = finish([start(home, "--die", step, *COMMANDS[name][1].split())])[0]
        assert code in (0, -signal.SIGKILL)
        aftermath(home, name, driver, start, finish, whole)
        shutil.rmtree(home)
        return code == 0

    assert steps_until(trial, 2 if name == "create" else STRIDE) > 3


def steps_until(trial: Callable[[int], bool], stride: int) -> int:
    """Kill ever later, two at a time, until the command gets through; how many steps it has."""
    with ThreadPoolExecutor(2) as pool:
        for step in range(1, 400, 2 * stride):
            if any(pool.map(trial, (step, step + stride))):
                return step
    raise AssertionError("the command never ended")


@pytest.mark.parametrize(
    ("name", "step", "milliseconds"),
    [
        ("put", "create_write_transaction", 0.5),
        ("put", "create_write_transaction", 2),
        ("put", "write_table", 1),
        ("put", "fsync", 0.2),
        ("first put", "create_table_with_add_actions", 1),
        ("first put", "create_table_with_add_actions", 3),
        ("erase", "create_write_transaction", 1),
        ("compact", "create_write_transaction", 2),
        ("vacuum", "create_checkpoint", 1),
        ("vacuum", "cleanup_metadata", 1),
        ("vacuum", "set_table_properties", 1),
    ],
)
def test_killed_inside_a_step(
    name: str,
    step: str,
    milliseconds: float,
    home: Path,
    driver: ModuleType,
    start: Any,
    finish: Any,
    whole: Any,
) -> None:
    prepare(home, driver, name)
    process = start(home, "--die-in", step, milliseconds / 1000, *COMMANDS[name][1].split())
    assert finish([process]) == [-signal.SIGALRM]
    aftermath(home, name, driver, start, finish, whole)


def aftermath(
    home: Path, name: str, driver: ModuleType, start: Any, finish: Any, whole: Any
) -> None:
    """A different command, a read, the same command again, a read; then vacuum leaves no trace."""
    _, command, before, after = COMMANDS[name]
    lake = Lake.create(home)
    driver.put(lake, "other")
    assert whole(lake.snapshot()) in (before | {"other"}, after | {"other"})
    assert lake.check().errors == ()
    again(lake, driver, command)
    assert whole(lake.snapshot()) == after | {"other"}
    lake.vacuum(0)
    report = lake.check()
    assert (report.errors, report.remarks) == ((), ())
    assert whole(lake.snapshot()) == after | {"other"}
    expected = sorted(f"home/{path}" for path in live_files(lake))
    assert sorted(path.relative_to(home.parent).as_posix() for path in all_files(home)) == expected


def again(lake: Lake, driver: ModuleType, command: str) -> None:
    try:
        driver.act(lake.home, *command.split()[:1], command.split()[1:])
    except driver.AlreadyCommittedError:
        assert command.startswith("put")


def live_files(lake: Lake) -> set[str]:
    snapshot = lake.snapshot()
    data = {path for table in snapshot.tables() for path in snapshot.files(table)}
    blobs = {str(lake.path(blob)) for blob in snapshot.read("clips")["blob"].to_pylist()}
    return {Path(path).relative_to(lake.home).as_posix() for path in data | blobs}


def all_files(home: Path) -> list[Path]:
    """Every file but the home's mark, the table of commits, and Delta's logs."""
    return [
        path
        for path in home.rglob("*")
        if path.is_file()
        and path.name != "home.json"
        and not path.relative_to(home).as_posix().startswith("commits/")
        and "_delta_log" not in path.parts
    ]
