"""Where maps are on the globe: a plane around an origin in each country, true to scale near it."""

import numpy as np

from ridealong.arrays import Floats

METRES_PER_DEGREE = 111_320.0
ORIGINS_DEG: dict[str, tuple[float, float]] = {
    "DE": (48.765, 11.425),
    "US": (37.395, -122.080),
    "GB": (52.040, -0.760),
    "JP": (35.083, 137.156),
}


def degrees_of(country: str, east_m: Floats, north_m: Floats) -> tuple[Floats, Floats]:
    """Latitudes and longitudes of places of a map in a country."""
    latitude, longitude = ORIGINS_DEG[country]
    east = METRES_PER_DEGREE * np.cos(np.radians(latitude))
    return latitude + north_m / METRES_PER_DEGREE, longitude + east_m / east
