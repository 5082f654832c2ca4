"""Directions on the ground, against the definition of the ellipsoid."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from ingest.sources.comma2k19.earth import heading_rad, up_ecef
from ingest.sources.comma2k19.inertial import GRAVITY_MPS2, Poses, gravity_in_device

WGS84_A_M = 6378137.0
WGS84_F = 1 / 298.257223563


def to_ecef(lat: float, lon: float, height: float) -> np.ndarray:
    e2 = WGS84_F * (2 - WGS84_F)
    n = WGS84_A_M / np.sqrt(1 - e2 * np.sin(lat) ** 2)
    level = (n + height) * np.cos(lat)
    return np.array(
        [[level * np.cos(lon), level * np.sin(lon), (n * (1 - e2) + height) * np.sin(lat)]]
    )


def axes(lat: float, lon: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """East, north and up at a place."""
    east = np.array([[-np.sin(lon), np.cos(lon), 0]])
    up = np.array([[np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)]])
    return east, np.cross(up, east), up


@given(st.floats(-1.5, 1.5), st.floats(-3.1, 3.1), st.floats(-400, 5000))
def test_up_is_away_from_the_ellipsoid(lat: float, lon: float, height: float) -> None:
    assert_allclose(up_ecef(to_ecef(lat, lon, height)), axes(lat, lon)[2], atol=1e-9)


@given(st.floats(-1.5, 1.5), st.floats(-3.1, 3.1), st.floats(-3.1, 3.1))
def test_heading(lat: float, lon: float, heading: float) -> None:
    spot = to_ecef(lat, lon, 0)
    east, north, up = axes(lat, lon)
    velocity = np.sin(heading) * east + np.cos(heading) * north + 0.1 * up
    assert_allclose(heading_rad(velocity, spot), [heading], atol=1e-9)


def test_a_quarter_turn() -> None:
    """A device that is turned about ECEF's z: at (1, 0, 0) up is ECEF's x, the device's -y."""
    half = np.sqrt(0.5)
    spot, turn = np.array([[WGS84_A_M, 0.0, 0.0]]), np.array([[half, 0, 0, half]])
    poses = Poses(np.zeros(1), spot, np.zeros((1, 3)), turn)
    assert_allclose(gravity_in_device(poses), [[0, GRAVITY_MPS2, 0]], atol=1e-12)
    longer = Poses(np.zeros(1), spot, np.zeros((1, 3)), 2 * turn)
    assert_allclose(gravity_in_device(longer), gravity_in_device(poses), atol=1e-12)
