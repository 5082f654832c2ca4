"""The wheel holds all that the packages read, and runs outside the checkout."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
PACKAGES = ("ridealong", "ingest", "metrics", "shadow", "dashboard")
BESIDE = ("pyproject.toml", "README.md", "LICENSE")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the wheel is built from: building leaves files beside its sources."""
    folder = tmp_path_factory.mktemp("wheel") / "sources"
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", ".*")
        shutil.copytree(REPOSITORY / package, folder / package, ignore=ignored)
    for name in BESIDE:
        shutil.copy(REPOSITORY / name, folder)
    return folder


@pytest.fixture(scope="module")
def files(sources: Path) -> set[str]:
    """The files of the packages."""
    found = (path for package in PACKAGES for path in (sources / package).rglob("*"))
    return {str(path.relative_to(sources)) for path in found if path.is_file()}


@pytest.fixture(scope="module")
def installed(sources: Path, files: set[str]) -> Path:
    """A folder that has the wheel's contents, as an installation has them."""
    building = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    command = [sys.executable, "-m", "pip", *building, sources.parent, sources]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    (wheel,) = sources.parent.glob("*.whl")
    folder = sources.parent / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_the_wheel_has_the_files_of_the_packages_alone(installed: Path, files: set[str]) -> None:
    found = {str(path.relative_to(installed)) for path in installed.rglob("*") if path.is_file()}
    assert {name for name in found if ".dist-info/" not in name} == files
    assert {f"{package}/py.typed" for package in PACKAGES} < files


def test_the_demo_runs_outside_the_checkout(
    installed: Path, demo_home: Path, demo_fleet: Path, tmp_path: Path
) -> None:
    # The home has what the demo would do again, so it only finds its examples and the verdict.
    home = shutil.copytree(demo_home, tmp_path / "home")

    def run(*arguments: str | Path) -> str:
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(installed)},
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run("-c", "import shadow.demo; print(shadow.demo.FLEET)").startswith(str(installed))
    demo = ("-m", "ridealong", "demo", "--fleet", demo_fleet, "--home", home, "--json")
    document = json.loads(run(*demo))
    assert set(document["ingest"]) == {"simulation", "comma2k19", "video"}
    assert all(one["commit"] is None for one in document["ingest"].values())
