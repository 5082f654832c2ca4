import inspect
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace

import numpy as np
import pytest

from ingest.simulation.cameras.raycast.compiled import COMPILED
from ingest.simulation.cameras.raycast.kernels import sources_hash
from ingest.simulation.cameras.render import EVERYTHING, Renderer
from ingest.simulation.maps.world import Profile, crossing, furnish
from ingest.simulation.rig import rig_cameras
from ingest.simulation.scene import (
    Actor,
    Conditions,
    Light,
    SceneState,
    StaticWorld,
    Weather,
    stack_actors,
)
from ridealong.errors import RidealongError
from ridealong.perception.annotations import LightState, ObjectCategory, Surface
from ridealong.perception.geometry import mounted_camera, project, unknown_calibration
from tests.oracles.raycast import NUMPY
from tests.oracles.roads import straight_road

pytestmark = pytest.mark.slow


SURFACES = tuple(Surface)
CAMERAS = rig_cameras(160, 96)
# The casters agree within two grey levels on all but 1.5% of the pixels: leaves and other random
# grain may fall to another cell where they round differently.
TOLERANCE_LEVELS, TOLERANCE_SHARE = 2, 0.015


def actor(track_id: int, category: ObjectCategory, x: float, y: float, **more: object) -> Actor:
    size = {
        ObjectCategory.CAR: (4.5, 1.8, 1.5),
        ObjectCategory.TRUCK: (12.0, 2.5, 3.6),
        ObjectCategory.BUS: (12.0, 2.55, 3.1),
        ObjectCategory.MOTORCYCLE: (2.2, 0.7, 1.8),
        ObjectCategory.BICYCLE: (1.8, 0.6, 1.85),
        ObjectCategory.PEDESTRIAN: (0.6, 0.64, 1.78),
    }[category]
    return Actor(track_id, category, x, y, more.pop("yaw", 0.0), *size, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def street() -> StaticWorld:
    return furnish(crossing(Profile(2, 2), "DE", seed=3)).finish()


@pytest.fixture(scope="module")
def bare() -> StaticWorld:
    return straight_road(400).finish()


CLEAR_DAY = Conditions()


def busy(conditions: Conditions = CLEAR_DAY) -> SceneState:
    night = conditions.light is not Light.DAY
    actors = [
        actor(i + 1, category, -30 + 7 * i, -5.1 + 3.4 * (i % 3), headlamps=night, brake=i % 2 == 0)
        for i, category in enumerate(ObjectCategory)
    ]
    lights = {f"light{i}": (LightState.RED, LightState.GREEN)[i % 2] for i in range(4)}
    return SceneState(
        -50, -1.7, 0.0, 8, stack_actors(actors), lights, frozenset({"light2"}), night, conditions
    )


ALL = [
    Conditions(),
    Conditions(Light.DUSK),
    Conditions(Light.NIGHT, Weather.RAIN),
    Conditions(Light.DAY, Weather.FOG),
]


@pytest.mark.parametrize("conditions", ALL, ids=lambda c: f"{c.light}-{c.weather}")
def test_both_casters_draw_the_same(street: StaticWorld, conditions: Conditions) -> None:
    compiled, slow = (
        Renderer(street, CAMERAS, 5, caster).render(busy(conditions), 7, EVERYTHING)
        for caster in (COMPILED, NUMPY)
    )
    for name in CAMERAS:
        apart = np.abs(compiled.images[name].astype(int) - slow.images[name]).max(axis=-1)
        assert (apart > TOLERANCE_LEVELS).mean() <= TOLERANCE_SHARE
        np.testing.assert_allclose(compiled.depth[name], slow.depth[name], rtol=1e-5)
        same = compiled.segmentation[name] == slow.segmentation[name]
        assert same.mean() > 0.999
        np.testing.assert_allclose(compiled.seen[name].hits, slow.seen[name].hits, atol=2)
        np.testing.assert_allclose(compiled.seen[name].visible, slow.seen[name].visible, atol=2)


def test_bytes_depend_on_scene_seed_and_time_alone(street: StaticWorld) -> None:
    rain = busy(Conditions(Light.NIGHT, Weather.RAIN))
    fresh = Renderer(street, CAMERAS, 5)
    first = fresh.render(rain, 1000).images
    used = Renderer(street, CAMERAS, 5)
    for x in (-150.0, 90.0, -20.0):
        used.render(replace(busy(), x_m=x), 5)
    labelled = used.render(rain, 1000, EVERYTHING).images
    with ThreadPoolExecutor(3) as pool:
        jobs = [
            pool.submit(lambda: Renderer(street, CAMERAS, 5).render(rain, 1000).images)
            for _ in range(3)
        ]
    for images in (labelled, *(job.result() for job in jobs)):
        assert all((images[name] == first[name]).all() for name in CAMERAS)
    other_time, other_seed = (
        fresh.render(rain, 1001),
        Renderer(street, CAMERAS, 6).render(rain, 1000),
    )
    assert (other_time.images["main"] != first["main"]).any()
    assert (other_seed.images["main"] != first["main"]).any()


def test_depth_of_the_ground_is_geometry(bare: StaticWorld) -> None:
    drawn = Renderer(bare, CAMERAS, 1).render(SceneState(0, -1.7, 0.3), 0, EVERYTHING)
    for name, camera in CAMERAS.items():
        rows, columns = np.nonzero(drawn.depth[name] < 60)
        depth = drawn.depth[name][rows, columns].astype(np.float64)
        x = (columns + 0.5 - camera.cx) / camera.fx * depth
        y = (rows + 0.5 - camera.cy) / camera.fy * depth
        points = np.stack([x, y, depth, np.ones_like(x)], axis=1) @ camera.ego_SE3_camera.T
        np.testing.assert_allclose(points[:, 2], 0, atol=1e-3)
        back = project(camera, points[:, :3])
        np.testing.assert_allclose(back[:, 0], columns + 0.5, atol=1e-3)


def test_depth_of_a_wall_ahead_and_of_the_sky(bare: StaticWorld) -> None:
    truck = actor(1, ObjectCategory.TRUCK, 26.0, -1.7)  # its rear at x = 20
    state = SceneState(0, -1.7, 0.0, actors=stack_actors([truck]))
    depth = Renderer(bare, CAMERAS, 1).render(state, 0, EVERYTHING).depth["narrow"]
    # A row above the middle looks at the cargo box, 2.02 / 12 of a nominal truck's rear is plain.
    assert depth[40, 80] == pytest.approx(20.0 - 1.6, abs=0.1)
    assert np.isnan(depth[0, 5])


def test_what_is_hidden_is_counted(bare: StaticWorld) -> None:
    near = actor(1, ObjectCategory.BUS, 15.0, -1.7)
    far = actor(2, ObjectCategory.CAR, 40.0, -1.7)
    state = SceneState(0, -1.7, 0.0, actors=stack_actors([near, far]))
    seen = Renderer(bare, CAMERAS, 1).render(state, 0, EVERYTHING).seen["main"]
    assert seen.hits[2] > 20
    assert seen.visible[2] == 0
    assert seen.visible[1] == seen.hits[1] > 500


@pytest.mark.parametrize(
    ("lit", "channel"), [(LightState.RED, 0), (LightState.GREEN, 1)], ids=["red", "green"]
)
@pytest.mark.parametrize("light", list(Light))
def test_a_signal_can_be_read(
    street: StaticWorld, lit: LightState, channel: int, light: Light
) -> None:
    cameras = {"narrow": rig_cameras(320, 192)["narrow"]}
    base = SceneState(
        -45, -5.1, 0.0, conditions=Conditions(light), headlamps=light is not Light.DAY
    )
    drawn = Renderer(street, cameras, 1).render(
        replace(base, lights={"light2": lit}), 0, EVERYTHING
    )
    x1, y1, x2, y2 = drawn.seen["narrow"].boxes[3]  # no actors: instances 1 to 4 are the lights
    patch = drawn.images["narrow"][y1:y2, x1:x2].astype(int)
    brightest = patch[..., channel] - patch[..., 1 - channel]
    assert brightest.max() > 60
    row = np.unravel_index(brightest.argmax(), brightest.shape)[0]
    assert (row < (y2 - y1) / 2) == (lit is LightState.RED)  # red is on top


def test_a_signal_cannot_be_read_from_behind() -> None:
    world = crossing(Profile(1, 1)).finish()
    cameras = {"narrow": rig_cameras(320, 192)["narrow"]}
    night = SceneState(-40, -1.7, 0.0, conditions=Conditions(Light.NIGHT))
    renderer = Renderer(world, cameras, 1)
    dark = renderer.render(night, 0).images["narrow"].astype(int)
    # The light of the opposite approach stands beyond the crossing and looks away.
    lit = renderer.render(replace(night, lights={"light0": LightState.RED}), 0)
    assert np.abs(lit.images["narrow"] - dark).max() <= 8


def test_night_is_dark_but_visible(street: StaticWorld) -> None:
    renderer = Renderer(street, CAMERAS, 1)
    day = renderer.render(busy(), 0).images["main"].mean()
    night = renderer.render(busy(Conditions(Light.NIGHT)), 0, EVERYTHING)
    image, surface = night.images["main"].astype(float), night.segmentation["main"]
    assert 25 < image.mean() < 0.7 * day
    paint = image[surface == SURFACES.index(Surface.LANE_MARKING)].mean()
    assert paint > image[surface == SURFACES.index(Surface.ROAD)].mean() + 8
    unlit = replace(busy(Conditions(Light.NIGHT)), headlamps=False)
    dark = renderer.render(unlit, 0).images["main"]
    assert dark[70:].mean() < image[70:].mean() - 5


def test_fog_hides_what_is_far(street: StaticWorld) -> None:
    renderer = Renderer(street, CAMERAS, 1)
    clear = renderer.render(busy(), 0, EVERYTHING)
    far = (clear.depth["main"] > 80) & (clear.segmentation["main"] != SURFACES.index(Surface.SKY))
    fog = renderer.render(busy(Conditions(weather=Weather.FOG)), 0).images["main"]
    assert fog[far].std() < 0.5 * clear.images["main"][far].std()


def test_brake_lights_are_seen(bare: StaticWorld) -> None:
    renderer = Renderer(bare, CAMERAS, 1)
    pictures = []
    for brake in (False, True):
        car = actor(1, ObjectCategory.CAR, 14.0, -1.7, rgb=(90, 90, 95), brake=brake)
        drawn = renderer.render(SceneState(0, -1.7, 0.0, actors=stack_actors([car])), 0)
        pictures.append(drawn.images["main"].astype(int))
    assert (pictures[1] - pictures[0])[..., 0].max() > 40


def test_lines_are_smooth(bare: StaticWorld) -> None:
    """Along an edge line the brightness hardly jumps: no staircase."""
    camera = {"main": rig_cameras(320, 192)["main"]}
    state = SceneState(0, -1.7, 0.0)
    image = Renderer(bare, camera, 1).render(state, 0).images["main"].astype(float).mean(axis=-1)
    at = np.stack([np.linspace(9, 20, 60), np.full(60, -1.7), np.zeros(60)], axis=1)
    xy = project(camera["main"], at)[:, :2]
    rows, columns = xy[:, 1].astype(int), xy[:, 0].astype(int)
    peaks = [image[r, max(c - 3, 0) : c + 4].max() for r, c in zip(rows, columns, strict=True)]
    assert np.std(peaks) < 25


@pytest.mark.parametrize(
    ("camera", "message"),
    [
        (unknown_calibration("main", 160, 96), "calibration is unknown"),
        (mounted_camera("main", 160, 96, 50, 0, 0, (1.6, 0, 0.0)), "above the ground"),
        (mounted_camera("main", 160, 96, 50, 0, 0, (1.6, 0, -1.0)), "above the ground"),
        (replace(mounted_camera("main", 9, 9, 50, 0, 0, (1, 0, 1)), fx=-3.0), "focal"),
        (
            replace(
                mounted_camera("main", 9, 9, 50, 0, 0, (1, 0, 1)),
                ego_SE3_camera=np.diag([2.0, 1, 1, 1])
                + np.eye(4, k=3)
                + np.eye(4)[[3, 3, 2, 3]] * [0, 0, 0, 1],
            ),
            "rotation",
        ),
    ],
    ids=["unknown", "on the ground", "below it", "focal", "rotation"],
)
def test_impossible_cameras_are_refused(bare: StaticWorld, camera, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(RidealongError, match=message):
        Renderer(bare, {"main": camera}, 1)


@pytest.mark.parametrize("name", [field.name for field in fields(COMPILED)])
def test_compiled_code_on_disk_is_that_of_the_sources(name: str) -> None:
    """numba checks the module of an entry point and its closure alone, not what it calls."""
    closure = inspect.getclosurevars(getattr(COMPILED, name).py_func)
    assert sources_hash() in closure.nonlocals.values()


def test_an_empty_world_can_be_drawn() -> None:
    world = straight_road(100, Profile(1, 0, sidewalk_m=0.0)).finish()
    drawn = Renderer(world, CAMERAS, 1).render(SceneState(5000.0, 5000.0, 1.0), 0, EVERYTHING)
    ids = np.unique(drawn.segmentation["main"])
    assert set(ids) == {SURFACES.index(Surface.TERRAIN), SURFACES.index(Surface.SKY)}
