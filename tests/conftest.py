"""Shared by all tests: where the repository and the outside data are, and a fresh home."""

import os
from pathlib import Path

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
