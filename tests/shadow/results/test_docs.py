"""docs/statistics.md is true: its snippet writes a file, and its gate fits."""

import re
from pathlib import Path
from typing import Any

import pytest

from ingest.results.statistics.read import read_statistics


def test_the_snippet_of_the_page_writes_a_file_that_its_gate_fits(
    tmp_path: Path, repository: Path, program: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pandas")
    page = (repository / "docs/statistics.md").read_text("utf-8")
    blocks = dict(re.findall(r"```(python|yaml)\n(.*?)```", page, re.DOTALL))
    with monkeypatch.context() as patch:
        patch.chdir(tmp_path)
        exec(blocks["python"], {})
    path, gate = tmp_path / "deployed.csv", tmp_path / "gate.yaml"
    found = read_statistics(path, path)
    assert found.frames.drive.to_pylist() == ["a", "a", "b", "b"]
    assert found.deployed["numerator"].to_pylist() == [3, 2, 4, 1]
    gate.write_text(blocks["yaml"])
    done = program(
        "--home", tmp_path / "home", "shadow", "score", "--format", "statistics",
        "--deployed", path, "--candidate", path, "--gate", gate,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "INCONCLUSIVE: 2 of 2 required checks undecided" in done.stdout
