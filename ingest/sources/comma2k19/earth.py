"""Directions on the ground from Earth-centred coordinates (ECEF, WGS 84)."""

import numpy as np
from pymap3d import ecef2enuv, ecef2geodetic, enu2ecefv

from ridealong.arrays import Floats


def up_ecef(xyz_ecef_m: Floats) -> Floats:
    """``(N, 3)`` unit vectors away from the ellipsoid at ``(N, 3)`` points, in ECEF axes."""
    latitude, longitude, _ = ecef2geodetic(*xyz_ecef_m.T, deg=False)
    none, one = np.zeros(len(xyz_ecef_m)), np.ones(len(xyz_ecef_m))
    return np.stack(enu2ecefv(none, none, one, latitude, longitude, deg=False), axis=1)


def heading_rad(velocity_ecef_mps: Floats, xyz_ecef_m: Floats) -> Floats:
    """``(N,)`` direction of travel, clockwise from north, continuous (it may pass ±π).

    Args:
        velocity_ecef_mps: ``(N, 3)``.
        xyz_ecef_m: ``(N, 3)`` where the vehicle is.
    """
    latitude, longitude, _ = ecef2geodetic(*xyz_ecef_m.T, deg=False)
    east, north, _ = ecef2enuv(*velocity_ecef_mps.T, latitude, longitude, deg=False)
    return np.unwrap(np.arctan2(east, north))
