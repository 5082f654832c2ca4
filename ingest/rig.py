"""The usual rig, that of the simulator: which cameras are known, and the order to show them in."""

from collections.abc import Collection, Iterable

from ingest.simulation.rig import RigCamera

# As seen from the driver's seat, in rows of four: left, ahead, right; then backwards.
LAYOUT = (
    RigCamera.LEFT_PILLAR,
    RigCamera.MAIN,
    RigCamera.RIGHT_PILLAR,
    RigCamera.NARROW,
    RigCamera.LEFT_REPEATER,
    RigCamera.REAR,
    RigCamera.RIGHT_REPEATER,
    RigCamera.WIDE,
)


def known_cameras(others: Iterable[str] = ()) -> set[str]:
    """The names of the usual rig's cameras, and those of others."""
    return {*(camera.value for camera in RigCamera), *others}


def shown_cameras(cameras: Collection[str]) -> list[str]:
    """The cameras to show of a clip with these, in order.

    A clip with several cameras of the usual rig shows the whole rig, also what it lacks; any other
    clip shows its own cameras.
    """
    is_usual_rig = len(cameras) > 1 and set(cameras) <= known_cameras()
    return [camera.value for camera in LAYOUT] if is_usual_rig else list(cameras)
