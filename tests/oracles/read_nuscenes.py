"""What nuscenes-devkit says of submissions, as JSON: run by the Python of .venv-oracles.

usage: read_nuscenes.py DATAROOT VERSION SPLIT SUBMISSION ...
"""

import contextlib
import json
import sys
import tempfile
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from absent import do_without

do_without("matplotlib", "sklearn")

from nuscenes import NuScenes  # noqa: E402
from nuscenes.eval.common.config import config_factory  # noqa: E402
from nuscenes.eval.detection.evaluate import DetectionEval  # noqa: E402


def told(nusc, split, path, folder):
    start = time.perf_counter()
    run = DetectionEval(nusc, config_factory("detection_cvpr_2019"), path, split, folder, False)
    loaded = time.perf_counter()
    metrics = run.evaluate()[0].serialize()
    metrics["seconds"] = {
        "load": loaded - start,
        "evaluate": time.perf_counter() - loaded,
    }
    return metrics


def main(root, version, split, *paths):
    warnings.simplefilter("ignore")
    with contextlib.redirect_stdout(sys.stderr), tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        nusc = NuScenes(version, root, verbose=False)
        tables = time.perf_counter() - start
        every = [told(nusc, split, path, folder) for path in paths]
    print(json.dumps({"tables": tables, "submissions": every}))


if __name__ == "__main__":
    main(*sys.argv[1:])
