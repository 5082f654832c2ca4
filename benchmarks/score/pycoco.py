"""pycocotools on one file of results, as a process: ``python -m benchmarks.score.pycoco T R``."""

import sys

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def numbers(truth_file: str, results_file: str) -> list[float]:
    """COCO's twelve numbers; it prints its progress."""
    truth = COCO(truth_file)
    made = COCOeval(truth, truth.loadRes(results_file), "bbox")
    made.evaluate()
    made.accumulate()
    made.summarize()
    return [float(value) for value in made.stats]


if __name__ == "__main__":
    numbers(*sys.argv[1:])
