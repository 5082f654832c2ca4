"""The tracks that TrackEval finds in KITTI's tracking, as JSON: run by the Python of .venv-oracles.

TrackEval wants a list of the sequences with their lengths, which is made here.

usage: read_kitti_tracks.py FOLDER
"""

import contextlib
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

with contextlib.redirect_stdout(sys.stderr):
    from trackeval.datasets import Kitti2DBox

QUIET = {"PRINT_CONFIG": False, "TRACKERS_TO_EVAL": []}


def main(folder):
    images = Path(folder, "image_02")
    lengths = {one.name: len(list(one.iterdir())) for one in sorted(images.iterdir())}
    with tempfile.TemporaryDirectory() as root:
        Path(root, "label_02").symlink_to(Path(folder, "label_02").resolve())
        lines = [f"{name} empty 000000 {length:06d}\n" for name, length in lengths.items()]
        Path(root, "evaluate_tracking.seqmap.training").write_text("".join(lines))
        data = Kitti2DBox({**QUIET, "GT_FOLDER": root, "TRACKERS_FOLDER": root})
        told = {name: sequence_of(data._load_raw_file(None, name, is_gt=True)) for name in lengths}
    print(json.dumps(told))


def sequence_of(raw):
    return {
        "ids": [np.asarray(ids).tolist() for ids in raw["gt_ids"]],
        "boxes": [np.asarray(boxes).tolist() for boxes in raw["gt_dets"]],
        "ignored": [len(regions) for regions in raw["gt_crowd_ignore_regions"]],
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
