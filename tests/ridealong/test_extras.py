"""The base without extras: what it does, and what it says of an extra that is missing.

Each test runs twice: with the extras' packages hidden from this environment, and in an environment
that has the base alone, if there is one (``make base``).
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ridealong.errors import NotInstalledError
from ridealong.execution.failures import described, may_pass
from ridealong.extras import PACKAGES, missing_extra, require

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[2]
BASE_PYTHON = REPOSITORY / ".venv-base/bin/python"
MANIFEST = "shadow/networks/shipped/hydra-1.0/manifest.yaml"
BRAKE = """
name: brake
description: Brakes.
when: Vehicle.Acceleration.Longitudinal <= -3
pre: 2 s
post: 2 s
"""
# Python runs this module at its start; then what it hides is not found, as if not installed.
# (None in sys.modules would not do: scipy looks there for torch.)
HIDING = """
from importlib.machinery import PathFinder

find_spec = PathFinder.find_spec


def find_others(name, path=None, target=None):
    return None if name.partition(".")[0] in {names!r} else find_spec(name, path, target)


PathFinder.find_spec = staticmethod(find_others)
"""
# What comes with the extras' packages alone.
BROUGHT = ("pandas",)

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(params=["hidden", "base"])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Run the program where no extra is installed."""
    python, paths = sys.executable, [str(REPOSITORY)]
    if request.param == "hidden":
        names = [*BROUGHT, *(name for packages in PACKAGES.values() for name in packages)]
        (tmp_path / "hiding").mkdir()
        (tmp_path / "hiding/sitecustomize.py").write_text(HIDING.format(names=names))
        paths.insert(0, str(tmp_path / "hiding"))
    elif BASE_PYTHON.exists():
        python = str(BASE_PYTHON)
    else:
        pytest.skip("needs .venv-base: make base")

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python, "-m", "ridealong", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            timeout=120,
        )

    return run


def test_help_and_checks(base: Run) -> None:
    assert base("--help").returncode == 0
    done = base("triggers", "check", "examples/triggers")
    assert (done.returncode, done.stdout, done.stderr) == (0, "gentle_brake: ok\n", "")


def test_telemetry_becomes_clips(base: Run, tmp_path: Path) -> None:
    times = [1_700_000_000_000_000_000 + at * 100_000_000 for at in range(100)]
    braking = [-4.0 if 50 <= at < 60 else 0.0 for at in range(100)]
    columns = {"timestamp_ns": times, "Vehicle.Acceleration.Longitudinal": braking}
    (tmp_path / "logs").mkdir()
    pq.write_table(pa.table(columns), tmp_path / "logs/drive.parquet")
    (tmp_path / "brake.yaml").write_text(BRAKE)
    home = tmp_path / "home"
    done = base(
        *("ingest", tmp_path / "logs", "--triggers", tmp_path / "brake.yaml", "--home", home),
        "--json",
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["clips"] == 1
    (drive,) = json.loads(base("drives", "list", "--home", home, "--json").stdout)
    assert drive["telemetry_rows"] == 100
    assert base("clips", "verify", "--all", "--home", home).returncode == 0


def test_a_copied_home_is_reported(base: Run, fleet_home: Path, tmp_path: Path) -> None:
    home = shutil.copytree(fleet_home, tmp_path / "home")
    done = base("shadow", "report", "--home", home, "--json")
    assert done.returncode in (0, 1), done.stderr
    document = json.loads(done.stdout)
    assert document["cells"]
    out = tmp_path / "verdict.xml"
    done = base("report", "--home", home, "--format", "junit", "--out", out)
    assert (done.returncode, done.stderr) == (0, "") and out.exists()


@pytest.mark.parametrize(
    ("command", "extras"),
    [
        (["demo"], "networks,simulation,video"),
        (["dashboard"], "dashboard,video"),
        (["simulate", "examples/fleet.yaml", "--out", "fleet"], "simulation"),
        (["networks", "add", MANIFEST, "--home", "home"], "networks"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_a_missing_extra_is_one_line(
    base: Run, command: list[str], extras: str, tmp_path: Path
) -> None:
    command = [str(tmp_path / word) if word in ("home", "fleet") else word for word in command]
    done = base(*command)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ") and " needs the extra" in line
    assert line.endswith(f"with: pip install 'ridealong[{extras}]'")


def test_a_drive_that_needs_an_extra_has_failed_for_now(base: Run, tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = base("ingest", "examples/udacity_highway_video", "--home", home)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "pip install 'ridealong[video]'" in done.stderr + done.stdout
    assert json.loads(base("quarantine", "list", "--home", home, "--json").stdout) == []


def test_a_failed_import_is_explained() -> None:
    error = missing_extra(ModuleNotFoundError("No module named 'torch.nn'", name="torch.nn"))
    assert isinstance(error, NotInstalledError)
    line = "this needs the extra 'networks'; install it with: pip install 'ridealong[networks]'"
    assert str(error) == line
    failed = ModuleNotFoundError("No module named 'av'", name="av")
    assert may_pass(failed) and described(failed).endswith("'ridealong[video]'")


@pytest.mark.parametrize(
    "error", [ModuleNotFoundError("x", name="yaml"), ImportError("x"), ValueError("torch")]
)
def test_other_errors_are_not(error: Exception) -> None:
    assert missing_extra(error) is None


def test_what_is_installed_is_not_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    require("this", "video", "networks")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(NotInstalledError, match=r"^this needs the extra 'video'; install it"):
        require("this", "video", "networks")


def test_the_extras_are_those_of_the_project(repository: Path) -> None:
    import tomllib

    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    declared = project["optional-dependencies"]
    assert set(PACKAGES) == set(declared) - {"all", "dev"}
    assert declared["all"] == [f"ridealong[{','.join(PACKAGES)}]"]
