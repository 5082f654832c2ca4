"""Made-up drives that brake, for triggers over a lake."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.data.braking_drives import BRAKE, FAST, make_braking


@pytest.fixture(scope="session")
def braking(made_once: Callable[..., Path]) -> Path:
    """The braking drives, and a home with them; no trigger ever fired. Tests only read it."""
    return made_once("braking", make_braking)


@pytest.fixture
def braking_logs(braking: Path) -> Path:
    """The folder of the braking drives; tests only read it."""
    return braking / "logs"


@pytest.fixture
def braking_home(braking: Path, home: Path) -> Path:
    """A home of one's own with the braking drives."""
    shutil.copytree(braking / "home", home)
    return home


@pytest.fixture
def brake() -> str:
    """The text of a trigger with everything that suppresses events."""
    return BRAKE


@pytest.fixture
def fast() -> str:
    """The text of another trigger, whose windows overlap those of `brake`."""
    return FAST


@pytest.fixture
def trigger_file(tmp_path: Path) -> Callable[[str], Path]:
    """Write a trigger's text to a file."""

    def write(text: str) -> Path:
        path = tmp_path / f"{text.split()[1]}.yaml"
        path.write_text(text)
        return path

    return write
