"""A logged drive as scenes: what the cameras see at each step."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ingest.simulation.drive_log import DriveLog
from ingest.simulation.maps.network_world import MapWorld
from ingest.simulation.plan import DriveSpec
from ingest.simulation.scene import CATEGORIES, Actors, Conditions, Light, SceneState, Weather
from ingest.simulation.traffic.log import BRAKE, LEFT, RIGHT
from ingest.simulation.traffic.road_users import BICYCLE, KINDS, PEDESTRIAN
from ridealong.perception.annotations import PATH_STEP_S, PATH_STEPS, LightState

STEP_S = 0.1
RELEVANT_M = 120.0  # a light farther away does not matter yet
STRIDE_M = 1.5
_SHOWS = {
    "r": LightState.RED,
    "y": LightState.YELLOW,
    "u": LightState.YELLOW,
    "g": LightState.GREEN,
}
_BLINKS_MPS = 0.3


class DriveScenes:
    """The scenes of one drive, by step of 0.1 s."""

    def __init__(self, drive: DriveSpec, log: DriveLog, place: MapWorld) -> None:
        self._drive, self._log, self._place = drive, log, place
        self._starts = np.searchsorted(log.seen.step, np.arange(len(self) + 1))

    def __len__(self) -> int:
        return len(self._log.ego["x_m"])

    def at(self, step: int) -> SceneState:
        """The scene at a step."""
        ego = self._log.ego
        return SceneState(
            x_m=float(ego["x_m"][step]),
            y_m=float(ego["y_m"][step]),
            yaw_rad=float(ego["yaw_rad"][step]),
            speed_mps=float(ego["speed_mps"][step]),
            actors=self._actors(step),
            lights=self._lights(step),
            relevant_lights=self._relevant(step),
            headlamps=self._lamps_on,
            conditions=self.conditions,
            path_m=self._path(step),
        )

    def _path(self, step: int) -> NDArray[np.float64]:
        """Where the ego will be, until the drive ends."""
        ego = self._log.ego
        later = step + round(PATH_STEP_S / STEP_S) * np.arange(1, PATH_STEPS + 1)
        later = later[later < len(self)]
        return np.stack([ego["x_m"][later], ego["y_m"][later]], axis=-1)

    @cached_property
    def conditions(self) -> Conditions:
        """Light and weather: the same over the drive."""
        drive = self._drive
        return Conditions(
            Light(drive.light), Weather(drive.weather), drive.strength, drive.sun_azimuth_rad
        )

    @property
    def _lamps_on(self) -> bool:
        return self._drive.light != "day" or self._drive.weather != "clear"

    def our_light(self, step: int) -> LightState:
        """The state of the relevant traffic light; none where no light is near enough."""
        shown = self._lights(step)
        states = [shown.get(head, LightState.NONE) for head in self._relevant(step)]
        return states[0] if states else LightState.NONE

    def _actors(self, step: int) -> Actors:
        seen, tracks = self._log.seen, self._log.tracks
        rows = slice(int(self._starts[step]), int(self._starts[step + 1]))
        who = np.searchsorted(tracks.number, seen.track[rows])
        kind, lamps = tracks.kind[who], seen.lamps[rows]
        motor = (kind != PEDESTRIAN) & (kind != BICYCLE)
        return Actors(
            track_id=seen.track[rows],
            category=_CATEGORY_OF[kind],
            x_m=seen.x_m[rows],
            y_m=seen.y_m[rows],
            yaw_rad=seen.yaw_rad[rows],
            length_m=tracks.length_m[who],
            width_m=tracks.width_m[who],
            height_m=tracks.height_m[who],
            rgb=tracks.rgb[who],
            brake=motor & ((lamps & BRAKE) > 0),
            left=motor & ((lamps & LEFT) > 0),
            right=motor & ((lamps & RIGHT) > 0),
            headlamps=(kind != PEDESTRIAN) & self._lamps_on,
            phase_rad=self._phase[rows],
        )

    @cached_property
    def _phase(self) -> NDArray[np.float64]:
        """Walking phase of each row, from the distance walked so far; 0 while standing."""
        seen = self._log.seen
        order = np.lexsort([seen.step, seen.track])
        way = np.cumsum(seen.speed_mps[order] * STEP_S)
        firsts = np.r_[True, np.diff(seen.track[order]) != 0]
        before = np.maximum.accumulate(np.where(firsts, np.arange(len(way)), 0))
        phase = np.empty(len(way))
        phase[order] = 2 * np.pi * (way - way[before]) / STRIDE_M if len(way) else 0.0
        return np.where(seen.speed_mps > _BLINKS_MPS, np.remainder(phase, 2 * np.pi), 0.0)

    def _lights(self, step: int) -> dict[str, LightState]:
        shown = self._states(step)
        return {
            head: _SHOWS[shown[signal][link].lower()]
            for head, (signal, link) in self._place.links.items()
            if signal in shown and shown[signal][link].lower() in _SHOWS
        }

    def _states(self, step: int) -> dict[str, str]:
        """The state of every traffic light: its last change."""
        lights = self._log.lights
        last = int(np.searchsorted(lights["step"], step, side="right"))
        return dict(
            zip(lights["name"][:last].tolist(), lights["state"][:last].tolist(), strict=True)
        )

    def _relevant(self, step: int) -> frozenset[str]:
        ego = self._log.ego
        name = str(ego["signal"][step])
        head = self._place.heads.get((name, int(ego["link"][step])))
        near = float(ego["signal_m"][step]) <= RELEVANT_M
        return frozenset({head}) if head and near else frozenset()


_CATEGORY_OF = np.array([[c.value for c in CATEGORIES].index(kind) for kind in KINDS])
