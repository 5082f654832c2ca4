"""How the ego's body moves, from where SUMO puts its front bumper.

SUMO moves a point along lanes whose bends are polygons; a car turns smoothly. The front is smoothed
over time, and the rear axle is drawn behind it like a trailer (a tractrix), which is how a car with
steered front wheels turns. Yaw, its rate and the steering angle follow from that.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ingest.simulation.traffic.road_users import EGO_FRONT_M, WHEELBASE_M
from ridealong.arrays import Floats

STEP_S = 0.1
_SMOOTH_S = 0.4
_REACH = 4  # standard deviations that smoothing looks ahead and back
_STANDS_MPS = 0.3


@dataclass(frozen=True, eq=False)
class Motion:
    """The ego over time, ``(T,)`` each, 10 Hz; world frame, rear axle, SI units."""

    x_m: Floats
    y_m: Floats
    yaw_rad: Floats  # continuous: it may pass ±π
    yaw_rate_rps: Floats
    speed_mps: Floats
    acceleration: Floats  # along the road
    lateral: Floats  # to the left
    steering_rad: Floats  # of the front wheels


def motion_of(
    x_m: Floats, y_m: Floats, angle_deg: Floats, speed_mps: Floats, shift_m: Floats
) -> Motion:
    """The body's motion.

    Args:
        x_m: Front bumper by SUMO, to the east.
        y_m: The same to the north.
        angle_deg: SUMO's angle, clockwise from north.
        speed_mps: SUMO's speed.
        shift_m: How far the driver is to the left of where SUMO is.
    """
    way = np.unwrap(np.radians(90 - angle_deg))
    columns = [_smooth(column) for column in (x_m, y_m, way)]
    # Only SUMO's path is smoothed; the driver's own swerve keeps its speed.
    left = np.stack([-np.sin(columns[2]), np.cos(columns[2])], axis=1)
    smooth = np.stack(columns[:2], axis=1) + shift_m[:, None] * left
    yaw = _tractrix(smooth, float(way[0]))
    # At standstill nothing turns: smoothing must not move the ego.
    rate = np.gradient(yaw, STEP_S) * (speed_mps > _STANDS_MPS)
    acceleration = np.gradient(speed_mps, STEP_S)
    steering = np.arctan2(WHEELBASE_M * rate, np.maximum(speed_mps, 1.0))
    return Motion(
        x_m=smooth[:, 0] - EGO_FRONT_M * np.cos(yaw),
        y_m=smooth[:, 1] - EGO_FRONT_M * np.sin(yaw),
        yaw_rad=yaw,
        yaw_rate_rps=rate,
        speed_mps=speed_mps,
        acceleration=acceleration,
        lateral=speed_mps * rate,
        steering_rad=np.clip(steering, -0.6, 0.6),
    )


def _smooth(column: Floats) -> Floats:
    """Smooth over time; both ends are extended straight, or else the ego would slow down there."""
    width = min(round(_REACH * _SMOOTH_S / STEP_S), len(column) - 1)
    padded = np.pad(column, width, mode="reflect", reflect_type="odd")
    smoothed: Floats = gaussian_filter1d(padded, _SMOOTH_S / STEP_S, mode="nearest")
    return smoothed[width : len(padded) - width]


def _tractrix(front_m: Floats, yaw_rad: float) -> Floats:
    """Heading of a body whose front is pulled along, its rear axle following."""
    rear = front_m[0] - EGO_FRONT_M * np.array([np.cos(yaw_rad), np.sin(yaw_rad)])
    rear_x, rear_y = float(rear[0]), float(rear[1])
    out = np.empty(len(front_m))
    for i, (x, y) in enumerate(front_m.tolist()):
        along_x, along_y = x - rear_x, y - rear_y
        length = float(np.hypot(along_x, along_y))
        rear_x = x - EGO_FRONT_M * along_x / length
        rear_y = y - EGO_FRONT_M * along_y / length
        out[i] = np.arctan2(along_y, along_x)
    return np.unwrap(out)
