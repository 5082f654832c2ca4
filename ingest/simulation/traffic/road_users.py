"""Road users: kinds of vehicle and driver as SUMO's types, and how a camera sees them.

Only numpy and text: it is imported where SUMO runs, and pyarrow must not be.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ingest.simulation.values import Colour

# The order of `ingest.simulation.scene.CATEGORIES`; a test compares the two.
KINDS = ("car", "truck", "bus", "motorcycle", "bicycle", "pedestrian")
PEDESTRIAN = KINDS.index("pedestrian")
BICYCLE = KINDS.index("bicycle")

# The ego, seen from the rear axle: `ingest.simulation.rig` mounts its cameras on this body.
EGO_LENGTH_M, EGO_WIDTH_M, EGO_FRONT_M, WHEELBASE_M = 4.65, 1.85, 3.70, 2.80


PAINTS: tuple[Colour, ...] = (
    (225, 227, 228),
    (28, 30, 33),
    (120, 124, 128),
    (176, 180, 184),
    (142, 24, 30),
    (30, 58, 110),
    (58, 84, 66),
    (196, 188, 168),
    (206, 140, 30),
)
CLOTHES: tuple[Colour, ...] = (
    (44, 48, 60),
    (110, 38, 40),
    (52, 76, 122),
    (150, 146, 138),
    (190, 168, 60),
    (70, 96, 70),
    (24, 24, 26),
    (196, 110, 90),
)


@dataclass(frozen=True)
class Body:
    """Size of a road user, riders included, metres, and SUMO's word for it."""

    length_m: float
    width_m: float
    height_m: float
    vehicle_class: str
    limit_mps: float  # what it does at most
    acceleration: float


BODIES: Mapping[str, tuple[Body, ...]] = {
    "car": (
        Body(3.95, 1.72, 1.50, "passenger", 50, 2.6),
        Body(4.30, 1.80, 1.46, "passenger", 55, 2.8),
        Body(4.65, 1.85, 1.44, "passenger", 60, 3.0),
        Body(4.55, 1.88, 1.68, "passenger", 55, 2.8),
        Body(4.90, 1.95, 1.76, "passenger", 50, 2.6),
    ),
    "truck": (
        Body(7.2, 2.40, 3.10, "truck", 25, 1.3),
        Body(9.5, 2.50, 3.60, "truck", 24.5, 1.1),
        Body(12.0, 2.55, 3.90, "truck", 24.5, 0.9),
    ),
    "bus": (Body(11.9, 2.55, 3.05, "bus", 27, 1.2), Body(9.6, 2.50, 2.95, "bus", 27, 1.2)),
    "motorcycle": (Body(2.15, 0.80, 1.50, "motorcycle", 55, 4.0),),
    "bicycle": (Body(1.80, 0.62, 1.76, "bicycle", 6.5, 1.0),),
    "pedestrian": (
        Body(0.45, 0.58, 1.76, "pedestrian", 1.5, 1.5),
        Body(0.42, 0.52, 1.64, "pedestrian", 1.4, 1.5),
        Body(0.34, 0.42, 1.26, "pedestrian", 1.3, 1.5),
    ),
}


@dataclass(frozen=True)
class Temper:
    """A driving style: parameters of SUMO's EIDM that differ between drivers."""

    tau_s: float
    acceleration: float  # factor on the body's
    deceleration: float
    speed: str
    impatience: float
    lane_change: str


CALM = Temper(1.3, 0.75, 2.0, "normc(0.97,0.07,0.8,1.15)", 0.0, 'lcAssertive="1" lcSpeedGain="0.8"')
AGGRESSIVE = Temper(
    0.75, 1.2, 3.8, "normc(1.16,0.08,1.0,1.35)", 0.4, 'lcAssertive="2.5" lcSpeedGain="3"'
)
TEMPERS = {"calm": CALM, "aggressive": AGGRESSIVE}
EGO = {"calm": "ego_calm", "aggressive": "ego_aggressive"}


def type_name(kind: str, body: int, temper: str) -> str:
    """Name of SUMO's type for a kind, its body by number, and a driver."""
    return f"{kind}{body}_{temper}"


def sumo_types(speed_factor: float) -> str:
    """Write all types as SUMO's XML; ``speed_factor`` slows all of them (rain, fog)."""
    rows = []
    for kind, bodies in BODIES.items():
        for number, body in enumerate(bodies):
            if kind == "pedestrian":
                rows.append(_walker(number, body))
                continue
            rows += [
                _driver(type_name(kind, number, name), body, temper, speed_factor)
                for name, temper in TEMPERS.items()
            ]
    ego = Body(EGO_LENGTH_M, EGO_WIDTH_M, 1.44, "passenger", 55, 2.8)
    rows += [_driver(EGO[name], ego, temper, speed_factor) for name, temper in TEMPERS.items()]
    return "<additional>" + "\n".join(rows) + "</additional>"


def draw_colour(rng: np.random.Generator, kind: str) -> Colour:
    """Draw the colour of the paint, or of the clothes of people without a roof."""
    palette = PAINTS if kind in ("car", "truck", "bus") else CLOTHES
    return palette[int(rng.integers(len(palette)))]


def _driver(name: str, body: Body, temper: Temper, speed_factor: float) -> str:
    factor = temper.speed.removeprefix("normc(").removesuffix(")").split(",")
    mean, spread, low, high = (float(part) for part in factor)
    speed = f"normc({mean * speed_factor:.3f},{spread},{low * speed_factor:.3f},{high:.3f})"
    if body.vehicle_class == "bicycle":
        speed = "normc(1,0.12,0.7,1.3)"
    return (
        f'<vType id="{name}" vClass="{body.vehicle_class}" carFollowModel="EIDM" '
        f'length="{body.length_m}" width="{body.width_m}" height="{body.height_m}" '
        f'maxSpeed="{body.limit_mps}" accel="{body.acceleration * temper.acceleration:.2f}" '
        f'decel="{temper.deceleration}" emergencyDecel="8.5" tau="{temper.tau_s}" minGap="2.2" '
        f'speedFactor="{speed}" impatience="{temper.impatience}" {temper.lane_change}/>'
    )


def _walker(number: int, body: Body) -> str:
    return (
        f'<vType id="pedestrian{number}" vClass="pedestrian" length="{body.length_m}" '
        f'width="{body.width_m}" height="{body.height_m}" maxSpeed="{body.limit_mps}" '
        f'speedFactor="normc(1,0.12,0.7,1.3)"/>'
    )
