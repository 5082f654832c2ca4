"""Top-down layers: IoU of the occupied cells against labels.

The outputs are resampled to the labels' grid by the nearest cell; see `metrics.tasks.overlap`.
"""

from collections.abc import Sequence

from metrics.tasks.metric import Result
from metrics.tasks.overlap import iou_against_labels, iou_metric
from metrics.tasks.prediction import Prediction
from metrics.tasks.views import View
from ridealong.perception.annotations import UNLABELLED, Task

IOU = iou_metric(Task.BEV, "occupied cells of the layer")
METRICS = (IOU,)
PARAMETERS = {"unlabelled": UNLABELLED, "resampling": "nearest"}


def against_labels(outputs: View, labels: View, predictions: Sequence[Prediction]) -> Result:
    """IoU of each layer."""
    return iou_against_labels(IOU, outputs, labels, predictions)
