"""`gate check` and `gate plan`: a stored run by any gate."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ridealong.lake import Lake

GATE = """
margins: {{f1: {margin}, iou: 0.4}}
required:
  - {{prediction: objects/pedestrian@main, metric: f1}}
  - {{prediction: bev/road, metric: iou, slice: light=day}}
"""


@pytest.fixture
def gate(tmp_path: Path) -> Any:
    def write(margin: float) -> Path:
        path = tmp_path / "gate.yaml"
        path.write_text(GATE.format(margin=margin))
        return path

    return write


@pytest.mark.parametrize(("margin", "code", "verdict"), [(0.5, 0, "PASS"), (0.01, 1, "REGRESSED")])
def test_check_exits_by_the_verdict_and_stores_nothing(
    margin: float, code: int, verdict: str, gate: Any, fleet_home: Path, program: Any
) -> None:
    before = Lake.open(fleet_home).snapshot().commits().num_rows
    done = program("gate", "check", gate(margin), "latest", "--home", fleet_home)
    assert (done.returncode, done.stderr) == (code, "")
    assert f"\n{verdict}: " in done.stdout and "required:" in done.stdout
    document = json.loads(
        program("gate", "check", gate(margin), "--home", fleet_home, "--json").stdout
    )
    assert document["verdict"] == verdict and document["gate"].endswith("gate.yaml")
    required = [cell for cell in document["cells"] if cell["required"]]
    assert {cell["prediction"] for cell in required} == {"objects/pedestrian@main", "bev/road"}
    stored = json.loads(program("shadow", "report", "--home", fleet_home, "--json").stdout)
    assert stored["run"] == document["run"] and len(stored["cells"]) > 2
    assert Lake.open(fleet_home).snapshot().commits().num_rows == before


def test_the_exit_code_is_the_verdict_when_nobody_reads_it(
    gate: Any, fleet_home: Path, repository: Path
) -> None:
    command = f"{sys.executable} -m ridealong gate check {gate(0.01)} --home '{fleet_home}'"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} | true"],
        capture_output=True,
        text=True,
        check=False,
        cwd=repository,
    )
    assert (done.returncode, done.stderr) == (1, "")


def test_the_gate_of_the_run_gives_its_verdict_again(
    fleet_home: Path, program: Any, repository: Path
) -> None:
    own = repository / "metrics/gate/gate_default.yaml"
    again = json.loads(program("gate", "check", own, "--home", fleet_home, "--json").stdout)
    stored = json.loads(program("shadow", "report", "--home", fleet_home, "--json").stdout)
    assert {key: again[key] for key in stored} == stored


def test_plan_names_what_is_missing(gate: Any, fleet_home: Path, program: Any) -> None:
    home = ("--home", fleet_home)
    done = program("gate", "plan", gate(0.099), *home)
    assert done.returncode == 0
    document = json.loads(program("gate", "plan", gate(0.099), *home, "--json").stdout)
    assert set(document) == {
        *("run", "gate", "verdict", "reason", "decided", "chance", "drives_needed", "cells")
    }
    decided = program("gate", "plan", gate(0.5), *home)
    assert decided.stdout.strip() == "the gate is decided (PASS): nothing is needed"


def test_plan_of_an_undecided_gate(
    fleet_home: Path, program: Any, tmp_path: Path, repository: Path
) -> None:
    path = tmp_path / "gate.yaml"
    cells = "[{prediction: objects/car@rear, metric: f1}, {prediction: bev/road, metric: iou}]"
    path.write_text(f"required: {cells}\nmargins: {{f1: 0.03, iou: 0.3}}")
    done = program("gate", "plan", path, "--home", fleet_home, COLUMNS="80")
    document = json.loads(program("gate", "plan", path, "--home", fleet_home, "--json").stdout)
    (cell,) = document["cells"]
    assert (cell["prediction"], document["verdict"]) == ("objects/car@rear", "INCONCLUSIVE")
    assert 0 < cell["drives_needed"] < cell["drives_needed_at_most"] < document["drives_needed"]
    assert str(cell["drives_needed_at_most"]) in done.stdout
    last = done.stdout.splitlines()[-1]
    assert last.startswith(f"whole gate: {document['drives_needed']} more drives")


def test_a_gate_that_cannot_be_read(fleet_home: Path, program: Any, tmp_path: Path) -> None:
    for command in ("check", "plan"):
        done = program("gate", command, tmp_path / "no.yaml", "--home", fleet_home)
        assert done.returncode == 2 and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ("objects/pedestrian@mian, metric: f1", "did you mean 'objects/pedestrian@main'"),
        ("objects/pedestrian@main, metric: fl", "has no metric 'fl'; known: f1"),
        ("objects/car@main, metric: f1, slice: lihgt=day", "did you mean 'light'"),
    ],
)
def test_a_gate_that_names_what_the_run_lacks(
    wrong: str, line: str, fleet_home: Path, program: Any, tmp_path: Path
) -> None:
    path = tmp_path / "gate.yaml"
    path.write_text(f"margins: {{f1: 0.02}}\nrequired: [{{prediction: {wrong}}}]\n")
    for command in ("check", "plan"):
        done = program("gate", command, path, "latest", "--home", fleet_home)
        assert (done.returncode, done.stdout) == (2, "")
        assert line in done.stderr and str(path) in done.stderr
        assert all(one.startswith("error: ") for one in done.stderr.splitlines())
