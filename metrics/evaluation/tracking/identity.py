"""Identity: one result track for each labelled object of a drive, and what that pairing finds.

Labelled objects and result tracks are paired one to one over the whole drive, so that as many boxes
as possible (1 - IoU <= 0.5) belong to a pair: IDTP. All other labels are IDFN, all other results
IDFP.

Source: Ristani et al., Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking
(2016); motmetrics and TrackEval agree.
"""

import numpy as np

from metrics.evaluation.tracking.assignment import assign
from metrics.evaluation.tracking.tracks import Tracks, close
from metrics.tasks.boxes import Pairs


def identified(labels: Tracks, results: Tracks, pairs: Pairs) -> Pairs:
    """The pairs of boxes that are IDTP."""
    pairs = pairs.take(close(pairs.iou))
    span = max(len(results.block), 1)
    both = labels.track[pairs.left] * span + results.track[pairs.right]
    codes, member, counts = np.unique(both, return_inverse=True, return_counts=True)
    weight = counts.astype(np.float64)
    tracks = Pairs(codes // span, codes % span, weight)
    return pairs.take(assign(tracks, weight, labels.block[tracks.left])[member])
