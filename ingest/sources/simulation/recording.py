"""A simulated drive, opened.

Telemetry is stored as a vehicle sent it. Frames and labels are rendered on demand from the logged
state of the world, and are the same every time.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ingest.schemas import ROADS
from ingest.simulation.drive_log import DriveFile, read_drive_file, read_log, read_table
from ingest.simulation.folders import MAPS
from ingest.simulation.maps.build import map_file
from ingest.simulation.maps.network_world import MapWorld, map_world
from ingest.simulation.maps.roads import read_network
from ingest.simulation.scene import SceneState, StaticWorld
from ingest.simulation.states import DriveScenes
from ingest.sources.simulation.roads import road_rows
from ridealong.errors import UnreadableError
from ridealong.perception.annotations import Perception
from ridealong.perception.geometry import CameraCalibration
from ridealong.perception.recording import DriveAttributes, DriveFiles, Image
from ridealong.units import NS_PER_S

if TYPE_CHECKING:  # it loads numba, which telemetry does not need
    from ingest.simulation.cameras.render import Renderer

STEP_NS = NS_PER_S // 10


class SimulatedRecording:
    """One simulated drive, opened."""

    def __init__(self, files: DriveFiles) -> None:
        self.drive_id = files.drive_id
        self._folder = Path(files.path)
        self._decided: DriveFile = read_drive_file(self._folder)

    @cached_property
    def attributes(self) -> DriveAttributes:
        """All of them, as decided by the plan. Each drive is a cluster: it has its own traffic."""
        drive = self._decided.drive
        ego = read_table(self._folder, "ego")
        return DriveAttributes(
            start_ns=drive.start_ns,
            end_ns=drive.start_ns + (ego.num_rows - 1) * STEP_NS,
            distance_m=float(ego["speed_mps"].to_numpy()[:-1].sum() * 0.1),
            vehicle_id=drive.vehicle_id,
            country=drive.country,
            weather=drive.weather,
            light=drive.light,
            road=drive.road,
            hardware=drive.hardware,
            software=drive.software,
            features=tuple(drive.features),
            labelled=True,
        )

    @cached_property
    def cameras(self) -> Mapping[str, CameraCalibration]:
        """The cameras of the rig, without dead ones."""
        dead = self._decided.drive.dead_cameras
        return {n: c for n, c in self._decided.rig.cameras().items() if n not in dead}

    def telemetry(self) -> pa.Table:
        """The rows as the vehicle sent them, faults included."""
        return read_table(self._folder, "telemetry")

    def frames(
        self, start_ns: int, end_ns: int, cameras: Sequence[str]
    ) -> Iterator[tuple[int, dict[str, Image]]]:
        """Frames at the rig's rate, rendered one by one."""
        chosen = tuple(name for name in self.cameras if name in cameras)
        if not chosen:
            return
        for step in self._steps(start_ns, end_ns, self._decided.rig.video_hz):
            timestamp_ns = self._time_ns(step)
            drawn = self._drawn.pop(timestamp_ns, None)
            if drawn is None:
                scene = self._scenes.at(step)
                drawn = self._renderer(chosen).render(scene, timestamp_ns).images
            yield timestamp_ns, {name: drawn[name] for name in chosen}

    def labels(self, start_ns: int, end_ns: int) -> Perception | None:
        """Exact labels at the rig's label rate.

        The images rendered for labels are kept until the frames of the same window are read.
        """
        from ingest.simulation.cameras.labels import label_clip

        if not self.cameras:
            return None
        self._drawn.clear()
        steps = self._steps(start_ns, end_ns, self._decided.rig.label_hz)
        instants = ((self._time_ns(step), self._scenes.at(step)) for step in steps)
        return label_clip(self._renderer(tuple(self.cameras)), self._place.world, instants)

    def _renderer(self, names: tuple[str, ...]) -> "Renderer":
        """The drive's renderer of these cameras; made once, because it keeps the painted ground."""
        if names not in self._renderers:
            cameras = {name: self.cameras[name] for name in names}
            seed = self._decided.drive.seed
            self._renderers[names] = _renderer(self._place.world, cameras, seed, self._drawn)
        return self._renderers[names]

    @cached_property
    def _renderers(self) -> "dict[tuple[str, ...], Renderer]":
        return {}

    def roads(self) -> pa.Table:
        """The roads of the drive's map; none if the map is missing."""
        if not self._network.exists():
            return ROADS.schema.empty_table()
        country = self._decided.drive.country
        name = f"{self._decided.drive.map}, {country}"
        return road_rows(read_network(self._network), name, country)

    def steps_ns(self) -> NDArray[np.int64]:
        """``(N,)`` the instants of the log, every 0.1 s; each of them can be rendered."""
        return self._decided.drive.start_ns + STEP_NS * np.arange(len(self._scenes), dtype=np.int64)

    def our_light(self) -> NDArray[np.str_]:
        """``(N,)`` what our traffic light shows at each step; "none" without a light nearby."""
        return np.array([self._scenes.our_light(step).value for step in range(len(self._scenes))])

    @cached_property
    def _drawn(self) -> dict[int, Mapping[str, Image]]:
        """Images that were rendered for labels, by time."""
        return {}

    @property
    def _network(self) -> Path:
        """The file of the drive's map."""
        drive = self._decided.drive
        return map_file(self._folder.parents[1] / MAPS, drive.map, drive.left_hand)

    @cached_property
    def _place(self) -> MapWorld:
        if not self._network.exists():
            raise UnreadableError("the drive's map is missing", where=self._network)
        return map_world(self._network, self._decided.drive.country)

    @cached_property
    def _scenes(self) -> DriveScenes:
        return DriveScenes(self._decided.drive, read_log(self._folder), self._place)

    def _time_ns(self, step: int) -> int:
        return self._decided.drive.start_ns + step * STEP_NS

    def _steps(self, start_ns: int, end_ns: int, rate_hz: int) -> range:
        """The steps in the window that have a frame, counted from the drive's start."""
        every = 10 // rate_hz
        first = -(-(start_ns - self._decided.drive.start_ns) // (every * STEP_NS))
        last = (end_ns - self._decided.drive.start_ns) // (every * STEP_NS)
        most = (len(self._scenes) - 1) // every
        return range(max(first, 0) * every, (min(last, most) + 1) * every, every)


def _renderer(
    world: StaticWorld,
    cameras: Mapping[str, CameraCalibration],
    seed: int,
    drawn: dict[int, Mapping[str, Image]],
) -> "Renderer":
    """A renderer that keeps in ``drawn`` the images that it renders with labels."""
    from ingest.simulation.cameras.render import VIDEO_ONLY, LabelRequest, RenderedSet, Renderer

    class Keeping(Renderer):
        def render(
            self, state: SceneState, timestamp_ns: int, labels: LabelRequest = VIDEO_ONLY
        ) -> RenderedSet:
            out = super().render(state, timestamp_ns, labels)
            if labels is not VIDEO_ONLY:
                drawn[timestamp_ns] = out.images
            return out

    return Keeping(world, cameras, seed)
