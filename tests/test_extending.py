"""``docs/extending.md``: its package is installed as the page says, and everything on it runs."""

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.data.page_package import FILE, blocks, install_package

pytestmark = pytest.mark.slow


REPOSITORY = Path(__file__).parents[1]
PAGE = (REPOSITORY / "docs" / "extending.md").read_text("utf-8")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder on which ``PYTHONPATH`` makes the page's package an installed one."""
    install_package(PAGE, tmp_path)
    return tmp_path


def write_trips(folder: Path, count: int) -> None:
    """Ten seconds at five rows a second: a cone comes into sight, passes by, and is gone."""
    folder.mkdir()
    for number in range(count):
        rows = ["seconds,mph,cone_x"]
        for step in range(50):
            cone = 20 + 2 * step + number if 10 <= step < 40 else ""
            rows.append(f"{step / 5},{20 + step},{cone}")
        (folder / f"trip{number}.csv").write_text("\n".join(rows) + "\n")


def test_a_source_without_a_lake(package: Path) -> None:
    (program,) = (text for text in blocks(PAGE, "python") if not FILE.match(text))
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=package,
        env={"PYTHONPATH": f"{package}:{REPOSITORY}"},
        timeout=120,
    )
    assert done.stdout == blocks(PAGE, "text")[0]


@pytest.mark.slow
def test_the_three_run_to_a_verdict(package: Path, program_process: Any) -> None:
    write_trips(package / "trips", 10)
    path, home = f"{package}:{REPOSITORY}", str(package / "home")
    environment = {"PYTHONPATH": path, "RIDEALONG_HOME": home}

    def ask(line: str) -> Any:
        words = [str(package / w) if (package / w).exists() else w for w in shlex.split(line)[2:]]
        done = program_process(*words, "--json", **environment)
        assert done.returncode == (1 if words[1] == "report" else 0), done.stderr
        return json.loads(done.stdout)

    session, _ = blocks(PAGE, "console")
    ingested, first, second, run = (ask(line) for line in session.splitlines())
    assert (ingested["drives"], ingested["events"], ingested["clips"]) == (10, 10, 10)
    assert (first["network"], second["network"]) == ("orange-1", "orange-2")
    assert (run["clips"], run["clips_left_out"], run["verdict"]) == (10, [], "REGRESSED")
    (drive, *_) = ask("$ ridealong drives list")
    assert (drive["source"], drive["cameras"], drive["labelled"]) == ("csv", ["main"], True)
    report = ask("$ ridealong shadow report latest")
    (cell,) = (c for c in report["cells"] if c["required"])
    assert (cell["prediction"], cell["metric"]) == ("cones/cone@main", "found")
    assert (cell["deployed"], cell["candidate"]) == (1.0, 0.0)


def write_counts(path: Path, missed_at_night: int) -> None:
    """Two cones in each of 10 frames of 20 drives, of which half are at night."""
    rows = ["drive,frame,light,cones"]
    for drive in range(20):
        light = "night" if drive % 2 else "day"
        cones = 2 - missed_at_night * (drive % 2)
        rows += [f"drive{drive},{frame},{light},{cones}" for frame in range(10)]
    path.write_text("\n".join(rows) + "\n")


@pytest.mark.slow
def test_a_format_and_an_evaluation_run_to_a_verdict(package: Path, program_process: Any) -> None:
    for name, missed in (("truth.csv", 0), ("one.csv", 0), ("two.csv", 1)):
        write_counts(package / name, missed)
    path, home = f"{package}:{REPOSITORY}", str(package / "home")
    _, session = blocks(PAGE, "console")
    words = [str(package / w) if (package / w).exists() else w for w in shlex.split(session)[2:]]
    done = program_process(*words, "--json", PYTHONPATH=path, RIDEALONG_HOME=home)
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert (found["verdict"], found["drives"], found["slices"]) == ("REGRESSED", 20, ["light"])
    assert found["metrics"] == {"deployed": {"MAE": 0.0}, "candidate": {"MAE": 0.5}}
    (required,) = (cell for cell in found["cells"] if cell["required"])
    assert (required["prediction"], required["delta"]) == ("counts/cone", -0.5)
    assert required["because_of"] == "light=night"
