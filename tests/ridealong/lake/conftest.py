"""What the lake's tests share: the driver, in this process and as its own, and what must hold."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import pytest

from ingest.schemas import CLIPS, DRIVES, TELEMETRY
from ridealong.lake import Lake, Snapshot

DRIVER = Path(__file__).parent / "driver.py"
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="session")
def driver() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lake_driver", DRIVER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def lake(home: Path) -> Lake:
    return Lake.create(home)


@pytest.fixture(scope="session")
def start(driver: ModuleType) -> Start:
    """Start the driver as a process of its own."""

    def run(home: Path, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, str(DRIVER), str(home), *map(str, arguments)]
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=_environment())

    return run


def _environment() -> dict[str, str]:
    root = str(DRIVER.parents[3])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


@pytest.fixture(scope="session")
def whole(driver: ModuleType) -> Callable[[Snapshot], set[str]]:
    """Assert that every drive is there with all that belongs to it; give the drives' names."""

    def check(snapshot: Snapshot) -> set[str]:
        drives = snapshot.read(DRIVES)["drive_id"].to_pylist()
        assert len(drives) == len(set(drives))
        telemetry = snapshot.read(TELEMETRY, ["drive_id"])["drive_id"].to_pylist()
        assert sorted(telemetry) == sorted(drives * driver.ROWS)
        clips = snapshot.read(CLIPS)
        assert sorted(clips["drive_id"].to_pylist()) == sorted(drives)
        for drive, blob in zip(
            clips["drive_id"].to_pylist(), clips["blob"].to_pylist(), strict=True
        ):
            name = drive.removeprefix("drive-")
            assert (snapshot.home / blob).read_text() == f"the clip of vehicle-{name}"
        return {drive.removeprefix("drive-") for drive in drives}

    return check


@pytest.fixture(scope="session")
def finish() -> Callable[[Sequence[subprocess.Popen[str]]], list[int]]:
    """Wait for processes; their exit codes."""

    def wait(processes: Sequence[subprocess.Popen[str]]) -> list[int]:
        codes = []
        for process in processes:
            _, errors = process.communicate(timeout=60)
            assert "Traceback" not in errors and "panicked" not in errors, errors
            print(errors, file=sys.stderr)  # shown where a code is not the one that was expected
            codes.append(process.returncode)
        return codes

    return wait
