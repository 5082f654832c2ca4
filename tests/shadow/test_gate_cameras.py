"""Gates that require what no camera of the run can give."""

import pytest

from metrics.gate.spec import GateSpec
from ridealong.errors import RidealongError
from shadow.gate_cameras import check_gate_cameras


def gate(prediction: str) -> GateSpec:
    cell = {"prediction": prediction, "metric": "f1", "margin": 0.02}
    return GateSpec.model_validate({"required": [cell]})


@pytest.mark.parametrize("prediction", ["objects/car@cam_front", "objects/car@rear"])
def test_known_cameras(prediction: str) -> None:
    check_gate_cameras(gate(prediction), {"cam_front"})


def test_no_camera_at_all() -> None:
    cell = {"prediction": "bev/road", "metric": "iou", "margin": 0.02}
    check_gate_cameras(GateSpec.model_validate({"required": [cell]}), set())


@pytest.mark.parametrize(
    ("camera", "meant"), [("mian", "main"), ("cam_fornt", "cam_front")], ids=str
)
def test_a_camera_that_nobody_has(camera: str, meant: str) -> None:
    with pytest.raises(RidealongError) as caught:
        check_gate_cameras(gate(f"objects/car@{camera}"), {"cam_front"})
    assert str(caught.value) == (
        f"the gate requires 'objects/car@{camera}', but neither the networks nor the clips have"
        f" the camera '{camera}'; did you mean '{meant}'?"
    )
