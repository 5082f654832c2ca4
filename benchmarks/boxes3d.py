"""nuScenes' numbers beside nuscenes-devkit, on the same boxes.

Run as ``python -m benchmarks.boxes3d [SCENES]``; prints Markdown. The devkit runs in .venv-oracles.

The tables and the submission are made by the rule of `tests.oracles.nuscenes_world` with seeds 1
and 2: scenes of 40 samples with 200 objects each. The devkit is timed in two parts: what it does
with tables and files until boxes are filtered, and the evaluation. Ours reads two submissions, as a
comparison needs, so its reading is timed with the same submission on both sides.
"""

import argparse
import json
import multiprocessing
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ingest.results.format import ReadOptions, ResultPaths
from ingest.results.nuscenes.format import FORMAT
from metrics.evaluation.boxes3d.nuscenes import EVALUATION
from tests.oracles.nuscenes_world import SPLIT, VERSION, write_submission, write_world

REPOSITORY = Path(__file__).parent.parent
LEAST = 5  # times the devkit's speed
CLOSE = 1e-9
THEIRS = {
    "mATE": "trans_err", "mASE": "scale_err", "mAOE": "orient_err", "mAVE": "vel_err",
    "mAAE": "attr_err",
}  # fmt: skip


def devkit(folder: Path, submission: Path) -> dict[str, float]:
    """The devkit's numbers, and its seconds."""
    python = REPOSITORY / ".venv-oracles/bin/python"
    script = REPOSITORY / "tests/oracles/read_nuscenes.py"
    done = subprocess.run(
        [python, script, folder, VERSION, SPLIT, submission],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = json.loads(done.stdout)
    (one,) = told["submissions"]
    numbers = {ours: one["tp_errors"][theirs] for ours, theirs in THEIRS.items()}
    seconds = {
        "read": told["tables"] + one["seconds"]["load"],
        "numbers": one["seconds"]["evaluate"],
    }
    return {"mAP": one["mean_ap"], "NDS": one["nd_score"], **numbers, **seconds}


def ours(folder: Path, submission: Path) -> dict[str, float]:
    """Our numbers, and our seconds."""
    start = time.perf_counter()
    told = FORMAT.read(ResultPaths(folder, submission, submission), ReadOptions())
    read = time.perf_counter()
    levels = dict.fromkeys(told.categories, 0.5)
    result = EVALUATION.evaluate(told.frames, told.categories, told.truth, told.deployed, levels)
    end = time.perf_counter()
    counts = {"labels": len(told.truth), "detections": len(told.deployed)}
    numbers = {name: result.summary[name] for name in ("mAP", "NDS", *THEIRS)}
    return {**numbers, **counts, "read": read - start, "numbers": end - read}


def made(folder: Path, scenes: int) -> Path:
    """Write tables and a submission."""
    world = write_world(folder, scenes=scenes, samples=40, objects=200, seed=1)
    return write_submission(world, folder / "submission.json", seed=2)


def main() -> None:
    """Make the files, time both, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenes", nargs="?", type=int, default=30)
    scenes = parser.parse_args().scenes
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # In a process of its own, so that its memory is not counted.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            submission = pool.apply(made, (folder, scenes))
        before = peak_mb()
        mine = ours(folder, submission)
        grown, size = peak_mb() - before, submission.stat().st_size / 2**20
        theirs = devkit(folder, submission)
    apart = max(abs(mine[name] - theirs[name]) for name in ("mAP", "NDS", *THEIRS))
    faster = theirs["numbers"] / mine["numbers"]
    print(
        f"{scenes} scenes of 40 samples: {mine['labels']:,} labels, {mine['detections']:,} boxes.\n"
    )
    print("| | ours | nuscenes-devkit 1.2 | ratio | limit | |\n|---|---|---|---|---|---|")
    verdict = "met" if faster >= LEAST else "missed"
    print(
        f"| the numbers (s) | {mine['numbers']:.2f} | {theirs['numbers']:.2f} | {faster:.0f} "
        f"| {LEAST} | {verdict} |"
    )
    faster = theirs["read"] / mine["read"]
    print(
        "| tables, and ours two submissions, its one (s) "
        f"| {mine['read']:.2f} | {theirs['read']:.2f} | {faster:.1f} | | |"
    )
    print(
        f"\nmAP {mine['mAP']:.4f}, NDS {mine['NDS']:.4f}; the seven numbers differ by at most "
        f"{apart:.0e}. Memory grew by {grown:.0f} MB while we read two submissions of "
        f"{size:.0f} MB and the tables."
    )
    sys.exit(apart > CLOSE)


def peak_mb() -> float:
    """The most memory that this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
