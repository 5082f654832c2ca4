"""Finds cameras that a gate requires but a run cannot have, before any clip is replayed."""

from collections.abc import Collection

from ingest.rig import known_cameras
from metrics.gate.spec import GateSpec
from metrics.tasks.registry import parse_prediction
from ridealong.errors import RidealongError
from ridealong.specs import nearest


def check_gate_cameras(gate: GateSpec, cameras: Collection[str]) -> None:
    """Refuse a gate that requires a prediction of an unknown camera.

    A camera that is known but missing in the run is not an error: the cell has no data, so it does
    not pass.

    Args:
        gate: The gate.
        cameras: Those of the run's networks and clips; the simulator's are always known.

    Raises:
        RidealongError: A required prediction has an unknown camera; the nearest is suggested.
    """
    known = known_cameras(cameras)
    for cell in gate.required:
        camera = parse_prediction(cell.prediction).camera
        if camera is not None and camera not in known:
            raise RidealongError(
                f"the gate requires {cell.prediction!r}, but neither the networks nor the clips "
                f"have the camera {camera!r}",
                hint=nearest(camera, sorted(known)),
            )
