"""Cameras that a trigger names and no drive is known to have: most likely a spelling mistake.

A trigger may be written before the first drive of its vehicles is ingested, so such a name is
reported and not refused.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

from ingest.rig import known_cameras
from ingest.schemas import DRIVES
from ingest.triggers.spec import TriggerSpec
from ridealong.lake import Lake
from ridealong.perception.cameras import ALL
from ridealong.specs import nearest


def camera_warnings(triggers: Sequence[TriggerSpec], home: Path) -> dict[str, list[str]]:
    """A line for each camera that neither the simulator nor a drive in the lake has, by trigger.

    Args:
        triggers: The triggers.
        home: The lake's folder. It may be missing, and is read only if a name is unknown.

    Raises:
        RidealongError: The folder is not a home.
    """
    known = known_cameras()
    unknown = any(_unknown(trigger, known) for trigger in triggers)
    if unknown and home.exists():
        drives = Lake.open(home).snapshot().read(DRIVES, ["cameras"])
        known.update(camera for names in drives["cameras"].to_pylist() for camera in names or ())
    return {trigger.name: _unknown(trigger, known) for trigger in triggers}


def _unknown(trigger: TriggerSpec, known: Collection[str]) -> list[str]:
    named = () if trigger.cameras == ALL else trigger.cameras
    return [
        f"{trigger.name}: cameras: no known drive has the camera {camera!r}; "
        + nearest(camera, sorted(known))
        for camera in named
        if camera not in known
    ]
