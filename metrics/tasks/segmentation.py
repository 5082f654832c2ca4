"""A class for every pixel, per camera (see `metrics.tasks.maps`)."""

from metrics.tasks.family import TaskFamily
from metrics.tasks.maps import PARAMETERS, ClassMap, MapReader, MapScores
from metrics.tasks.prediction import Prediction
from ridealong.perception.annotations import Perception, Surface, Task
from ridealong.perception.forms import Form

CLASSES = tuple(surface.value for surface in Surface)  # in the order of their ids


def _map_of(perception: Perception, prediction: Prediction) -> tuple[ClassMap, str]:
    camera = str(prediction.camera)
    return perception.segmentation[camera], camera


def _code_of(prediction: Prediction) -> int:
    return CLASSES.index(str(prediction.category))


SCORES = MapScores(
    Task.SEGMENTATION.value, "pixels of the class", MapReader(len(CLASSES), _map_of, _code_of)
)
FAMILY = TaskFamily(
    name=Task.SEGMENTATION.value,
    form=Form.CLASSES,
    example="segmentation/road@main",
    categories=CLASSES,
    against_labels=SCORES.against_labels,
    against_self=SCORES.against_self,
    against_other=SCORES.against_other,
    parameters={"classes": list(CLASSES), **PARAMETERS},
)
