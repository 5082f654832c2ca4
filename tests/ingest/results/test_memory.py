"""Readers take less memory than three times their files, apart from a constant.

A list of Python objects for a whole file would take ten times its size.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.allocators import GIVES_BACK
from tests.oracles.nuscenes_world import VERSION, write_world

pytestmark = pytest.mark.slow

SIZE = 8_000_000  # bytes of a result file, roughly
MOST_TIMES = 3

# The highest resident size of a process is the kernel's own figure, and starts anew with each.
READ = """
import re, sys
from pathlib import Path
import duckdb, pyarrow.csv, pyarrow.feather
from ingest.results.format import ReadOptions, ResultPaths
from ingest.results.registry import FORMATS
from ingest.results.statistics.read import read_statistics

def highest_mb():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

name, *paths = sys.argv[1:]
paths = [Path(path) for path in paths]
before = highest_mb()
if name == "statistics":
    found = read_statistics(*paths[1:])
else:
    found = FORMATS.find(name).read(ResultPaths(*paths), ReadOptions())
print(highest_mb() - before)
"""


def coco(folder: Path) -> tuple[Path, Path]:
    images = [{"id": k, "file_name": f"{k}.jpg"} for k in range(2000)]
    label = {"id": 1, "image_id": 0, "category_id": 1, "bbox": [0, 0, 9, 9], "iscrowd": 0}
    labels = {"images": images, "categories": [{"id": 1, "name": "car"}], "annotations": [label]}
    rows = ", ".join(
        f'{{"image_id": {k % 2000}, "category_id": 1, "bbox": [{k % 640}.25, 7.5, 61.75, 40.25], '
        f'"score": 0.{k:07d}}}'
        for k in range(SIZE // 96)
    )
    return _write(folder / "truth.json", json.dumps(labels)), _write(
        folder / "results.json", f"[{rows}]"
    )


def bdd100k(folder: Path) -> tuple[Path, Path]:
    box = '"box2d": {"x1": 12.5, "y1": 100.25, "x2": 98.75, "y2": 160.5}'
    texts = []
    for boxes, score in ((1, ""), (100, '"score": 0.875, ')):
        labels = ", ".join(
            f'{{"id": "{k}", "category": "car", {score}{box}}}' for k in range(boxes)
        )
        texts.append(
            ", ".join(
                f'{{"name": "{k}.jpg", "videoName": "v{k // 20}", "labels": [{labels}]}}'
                for k in range(SIZE // 11_500)
            )
        )
    truth, results = (f"[{text}]" for text in texts)
    return _write(folder / "truth.json", truth), _write(folder / "results.json", results)


def kitti(folder: Path) -> tuple[Path, Path]:
    label = "Car 0.00 0 -1.57 100.25 120.50 198.75 180.25 1.50 1.60 3.90 2.25 1.65 20.50 -1.25"
    for name, text in (("truth", f"{label}\n"), ("results", f"{label} 0.8750\n" * 1000)):
        (folder / name).mkdir()
        for frame in range(SIZE // 94_000):
            (folder / name / f"{frame:06d}.txt").write_text(text)
    return folder / "truth", folder / "results"


def mot(folder: Path) -> tuple[Path, Path]:
    rows = "".join(
        f"{k // 50 + 1},{k % 50},{k % 640}.25,407.50,61.75,140.25,0.875,-1,-1,-1\n"
        for k in range(SIZE // 48)
    )
    truth = "".join(f"{frame},1,0,0,9,9,1,1,1\n" for frame in range(1, SIZE // 2400))
    return _write(folder / "gt.txt", truth), _write(folder / "results.txt", rows)


def nuscenes(folder: Path) -> tuple[Path, Path]:
    world = write_world(folder, scenes=2, samples=40, objects=2)
    results = {}
    for sample in world.annotations:
        box = {
            "sample_token": sample, "translation": [600.125, 1647.25, 1.0],
            "size": [1.9, 4.6, 1.7], "rotation": [0.9, 0.0, 0.0, 0.1], "velocity": [0.25, 0.5],
            "detection_name": "car", "detection_score": 0.5, "attribute_name": "vehicle.parked",
        }  # fmt: skip
        results[sample] = [box] * 500
    text = json.dumps({"meta": {"use_lidar": True}, "results": results})
    return folder / VERSION, _write(folder / "results.json", text)


def statistics(folder: Path) -> tuple[Path, Path]:
    rows = "".join(
        f"drive-{k % 20:03d},frame-{k:07d},objects/car,recall,3.25,4,{('rain', 'sun')[k % 2]}\n"
        for k in range(SIZE // 54)
    )
    header = "drive,item,prediction,metric,numerator,denominator,weather\n"
    path = _write(folder / "results.csv", header + rows)
    return path, path


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
@pytest.mark.parametrize(
    ("write", "constant_mb"),  # the second: buffers, which reading takes for any file
    [(coco, 60), (bdd100k, 60), (kitti, 100), (mot, 100), (nuscenes, 60), (statistics, 200)],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_memory_of_reading(
    write: Callable[[Path], tuple[Path, Path]],
    constant_mb: float,
    tmp_path: Path,
    repository: Path,
) -> None:
    truth, results = write(tmp_path)
    files = 2 * _size_mb(results)  # read twice, as two networks
    assert files > SIZE / 2**20
    script = _write(tmp_path / "read.py", READ)  # without a file, DuckDB would show its progress
    done = subprocess.run(
        [sys.executable, script, write.__name__, truth, results, results],
        env=os.environ | GIVES_BACK | {"PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < MOST_TIMES * files + constant_mb


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def _size_mb(path: Path) -> float:
    files = path.iterdir() if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files) / 2**20
