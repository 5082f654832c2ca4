"""How fast COCO result files are scored: 5,000 images, 80 classes, 200 drives, 13 slices.

- *Evaluation*: COCO's twelve numbers of one network, from boxes in memory. Ours also has the sums
  per image and a row for each detection, which intervals need. pycocotools is the oracle of the
  numbers, and hotcoco (Rust, all cores) is the peer in speed.
- *End to end*: ``ridealong shadow score`` from the files to a verdict, in a process of its own. The
  peer is pycocotools, from the files to the numbers of one network.

Run it as ``python -m benchmarks.score``. `benchmarks.score.made` states how the data is made; it
needs RIDEALONG_TEST_DATA. It takes two minutes.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import hotcoco
import numpy as np
import pyarrow as pa

from benchmarks.score.made import CLASSES, Boxes, DataSet, make, write
from benchmarks.score.pycoco import numbers
from metrics.evaluation.coco.evaluation import EVALUATION
from ridealong.perception.result_files import NO_TRACK, Boxes2D, Frames

T = TypeVar("T")
ROUNDS = 5
NUMBERS = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")
EXACT = 1e-12
LEAST_SPEED, MOST_TIME, MOST_GB = 0.5, 0.5, 2.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=5000)
    asked = parser.parse_args()
    data = make(asked.images)
    with TemporaryDirectory() as folder:
        files = write(data, Path(folder))
        print(
            f"{data.images} images, {CLASSES} classes, {len(data.truth.image)} labels, "
            f"{len(data.deployed.image)} detections of a network.\n"
        )
        print(evaluation(data, files), end="\n\n")
        print(end_to_end(files, Path(folder)))


# --- the evaluation alone


def evaluation(data: DataSet, files: tuple[Path, ...]) -> str:
    """Numbers and speed, from boxes in memory."""
    truth, results = boxes2d(data.truth), boxes2d(data.deployed)
    names = tuple(f"class-{code:02d}" for code in range(CLASSES))
    frames, thresholds = frames_of(data.images), dict.fromkeys(names, 0.5)
    ours_s, ours = timed(
        lambda: EVALUATION.evaluate(frames, names, truth, results, thresholds).summary
    )
    peer_truth = hotcoco.COCO(str(files[0]))
    peer_results = peer_truth.load_res(str(files[1]))
    hotcoco_s, _ = timed(lambda: by_hotcoco(peer_truth, peer_results))
    with redirect_stdout(StringIO()):
        oracle_s, expected = timed(lambda: numbers(str(files[0]), str(files[1])), rounds=1)
    apart = max(abs(ours[name] - value) for name, value in zip(NUMBERS, expected, strict=True))
    speed = hotcoco_s / ours_s
    return "\n".join(
        [
            "| evaluation of one network | s | of hotcoco's speed |",
            "|---|---|---|",
            f"| ridealong, with sums and rows | {ours_s:.2f} | {speed:.2f} "
            f"({fits(speed >= LEAST_SPEED)}: at least {LEAST_SPEED}) |",
            f"| hotcoco {hotcoco.__version__} | {hotcoco_s:.2f} | 1 |",
            f"| pycocotools, with reading | {oracle_s:.1f} | {hotcoco_s / oracle_s:.3f} |",
            "",
            f"Largest difference of the twelve numbers from pycocotools: {apart:.1e} "
            f"({fits(apart <= EXACT)}: at most {EXACT:g}).",
        ]
    )


def boxes2d(boxes: Boxes) -> Boxes2D:
    count = len(boxes.image)
    no = np.zeros(count, np.bool_)
    area = boxes.xywh[:, 2] * boxes.xywh[:, 3]
    track = np.full(count, NO_TRACK)
    return Boxes2D(boxes.image, boxes.category, boxes.xywh, boxes.score, track, no, no, area)


def frames_of(count: int) -> Frames:
    names = pa.array([str(index) for index in range(count)])
    unknown = pa.nulls(count, pa.string())
    return Frames(names, names, np.full(count, np.nan), unknown, pa.table({"_": unknown}))


def by_hotcoco(truth: hotcoco.COCO, results: hotcoco.COCO) -> list[float]:
    made = hotcoco.COCOeval(truth, results, "bbox")
    made.evaluate()
    made.accumulate()
    with redirect_stdout(StringIO()):
        made.summarize()
    return list(made.stats)


def timed(work: Callable[[], T], rounds: int = ROUNDS) -> tuple[float, T]:
    """The median of the seconds, and the result."""
    spent = []
    for _ in range(rounds):
        start = time.perf_counter()
        result = work()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent), result


# --- end to end


def end_to_end(files: tuple[Path, ...], folder: Path) -> str:
    """A verdict from the files, and pycocotools on one of them; each in a process of its own."""
    truth, deployed, candidate = map(str, files)
    command = ["ridealong", "--home", str(folder / "home"), "shadow", "score", "--format", "coco"]
    command += ["--truth", truth, "--deployed", deployed, "--candidate", candidate, "--json"]
    ours_s, ours_gb, said = process(command)
    oracle_s, oracle_gb, _ = process(["benchmarks.score.pycoco", truth, deployed])
    document = json.loads(said)
    share = ours_s / oracle_s
    slices = len({cell["slice"] for cell in document["cells"]})
    return "\n".join(
        [
            "| end to end | s | peak GB | of pycocotools' time |",
            "|---|---|---|---|",
            f"| `ridealong shadow score`, two networks: {document['verdict']}, "
            f"{len(document['cells'])} cells, {slices} slices | {ours_s:.1f} | {ours_gb:.2f} "
            f"({fits(ours_gb <= MOST_GB)}: at most {MOST_GB:g}) | {share:.2f} "
            f"({fits(share <= MOST_TIME)}: at most {MOST_TIME}) |",
            f"| pycocotools, one network | {oracle_s:.1f} | {oracle_gb:.2f} | 1 |",
        ]
    )


def process(module: list[str]) -> tuple[float, float, str]:
    """Run a module: the seconds, the peak of its memory in GB, and what it printed."""
    start = time.perf_counter()
    with subprocess.Popen([sys.executable, "-m", *module], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        said = child.stdout.read()
        # Not `wait`: only this has the memory of one child alone.
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if child.returncode not in (0, 1):  # 1 is a verdict that is not PASS
        sys.exit(f"{module[0]} failed with exit code {child.returncode}")
    return seconds, used.ru_maxrss / 1e6, said.decode()


def fits(met: bool) -> str:
    return "met" if met else "MISSED"


if __name__ == "__main__":
    main()
