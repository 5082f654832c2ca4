"""What a user sees: lists and reports fit the terminal, errors are one line, values complete."""

import json
import os
import pty
import re
import struct
import subprocess
import sys
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ
from typing import Any

import pyarrow as pa
import pytest
from rich.cells import cell_len

from ingest.schemas import CLIPS, DRIVES, EVENTS
from ridealong import cli
from ridealong.lake import Lake, write_data_file
from ridealong.terminal.console import Console
from ridealong.terminal.tables import Column, Section
from shadow.commands.report import cell_columns, print_report
from shadow.report import cell_texts, direction_sentence

LISTS = (
    ("drives", "list"),
    ("events", "list"),
    ("clips", "list"),
    ("triggers", "list"),
    ("networks", "list"),
    ("shadow", "report"),
)
WIDTHS = (40, 60, 80, 100, 120, 200)
REPR = re.compile(r"\b(None|True|False|nan|inf)\b|[{}]|\b\d{12,}\b")
LONG_DRIVE = "b0c9d2329ad1606b_2018-08-02--08-34-47--40-f8c17464"


@pytest.fixture(scope="module")
def homes(fleet_home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A fleet's home; one of a drive with a name of 100 characters and one in Japanese; none."""
    empty, odd = (tmp_path_factory.mktemp(name) / "home" for name in ("empty", "odd"))
    Lake.create(empty)
    _odd_home(odd)
    return {"fleet": fleet_home, "odd": odd, "empty": empty}


def _odd_home(home: Path) -> None:
    lake = Lake.create(home)
    commit_id = lake.new_commit_id()
    files = []
    for spec in (DRIVES, EVENTS, CLIPS):
        rows = [_odd_row(spec.schema, name) for name in ("d" * 100, "車両" * 12, LONG_DRIVE)]
        table = pa.Table.from_pylist(rows, schema=spec.schema)
        files.append(write_data_file(lake.home, commit_id, spec, table))
    lake.commit(commit_id, "test", [file for file in files if file])


def _odd_row(schema: Any, drive: str) -> dict[str, object]:
    known: dict[str, object] = {"drive_id": drive, "trigger": "車線変更" * 4, "clip_id": drive[:16]}
    known |= {"kept": True, "margin": 1e-7, "start_s": 1e5, "end_s": 1e5 + 20, "bytes": 10**13}
    known |= {"cameras": ["main", "left_repeater", "right_repeater"], "time_s": 12.0}
    return {name: known.get(name) for name in schema.names}


def checked(text: str, width: int) -> None:
    for line in text.splitlines():
        assert cell_len(line) <= width, (width, line)
    assert "…" not in text and "..." not in text
    assert not REPR.search(text), REPR.search(text)


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_lists_fit_whatever_columns_says(
    words: tuple[str, ...], homes: dict[str, Path], program: Any
) -> None:
    for name, home in homes.items():
        if words == ("shadow", "report") and name != "fleet":
            continue
        at = () if words == ("triggers", "list") else ("--home", home)
        for width in WIDTHS:
            done = program(*words, *at, COLUMNS=str(width))
            assert done.returncode in (0, 1), done.stderr
            checked(done.stdout, width)


@pytest.mark.parametrize("width", [40, 80])
def test_a_terminal_is_as_good_as_columns(
    width: int, homes: dict[str, Path], program: Any, repository: Path
) -> None:
    words = ("shadow", "report", "--home", str(homes["fleet"]))
    found = on_terminal([sys.executable, "-m", "ridealong", *words], width, repository)
    assert found == program(*words, COLUMNS=str(width)).stdout
    checked(found, width)


def on_terminal(command: list[str], width: int, folder: Path) -> str:
    """What a command prints on a terminal of that width."""
    ours, theirs = pty.openpty()
    ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    environment = {k: v for k, v in os.environ.items() if k != "COLUMNS"}
    with subprocess.Popen(command, stdout=theirs, cwd=folder, env=environment) as process:
        os.close(theirs)
        chunks = []
        while chunk := _read(ours):
            chunks.append(chunk)
        process.wait()
    os.close(ours)
    return b"".join(chunks).decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end was closed
        return b""


def test_a_cell_of_the_report_stands_on_one_line(homes: dict[str, Path], program: Any) -> None:
    at = ("--home", homes["fleet"])
    told = program("shadow", "report", *at, COLUMNS="80").stdout
    document = json.loads(program("shadow", "report", "--json", *at).stdout)
    required = [cell for cell in document["cells"] if cell["required"] and cell["clips"]]
    assert required
    for cell in required:
        parts = (cell["prediction"], cell["slice"], cell["verdict"])
        row = re.compile(r"\s.*\s".join(map(re.escape, parts)))
        assert sum(bool(row.search(line)) for line in told.splitlines()) >= 1, parts
    assert "(left out:" in told and "--wide" in told


def test_a_long_name_in_one_group_leaves_no_column_out_of_another(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = [Column("prediction", 0), Column("verdict", 0), Column("delta", 1)]
    groups = [Section([["x" * 30, "PASS", 0.1]], "watched:"), Section([["y", "PASS", 0.1]])]
    monkeypatch.setenv("COLUMNS", "42")
    Console().sections(columns, groups)
    long, short = capsys.readouterr().out.split("\n\n")
    assert "left out: delta" in long and short.split()[:3] == ["prediction", "verdict", "delta"]
    monkeypatch.delenv("COLUMNS")
    Console().sections(columns, groups)
    assert capsys.readouterr().out.count("prediction") == 1


def test_a_pipe_without_columns_and_wide_show_everything(
    homes: dict[str, Path], program: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    for words in LISTS:
        at = () if words == ("triggers", "list") else ("--home", homes["fleet"])
        piped = program(*words, *at).stdout
        assert "left out" not in piped
        assert program(*words, *at, "--wide", COLUMNS="80").stdout == piped
    drives = program("drives", "list", "--home", homes["odd"]).stdout
    for name in ("d" * 100, "車両" * 12, LONG_DRIVE):
        assert any(line.startswith(name) for line in drives.splitlines())


def test_widths_that_are_none_are_ignored(homes: dict[str, Path], program: Any) -> None:
    piped = program("drives", "list", "--home", homes["fleet"], COLUMNS="").stdout
    for given in ("0", "-3", "wide", "²"):
        told = program("drives", "list", "--home", homes["fleet"], COLUMNS=given).stdout
        assert told == piped


def test_a_prediction_of_100_characters(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = {"prediction": "objects/" + "very_" * 18 + "long@x", "metric": "f1", "slice": "all"}
    cell |= {"deployed": 0.5, "candidate": 0.25, "delta": -0.25, "low": -0.3, "high": -0.2}
    cell |= {"clusters": 12, "verdict": "REGRESSED", "required": True, "level": 0.95}
    document = {"run": "r" * 24, "deployed": "a-1", "candidate": "a-2", "cells": [cell]}
    document |= {"verdict": "REGRESSED", "reason": "one cell", "summary": {"by_cause": {}}}
    document |= {"name": None, "note": None, "baseline": None, "not_shared": None}
    document |= {"clips_of_calibration": 0, "imported_labels": {}}
    for width in WIDTHS:
        monkeypatch.setenv("COLUMNS", str(width))
        print_report(Console(), document)
        told = capsys.readouterr().out
        checked(told, width)
        assert str(cell["prediction"]) in told.replace("\n", "")


def test_the_numbers_of_a_cell_have_the_digits_of_its_interval() -> None:
    cell = {"prediction": "bev/vehicle", "metric": "iou", "slice": "light=night"}
    cell |= {"deployed": 0.24338, "candidate": 0.10064, "delta": -0.14274}
    cell |= {"low": -0.17004, "high": -0.11543, "clusters": 9, "verdict": "REGRESSED"}
    row = cell_texts(cell)
    assert row == [
        *("bev/vehicle", "iou", "light=night", "0.243", "0.101", "-0.143", "-0.170 to -0.115"),
        *(9, "REGRESSED"),
    ]
    assert len(row) == len(cell_columns("drives"))


def test_metrics_are_told_with_direction_and_unit() -> None:
    names = (("bev/road", "iou"), ("depth@main", "mse"), ("depth@main", "abs_rel"))
    cells = [{"prediction": p, "metric": m, "level": 0.95} for p, m in names]
    assert direction_sentence(cells) == (
        "delta above 0 is better, for every metric; higher is better: iou; "
        "lower is better: abs_rel, mse (m^2); interval: 95% of delta, "
        "two-sided (verdicts use one-sided tests)"
    )


WRONG = {
    "an unknown command": (("drive", "list"), "'drives'"),
    "an unknown subcommand": (("drives", "lst"), "'list'"),
    "an unknown option": (("drives", "list", "--hom", "x"), "'--home'"),
    "an option cut short": (("drives", "list", "--wi"), "'--wide'"),
    "a choice that is none": (("schema", "triger"), "'trigger'"),
    "a missing option": (("shadow", "run"), "--candidate"),
    "a missing value": (("shadow", "run", "--candidate"), "--candidate"),
    "a missing argument": (("clips", "show"), "clip"),
    "one argument too many": (("drives", "list", "x"), "x"),
    "no number": (("clips", "show", "x", "--at", "soon"), "--at"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_call_is_told_in_one_line(case: str, program: Any) -> None:
    words, hint = WRONG[case]
    done = program(*words)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert hint in done.stderr and "--help`" in done.stderr


@pytest.mark.parametrize("name", ["clip.txt", "clip", "clip.png.zip"])
def test_only_pictures_are_written_as_pictures(name: str, program: Any, tmp_path: Path) -> None:
    # Refused before any work: not even the home is looked at.
    gone = tmp_path / "gone"
    done = program("clips", "show", "x", "--picture", tmp_path / name, "--home", gone)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert name in done.stderr and ".png" in done.stderr and "gone" not in done.stderr


def test_ctrl_c_during_a_query_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def query(**_: object) -> None:
        raise RuntimeError("Query interrupted")  # as DuckDB does

    monkeypatch.setattr(cli, "app", query)
    assert cli.run([]) == (130, cli.INTERRUPTED)


def test_the_version_is_that_of_the_package(program: Any, repository: Path) -> None:
    done = program("--version")
    declared = re.search(r'^version = "(.+)"', (repository / "pyproject.toml").read_text(), re.M)
    assert declared is not None
    assert (done.returncode, done.stdout) == (0, f"ridealong {declared[1]}\n")


def completed(line: str, program: Any) -> list[str]:
    words = line.split(" ")
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    done = program(_RIDEALONG_COMPLETE="complete_bash", **asked)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return list(done.stdout.split())


def test_a_shell_completes_commands_and_ids(homes: dict[str, Path], program: Any) -> None:
    at = f"--home {homes['fleet']}"
    assert completed("ridealong dri", program) == ["drives"]
    assert completed("ridealong shadow report --wi", program) == ["--wide"]
    runs = completed(f"ridealong shadow report {at} ", program)
    assert {"latest", "newest"} <= set(runs) and len(runs) == 4
    clips = completed(f"ridealong {at} clips show drive-003-", program)
    assert clips == [f"drive-003-clip-{n}" for n in range(4)]
    assert completed(f"ridealong clips show --home {homes['fleet']}/none x", program) == []


ODD_STREAMS = {
    "who has seen enough": ("{} | true", 0, ""),
    "closed": ("{} >&-", 0, ""),
    "full": ("{} >/dev/full", 2, "no space left on"),
}


@pytest.mark.parametrize("case", ODD_STREAMS)
def test_output_that_goes_nowhere(case: str, homes: dict[str, Path], repository: Path) -> None:
    shell, code, told = ODD_STREAMS[case]
    # Unbuffered, so that the first line meets what the last one would.
    command = f"PYTHONUNBUFFERED=1 {sys.executable} -m ridealong drives list"
    command += f" --home '{homes['fleet']}'"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {shell.format(command)}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=repository,
    )
    assert done.returncode == code and told in done.stderr.lower(), done.stderr
    assert done.stderr.count("\n") == bool(told)
