"""The example of docs/predictions.md: made by its script, and judged as the page shows it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.data.predictions import FOLDER, example, text_of

LARGEST = 200_000  # bytes of the folder, which every install contains


def test_the_files_are_what_the_script_writes() -> None:
    for name, content in example().items():
        assert (FOLDER / name).read_text("utf-8") == text_of(content), name
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < LARGEST


@pytest.mark.slow
def test_the_page_shows_what_the_command_prints(
    repository: Path, program: Any, tmp_path: Path
) -> None:
    page = (repository / "docs/predictions.md").read_text("utf-8")
    shown = re.search(r"```text\n(.*?)```", page, re.DOTALL)[1]
    files = {name: FOLDER / f"{name}.json" for name in ("truth", "deployed", "candidate")}
    options = [word for name, path in files.items() for word in (f"--{name}", path)]
    home = ("--home", tmp_path / "home")
    done = program(*home, "shadow", "score", "--format", "coco", *options, COLUMNS="")
    assert done.returncode == 1
    printed = [line.split() for line in done.stdout.splitlines()]
    for line in shown.splitlines():
        assert line == "..." or line.startswith("-") or line.split() in printed, line
    again = program(*home, "shadow", "report", "latest", "--json")
    document = json.loads(again.stdout)
    assert document["summary"]["by_cause"] == {"light=night": 7}
    assert document["metrics"]["deployed"]["AP"] == pytest.approx(0.6002, abs=5e-5)
    for key in re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", page[page.index("## JSON") :], re.M):
        for name in re.findall(r"`(\w+)`", key):
            assert name in document, name
