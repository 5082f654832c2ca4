"""The memory of a whole command grows with its files by less than three times their size."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from tests.allocators import GIVES_BACK

TIMES = 3
PARTS = 5  # the large files have as many times the rows of the small ones
# DuckDB takes what it likes up to a limit, and a little more. The files are small, so it is low.
DUCKDB_BYTES = 150_000_000
BUFFERS_BYTES = 100_000_000
COMMAND = f"""
from ingest.results.statistics import read
from ridealong import cli, sql
sql.WORKING_MEMORY = read.LEAST_MEMORY = {DUCKDB_BYTES}
cli.main()
"""
# A process starts with the peak of the one that it is forked from, so the command is started by a
# small one, which prints its exit code and its peak in KiB.
MEASURE = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
Files = dict[str, Path]


def statistics(folder: Path, parts: int) -> Files:
    """One prediction with one metric, on items with names of usual length."""
    rng, rows = np.random.default_rng(0), 60_000 * parts
    files = {}
    for role in ("deployed", "candidate"):
        denominator = rng.integers(1, 40, rows)
        columns = {
            "drive": [f"2026-03-01_car{row // 500:05}" for row in range(rows)],
            "item": [f"frame_{row:08}" for row in range(rows)],
            "prediction": ["objects/pedestrian"] * rows,
            "metric": ["recall"] * rows,
            "numerator": rng.binomial(denominator, 0.7),
            "denominator": denominator,
        }
        files[role] = folder / f"{role}.csv"
        pyarrow.csv.write_csv(pa.table(columns), files[role])
    return files


def mot(folder: Path, parts: int) -> Files:
    """Sequences of 600 frames with 20 tracks each."""
    rng = np.random.default_rng(0)
    frame, track = (grid.ravel() for grid in np.mgrid[1:601, 1:21])
    still = np.stack([40.0 * track, 30.0 * track, 30.0 + track, 60.0 + track], axis=1)
    files = {role: folder / role for role in ("truth", "deployed", "candidate")}
    for role, path in files.items():
        path.mkdir()
        for sequence in range(4 * parts):
            moved = still + rng.normal(0, 0 if role == "truth" else 2, still.shape)
            score = rng.uniform(0.3, 1, len(frame)) if role != "truth" else np.ones(len(frame))
            rows = np.column_stack([frame, track, moved, score, np.ones((len(frame), 2))])
            np.savetxt(path / f"S-{sequence:02}.txt", rows, "%d,%d,%.2f,%.2f,%.2f,%.2f,%.3f,%d,%d")
    return files


def coco(folder: Path, parts: int) -> Files:
    """Images with 25 boxes each, of 20 classes."""
    rng, images, boxes = np.random.default_rng(0), 1_000 * parts, 25
    image = np.repeat(np.arange(1, images + 1), boxes).tolist()
    category = rng.integers(1, 21, len(image)).tolist()
    still = np.round(rng.uniform(20, 400, (len(image), 4)), 2)

    def rows(noise: float) -> list[dict[str, object]]:
        moved = (still + rng.normal(0, noise, still.shape)).tolist() if noise else still.tolist()
        columns = zip(image, category, moved, strict=True)
        return [{"image_id": i, "category_id": c, "bbox": box} for i, c, box in columns]

    labels = [
        {**row, "id": at, "area": 1000.0, "iscrowd": 0} for at, row in enumerate(rows(0.0), 1)
    ]
    truth = {
        "images": [{"id": i, "file_name": f"{i}.jpg", "video_id": i // 50} for i in set(image)],
        "annotations": labels,
        "categories": [{"id": code, "name": f"class-{code}"} for code in range(1, 21)],
    }
    results = {
        role: [{**row, "score": score} for row, score in zip(rows(2.0), scores, strict=True)]
        for role in ("deployed", "candidate")
        for scores in [rng.uniform(0, 1, len(image)).tolist()]
    }
    files = {role: folder / f"{role}.json" for role in ("truth", "deployed", "candidate")}
    for role, path in files.items():
        path.write_text(json.dumps(truth if role == "truth" else results[role]))
    return files


@pytest.mark.slow
@pytest.mark.parametrize("make", [statistics, mot, coco])
def test_memory_grows_by_less_than_three_times_the_files(
    tmp_path: Path, make: Callable[[Path, int], Files]
) -> None:
    peaks, sizes = zip(*(_measured(tmp_path / f"{n}", make, n) for n in (1, PARTS)), strict=True)
    assert peaks[1] - peaks[0] < TIMES * (sizes[1] - sizes[0]) + BUFFERS_BYTES


def _measured(folder: Path, make: Callable[[Path, int], Files], parts: int) -> tuple[int, int]:
    """The highest memory of the command, and the size of its files, in bytes."""
    folder.mkdir()
    files = make(folder, parts)
    options = [text for role, path in files.items() for text in (f"--{role}", str(path))]
    command = ["--home", str(folder / "home"), "shadow", "score", "--format", make.__name__]
    words = [sys.executable, "-c", COMMAND, *command, *options, "--json"]
    measure = [sys.executable, "-c", MEASURE, *words]
    env = os.environ | GIVES_BACK
    done = subprocess.run(measure, capture_output=True, text=True, check=True, env=env)
    code, peak_kib = map(int, done.stdout.split())
    assert code in (0, 1), done.stderr
    return peak_kib * 1024, sum(map(_bytes, files.values()))


def _bytes(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else (path,)
    return sum(file.stat().st_size for file in files if file.is_file())
