"""Layers of the layout seen from above: which cells are occupied (see `metrics.tasks.maps`)."""

from metrics.tasks.family import TaskFamily
from metrics.tasks.maps import PARAMETERS, ClassMap, MapReader, MapScores
from metrics.tasks.prediction import Prediction
from ridealong.perception.annotations import BevLayer, Perception, Task
from ridealong.perception.forms import Form

CODES = 2  # 0 not occupied, 1 occupied
OCCUPIED = 1


def _map_of(perception: Perception, prediction: Prediction) -> tuple[ClassMap, str]:
    layer = str(prediction.category)
    return perception.bev[layer], layer


def _code_of(prediction: Prediction) -> int:
    return OCCUPIED


SCORES = MapScores(Task.BEV.value, "occupied cells", MapReader(CODES, _map_of, _code_of))
FAMILY = TaskFamily(
    name=Task.BEV.value,
    form=Form.LAYERS,
    example="bev/road",
    categories=tuple(layer.value for layer in BevLayer),
    has_camera=False,
    against_labels=SCORES.against_labels,
    against_self=SCORES.against_self,
    against_other=SCORES.against_other,
    parameters=PARAMETERS,
)
