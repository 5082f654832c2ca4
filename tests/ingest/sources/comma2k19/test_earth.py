"""Directions on the ground, against the definition of the ellipsoid."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from ingest.sources.comma2k19.earth import (
    WGS84_A_M,
    WGS84_F,
    east_north_up,
    heading_rad,
    latitude_longitude_rad,
    rotation_matrices,
)


def to_ecef(lat: float, lon: float, height: float) -> np.ndarray:
    e2 = WGS84_F * (2 - WGS84_F)
    n = WGS84_A_M / np.sqrt(1 - e2 * np.sin(lat) ** 2)
    level = (n + height) * np.cos(lat)
    return np.array(
        [[level * np.cos(lon), level * np.sin(lon), (n * (1 - e2) + height) * np.sin(lat)]]
    )


@given(st.floats(-1.5, 1.5), st.floats(-3.1, 3.1), st.floats(-400, 5000))
def test_latitude_and_longitude_come_back(lat: float, lon: float, height: float) -> None:
    found = latitude_longitude_rad(to_ecef(lat, lon, height))
    assert_allclose(np.concatenate(found), [lat, lon], atol=1e-9)


@given(st.floats(-1.5, 1.5), st.floats(-3.1, 3.1), st.floats(-3.1, 3.1))
def test_heading(lat: float, lon: float, heading: float) -> None:
    spot = to_ecef(lat, lon, 0)
    east, north, up = east_north_up(spot)
    assert_allclose(np.cross(east, north), up, atol=1e-12)
    velocity = np.sin(heading) * east + np.cos(heading) * north + 0.1 * up
    assert_allclose(heading_rad(velocity, spot), [heading], atol=1e-9)


def test_a_quarter_turn() -> None:
    half = np.sqrt(0.5)
    (turn,) = rotation_matrices(np.array([[half, 0, 0, half]]))
    assert_allclose(turn @ [1, 0, 0], [0, 1, 0], atol=1e-12)
