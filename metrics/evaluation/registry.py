"""The evaluations of result files: ridealong's own, and those of installed packages.

An installed package adds an evaluation through the entry point group ``ridealong.evaluations``. The
entry point has the evaluation's name and names an `Evaluation`.
"""

from typing import Final

from metrics.evaluation.boxes3d.argoverse2 import EVALUATION as ARGOVERSE2
from metrics.evaluation.boxes3d.nuscenes import EVALUATION as NUSCENES
from metrics.evaluation.coco.evaluation import EVALUATION as COCO
from metrics.evaluation.evaluation import Evaluation
from metrics.evaluation.kitti.evaluation import EVALUATION as KITTI
from metrics.evaluation.tracking.evaluation import EVALUATION as CLEAR_MOT
from ridealong.registry import Registry

EVALUATIONS: Final[Registry[Evaluation]] = Registry(
    group="ridealong.evaluations",
    noun="evaluation",
    built_in=(
        COCO,
        CLEAR_MOT,
        KITTI,
        ARGOVERSE2,
        NUSCENES,
    ),
    type=Evaluation,
    expected="a metrics.evaluation.evaluation.Evaluation",
)
