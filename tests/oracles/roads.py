"""The simplest worlds: one straight road, or one bend."""

import numpy as np

from ingest.simulation.maps.world import Profile, WorldParts, add_road, arc, resample
from ingest.simulation.scene import COUNTRIES

ONE_LANE_EACH = Profile()


def straight_road(
    length_m: float = 400.0, profile: Profile = ONE_LANE_EACH, country: str = "DE", seed: int = 1
) -> WorldParts:
    """Make a road along the x axis, its dividing line from -length/2 to length/2 on y = 0."""
    parts = WorldParts(COUNTRIES[country], seed)
    line, _ = resample(np.array([[-length_m / 2, 0.0], [length_m / 2, 0.0]]), 20.0)
    add_road(parts, "road", line, profile)
    return parts


def curved_road(
    radius_m: float = 120.0, profile: Profile = ONE_LANE_EACH, country: str = "DE", seed: int = 1
) -> WorldParts:
    """Make a left bend of 180 degrees that starts at the origin towards +x."""
    parts = WorldParts(COUNTRIES[country], seed)
    line = arc((0.0, radius_m), radius_m, -np.pi / 2, np.pi / 2)
    add_road(parts, "road", line, profile)
    return parts
