"""The whole road on real input, through the program as its users start it."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO

pytestmark = pytest.mark.slow

CELL_KEYS = {
    *("prediction", "metric", "slice", "deployed", "candidate", "delta", "low", "high", "level"),
    *("margin", "clips", "clusters", "clusters_effective", "reference", "required", "verdict"),
    "reason",
}


def independent_brakes(drive: Path, below: float, hold_s: float) -> list[tuple[float, float]]:
    """Onset and end of hold of every braking, from the log itself, by numpy alone."""
    start = np.load(drive / "global_pose/frame_times")[0]
    time_s = np.load(drive / "processed_log/CAN/speed/t") - start
    speed = np.load(drive / "processed_log/CAN/speed/value")[:, 0]
    grid = np.arange(0, time_s[-1], 0.1)
    on_grid = np.interp(grid, time_s, speed)
    shift = 0.25
    ahead, behind = (np.interp(grid + s, grid, on_grid) for s in (shift, -shift))
    braking = (ahead - behind) / (2 * shift) <= below
    braking &= (grid - shift >= time_s[0]) & (grid + shift <= time_s[-1])
    edges = np.flatnonzero(np.diff(np.concatenate([[0], braking.astype(int), [0]])))
    runs = [(grid[a], grid[b - 1]) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return [(a, a + hold_s) for a, b in runs if b - a >= hold_s - 1e-6]


def test_gentle_brake_fires_where_numpy_says(examples: Path, home: Path, ask: Any) -> None:
    logs = examples / "comma2k19_first30s"
    report = ask(
        *("ingest", logs, "--source", "comma2k19", "--triggers", examples / "triggers"),
        *("--home", home),
    )
    assert set(report) >= {
        *("commit", "drives", "files", "rows_in", "rows", "rows_quarantined"),
        *("files_quarantined", "events", "clips", "seconds"),
    }
    assert report["rows_in"] == report["rows"] + report["rows_quarantined"]
    events = ask("events", "list", "--home", home)
    drive = next(path for path in logs.glob("*/*") if path.is_dir())
    expected = independent_brakes(drive, -0.5, 0.5)
    assert expected
    found = [(e["onset_s"], e["time_s"]) for e in events if e["trigger"] == "gentle_brake"]
    np.testing.assert_allclose(found, expected, atol=0.051)  # half a step of the grid
    assert not [e for e in events if e["trigger"] == "hard_brake"]
    assert all(e["kept"] == (e["reason"] is None) for e in events)


def test_the_demo_ends_with_a_verdict_and_notices_what_is_done(
    demo_home: Path, demo_fleet: Path, program: Any, ask: Any, tmp_path: Path
) -> None:
    home = Path(shutil.copytree(demo_home, tmp_path / "home"))
    again = program("demo", "--fleet", demo_fleet, "--home", home)
    assert again.returncode == 0 and again.stdout.count("nothing new") == 3
    assert len(ask("drives", "list", "--home", home)) == 3 + 2
    done = program("shadow", "report", "latest", "--json", "--home", home)
    assert done.returncode == 1  # a handful of drives: nothing can be concluded
    document = json.loads(done.stdout)
    assert document["verdict"] == "INCONCLUSIVE"
    assert document["cells"] and all(set(cell) >= CELL_KEYS for cell in document["cells"])
    flicker = [c for c in document["cells"] if c["metric"] == "flicker" and c["slice"] == "all"]
    assert flicker and all(1 <= c["clusters"] < 8 for c in flicker if c["delta"] is not None)


def test_exports_load_in_pycocotools(demo_home: Path, ask: Any, tmp_path: Path) -> None:
    out = tmp_path / "labels"
    ask(
        "labels", "export", "--run", "latest", "--format", "coco", "--out", out, "--home", demo_home
    )
    truth = COCO(str(out / "annotations/instances_default.json"))
    assert len(truth.getImgIds()) > 40
    for image in truth.loadImgs(truth.getImgIds()):
        assert (out / "images/default" / image["file_name"]).exists()
    for role in ("deployed", "candidate"):
        results = truth.loadRes(str(out / f"{role}.json"))
        assert set(results.getImgIds()) == set(truth.getImgIds())


def test_the_lake_is_sound_and_the_clips_verify(demo_home: Path, ask: Any) -> None:
    assert ask("lake", "check", "--home", demo_home)["sound"]
    clips = ask("clips", "verify", "--all", "--home", demo_home)
    assert clips and all(clip["problems"] == [] for clip in clips)


def test_home_before_after_and_from_the_environment(demo_home: Path, program: Any) -> None:
    after = program("clips", "list", "--json", "--home", demo_home)
    before = program("--home", demo_home, "clips", "list", "--json")
    told = program("clips", "list", "--json", RIDEALONG_HOME=str(demo_home))
    over = program("--home", "nowhere", "clips", "list", "--json", "--home", demo_home)
    assert after.stdout == before.stdout == told.stdout == over.stdout
    assert program("clips", "list", "--home", "nowhere").returncode == 2


def test_the_same_input_gives_the_same_bytes(
    demo_home: Path, demo_fleet: Path, program_process: Any, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    assert program_process("demo", "--fleet", demo_fleet, "--home", other).returncode == 0

    def names(home: Path, table: str) -> set[str]:
        return {path.name for path in (home / table).glob("*/*") if "_delta_log" not in str(path)}

    for table in ("telemetry", "outputs", "scores", "blobs"):
        assert names(demo_home, table) == names(other, table) and names(other, table), table


def test_a_flipped_bit_leaves_its_clip_out_of_a_run(
    demo_home: Path, program: Any, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(demo_home, home)
    clip = max((home / "blobs").glob("*/*.mcap"), key=lambda path: path.stat().st_size)
    content = bytearray(clip.read_bytes())
    content[len(content) // 2] ^= 1
    clip.write_bytes(content)
    assert program("lake", "check", "--home", home).returncode == 1
    run = program("shadow", "run", "--candidate", "hydra-1.1", "--home", home)
    assert run.returncode == 0 and clip.stem in run.stderr
    assert "left out: clip " in run.stderr and "Traceback" not in run.stderr
