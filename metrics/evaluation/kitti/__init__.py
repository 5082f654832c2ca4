"""KITTI's object detection: average precision in the image, seen from above, and in space."""

from metrics.evaluation.kitti.evaluation import EVALUATION

__all__ = ["EVALUATION"]
