"""Quantized networks: what is drawn to calibrate them, and what no verdict on them uses."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from ridealong.errors import RidealongError
from ridealong.lake import Lake
from shadow.calibration import calibration_clips, calibration_sentence, without_calibration
from shadow.networks.registry import find_network
from shadow.quantizing import QuantizeRequest, draw_clips
from shadow.schemas import RUNS
from tests.oracles.homes import add_drives


def clips(drives: int, each: int = 3) -> pa.Table:
    rows = [
        {"clip_id": f"c{drive}-{at}", "drive_id": f"d{drive:02}"}
        for drive in range(drives)
        for at in range(each)
    ]
    return pa.Table.from_pylist(rows)


@pytest.mark.parametrize(("drives", "drawn"), [(4, 1), (7, 1), (8, 2), (40, 10)])
def test_at_most_a_quarter_of_the_drives_is_drawn(drives: int, drawn: int) -> None:
    found = draw_clips(clips(drives), QuantizeRequest("n-1", None))
    assert len(set(found["drive_id"].to_pylist())) == drawn
    assert found.num_rows == 3 * drawn


def test_the_seed_decides_and_the_limit_holds() -> None:
    found = [
        draw_clips(clips(40), QuantizeRequest("n-1", None, limit=7, seed=seed))["clip_id"]
        for seed in (1, 1, 2)
    ]
    assert found[0] == found[1] != found[2]
    assert len(found[0]) == 7 and found[0].to_pylist() != sorted(clips(40)["clip_id"].to_pylist())


def test_too_few_drives_are_refused() -> None:
    with pytest.raises(RidealongError, match="the clips are of 3 drives; expected at least 4"):
        draw_clips(clips(3), QuantizeRequest("n-1", None))


def test_the_drives_of_a_calibration_are_set_aside() -> None:
    networks: Any = [
        SimpleNamespace(manifest=SimpleNamespace(calibration_drives=frozenset(drives)))
        for drives in ((), ("d01",), ("d01", "d03", "gone"))
    ]
    left = without_calibration(clips(4), networks)["drive_id"].to_pylist()
    assert left == ["d00"] * 3 + ["d02"] * 3
    assert calibration_clips(clips(4), networks)["drive_id"].to_pylist() == (
        ["d01"] * 3 + ["d03"] * 3
    )
    assert calibration_clips(clips(4), networks[:1]).num_rows == 0


def test_what_is_set_aside_is_said_in_a_line() -> None:
    assert calibration_sentence(0) is None
    assert calibration_sentence(1) == "1 clip of drives that calibrated a network is not judged"
    assert calibration_sentence(3) == "3 clips of drives that calibrated a network are not judged"


def one_line(program: Any, *words: object) -> str:
    """The one line with which a command fails."""
    done = program(*words)
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    return str(done.stderr)


@pytest.mark.slow
def test_from_a_network_to_its_parity(
    demo_home: Path, program: Any, ask: Any, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(demo_home, home)
    add_drives(home, 4, road="highway", country="XX")
    at, where = ("--home", home), ("--where", "country = 'XX'")
    done = ask("networks", "quantize", "hydra-1.1", "--clips", where[1], *at)
    lake = Lake.open(home)
    manifest = find_network(lake.snapshot(), "hydra-1.1.int8").manifest
    assert manifest.calibration_drives == set(done["drives"]) and len(done["drives"]) == 1
    assert len(done["clips"]) == 1 and done["bytes"] < done["bytes_float"]
    assert done["losses"][0]["loss"] >= done["losses"][1]["loss"] > 0
    pair = ("--deployed", "hydra-1.1", "--candidate", "hydra-1.1.int8")
    run = ask("shadow", "run", *pair, "--gate", "gate_parity.yaml", *where, *at)
    assert (run["clips"], run["clips_of_calibration"]) == (3, 1)
    assert run["clips_left_out"] == [] and "left out" not in run["reason"]
    row = next(r for r in lake.snapshot().read(RUNS).to_pylist() if r["run_id"] == run["run"])
    assert not set(row["clip_ids"]) & set(row["calibration_clips"])
    assert len(row["calibration_clips"]) == run["clips_of_calibration"]
    told = program("shadow", "report", run["run"], *at).stdout
    assert calibration_sentence(run["clips_of_calibration"]) in told
    document = json.loads(program("shadow", "report", run["run"], "--json", *at).stdout)
    assert document["clips_of_calibration"] == run["clips_of_calibration"]
    depth = [c for c in document["cells"] if c["metric"] == "abs_rel" and c["slice"] == "all"]
    assert any(cell["delta"] for cell in depth)
    assert all(abs(cell["delta"]) < 0.05 for cell in depth if cell["delta"] is not None)
    its = ("--where", f"clip_id = '{done['clips'][0]}'")
    none = one_line(program, "shadow", "run", *pair, *its, *at)
    assert "are of drives that calibrated a network" in none
    again = one_line(program, "networks", "quantize", "hydra-1.1", *at)
    assert "hydra-1.1.int8 is registered already" in again and "--version" in again
    twice = one_line(program, "networks", "quantize", "hydra-1.1.int8", *at)
    assert "hydra-1.1.int8 is quantized already" in twice


@pytest.mark.slow
def test_what_cannot_be_is_one_line(demo_home: Path, program: Any, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(demo_home, home)
    commits = Lake.open(home).snapshot().sources()
    at = ("--home", home)
    quantize, export = ("networks", "quantize"), ("networks", "export")
    for words, told in (
        ((*quantize, "hydra-9"), "unknown network 'hydra-9'"),
        ((*quantize, "hydra-1.1", "--clips", "frames < 0"), "no clips for which frames < 0 with a"),
        ((*quantize, "hydra-1.1", "--clips", "rode = 'sea'"), "rode"),
        ((*quantize, "hydra-1.1", "--clips", "source = 'video'"), "the clips are of 1 drive"),
        ((*quantize, "hydra-1.1", "--version", "a b"), "'a b' cannot be a version"),
        ((*export, "hydra-9", "--out", tmp_path / "o"), "unknown network 'hydra-9'"),
        ((*export, "hydra-1.1", "--out", home), "not an empty folder"),
    ):
        assert told in one_line(program, *words, *at)
    assert Lake.open(home).snapshot().sources() == commits
    assert not (tmp_path / "o").exists()


@pytest.mark.slow
def test_an_exported_network_can_be_registered(
    demo_home: Path, program: Any, ask: Any, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(demo_home, home)
    done = ask("networks", "export", "hydra-1.1", "--out", tmp_path / "o", "--home", home)
    assert done["network"] == "hydra-1.1.onnx" and Path(done["artifact"]).exists()
    ask("networks", "add", done["manifest"], "--home", home)
    again = ask("networks", "export", "hydra-1.1.onnx", "--out", tmp_path / "p", "--home", home)
    assert again["network"] == "hydra-1.1.onnx"
    assert Path(again["artifact"]).read_bytes() == Path(done["artifact"]).read_bytes()
