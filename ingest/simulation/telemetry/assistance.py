"""Driver assistance and driver, by rule: automation level, attention, lane changes.

Traffic does not model these; `docs/simulation.md` states each rule. What is random comes from the
drive's seed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.simulation.plan import DriveSpec
from ridealong.arrays import Bools, Floats

Column = NDArray[np.float64] | NDArray[np.bool_] | NDArray[np.str_]

STEP_S = 0.1
SUMMON_S = 12.0
ENGAGE_S, ENGAGE_MPS = 8.0, 5.0
HANDS_EVERY_S, HANDS_FOR_S = 15.0, 4.0
LOOK_AWAY_EVERY_S, LOOK_AWAY_S = 22.0, 0.9
WARN_AFTER_S = 2.0
PROPOSED_S, CONFIRMED_S, IGNORED_EVERY_S, IGNORED_S = 4.0, 1.5, 90.0, 5.0
CRUISE_MPS = 9.0
_ENGAGED, _LEAVING, _DRIVER = "SAE_2", "SAE_2_DISENGAGING", "SAE_0"


@dataclass(frozen=True, eq=False)
class RuleInputs:
    """Inputs of the rules, ``(T,)`` each."""

    drive: DriveSpec
    speed_mps: Floats
    acceleration: Floats
    lateral: Floats
    lane: NDArray[np.str_]
    at_junction: Bools
    emergency: Bools
    left: Bools
    right: Bools

    def rng(self, name: str) -> np.random.Generator:
        """A random generator for each rule."""
        return np.random.default_rng([self.drive.seed, *name.encode()])


def columns(inputs: RuleInputs) -> dict[str, Column]:
    """All signals of assistance and driver."""
    summon = _summon(inputs)
    level = autonomy(inputs, summon)
    engaged = level == _ENGAGED
    cruise = _cruise(inputs, engaged)
    proposed, confirmed = lane_changes(inputs)
    hands = _hands(inputs, engaged, summon)
    eyes = _eyes(inputs)
    return {
        "Vehicle.ADAS.ActiveAutonomyLevel": level,
        "Vehicle.ADAS.CruiseControl.IsActive": cruise,
        "Vehicle.ADAS.CruiseControl.SpeedSet": _speed_set(inputs, cruise),
        "Vehicle.Driver.IsHandsOnWheel": hands,
        "Vehicle.Driver.IsEyesOnRoad": eyes,
        "Vehicle.ADAS.DMS.IsWarning": _lasting(~eyes, WARN_AFTER_S),
        "Trip.DriverSteeringTorque": _torque(inputs, level, hands),
        "Trip.IsBookmarked": _bookmarks(inputs),
        "Trip.LaneChange.IsProposed": proposed,
        "Trip.LaneChange.IsConfirmed": confirmed,
        "Trip.Summon.IsActive": summon,
    }


def autonomy(inputs: RuleInputs, summon: Bools) -> NDArray[np.str_]:
    """SAE 2 with the feature, from the start or after 8 s above 18 km/h; left in emergencies.

    It leaves for one second, then the driver drives: at an emergency braking, and when it is
    steered harder than 4 m/s² sideways.
    """
    level = np.full(len(inputs.speed_mps), _DRIVER, "U17")
    level[summon] = _ENGAGED
    if "autopilot" not in inputs.drive.features:
        return level
    given_up = (inputs.emergency | (np.abs(inputs.lateral) > 4.0)).tolist()
    fast = (inputs.speed_mps > ENGAGE_MPS).tolist()
    engaged, calm, leaving = not summon.any(), 0, 0
    for i in range(len(level)):
        if summon[i]:
            continue
        if engaged and given_up[i]:
            engaged, leaving, calm = False, round(1 / STEP_S), 0
        calm = calm + 1 if fast[i] and not given_up[i] else 0
        if not engaged and leaving == 0 and calm * STEP_S >= ENGAGE_S:
            engaged = True
        level[i] = _ENGAGED if engaged else _LEAVING if leaving else _DRIVER
        leaving = max(leaving - 1, 0)
    return level


def lane_changes(inputs: RuleInputs) -> tuple[Bools, Bools]:
    """Proposed 4 s before the car moves over and confirmed 1.5 s before it; some are ignored."""
    steps = len(inputs.speed_mps)
    proposed, confirmed = np.zeros(steps, bool), np.zeros(steps, bool)
    if "lane_change" not in inputs.drive.features:
        return proposed, confirmed
    for i in moves_over(inputs.lane):
        proposed[max(i - round(PROPOSED_S / STEP_S), 0) : i + 1] = True
        confirmed[max(i - round(CONFIRMED_S / STEP_S), 0) : i + 1] = True
    many = np.array([_lane_number(name) for name in inputs.lane]) > 0
    rng = inputs.rng("ignored")
    at = rng.exponential(IGNORED_EVERY_S)
    while at < steps * STEP_S:
        i = round(at / STEP_S)
        if i < steps and many[i] and inputs.speed_mps[i] > ENGAGE_MPS:
            proposed[i : i + round(IGNORED_S / STEP_S)] = True
        at += IGNORED_S + rng.exponential(IGNORED_EVERY_S)
    return proposed, confirmed


def moves_over(lane: NDArray[np.str_]) -> list[int]:
    """Steps at which the lane is another one of the same road."""
    changes = np.flatnonzero(lane[1:] != lane[:-1]) + 1
    return [
        int(i)
        for i in changes
        if lane[i][0] != ":" and lane[i].rpartition("_")[0] == lane[i - 1].rpartition("_")[0]
    ]


def _lane_number(lane: str) -> int:
    return 0 if lane[0] == ":" else int(lane.rpartition("_")[2])


def _summon(inputs: RuleInputs) -> Bools:
    """The session at the start of such a drive."""
    seconds = np.arange(len(inputs.speed_mps)) * STEP_S
    active = np.zeros(len(seconds), bool)
    return seconds < SUMMON_S if "summon" in inputs.drive.features else active


def _cruise(inputs: RuleInputs, engaged: Bools) -> Bools:
    """On with the feature above 32 km/h and while SAE 2 drives; braking turns it off for 6 s."""
    steps = len(engaged)
    wanted = np.full(steps, "cruise_control" in inputs.drive.features) | engaged
    braking = inputs.acceleration < -2.0
    off = _stretched(braking & ~engaged, 6.0)
    return np.asarray(wanted & (engaged | ((inputs.speed_mps > CRUISE_MPS) & ~off)))


def _speed_set(inputs: RuleInputs, cruise: Bools) -> Floats:
    """The highest speed of the last 30 s, in steps of 5 km/h; unknown while it is off."""
    window = round(30 / STEP_S)
    speed = np.concatenate([np.full(window, inputs.speed_mps[0]), inputs.speed_mps])
    highest = np.lib.stride_tricks.sliding_window_view(speed, window + 1).max(axis=1)
    return np.where(cruise, np.ceil(highest * 3.6 / 5) * 5, np.nan)


def _hands(inputs: RuleInputs, engaged: Bools, summon: Bools) -> Bools:
    """On the wheel while the driver drives; else 4 s in every 15; off in a summon session."""
    seconds = np.arange(len(engaged)) * STEP_S + inputs.rng("hands").uniform(0, HANDS_EVERY_S)
    now_and_then = np.remainder(seconds, HANDS_EVERY_S) < HANDS_FOR_S
    return np.asarray(np.where(summon, False, np.where(engaged, now_and_then, True)))


def _eyes(inputs: RuleInputs) -> Bools:
    """Away from the road every 22 s on average, for 0.9 s at the median; never in an emergency."""
    steps = len(inputs.speed_mps)
    rng = inputs.rng("eyes")
    on = np.ones(steps, bool)
    at = rng.exponential(LOOK_AWAY_EVERY_S)
    while at < steps * STEP_S:
        length = LOOK_AWAY_S * float(np.exp(rng.normal(0, 0.6)))
        on[round(at / STEP_S) : round((at + length) / STEP_S)] = False
        at += length + rng.exponential(LOOK_AWAY_EVERY_S)
    return np.asarray(on | inputs.emergency)


def _torque(inputs: RuleInputs, level: NDArray[np.str_], hands: Bools) -> Floats:
    """Torque of the hands: against lateral force, and high where they take over."""
    noise = inputs.rng("torque").normal(0, 0.12, len(hands))
    torque = np.where(hands, 0.35 * inputs.lateral + noise, 0.0)
    taking_over = level == _LEAVING
    side = np.where(inputs.lateral >= 0, 1.0, -1.0)
    return np.round(np.where(taking_over, 3.6 * side + noise, torque) / 0.05) * 0.05


def _bookmarks(inputs: RuleInputs) -> Bools:
    """One driver in three presses the button 6 s after an emergency braking."""
    pressed = np.zeros(len(inputs.speed_mps), bool)
    starts = np.flatnonzero(inputs.emergency[1:] & ~inputs.emergency[:-1]) + 1
    if len(starts) and inputs.rng("bookmark").random() < 1 / 3:
        at = int(starts[0]) + round(6 / STEP_S)
        pressed[at : at + 5] = True
    return pressed


def _lasting(active: Bools, seconds: float) -> Bools:
    """Where it has been true for that long."""
    steps = np.arange(len(active))
    last_off = np.maximum.accumulate(np.where(active, -1, steps))
    return np.asarray(active & (steps - last_off > seconds / STEP_S))


def _stretched(active: Bools, seconds: float) -> Bools:
    """Where it is true, and that long after."""
    steps = np.arange(len(active))
    last_on = np.maximum.accumulate(np.where(active, steps, -(10**9)))
    return np.asarray(steps - last_on <= seconds / STEP_S)
