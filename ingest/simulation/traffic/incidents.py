"""Staged incidents: each waits for a suitable moment and happens once.

They make the moments that triggers look for frequent enough for a small fleet. Staged road
users follow fixed rules; all others are SUMO's drivers.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import libsumo as sumo
import numpy as np

from ingest.simulation.maps.roads import WALK, line_length, point_at
from ingest.simulation.traffic.bubble import Track, person_track

if TYPE_CHECKING:
    from ingest.simulation.traffic.run import Run

EGO = "ego"
STEP_S = 0.1
FIRST_STAGED = 1_000_000  # numbers of staged road users
FREE, CAREFUL = 0, 31  # SUMO's speed modes: without any check, and with all of them
_c = sumo.constants

ActorRow = tuple[float, ...]


class Incident:
    """The base of the others: does nothing.

    Attributes:
        tracks: Staged road users.
        earliest: First step at which it may happen, drawn from the seed.
    """

    def __init__(self, run: "Run") -> None:
        self.run = run
        self.tracks: list[Track] = []
        self.since: int | None = None
        self.earliest = int(run.rng.uniform(0.08, 0.55) * run.job.seconds / STEP_S)

    def act(self) -> None:
        """Called before every step."""
        run = self.run
        if run.step < min(self.earliest, 0) or EGO not in run.around:
            return
        if self.since is None:
            if run.step >= self.earliest and self.begins():
                self.since = run.step
        else:
            self.goes_on((run.step - self.since) * STEP_S)

    def begins(self) -> bool:
        """Whether it can begin now."""
        raise NotImplementedError

    def goes_on(self, seconds: float) -> None:
        """One step, that long after the beginning."""

    def rows(self) -> Iterator[ActorRow]:
        """Staged road users at this step: as in `Log.seen`, without the step."""
        return iter(())

    @property
    def speed_mps(self) -> float:
        """The ego's."""
        return float(self.run.me[_c.VAR_SPEED])


class LeadBrakes(Incident):
    """The vehicle ahead brakes hard for no visible reason, then drives on."""

    DECELERATION, HOLD_S = 7.0, 2.6

    def begins(self) -> bool:
        """A vehicle is ahead, near enough to matter."""
        found = self.run.leader()
        least = 25.5 if self.run.job.road == "highway" else 8.0
        if found is None or not 4 < found[1] < 1.9 * self.speed_mps or self.speed_mps < least:
            return False
        self.name, self.start_mps = found[0], sumo.vehicle.getSpeed(found[0])
        if self.start_mps < 0.7 * least or sumo.vehicle.getLaneID(self.name)[0] == ":":
            return False
        sumo.vehicle.setSpeedMode(self.name, FREE)
        return True

    def goes_on(self, seconds: float) -> None:
        """Brake for a while, then drive on."""
        if self.name not in self.run.around:
            return
        lowest = 0.45 if self.run.job.road == "highway" else 0.1
        if seconds < self.HOLD_S:
            speed = self.start_mps - self.DECELERATION * seconds
            sumo.vehicle.setSpeed(self.name, max(speed, lowest * self.start_mps))
        elif seconds < self.HOLD_S + 0.15:
            sumo.vehicle.setSpeed(self.name, -1)
            sumo.vehicle.setSpeedMode(self.name, CAREFUL)


class CutIn(Incident):
    """A vehicle in the next lane moves in close ahead of the ego."""

    def begins(self) -> bool:
        """A vehicle is beside the ego, a little ahead."""
        lane = str(self.run.me[_c.VAR_LANE_ID])
        if lane[0] == ":" or self.speed_mps < 7:
            return False
        edge, _, index = lane.rpartition("_")
        here = float(self.run.me[_c.VAR_LANEPOSITION])
        lanes = {f"{edge}_{int(index) + side}" for side in (-1, 1)}
        for name in sorted(self.run.around):
            if name[0] != "v" or sumo.vehicle.getLaneID(name) not in lanes:
                continue
            gap = sumo.vehicle.getLanePosition(name) - sumo.vehicle.getLength(name) - here
            closing = self.speed_mps - sumo.vehicle.getSpeed(name)
            if 2.5 < gap < 16 and -4 < closing < 6 and self._is_motor(name):
                sumo.vehicle.setLaneChangeMode(name, 0)
                sumo.vehicle.changeLane(name, int(index), 4.0)
                return True
        return False

    def _is_motor(self, name: str) -> bool:
        return str(sumo.vehicle.getVehicleClass(name)) != "bicycle"


class Pedestrian(Incident):
    """A pedestrian at the kerb runs across right ahead of the ego; the driver brakes fully.

    The walker waits in the middle of a road that the ego comes along, and the driver sees the walk
    begin 0.5 s late. The emergency braking is the driver's, not SUMO's.
    """

    REACTION_S, DECELERATION, JERK, RUN_MPS = 0.5, 8.0, 40.0, 2.3

    def __init__(self, run: "Run") -> None:
        super().__init__(run)
        self.earliest = 0
        self.tracks = [person_track(FIRST_STAGED, run.rng)]
        self.edge = ""
        self.gone_m, self.stopping_mps = 0.0, 0.0

    def begins(self) -> bool:
        """The ego is at the distance from the walker at which a stop is just possible."""
        lane = str(self.run.me[_c.VAR_LANE_ID])
        edge = lane.rpartition("_")[0]
        if lane[0] != ":" and not self.edge:
            self._wait_ahead()
        if edge != self.edge:
            return False
        ahead = self.at_m - float(self.run.me[_c.VAR_LANEPOSITION])
        if ahead < 0:
            self.edge = ""  # missed: the next road
            return False
        speed = self.speed_mps
        found = self.run.leader()
        clear = found is None or found[1] > ahead + 4
        reach = speed * self.REACTION_S + speed**2 / (2 * self.DECELERATION) + 7.5
        if speed < 7.5 or not clear or ahead > reach:
            return False
        self._measure_way(lane)
        self.stopping_mps = speed
        return True

    def _wait_ahead(self) -> None:
        """Wait at the next road of the ego's route that has a sidewalk and is long enough."""
        run = self.run
        index = sumo.vehicle.getRouteIndex(EGO) + 1
        if index >= len(run.bubble.ego_edges):
            return
        name = run.bubble.ego_edges[index]
        edge = run.network.edges[name]
        walk = [lane for lane in edge.lanes if lane.kind == WALK]
        if not walk or edge.lanes[-1].length_m < 90:
            return
        self.edge, self.at_m = name, 0.55 * edge.lanes[-1].length_m
        share = self.at_m / edge.lanes[-1].length_m
        self.foot, way = point_at(walk[0].line_m, share * line_length(walk[0].line_m))
        side = -1.0 if run.network.left_hand else 1.0
        self.across = np.array([-np.sin(way), np.cos(way)]) * side
        self.foot = self.foot + self.across * (walk[0].width_m / 2 - 0.3)

    def _measure_way(self, lane: str) -> None:
        edge = self.run.network.edges[self.edge]
        both = 2 if f"{edge.end}_{edge.start}" in self.run.network.edges else 1
        self.width_m = both * sum(one.width_m for one in edge.surface) + 1.0

    def goes_on(self, seconds: float) -> None:
        """Walk, and brake."""
        self.gone_m = min(seconds * self.RUN_MPS, self.width_m)
        clear_s = 0.55 * self.width_m / self.RUN_MPS + 1.0
        if seconds < self.REACTION_S:
            return
        if seconds < max(clear_s, self.REACTION_S + 2.5):
            sumo.vehicle.setSpeedMode(EGO, FREE)
            pull = min(self.JERK * (seconds - self.REACTION_S), self.DECELERATION)
            self.stopping_mps = max(self.stopping_mps - pull * STEP_S, 0.0)
            sumo.vehicle.setSpeed(EGO, self.stopping_mps)
        elif self.stopping_mps >= 0:
            self.stopping_mps = -1.0
            sumo.vehicle.setSpeedMode(EGO, CAREFUL)
            sumo.vehicle.setSpeed(EGO, -1)

    def rows(self) -> Iterator[ActorRow]:
        """The walker, from when the ego is on that road."""
        if not self.edge:
            return
        x, y = self.foot + self.across * self.gone_m
        here = self.run.me[_c.VAR_POSITION]
        if np.hypot(x - here[0], y - here[1]) > 120:
            return
        moving = self.since is not None and self.gone_m < self.width_m
        angle = 90 - np.degrees(np.arctan2(self.across[1], self.across[0]))
        speed = self.RUN_MPS if moving else 0.0
        yield (FIRST_STAGED, float(x), float(y), float(angle % 360), speed, 0.0, 0)


class Swerve(Incident):
    """The driver jerks around something small on the road and back: 1 m aside within 1.7 s."""

    ASIDE_M, LENGTH_S = 1.0, 1.7

    def begins(self) -> bool:
        """The road goes straight on for a while."""
        run = self.run
        lane = str(run.me[_c.VAR_LANE_ID])
        if lane[0] == ":" or self.speed_mps < 9.5:
            return False
        edge = run.network.edges[lane.rpartition("_")[0]]
        left = edge.lanes[-1].length_m - float(run.me[_c.VAR_LANEPOSITION])
        return left > 4 * self.speed_mps

    def goes_on(self, seconds: float) -> None:
        """Move aside and back."""
        part = min(seconds / self.LENGTH_S, 1.0)
        aside = self.ASIDE_M * float(np.sin(np.pi * part)) ** 2
        self.run.shift_m = aside if not self.run.network.left_hand else -aside


class FastCorner(Incident):
    """For a while the driver takes bends at twice the comfortable speed."""

    LENGTH_S, FACTOR, MOST_MPS = 50.0, 2.2, 17.0

    def begins(self) -> bool:
        """At once."""
        self.usual = float(self.run.me[_c.VAR_SPEED_FACTOR])
        if self.run.job.road == "city":
            sumo.vehicle.setMaxSpeed(EGO, self.MOST_MPS)
        sumo.vehicle.setSpeedFactor(EGO, self.FACTOR if self.run.job.road == "city" else 1.3)
        sumo.vehicle.setAccel(EGO, 4.0)
        return True

    def goes_on(self, seconds: float) -> None:
        """Drive normally again at the end."""
        if self.LENGTH_S <= seconds < self.LENGTH_S + STEP_S:
            sumo.vehicle.setSpeedFactor(EGO, self.usual)
            sumo.vehicle.setMaxSpeed(EGO, 55.0)


INCIDENTS: dict[str, Callable[[Any], Incident]] = {
    "lead_brakes": LeadBrakes,
    "cut_in": CutIn,
    "pedestrian": Pedestrian,
    "swerve": Swerve,
    "fast_corner": FastCorner,
}
