"""One run of SUMO around one ego: what the ego does, and who is near it at every step.

Only what is near is simulated: `bubble` keeps traffic around the ego, `incidents` stage what is
rare. The result is one ``.npz`` of plain arrays (see `Log`), read by `log`.
"""

import os
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import libsumo as sumo
import numpy as np

from ingest.simulation.maps.roads import DRIVE, WALK, RoadNetwork, read_network
from ingest.simulation.maps.sumo_program import SUMO_SETTINGS, sumo_binary
from ingest.simulation.traffic import road_users
from ingest.simulation.traffic.bubble import Bubble, places
from ingest.simulation.traffic.incidents import INCIDENTS, Incident

STEP_S = 0.1
WARM_UP_S = 10
SEEN_M = 120.0  # road users farther away from the ego are not logged
SIGNAL_EVERY = 5  # steps between looks at the signals; their phases last whole seconds
SUMMON_S, SUMMON_MPS = 12.0, 1.6
EGO = "ego"

_c = sumo.constants
_VEHICLE = [_c.VAR_POSITION, _c.VAR_ANGLE, _c.VAR_SPEED, _c.VAR_ACCELERATION, _c.VAR_SIGNALS]
_PERSON = [_c.VAR_POSITION, _c.VAR_ANGLE, _c.VAR_SPEED]
_EGO = [*_VEHICLE, _c.VAR_LANE_ID, _c.VAR_LANEPOSITION, _c.VAR_SPEED_FACTOR]


@dataclass(frozen=True)
class Job:
    """What to simulate.

    Attributes:
        network: Path of the map's network.
        out: Path of the ``.npz`` to write; it is complete or missing.
        seed: Decides everything else.
        seconds: Length of the recording.
        road: ``"city"`` or ``"highway"``: where the ego drives.
        temper: How the ego drives, a key of `road_users.TEMPERS`.
        vehicles: Motor vehicles and bicycles to keep around the ego.
        people: Pedestrians to keep around it (in the city).
        mix: Share of each kind of vehicle.
        aggressive: Share of the other drivers that are.
        speed_factor: Factor on all speeds: below 1 in rain and fog.
        incidents: Names of `incidents.INCIDENTS` to stage, each once.
        summon: Whether the ego first drives slowly to its driver.
    """

    network: str
    out: str
    seed: int
    seconds: float
    road: str
    temper: str = "calm"
    vehicles: int = 30
    people: int = 10
    mix: Mapping[str, float] = field(default_factory=lambda: {"car": 1.0})
    aggressive: float = 0.15
    speed_factor: float = 1.0
    incidents: tuple[str, ...] = ()
    summon: bool = False


@dataclass
class Log:
    """The log: one row per step for the ego, one per step and road user for the others.

    ``seen``: step, track, x, y (middle of the front), SUMO's angle, speed, acceleration, signals.
    ``ego``: x, y, angle, speed, acceleration, signals, lane (index into ``lanes``), leader's track
    (0 none), gap, next signal (index, -1 none), its link, distance to it, sideways shift.
    """

    seen: list[tuple[float, ...]] = field(default_factory=list)
    ego: list[tuple[float, ...]] = field(default_factory=list)
    signals: list[tuple[int, int, str]] = field(default_factory=list)
    lanes: dict[str, int] = field(default_factory=dict)


def warm_up(network: str) -> None:
    """Read a map into this process's memory; a broken one is reported by the run itself."""
    with suppress(OSError, ET.ParseError):
        found = read_network(Path(network))
        for kind in (DRIVE, WALK):
            places(found, kind)


def run_job(job: Job) -> None:
    """Simulate, and write the result.

    Raises:
        OSError: It cannot be written.
        Exception: Any error of SUMO.
    """
    network = read_network(Path(job.network))
    with tempfile.TemporaryDirectory() as scratch:
        types = Path(scratch) / "types.add.xml"
        types.write_text(road_users.sumo_types(job.speed_factor), "utf-8")
        sumo.start([str(sumo_binary()), "-n", job.network, "-a", str(types), *_settings(job)])
        try:
            arrays = Run(job, network).drive()
        finally:
            sumo.close()
    _write(Path(job.out), arrays)


def _settings(job: Job) -> list[str]:
    return [*SUMO_SETTINGS, "--seed", str(job.seed % 2**31), "--step-length", str(STEP_S)]


def _write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


class Run:
    """A running simulation of SUMO around one ego."""

    def __init__(self, job: Job, network: RoadNetwork) -> None:
        self.job, self.network = job, network
        self.rng = np.random.default_rng([job.seed & 0xFFFFFFFF, job.seed >> 32])
        self.log = Log()
        self.bubble = Bubble(network, self.rng, job.road, job.mix, job.aggressive)
        self.step = -round(WARM_UP_S / STEP_S)
        self.shift_m = 0.0  # sideways shift of a swerving driver
        self.staged: list[Incident] = [INCIDENTS[name](self) for name in job.incidents]
        self._next_signal: tuple[int, int, float] = (-1, -1, 0.0)
        self._signal_names = list(network.signals)
        self._states: dict[str, str] = {}
        self._vehicle_steps = 0

    def drive(self) -> dict[str, np.ndarray]:
        """Run to the end and return the arrays of `Log`, and the tracks."""
        self._enter()
        steps = round(self.job.seconds / STEP_S)
        while self.step < steps:
            self._keep_traffic()
            self._creep()
            for incident in self.staged:
                incident.act()
            sumo.simulationStep()
            here = sumo.vehicle.getIDList()
            self._vehicle_steps += len(here)
            if EGO not in here:
                raise RuntimeError("the ego left the road")
            if self.step >= 0:
                self._record()
            self.step += 1
        return self._arrays()

    @property
    def around(self) -> dict[str, dict[int, Any]]:
        """All vehicles near the ego, by name, as SUMO's variables."""
        found: dict[str, dict[int, Any]] = sumo.vehicle.getContextSubscriptionResults(EGO)
        return found

    @property
    def me(self) -> dict[int, Any]:
        """The ego's variables."""
        found: dict[int, Any] = sumo.vehicle.getSubscriptionResults(EGO)
        return found

    def leader(self) -> tuple[str, float] | None:
        """The vehicle ahead within 100 m, and the gap between bumpers in metres."""
        name, gap = self.me.get(_c.VAR_LEADER) or ("", -1.0)
        return (name, gap + sumo.vehicle.getMinGap(EGO)) if name else None

    def _enter(self) -> None:
        edges, place_m = self.bubble.ego_route(self.job.seconds)
        kind = road_users.EGO[self.job.temper]
        sumo.route.add("ego_way", edges)
        sumo.vehicle.add(
            EGO, "ego_way", kind, departLane="best", departPos=str(place_m), departSpeed="max"
        )
        sumo.simulationStep()
        sumo.vehicle.subscribe(EGO, _EGO)
        sumo.vehicle.subscribeLeader(EGO, 100.0)
        reach = self.bubble.reach_m
        sumo.vehicle.subscribeContext(EGO, _c.CMD_GET_VEHICLE_VARIABLE, reach, _VEHICLE)
        if self.job.people:
            sumo.vehicle.subscribeContext(EGO, _c.CMD_GET_PERSON_VARIABLE, SEEN_M + 40, _PERSON)

    def _keep_traffic(self) -> None:
        if self.step % 5:
            return
        first = self.step == -round(WARM_UP_S / STEP_S)
        here = sumo.vehicle.getPosition(EGO)
        self.bubble.top_up(self.around, here, self.job.vehicles, first)
        if self.job.people and self.step % 10 == 0:
            self.bubble.top_up_people(self.around, here, self.job.people, first)

    def _creep(self) -> None:
        if self.job.summon and self.step * STEP_S < SUMMON_S:
            sumo.vehicle.setSpeed(EGO, SUMMON_MPS)
        elif self.job.summon and self.step == round(SUMMON_S / STEP_S):
            sumo.vehicle.setSpeed(EGO, -1)

    def _record(self) -> None:
        me = self.me
        x, y = me[_c.VAR_POSITION]
        tracks = self.bubble.tracks
        rows = self.log.seen
        step = self.step
        for name, seen in self.around.items():
            if name == EGO:
                continue
            there_x, there_y = seen[_c.VAR_POSITION]
            if (there_x - x) ** 2 + (there_y - y) ** 2 > SEEN_M**2:
                continue
            rows.append(
                (
                    step,
                    tracks[name].number,
                    there_x,
                    there_y,
                    seen[_c.VAR_ANGLE],
                    seen[_c.VAR_SPEED],
                    seen.get(_c.VAR_ACCELERATION, 0.0),
                    seen.get(_c.VAR_SIGNALS, 0),
                )
            )
        for incident in self.staged:
            rows.extend((step, *row) for row in incident.rows())
        self.log.ego.append(self._ego_row(me, x, y))
        if step % SIGNAL_EVERY == 0:
            self._look_at_signals()

    def _ego_row(self, me: dict[int, Any], x: float, y: float) -> tuple[float, ...]:
        lane = me[_c.VAR_LANE_ID]
        leader = self.leader()
        number = self.bubble.tracks[leader[0]].number if leader else 0
        return (
            x,
            y,
            me[_c.VAR_ANGLE],
            me[_c.VAR_SPEED],
            me[_c.VAR_ACCELERATION],
            me[_c.VAR_SIGNALS],
            self.log.lanes.setdefault(lane, len(self.log.lanes)),
            number,
            leader[1] if leader else -1.0,
            *self._signal_ahead(me),
            self.shift_m,
        )

    def _signal_ahead(self, me: dict[int, Any]) -> tuple[int, int, float]:
        """Index, link and distance of the next signal; updated twice a second."""
        if self.step % SIGNAL_EVERY == 0:
            found = sumo.vehicle.getNextTLS(EGO)
            self._next_signal = (-1, -1, 0.0)
            if found:
                name, link, distance, _ = found[0]
                self._next_signal = (self._signal_names.index(name), link, distance)
        else:
            index, link, distance = self._next_signal
            distance -= me[_c.VAR_SPEED] * STEP_S
            self._next_signal = (index, link, distance) if distance > 0 else (-1, -1, 0.0)
        return self._next_signal

    def _look_at_signals(self) -> None:
        for index, name in enumerate(self._signal_names):
            state = sumo.trafficlight.getRedYellowGreenState(name)
            if self._states.get(name) != state:
                self._states[name] = state
                self.log.signals.append((self.step, index, state))

    def _arrays(self) -> dict[str, np.ndarray]:
        log = self.log
        made = [*self.bubble.tracks.values()]
        made += [track for incident in self.staged for track in incident.tracks]
        return {
            "seen": np.array(log.seen, np.float64).reshape(-1, 8),
            "ego": np.array(log.ego, np.float64),
            "lanes": np.array(list(log.lanes), "U"),
            "signal_steps": np.array([row[0] for row in log.signals], np.int64),
            "signal_names": np.array([self._signal_names[row[1]] for row in log.signals], "U"),
            "signal_states": np.array([row[2] for row in log.signals], "U"),
            "signals": np.array(self._signal_names, "U"),
            "vehicle_steps": np.array(self._vehicle_steps),
            "tracks": np.array([track.row() for track in made], np.float64).reshape(-1, 8),
        }
