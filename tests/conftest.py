"""Shared by all tests: where the repository and the outside data are, and a fresh home."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out tests on data that may not be redistributed, unless its folder is named."""
    if os.environ.get("RIDEALONG_TEST_DATA"):
        return
    reason = "needs RIDEALONG_TEST_DATA (data that may not be redistributed): make test-real"
    for item in items:
        if "real" in item.keywords:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def repository() -> Path:
    """The root of the repository."""
    return REPOSITORY


@pytest.fixture
def examples() -> Path:
    """The real drive and the real video that ship with the repository."""
    return REPOSITORY / "examples"


@pytest.fixture
def test_data() -> Path:
    """The folder of outside data; a test that asks for it fails where it is absent."""
    folder = Path(os.environ["RIDEALONG_TEST_DATA"])
    assert folder.is_dir(), f"RIDEALONG_TEST_DATA={folder} is no folder"
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder for a lake that does not exist yet."""
    return tmp_path / "home"


def run_program(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The program as users start it, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "ridealong", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        timeout=280,
    )


Program = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def program() -> Program:
    """`run_program`."""
    return run_program


@pytest.fixture
def ask() -> Callable[[Sequence[str | Path]], Any]:
    """Run a command that must succeed with ``--json``, and give its one document."""

    def run(*arguments: str | Path) -> Any:
        done = run_program(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the demo was run; tests only read it."""
    home = tmp_path_factory.mktemp("demo") / "home"
    done = run_program("demo", "--home", home)
    assert done.returncode == 0, done.stderr
    return home
