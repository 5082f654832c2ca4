"""A phone's inertial sensors in the vehicle's axes, without gravity.

The device's axes are forward, right, down, but the device is not mounted straight. The vehicle's
axes (ISO 8855: forward, left, up) follow from the direction of travel:

- x is the mean direction of travel in the device's axes,
- z is the device's up, made perpendicular to x,
- y = z cross x.

The roll of the mounting cannot be found in this way and is assumed to be 0.

An accelerometer measures ``a - g``: 1 g upwards when it stands still. The pose gives the direction
of gravity.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from ingest.sources.comma2k19.earth import up_ecef
from ridealong.arrays import Floats

GRAVITY_MPS2 = 9.80665
# Below this speed, the direction of travel is mostly noise.
STEADY_MPS = 5.0


@dataclass(frozen=True)
class Poses:
    """Poses of the device: ``time_s (N,)``; ECEF position, velocity ``(N, 3)``; ``wxyz (N, 4)``.

    ``wxyz`` are quaternions, scalar first, that rotate device axes (forward, right, down) to ECEF;
    they need not have length 1, but none may be zero.
    """

    time_s: Floats
    xyz_ecef_m: Floats
    velocity_ecef_mps: Floats
    wxyz: Floats


def gravity_in_device(poses: Poses) -> Floats:
    """``(N, 3)`` the acceleration of gravity in device axes, m/s², at each pose."""
    return _to_device(poses, -GRAVITY_MPS2 * up_ecef(poses.xyz_ecef_m))


def vehicle_SO3_device(poses: Poses) -> Floats | None:
    """``(3, 3)`` device axes to vehicle axes; None if the vehicle was never fast enough."""
    speed = np.linalg.norm(poses.velocity_ecef_mps, axis=1)
    steady = speed > STEADY_MPS
    if not steady.any():
        return None
    travel = _to_device(poses, poses.velocity_ecef_mps)[steady] / speed[steady, None]
    x = _unit(travel.mean(axis=0))
    device_up = np.array([0.0, 0.0, -1.0])
    z = _unit(device_up - (device_up @ x) * x)
    return np.stack([x, np.cross(z, x), z])


def _to_device(poses: Poses, ecef: Floats) -> Floats:
    ecef_SO3_device = Rotation.from_quat(poses.wxyz, scalar_first=True)
    return np.asarray(ecef_SO3_device.apply(ecef, inverse=True), np.float64)


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / np.linalg.norm(vector), np.float64)
