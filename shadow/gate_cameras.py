"""Cameras that a gate requires and that a run cannot have: found before any clip is replayed."""

from collections.abc import Collection

from ingest.simulation.rig import RigCamera
from metrics.gate.spec import GateSpec
from metrics.tasks.registry import parse_prediction
from ridealong.errors import RidealongError
from ridealong.specs import nearest


def check_gate_cameras(gate: GateSpec, cameras: Collection[str]) -> None:
    """Refuse a gate that requires a prediction of a camera that nobody knows.

    A camera that is known but that the run lacks is no mistake: the cell has no data, and does not
    pass.

    Args:
        gate: The gate.
        cameras: Those of the run's networks and clips; the simulator's are known too.

    Raises:
        RidealongError: A required prediction names another camera; the nearest is suggested.
    """
    known = {*cameras, *(camera.value for camera in RigCamera)}
    for cell in gate.required:
        camera = parse_prediction(cell.prediction).camera
        if camera is not None and camera not in known:
            raise RidealongError(
                f"the gate requires {cell.prediction!r}, but neither the networks nor the clips "
                f"have the camera {camera!r}",
                hint=nearest(camera, sorted(known)),
            )
