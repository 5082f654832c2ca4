"""Run the study: ``python -m benchmarks.trust``.

- *Null runs* compare two equal networks, over all cells and slices: replayed networks under the
  shipped gate, and results of data sets under the gate that result files get by default.
- *Rivals*: our false alarms on COCO files beside those of others.
- *Planted losses*: whether a loss in one class and one slice is named first.
- *Cells* are judged one by one, for each kind of metric, fleet and number of drives: with equal
  networks (coverage of the 95% interval), with a true loss of exactly the margin (false PASS), and
  with a true loss of two margins (power).

It takes an hour of two cores; ``--runs 200`` gives a quick estimate.
"""

import argparse
import os

from benchmarks.trust.report import report
from benchmarks.trust.study import MEASURES, RUNS, measure


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=RUNS, help="null runs of each fleet")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", nargs="*", default=[], choices=MEASURES, help="what to measure")
    asked = parser.parse_args()
    print(report(measure(asked.runs, asked.workers, asked.only)))


if __name__ == "__main__":
    main()
