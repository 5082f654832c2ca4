"""Where sensors are on the vehicle, from the transforms between coordinate frames."""

from collections.abc import Iterable

import numpy as np

from ingest.sources.bags.fields import Pose

# What the vehicle's own frame is called, the best first; x is forward, y left, z up.
VEHICLE_FRAMES = ("base_link", "base_footprint", "ego_vehicle", "ego", "vehicle", "base")


class Transforms:
    """The first transform of each child frame; a sensor's mounting does not change."""

    def __init__(self) -> None:
        self._parents: dict[str, tuple[str, Pose]] = {}

    def add(self, found: Iterable[tuple[str, str, Pose]]) -> None:
        """Add parents, children, and poses of the children in their parents."""
        for parent, child, pose in found:
            if child not in self._parents and parent != child:
                self._parents[child] = parent, pose

    def vehicle_SE3(self, frame: str) -> Pose | None:
        """A frame's pose on the vehicle; None if it is not connected to the vehicle."""
        own = self._to_ancestors(frame)
        for vehicle in VEHICLE_FRAMES:
            if vehicle in own:
                return own[vehicle]
        return None

    def _to_ancestors(self, frame: str) -> dict[str, Pose]:
        """The frame's pose in itself, its parent, the parent of that, and so on."""
        found = {frame: np.eye(4)}
        while frame in self._parents:
            parent, pose = self._parents[frame]
            if parent in found:  # a loop
                break
            found[parent] = pose @ found[frame]
            frame = parent
        return found
