"""Shadow runs through the program: what is stored is reused, and only where it fits."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ingest.lake import Lake
from shadow.schemas import OUTPUTS

pytestmark = pytest.mark.slow


def cells(program: Any, home: Path) -> list[dict[str, Any]]:
    done = program("shadow", "report", "latest", "--json", "--home", home)
    found: list[dict[str, Any]] = json.loads(done.stdout)["cells"]
    return found


def test_runs_at_two_frame_rates_keep_apart(
    demo_home: Path, repository: Path, program: Any, ask: Any, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(demo_home, home)
    before = cells(program, home)
    slow = tmp_path / "slow"
    shutil.copytree(repository / "shadow/networks/shipped/hydra-1.1", slow)
    manifest = (slow / "manifest.yaml").read_text()
    changed = manifest.replace("rate_hz: 5", "rate_hz: 2").replace("'1.1'", "'1.1slow'")
    changed = changed.replace('"1.1"', '"1.1slow"')
    assert changed.count("1.1slow") == 1 and "rate_hz: 2" in changed
    (slow / "manifest.yaml").write_text(changed)
    ask("networks", "add", slow / "manifest.yaml", "--home", home)
    at = ("--deployed", "hydra-1.0", "--home", home)
    first = ask("shadow", "run", "--candidate", "hydra-1.1slow", *at)
    assert first["clips_replayed"] == first["clips"] > 1
    again = ask("shadow", "run", "--candidate", "hydra-1.1", *at)
    assert again["clips_replayed"] == 0
    assert cells(program, home) == before
    outputs = Lake.open(home).snapshot().read(OUTPUTS)
    assert len(outputs["definition"].unique()) == 2


def test_a_network_against_itself_differs_nowhere(
    demo_home: Path, program: Any, ask: Any, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(demo_home, home)
    ask("shadow", "run", "--deployed", "hydra-1.0", "--candidate", "hydra-1.0", "--home", home)
    assert all(cell["delta"] in (None, 0.0) for cell in cells(program, home))
