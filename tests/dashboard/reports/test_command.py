"""The command `report`: writes a file whatever the verdict, or says in a line why not."""

import json
from pathlib import Path
from typing import Any

import pytest

FORMATS = ("junit", "markdown", "html")


@pytest.mark.parametrize("kind", FORMATS)
def test_a_report_is_written_whatever_the_verdict(
    kind: str, fleet_home: Path, program: Any, tmp_path: Path
) -> None:
    out = tmp_path / "report"
    out.write_text("an older report")
    run = ("report", "latest", "--home", fleet_home, "--format", kind, "--out", out)
    done = program(*run, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document == {
        "run": document["run"],
        "verdict": "REGRESSED",
        "format": kind,
        "out": str(out),
        "bytes": out.stat().st_size,
    }
    first = out.read_bytes()
    assert program(*run).stdout.startswith(f"{out}: REGRESSED, ")
    assert out.read_bytes() == first and [*tmp_path.iterdir()] == [out]


@pytest.mark.parametrize(
    ("out", "line"),
    [
        ("", "is a folder; expected the name of the file to write"),
        ("no/report.xml", "does not exist; make the folder first"),
        ("file/report.xml", "is a file; make the folder first"),
    ],
)
def test_files_that_cannot_be_written(
    out: str, line: str, fleet_home: Path, program: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    arguments = ("report", "--home", fleet_home, "--format", "junit", "--out", tmp_path / out)
    done = program(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ") and done.stderr.endswith(f"{line}\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("html", "there is no such folder; expected a folder of images"),
        ("junit", "--images is for --format html alone"),
    ],
)
def test_images_that_cannot_be_shown(
    kind: str, line: str, fleet_home: Path, program: Any, tmp_path: Path
) -> None:
    words = ("report", "--home", fleet_home, "--format", kind, "--images", tmp_path / "no")
    done = program(*words, "--out", tmp_path / "r")
    assert done.returncode == 2 and done.stderr.endswith(f"{line}\n")
    assert [*tmp_path.iterdir()] == []


def test_a_folder_that_lets_nobody_write(fleet_home: Path, program: Any) -> None:
    out = Path("/proc/report.xml")  # also root cannot
    done = program("report", "--home", fleet_home, "--format", "junit", "--out", out)
    assert done.returncode == 2 and done.stderr.startswith(f"error: {out}: cannot be written: ")


def test_an_unknown_run(fleet_home: Path, program: Any, tmp_path: Path) -> None:
    out = tmp_path / "r.xml"
    done = program("report", "nix", "--home", fleet_home, "--format", "junit", "--out", out)
    assert done.returncode == 2 and "unknown run 'nix'" in done.stderr and not out.exists()
