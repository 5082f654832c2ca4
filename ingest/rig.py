"""Cameras of a drive in the order to show them in; each drive has a rig of its own.

The simulator's rig is known: a simulated vehicle that lacks some of its cameras shows where they
would be.
"""

import re
from collections.abc import Collection, Iterable

from ingest.simulation.rig import RigCamera

# The simulator's, as seen from the driver's seat, in rows of four: left, ahead, right; backwards.
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
SIMULATION = "simulation"  # the source of drives with the simulator's rig
AHEAD, SIDE, BEHIND, ELSEWHERE = range(4)
LEFT, MIDDLE, RIGHT = range(3)
# Words in names of cameras: where it looks to, from front to back, and from left to right.
_ROWS = {
    **dict.fromkeys(("front", "forward", "ahead", "main", "narrow", "wide", "pillar"), AHEAD),
    **dict.fromkeys(("side", "repeater"), SIDE),
    **dict.fromkeys(("rear", "back", "backward"), BEHIND),
}
_COLUMNS = {"left": LEFT, "right": RIGHT}


def known_cameras(others: Iterable[str] = ()) -> set[str]:
    """The names of the simulator's cameras, and those of others."""
    return {*(camera.value for camera in RigCamera), *others}


def shown_cameras(cameras: Collection[str], source: str | None) -> list[str]:
    """The cameras to show of a clip with these, in order.

    Args:
        cameras: The cameras of the clip.
        source: The source of its drive. A simulated drive with several cameras shows the whole
            rig, also the cameras that it lacks. Any other shows its own: from front to back, and
            from left to right, as far as their names say it.
    """
    if source == SIMULATION and len(cameras) > 1 and set(cameras) <= known_cameras():
        return [camera.value for camera in LAYOUT]
    return sorted(cameras, key=_place)


def _place(camera: str) -> tuple[int, int]:
    """Row and column of a camera by the words of its name; unknown ones keep their order."""
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", camera).lower())
    column = next((_COLUMNS[word] for word in words if word in _COLUMNS), MIDDLE)
    row = next((_ROWS[word] for word in words if word in _ROWS), None)
    if row is None:
        row = ELSEWHERE if column == MIDDLE else SIDE
    return row, column
