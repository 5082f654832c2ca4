"""The cameras: one instant of a scene as images, and what is needed to label them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ingest.simulation.cameras import lamps
from ingest.simulation.cameras.ground import LEVELS, NODE_M, Tiles, ground_plan
from ingest.simulation.cameras.mood import Mood, mood_of
from ingest.simulation.cameras.raycast.compiled import COMPILED
from ingest.simulation.cameras.raycast.interface import (
    Air,
    Caster,
    Counts,
    Daylight,
    Film,
    GroundTexture,
    LightGrid,
    LightStamps,
    LitSolids,
    Sight,
)
from ingest.simulation.cameras.solids import GLOW, INSTANCE, actor_solids, join, near_solids
from ingest.simulation.cameras.views import (
    GROUND,
    HAZE_STEPS,
    NOTHING,
    SKY_COLUMNS,
    CameraView,
    looks,
    make_view,
)
from ingest.simulation.scene import SceneState, StaticWorld, seed_of
from ridealong.errors import RidealongError
from ridealong.perception.geometry import CameraCalibration
from ridealong.perception.recording import Image

_FAR_GROUND = np.array([0.075, 0.122, 0.031], np.float32)  # as the texture's mean, squared
_NOISE_WORDS, _RAIN_WORDS = 1 << 16, 1 << 15
_CURVE_STEPS = 2048
_HAZE_REACH = (np.arange(HAZE_STEPS) + 0.5) / 2
_NODE_M = np.array(NODE_M)[:, None]
_NO_STREAKS = np.zeros((0, 6))
_PAINTED = 1  # surfaces up to this one are road and the paint on it
_STREAKS_PER_MEGAPIXEL = 9000


@dataclass(frozen=True)
class LabelRequest:
    """What to compute besides the images; each takes time."""

    instances: bool = False  # boxes and occlusion of road users and lights
    depth: bool = False
    segmentation: bool = False


VIDEO_ONLY = LabelRequest()
EVERYTHING = LabelRequest(instances=True, depth=True, segmentation=True)


@dataclass(frozen=True, eq=False)
class InstancePixels:
    """Pixels of each instance in one camera; instance ``i + 1`` is actor ``i``, then the lights.

    Attributes:
        hits: ``(instances + 1,)`` pixels that it would cover with nothing in front of it.
        visible: Pixels that show it.
        boxes: ``(instances + 1, 4)`` bounding box of ``hits``: x1, y1, x2, y2, ends exclusive.
    """

    hits: NDArray[np.int64]
    visible: NDArray[np.int64]
    boxes: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RenderedSet:
    """The output for one instant, by camera; only what was requested.

    Attributes:
        images: ``(H, W, 3)`` uint8.
        depth: ``(H, W)`` float32 metres along the optical axis, NaN for the sky.
        segmentation: ``(H, W)`` uint8 ids of `ridealong.perception.annotations.Surface`.
        seen: Pixels per instance.
    """

    images: Mapping[str, Image]
    depth: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    segmentation: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    seen: Mapping[str, InstancePixels] = field(default_factory=dict)


class Renderer:
    """Draws one drive. The same scene, seed and time give the same bytes, in any order.

    A renderer keeps buffers and must not be shared between threads; worlds may be.

    Args:
        world: The static world.
        cameras: Calibrations by name.
        seed: Of the drive: chooses each camera's exposure, tint and noise.
        caster: The ray caster; tests pass another one to compare with.

    Raises:
        RidealongError: A camera's calibration is unknown or impossible.
    """

    def __init__(
        self,
        world: StaticWorld,
        cameras: Mapping[str, CameraCalibration],
        seed: int,
        caster: Caster = COMPILED,
    ) -> None:
        self._world, self._seed = world, seed
        self.cameras = dict(cameras)
        self._caster = caster
        self._views = {name: _make_view(camera, seed) for name, camera in cameras.items()}
        # Cameras of one size share their buffers, so that these stay in the processor's cache.
        self._sights = {view.ground_w.shape: _buffers(view) for view in self._views.values()}
        seen = looks(cameras.values())
        self._tiles = Tiles(ground_plan(world), caster.paint_tile, seen)
        cells = (lamps.CELLS, lamps.CELLS)
        light, lamp = np.zeros((2, *cells, 3), np.float32)
        self._grid = LightGrid(np.empty((lamps.CHANNELS, *cells), np.float32), light, lamp)
        self._grain = _noise(seed, 3 * max(view.ground_w.size for view in self._views.values()))
        self._rain = _rain(seed)
        self._curve = _tone_curve()

    def render(
        self, state: SceneState, timestamp_ns: int, labels: LabelRequest = VIDEO_ONLY
    ) -> RenderedSet:
        """Draw one instant with every camera."""
        mood = mood_of(state.conditions)
        air = self._air(state, mood)
        solids = self._solids(state, timestamp_ns, mood, air)
        ground = self._ground(state)
        count, instances = len(solids.numbers), len(state.actors) + len(self._world.lights)
        forms, entered = np.empty((count, 6, 3)), np.empty(count, np.int64)
        out = RenderedSet({}, {}, {}, {})
        for name, view in self._views.items():
            sight = self._sights[view.ground_w.shape]._replace(forms=forms, entered=entered)
            counts = _counts(sight, instances if labels.instances else -1)
            film, image = self._film(name, view, mood, timestamp_ns), _image(view)
            self._caster.draw(view, solids, ground, air, sight, counts, film, image)
            _keep(out.images, name, image)
            if labels.instances:
                _keep(out.seen, name, self._seen(solids, sight, counts))
            if labels.depth:
                with np.errstate(divide="ignore"):
                    depth = np.where(sight.w > 0, 1 / sight.w, np.float32(np.nan))
                _keep(out.depth, name, depth)
            if labels.segmentation:
                segmentation = np.empty(sight.w.shape, np.uint8)
                self._caster.segment(view, solids.kinds, ground, sight, segmentation)
                _keep(out.segmentation, name, segmentation)
        return out

    def road_at(self, x_m: NDArray[np.float64], y_m: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether world places, all near each other, are road (or paint on it)."""
        return self._tiles.surface_at(x_m, y_m) <= _PAINTED

    def _solids(self, state: SceneState, timestamp_ns: int, mood: Mood, air: Air) -> LitSolids:
        moving = actor_solids(state, timestamp_ns, self._world.country)
        glow = 2.0 if mood.lamps else 0.0
        solids = join([moving, near_solids(self._world, state, len(state.actors) + 1, glow)])
        count, numbers, kinds = len(solids), solids.numbers, solids.kinds
        light, facing = np.empty((count, 6, 3), np.float32), np.empty((count, 6), np.float32)
        self._caster.light_faces(numbers, kinds, air.daylight, light, facing)
        instance, things = kinds[:, INSTANCE], np.empty(count + 2, np.int64)
        things[:count] = np.where(instance > 0, NOTHING - instance, np.arange(count))
        things[count:] = NOTHING, GROUND
        glowing = np.flatnonzero(numbers[:, GLOW] > 0)
        return LitSolids(numbers, kinds, light, facing, things, glowing)

    def _ground(self, state: SceneState) -> GroundTexture:
        tiles = self._tiles
        tiles.cover(state.x_m, state.y_m, state.yaw_rad)
        here = np.array([state.x_m, state.y_m]) - np.repeat(tiles.origin, LEVELS, axis=0)
        turn = np.array([np.cos(state.yaw_rad), np.sin(state.yaw_rad)], np.float32)
        place = (here / _NODE_M).astype(np.float32)
        return GroundTexture(tiles.texels, place, turn, _FAR_GROUND)

    def _air(self, state: SceneState, mood: Mood) -> Air:
        c, s = np.cos(state.yaw_rad), np.sin(state.yaw_rad)
        x, y, z = mood.sun_world
        sun_ego = np.array([c * x + s * y, c * y - s * x, z])
        stamps = self._stamps(state, mood)
        self._caster.fill_light_grid(
            stamps, Daylight(sun_ego, mood.sun * z, mood.ambient), self._grid
        )
        return Air(
            panorama=mood.sky,
            turn=float(state.yaw_rad % (2 * np.pi) * SKY_COLUMNS / (2 * np.pi)) + SKY_COLUMNS,
            daylight=Daylight(
                sun_ego.astype(np.float32),
                mood.sun.astype(np.float32),
                mood.ambient.astype(np.float32),
            ),
            open=(mood.sun * z + mood.ambient).astype(np.float32),
            haze=mood.haze.astype(np.float32),
            clear=np.exp(-mood.extinction * _HAZE_REACH).astype(np.float32),
            extinction=mood.extinction,
            light=self._grid.light,
            lamp=self._grid.lamp,
            lamps=len(stamps.lamps) > 0,
            windows=0.10 if mood.lamps else 0.0,
            wet=mood.wet,
        )

    def _stamps(self, state: SceneState, mood: Mood) -> LightStamps:
        casters = lamps.shadow_casters(state, self._world)
        return LightStamps(
            casters if mood.sun.max() > 0.02 else casters[:0],
            lamps.contact_casters(state),
            lamps.lamp_rows(state, self._world, mood.lamps),
        )

    def _film(self, name: str, view: CameraView, mood: Mood, timestamp_ns: int) -> Film:
        shape = view.ground_w.shape
        start = seed_of(self._seed, name, timestamp_ns) % _NOISE_WORDS
        return Film(
            self._streaks(name, shape, mood, timestamp_ns),
            mood.exposure,
            self._curve,
            self._grain[start : start + 3 * view.ground_w.size],
            mood.noise,
        )

    def _seen(self, solids: LitSolids, sight: Sight, counts: Counts) -> InstancePixels:
        visible = np.zeros(len(counts.hits), np.int64)
        self._caster.count_visible(sight.who, solids.kinds, visible)
        return InstancePixels(counts.hits, visible, counts.boxes)

    def _streaks(
        self, name: str, shape: tuple[int, int], mood: Mood, timestamp_ns: int
    ) -> NDArray[np.float64]:
        if mood.rain <= 0:
            return _NO_STREAKS
        height, width = shape
        count = int(_STREAKS_PER_MEGAPIXEL * mood.rain * height * width / 1e6)
        start = seed_of(self._seed, name, timestamp_ns, "rain") % _RAIN_WORDS
        light = mood.haze.mean() + 0.002
        scale = np.array([width, height, 1.0, 1.0, height, light])
        return np.asarray(self._rain[(start + np.arange(count)) % _RAIN_WORDS] * scale)


def _counts(sight: Sight, instances: int) -> Counts:
    """Buffers for the pixels of each instance; -1 instances: no counting."""
    height, width = sight.w.shape
    boxes = np.zeros((instances + 1, 4), np.int64)
    boxes[:, 0], boxes[:, 1] = width, height
    stamps = np.zeros(height * width if instances >= 0 else 0, np.int32)
    return Counts(np.zeros(instances + 1, np.int64), boxes, stamps)


def _image(view: CameraView) -> Image:
    return np.empty((*view.ground_w.shape, 3), np.uint8)


def _keep(mapping: Mapping[str, object], name: str, value: object) -> None:
    """Fill a mapping that is read-only for all other code."""
    assert isinstance(mapping, dict)
    mapping[name] = value


def _make_view(camera: CameraCalibration, seed: int) -> CameraView:
    _check(camera)
    rng = np.random.default_rng(seed_of(seed, camera.name, "lens"))
    tint, vignetting = rng.normal(1.0, 0.02, 3), float(rng.uniform(0.10, 0.28))
    return make_view(camera, vignetting, tint * float(rng.uniform(0.86, 1.16)))


def _buffers(view: CameraView) -> Sight:
    """Buffers for what one camera sees; those for solids are made for each instant."""
    shape, size = view.ground_w.shape, view.ground_w.size
    return Sight(
        w=np.empty(shape, np.float32),
        who=np.empty(shape, np.int32),
        face=np.empty(shape, np.int8),
        rgb=np.empty((3, *shape), np.float32),
        forms=np.empty((0, 6, 3)),
        entered=np.empty(0, np.int64),
        edges=np.empty(size, np.int32),
        mixed=np.empty((size, 3), np.float32),
    )


def _noise(seed: int, longest: int) -> NDArray[np.float32]:
    """The sensor's noise, long enough for an image to start at any of its words."""
    rng = np.random.default_rng(seed_of(seed, "noise"))
    words = rng.standard_normal(_NOISE_WORDS).astype(np.float32)
    return np.resize(words, _NOISE_WORDS + longest)


def _rain(seed: int) -> NDArray[np.float64]:
    """Streaks of rain, in units of the image's size; an image uses a run of them."""
    rng = np.random.default_rng(seed_of(seed, "rain"))
    low, high = (0.0, 0.0, 0.03, 0.03), (1.0, 1.0, 0.10, 0.12)
    out = np.ones((_RAIN_WORDS, 6))
    out[:, [0, 1, 4, 5]] = rng.uniform(low, high, (_RAIN_WORDS, 4))
    out[:, 2] = rng.normal(0.08, 0.10, _RAIN_WORDS)
    return out


def _check(camera: CameraCalibration) -> None:
    where = f"camera {camera.name}"
    if not camera.known:
        raise RidealongError("its calibration is unknown", where=where, expected="finite numbers")
    if min(camera.width, camera.height) < 1 or min(camera.fx, camera.fy) <= 0:
        raise RidealongError(
            f"{camera.width} x {camera.height} pixels with focal lengths of {camera.fx:.6g} and "
            f"{camera.fy:.6g}",
            where=where,
            expected="at least one pixel and positive focal lengths",
        )
    rotation, height = camera.ego_SE3_camera[:3, :3], camera.ego_SE3_camera[2, 3]
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-6):
        raise RidealongError(
            "its rotation is not a rotation", where=where, expected="orthonormal axes"
        )
    if height <= 0.05:
        raise RidealongError(
            f"it stands {height:.6g} m above the ground", where=where, expected="more than 0.05 m"
        )


def _tone_curve() -> NDArray[np.float32]:
    """Grey level by square root of light: a soft shoulder and the display's gamma."""
    light = 8 * (np.arange(_CURVE_STEPS) / (_CURVE_STEPS - 1)) ** 2
    return np.asarray(255 * (1 - np.exp(-1.35 * light)) ** (1 / 2.2)).astype(np.float32)
