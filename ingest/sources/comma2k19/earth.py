"""Earth-centred coordinates (ECEF, WGS 84) to directions on the ground."""

import numpy as np

from ridealong.arrays import Floats

WGS84_A_M = 6378137.0
WGS84_F = 1 / 298.257223563


def latitude_longitude_rad(xyz_ecef_m: Floats) -> tuple[Floats, Floats]:
    """Geodetic latitude and longitude of ``(N, 3)`` points near the ground (Bowring 1976).

    The error is below 1e-9 rad for heights up to some kilometres.
    """
    x, y, z = xyz_ecef_m.T
    b = WGS84_A_M * (1 - WGS84_F)
    e2 = WGS84_F * (2 - WGS84_F)
    p = np.hypot(x, y)
    beta = np.arctan2(z * WGS84_A_M, p * b)
    latitude = np.arctan2(
        z + e2 / (1 - e2) * b * np.sin(beta) ** 3, p - e2 * WGS84_A_M * np.cos(beta) ** 3
    )
    return latitude, np.arctan2(y, x)


def east_north_up(xyz_ecef_m: Floats) -> tuple[Floats, Floats, Floats]:
    """Unit vectors ``(N, 3)`` east, north and up (away from the ellipsoid) at each point."""
    lat, lon = latitude_longitude_rad(xyz_ecef_m)
    east = np.stack([-np.sin(lon), np.cos(lon), np.zeros_like(lon)], axis=1)
    up = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    return east, np.cross(up, east), up


def heading_rad(velocity_ecef_mps: Floats, xyz_ecef_m: Floats) -> Floats:
    """Direction of travel, clockwise from north, continuous (it may pass ±π)."""
    east, north, _ = east_north_up(xyz_ecef_m)
    along_east = np.einsum("ni,ni->n", velocity_ecef_mps, east)
    along_north = np.einsum("ni,ni->n", velocity_ecef_mps, north)
    return np.unwrap(np.arctan2(along_east, along_north))


def rotation_matrices(wxyz: Floats) -> Floats:
    """``(N, 3, 3)`` rotations of ``(N, 4)`` unit Hamilton quaternions, scalar first."""
    w, x, y, z = wxyz.T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), -1, 0)
