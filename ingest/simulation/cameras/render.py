"""The cameras: a scene at one instant as eight images, and what is needed to label them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ingest.errors import RidealongError
from ingest.geometry import CameraCalibration
from ingest.recording import Image
from ingest.simulation.cameras import lamps
from ingest.simulation.cameras.ground import Tiles, ground_plan
from ingest.simulation.cameras.mood import Mood, mood_of
from ingest.simulation.cameras.raycast import Air, Ground, Scene, make_caster
from ingest.simulation.cameras.solids import (
    COS,
    FRONT,
    GLOW,
    HALF_Z,
    MATTER,
    REAR,
    SIDE,
    SIN,
    Matter,
    Solids,
    X,
    Y,
    actor_solids,
    join,
    near_solids,
)
from ingest.simulation.cameras.views import SKY_COLUMNS, View, make_view
from ingest.simulation.scene import SceneState, StaticWorld, seed_of

_FAR_GROUND = np.array([0.075, 0.122, 0.031])  # as the texture's mean, squared
_NOISE_WORDS = 1 << 16
_CURVE_STEPS = 2048
_FOG_STEPS = 1024  # half metres
_PAINTED = 1  # surfaces up to this one are road and the paint on it
_STREAKS_PER_MEGAPIXEL = 9000


@dataclass(frozen=True)
class LabelWish:
    """What to give beside the images; each costs time."""

    instances: bool = False  # boxes and occlusion of road users and lights
    depth: bool = False
    segmentation: bool = False


VIDEO_ONLY = LabelWish()
EVERYTHING = LabelWish(instances=True, depth=True, segmentation=True)


@dataclass(frozen=True, eq=False)
class Seen:
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
    """What the cameras saw at one instant, by camera; only what was wished for.

    Attributes:
        images: ``(H, W, 3)`` uint8.
        depth: ``(H, W)`` float32 metres along the optical axis, NaN for the sky.
        segmentation: ``(H, W)`` uint8 ids of `ingest.annotations.Surface`.
        seen: Pixels per instance.
    """

    images: Mapping[str, Image]
    depth: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    segmentation: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    seen: Mapping[str, Seen] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Eye:
    """A camera's constants and buffers, and what sets it apart from the others."""

    view: View
    gain: NDArray[np.float64]
    w: NDArray[np.float32]
    who: NDArray[np.int32]
    face: NDArray[np.int32]
    rgb: NDArray[np.float32]
    smooth: NDArray[np.float32]


class Renderer:
    """Draws one drive. The same scene, seed and time give the same bytes, in whatever order.

    A renderer keeps buffers and must not be shared between threads; worlds may be.

    Args:
        world: What stands still.
        cameras: Calibrations by name.
        seed: Of the drive: chooses each camera's exposure, tint and noise.
        caster: ``"numba"`` or ``"numpy"``.

    Raises:
        RidealongError: A camera's calibration is unknown, or no camera could be built like it.
    """

    def __init__(
        self,
        world: StaticWorld,
        cameras: Mapping[str, CameraCalibration],
        seed: int,
        caster: str = "numba",
    ) -> None:
        self._world, self._seed = world, seed
        self.cameras = dict(cameras)
        self._caster, painter = make_caster(caster)
        self._tiles = Tiles(ground_plan(world), painter.paint_tile)
        self._eyes = {name: _make_eye(camera, seed) for name, camera in cameras.items()}
        self._field = np.empty((lamps.CELLS, lamps.CELLS, lamps.CHANNELS), np.float32)
        rng = np.random.default_rng(seed_of(seed, "noise"))
        self._grain = rng.standard_normal(_NOISE_WORDS).astype(np.float32)
        self._curve = _tone_curve()

    def render(
        self, state: SceneState, timestamp_ns: int, labels: LabelWish = VIDEO_ONLY
    ) -> RenderedSet:
        """Draw one instant with every camera."""
        mood = mood_of(state.conditions)
        solids = self._solids(state, timestamp_ns, mood)
        air = self._air(state, mood)
        scene = _light_faces(solids, air)
        ground = self._ground(state)
        self._forms = np.empty((len(solids), 6, 3))
        self._entered = np.empty(len(solids), np.int64)
        glowing = scene.numbers[scene.numbers[:, GLOW] > 0]
        out = RenderedSet({}, {}, {}, {})
        for name, eye in self._eyes.items():
            seen = self._cast(eye, scene, labels, len(state.actors) + len(self._world.lights))
            image = self._develop(name, eye, scene, glowing, ground, air, mood, timestamp_ns)
            _keep(out.images, name, image)
            if seen is not None:
                _keep(out.seen, name, seen)
            if labels.depth:
                with np.errstate(divide="ignore"):
                    depth = np.where(eye.w > 0, 1 / eye.w, np.float32(np.nan))
                _keep(out.depth, name, depth)
            if labels.segmentation:
                segmentation = np.empty(eye.w.shape, np.uint8)
                self._caster.surfaces(eye.view, eye.w, eye.who, scene.kinds, ground, segmentation)
                _keep(out.segmentation, name, segmentation)
        return out

    def road_at(self, x_m: NDArray[np.float64], y_m: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether world places near what was drawn last are road (or paint on it)."""
        return self._tiles.surface_at(x_m, y_m) <= _PAINTED

    def _solids(self, state: SceneState, timestamp_ns: int, mood: Mood) -> Solids:
        moving = actor_solids(state, timestamp_ns, self._world.country)
        glow = 2.0 if mood.lamps else 0.0
        return join([moving, near_solids(self._world, state, len(state.actors) + 1, glow)])

    def _ground(self, state: SceneState) -> Ground:
        tiles = self._tiles
        tiles.cover(state.x_m, state.y_m)
        pose = [state.x_m, state.y_m, np.cos(state.yaw_rad), np.sin(state.yaw_rad)]
        return Ground(
            tiles.texels, tiles.table, tiles.corners, np.array(pose, np.float64), _FAR_GROUND
        )

    def _air(self, state: SceneState, mood: Mood) -> Air:
        c, s = np.cos(state.yaw_rad), np.sin(state.yaw_rad)
        x, y, z = mood.sun_world
        sun_ego = np.array([c * x + s * y, c * y - s * x, z])
        rows = lamps.lamp_rows(state, self._world, mood)
        self._caster.stamp(
            self._field,
            lamps.shadow_casters(state, self._world),
            lamps.contact_casters(state),
            rows,
            sun_ego,
            bool(mood.sun.max() > 0.02),
        )
        reach = (np.arange(_FOG_STEPS) + 0.5) / 2
        return Air(
            sky=mood.sky,
            turn=float(state.yaw_rad % (2 * np.pi) * SKY_COLUMNS / (2 * np.pi)) + SKY_COLUMNS,
            sun=mood.sun,
            sun_ego=sun_ego,
            sun_up=float(z),
            ambient=mood.ambient,
            haze=mood.haze,
            clear=np.exp(-mood.extinction * reach),
            field=self._field,
            lamps=len(rows) > 0,
            windows=0.10 if mood.lamps else 0.0,
            wet=mood.wet,
        )

    def _cast(self, eye: _Eye, scene: Scene, labels: LabelWish, instances: int) -> Seen | None:
        height, width = eye.w.shape
        hits = np.zeros(instances + 1, np.int64)
        boxes = np.zeros((instances + 1, 4), np.int64)
        boxes[:, 0], boxes[:, 1] = width, height
        stamps = np.zeros(height * width if labels.instances else 0, np.int64)
        self._caster.cast(
            eye.view,
            scene.numbers,
            scene.kinds,
            self._forms,
            self._entered,
            eye.w,
            eye.who,
            eye.face,
            hits,
            boxes,
            stamps,
        )
        if not labels.instances:
            return None
        visible = np.zeros(instances + 1, np.int64)
        self._caster.visible(eye.who, scene.kinds, visible)
        return Seen(hits, visible, boxes)

    def _develop(
        self,
        name: str,
        eye: _Eye,
        scene: Scene,
        glowing: NDArray[np.float64],
        ground: Ground,
        air: Air,
        mood: Mood,
        timestamp_ns: int,
    ) -> Image:
        caster = self._caster
        caster.shade(eye.view, scene, ground, air, eye.w, eye.who, eye.face, eye.rgb)
        caster.smooth(
            eye.view, scene.kinds, self._forms, self._entered, eye.who, eye.rgb, eye.smooth
        )
        caster.glows(
            eye.view, glowing, mood.extinction, 0.35 if air.lamps else 0.12, eye.w, eye.smooth
        )
        if mood.rain > 0:
            caster.streaks(self._streaks(name, eye, mood, timestamp_ns), eye.smooth)
        image = np.empty((*eye.w.shape, 3), np.uint8)
        start = seed_of(self._seed, name, timestamp_ns) % _NOISE_WORDS
        gain = eye.gain * mood.exposure
        deviation = mood.noise
        caster.develop(
            eye.view, gain, self._curve, self._grain, start, deviation, eye.smooth, image
        )
        return image

    def _streaks(self, name: str, eye: _Eye, mood: Mood, timestamp_ns: int) -> NDArray[np.float64]:
        height, width = eye.w.shape
        rng = np.random.default_rng(seed_of(self._seed, name, timestamp_ns, "rain"))
        count = int(_STREAKS_PER_MEGAPIXEL * mood.rain * height * width / 1e6)
        out = np.empty((count, 6))
        out[:, 0], out[:, 1] = rng.uniform(0, width, count), rng.uniform(0, height, count)
        out[:, 2], out[:, 3] = rng.normal(0.08, 0.10, count), 1.0
        out[:, 4] = rng.uniform(0.03, 0.10, count) * height
        out[:, 5] = rng.uniform(0.03, 0.12, count) * (mood.haze.mean() + 0.002)
        return out


def _keep(mapping: Mapping[str, object], name: str, value: object) -> None:
    """Fill a mapping that is read-only for everybody else."""
    assert isinstance(mapping, dict)
    mapping[name] = value


def _make_eye(camera: CameraCalibration, seed: int) -> _Eye:
    _check(camera)
    rng = np.random.default_rng(seed_of(seed, camera.name, "lens"))
    shape = (camera.height, camera.width)
    tint = rng.normal(1.0, 0.02, 3)
    return _Eye(
        make_view(camera, float(rng.uniform(0.10, 0.28))),
        tint * float(rng.uniform(0.86, 1.16)),
        np.empty(shape, np.float32),
        np.empty(shape, np.int32),
        np.empty(shape, np.int32),
        np.empty((*shape, 3), np.float32),
        np.empty((*shape, 3), np.float32),
    )


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
        raise RidealongError("its rotation is none", where=where, expected="orthonormal axes")
    if height <= 0.05:
        raise RidealongError(
            f"it stands {height:.6g} m above the ground", where=where, expected="more than 0.05 m"
        )


def _tone_curve() -> NDArray[np.float32]:
    """Grey level by square root of light: a soft shoulder and the display's gamma."""
    light = 8 * (np.arange(_CURVE_STEPS) / (_CURVE_STEPS - 1)) ** 2
    return np.asarray(255 * (1 - np.exp(-1.35 * light)) ** (1 / 2.2)).astype(np.float32)


def _light_faces(solids: Solids, air: Air) -> Scene:
    """Sun and sky on each face of each block, and how much it turns towards the ego's lamps."""
    n = solids.numbers
    tall = 2 * n[:, HALF_Z]
    lean = n[:, [FRONT, REAR, SIDE, SIDE]] / tall[:, None]
    flat = 1 / np.sqrt(1 + lean**2)
    c, s = n[:, COS, None], n[:, SIN, None]
    x, y, z = np.zeros((3, len(n), 6))
    x[:, :4] = np.hstack([c, -c, -s, s]) * flat
    y[:, :4] = np.hstack([s, -s, c, -c]) * flat
    z[:, :4] = lean * flat
    z[:, 4], z[:, 5] = 1, -1
    # Written out: a matrix product would wake the threads of a linear algebra library.
    sun = np.maximum(x * air.sun_ego[0] + y * air.sun_ego[1] + z * air.sun_ego[2], 0)
    light = air.sun * sun[..., None] + air.ambient * (0.62 + 0.38 * z)[..., None]
    away = np.maximum(np.hypot(n[:, X], n[:, Y]), 1e-6)[:, None]
    facing = np.clip(-(x * n[:, X, None] + y * n[:, Y, None]) / away, 0.15, 1.0)
    glass = solids.kinds[:, MATTER] == Matter.GLASS
    # Panes that lean back mirror the sky: as light, relative to their dark albedo.
    mirror = air.ambient * 3.0 * (0.35 + np.maximum(z, 0))[..., None]
    light = np.where(glass[:, None, None], light + mirror, light)
    return Scene(n, solids.kinds, light, facing)
