"""Boxes of road users, by COCO's matching at IoU 0.5 (see `metrics.tasks.box_scores`).

Labels that are hidden or cut off by more than 80% are ignored: finding one counts neither for nor
against a network.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from metrics.tasks.box_scores import box_family
from ridealong.arrays import Bools
from ridealong.perception.annotations import ObjectCategory, Task

MOST_OCCLUSION = 0.8  # a label that is hidden by more is ignored
MOST_TRUNCATION = 0.8  # and so is one that is cut off by more


def ignored_labels(labels: pa.Table) -> Bools:
    """``(N,)``: which labels, rows of ``ANNOTATIONS``, are ignored."""
    hidden, cut_off = (
        np.asarray(pc.fill_null(labels[name], 0.0).to_numpy(), np.float64)
        for name in ("occlusion", "truncation")
    )
    # Fractions are stored in float32, and so is what they are compared with.
    return (hidden > np.float32(MOST_OCCLUSION)) | (cut_off > np.float32(MOST_TRUNCATION))


FAMILY = box_family(
    Task.OBJECTS.value,
    [category.value for category in ObjectCategory],
    "objects/pedestrian@main",
    ignored_labels,
    {"most_occlusion": MOST_OCCLUSION, "most_truncation": MOST_TRUNCATION},
    supercategory="road_user",
)
