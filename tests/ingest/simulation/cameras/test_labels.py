from functools import lru_cache

import numpy as np
import pyarrow.compute as pc
import pytest
from numpy.typing import NDArray

from ingest.simulation.cameras.boxes import box_corners, outline, truncation
from ingest.simulation.cameras.labels import label_clip
from ingest.simulation.cameras.lines import CATEGORIES, lines_near
from ingest.simulation.cameras.pinholes import pinholes, project_each, project_ground
from ingest.simulation.cameras.render import EVERYTHING, Renderer
from ingest.simulation.maps.world import Profile, crossing, furnish
from ingest.simulation.rig import rig_cameras
from ingest.simulation.scene import Actor, SceneState, StaticWorld, stack_actors
from ridealong.perception.annotations import (
    ANNOTATIONS,
    BevLayer,
    LightState,
    ObjectCategory,
    Surface,
    Task,
    annotation_table,
)
from ridealong.perception.geometry import CameraCalibration, mounted_camera, project
from tests.oracles.labels import label_frame
from tests.oracles.roads import curved_road, straight_road

pytestmark = pytest.mark.slow


CAMERAS = rig_cameras(320, 192)
SIZES = {
    ObjectCategory.CAR: (4.6, 1.85, 1.45),
    ObjectCategory.TRUCK: (9.0, 2.5, 3.4),
    ObjectCategory.BUS: (11.0, 2.5, 3.0),
    ObjectCategory.MOTORCYCLE: (2.2, 0.8, 1.75),
    ObjectCategory.BICYCLE: (1.7, 0.6, 1.8),
    ObjectCategory.PEDESTRIAN: (0.6, 0.64, 1.7),
}
Rows = list[dict[str, object]]


def actor(track_id: int, category: ObjectCategory, x: float, y: float, yaw: float = 0.0) -> Actor:
    return Actor(track_id, category, x, y, yaw, *SIZES[category])


def bounds_in(
    camera: CameraCalibration, corners: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    return outline(pinholes({camera.name: camera}), 0, corners)


@lru_cache(maxsize=4)
def renderer_of(world: StaticWorld) -> Renderer:
    return Renderer(world, CAMERAS, 1)


def labelled(world: StaticWorld, state: SceneState) -> tuple[Rows, Renderer]:
    renderer = renderer_of(world)
    drawn = renderer.render(state, 0, EVERYTHING)
    return label_frame(world, state, 0, drawn, CAMERAS), renderer


@pytest.fixture(scope="module")
def bare() -> StaticWorld:
    return straight_road(600, Profile(2, 2)).finish()


@pytest.mark.parametrize("category", list(ObjectCategory))
@pytest.mark.parametrize("pose", [(16.0, 0.3, 0.0), (20.0, 3.0, 1.1), (-14.0, 2.0, 2.7)])
def test_a_3d_box_projects_onto_its_2d_box(
    bare: StaticWorld, category: ObjectCategory, pose: tuple[float, float, float]
) -> None:
    state = SceneState(10.0, -1.7, 0.4, actors=stack_actors([_ahead(category, pose)]))
    rows, _ = labelled(bare, state)
    seen = [row for row in rows if row["task"] == "objects" and row["truncation"] == 0]
    assert seen
    for row in seen:
        centre = np.array([row["x_m"], row["y_m"], row["z_m"]])
        size = np.array([row["length_m"], row["width_m"], row["height_m"]])
        corners = box_corners(centre, size, float(row["yaw_rad"]))  # type: ignore[arg-type]
        bounds = bounds_in(CAMERAS[str(row["camera"])], corners)
        box = np.array([row["x1"], row["y1"], row["x2"], row["y2"]], np.float64)
        assert bounds is not None
        # The model fills its box but for rounded corners and slim limbs; the corners of a
        # two-wheeler's box are empty.
        share = 0.3 if category in {ObjectCategory.MOTORCYCLE, ObjectCategory.BICYCLE} else 0.12
        slack = 2.0 + share * max(box[2] - box[0], box[3] - box[1])
        np.testing.assert_allclose(box, bounds, atol=slack)
        assert (box[:2] >= np.array(bounds[:2]) - 2).all()
        assert (box[2:] <= np.array(bounds[2:]) + 2).all()


def _ahead(category: ObjectCategory, pose: tuple[float, float, float]) -> Actor:
    x, y, yaw = pose
    c, s = np.cos(0.4), np.sin(0.4)
    return actor(1, category, 10.0 + c * x - s * y, -1.7 + s * x + c * y, yaw + 0.4)


def test_boxes_stand_where_they_were_put(bare: StaticWorld) -> None:
    state = SceneState(
        10.0, -1.7, 0.4, actors=stack_actors([_ahead(ObjectCategory.CAR, (16, 2, 1))])
    )
    rows, _ = labelled(bare, state)
    row = next(r for r in rows if r["camera"] == "wide" and r["task"] == "objects")
    assert (row["x_m"], row["y_m"], row["yaw_rad"]) == pytest.approx((16, 2, 1))
    assert row["z_m"] == pytest.approx(1.45 / 2)
    assert (row["track_id"], row["category"], row["score"]) == (1, "car", 1.0)


def test_occlusion_is_the_share_that_is_hidden(bare: StaticWorld) -> None:
    half = [actor(1, ObjectCategory.TRUCK, 14, -3.0), actor(2, ObjectCategory.CAR, 30, -1.7)]
    rows, _ = labelled(bare, SceneState(0, -1.7, 0, actors=stack_actors(half)))
    seen = {r["track_id"]: r for r in rows if r["camera"] == "main" and r["task"] == "objects"}
    assert seen[1]["occlusion"] == 0
    assert 0.2 < float(seen[2]["occlusion"]) < 1  # type: ignore[arg-type]


def test_what_is_wholly_hidden_is_not_labelled(bare: StaticWorld) -> None:
    both = [actor(1, ObjectCategory.BUS, 15, -1.7), actor(2, ObjectCategory.CAR, 45, -1.7)]
    rows, _ = labelled(bare, SceneState(0, -1.7, 0, actors=stack_actors(both)))
    tracks = {r["track_id"] for r in rows if r["camera"] == "main" and r["task"] == "objects"}
    assert tracks == {1}


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ((10, 10, 20, 20), 0.0),
        ((-10, 0, 10, 20), 0.5),
        ((-10, -10, 10, 10), 0.75),
        ((5, 5, 5, 9), 0),
    ],
)
def test_truncation(bounds: tuple[float, ...], expected: float) -> None:
    assert truncation(np.array([100, 80]), np.array(bounds)) == pytest.approx(expected)


def test_outline_of_what_stands_beside_the_camera() -> None:
    camera = mounted_camera("main", 100, 100, 90, 0, 0, (0, 0, 1))
    behind = box_corners(np.array([-5.0, 0, 1]), np.array([2.0, 2, 2]), 0)
    assert bounds_in(camera, behind) is None
    across = box_corners(np.array([0.0, 3, 1]), np.array([8.0, 2, 2]), 0)
    bounds = bounds_in(camera, across)
    assert bounds is not None
    assert bounds[0] < -1000  # up to the camera's own plane
    assert bounds[2] == pytest.approx(50 - 50 * 2 / 4)  # its right front edge
    ahead = box_corners(np.array([10.0, 0, 1]), np.array([2.0, 2, 2]), 0)
    assert bounds_in(camera, ahead) == pytest.approx(
        (50 - 50 / 9, 50 - 50 / 9, 50 + 50 / 9, 50 + 50 / 9)
    )


@pytest.mark.parametrize("world", [straight_road(600).finish(), curved_road(90).finish()])
def test_lane_labels_lie_on_paint_and_edges_at_the_kerb(world: StaticWorld) -> None:
    start = next(lane for lane in world.lanes if lane.name == "road+0").points_m
    at, ahead = start[len(start) // 4], start[len(start) // 4 + 1] - start[len(start) // 4]
    state = SceneState(float(at[0]), float(at[1]), float(np.arctan2(ahead[1], ahead[0])))
    renderer = renderer_of(world)
    drawn = renderer.render(state, 0, EVERYTHING)
    surface = drawn.segmentation["main"]
    painted = surface == list(Surface).index(Surface.LANE_MARKING)
    near_paint = np.zeros_like(painted)
    for dv in (-1, 0, 1):
        for du in (-1, 0, 1):
            near_paint |= np.roll(painted, (dv, du), (0, 1))
    rows = label_frame(world, state, 0, drawn, CAMERAS)
    lanes = [r for r in rows if r["camera"] == "main" and r["task"] == "lanes"]
    assert {r["category"] for r in lanes} == {"lane_line", "road_edge"}
    hits = []
    for row in lanes:
        xy = np.array(row["points"]).reshape(-1, 2)
        assert ((xy >= 0) & (xy < [320, 192])).all()
        solid = (
            world.markings[int(str(row["track_id"]))].kind == "solid"
            if row["category"] == "lane_line"
            else False
        )
        if solid:
            low = xy[xy[:, 1] > 110].astype(int)
            hits += near_paint[low[:, 1], low[:, 0]].tolist()
    assert np.mean(hits) > 0.95


def test_a_line_ends_where_a_car_hides_it(bare: StaticWorld) -> None:
    free, _ = labelled(bare, SceneState(0, -1.7, 0))
    car = stack_actors([actor(1, ObjectCategory.BUS, 14, -3.4)])
    hidden, _ = labelled(bare, SceneState(0, -1.7, 0, actors=car))

    def length(rows: Rows) -> float:
        lines = [r for r in rows if r["camera"] == "main" and r["task"] == "lanes"]
        return sum(
            np.hypot(*np.diff(np.reshape(r["points"], (-1, 2)), axis=0).T).sum() for r in lines
        )

    assert length(hidden) < 0.8 * length(free)


def test_lines_behind_a_camera_are_not_in_its_picture(bare: StaticWorld) -> None:
    rows, _ = labelled(bare, SceneState(306.0, -1.7, 0.0))  # past the road's end
    cameras = {r["camera"] for r in rows if r["task"] == "lanes"}
    assert "rear" in cameras
    assert "narrow" not in cameras


def test_lines_in_the_ego_frame(bare: StaticWorld) -> None:
    lines = lines_near(bare, SceneState(20.0, -1.7, 0.0))
    kinds = {int(k): CATEGORIES[lines.category[lines.line == k][0]] for k in set(lines.line)}
    across = {k: float(lines.points_m[lines.line == k][:, 1].mean()) for k in kinds}
    at = sorted(across[k] for k, kind in kinds.items() if kind == "lane_line")
    assert at == pytest.approx([-5.1, -1.7, 1.7, 5.1, 8.5])
    assert sum(kind == "road_edge" for kind in kinds.values()) == 2


def test_only_what_is_near_counts() -> None:
    world = furnish(crossing(Profile(2, 1), seed=2)).finish()
    state = SceneState(-30.0, -1.7, 0.7)
    near = lines_near(world, state, 40.0)
    wide = lines_near(world, state, 1000.0)
    inside = np.hypot(*wide.points_m.T) <= 40
    assert 0 < inside.sum() < len(inside)
    assert np.array_equal(near.points_m, wide.points_m[inside])
    assert np.array_equal(near.line, wide.line[inside])
    # A part is of one line, and its points follow each other.
    for part in set(near.part):
        mine = near.part == part
        assert len(set(near.line[mine])) == 1
        assert (np.hypot(*np.diff(near.points_m[mine], axis=0).T) < 0.6).all()
    assert not len(lines_near(world, SceneState(9000.0, 0.0, 0.0)).line)


def test_points_go_into_all_cameras_as_into_one() -> None:
    rng = np.random.default_rng(0)
    xy = rng.uniform(-60, 60, (400, 2))
    camera, point, xyd = project_ground(pinholes(CAMERAS), xy)
    ground = np.pad(xy, ((0, 0), (0, 1)))
    for index, one in enumerate(CAMERAS.values()):
        whole = project(one, ground)
        size = [one.width, one.height]
        inside = np.flatnonzero(((whole[:, :2] >= 0) & (whole[:, :2] < size)).all(axis=1))
        assert point[camera == index].tolist() == inside.tolist()
        np.testing.assert_allclose(xyd[camera == index], whole[inside], rtol=1e-9)
        each = project_each(pinholes(CAMERAS), np.full(400, index), ground)
        np.testing.assert_allclose(each, whole, rtol=1e-9)
        pairs = project_each(pinholes(CAMERAS), np.full(200, index), ground.reshape(200, 2, 3))
        np.testing.assert_array_equal(pairs.reshape(400, 3), each)


def test_lights_tell_state_and_relevance() -> None:
    world = crossing(Profile(1, 1)).finish()
    states = {f"light{i}": (LightState.GREEN, LightState.RED)[i % 2] for i in range(3)}
    state = SceneState(-40, -1.7, 0, lights=states, relevant_lights=frozenset({"light2"}))
    rows, _ = labelled(world, state)
    lights = [r for r in rows if r["task"] == "lights" and r["camera"] == "narrow"]
    assert [(r["category"], r["relevant"]) for r in lights] == [("green", True)]
    assert 4 < float(lights[0]["y2"]) - float(lights[0]["y1"]) < 40  # type: ignore[arg-type]
    assert not [r for r in rows if r["task"] == "lights" and r["camera"] == "rear"]


def test_a_dark_light_is_not_labelled() -> None:
    world = crossing(Profile(1, 1)).finish()
    rows, _ = labelled(world, SceneState(-40, -1.7, 0))
    assert not [r for r in rows if r["task"] == "lights"]


def test_the_path_is_in_the_egos_frame(bare: StaticWorld) -> None:
    ahead = np.array([[13.0, 2.3], [16.0, 6.3]])
    state = SceneState(10.0, -1.7, np.arctan2(4, 3), 10.0, path_m=ahead)
    rows, _ = labelled(bare, state)
    (path,) = [row for row in rows if row["task"] == "path"]
    assert path["points"] == pytest.approx([5, 0, 10, 0])
    assert (path["timestamp_ns"], path["score"], path.get("camera")) == (0, 1.0, None)


def test_a_drive_that_ends_has_no_path(bare: StaticWorld) -> None:
    rows, _ = labelled(bare, SceneState(10.0, -1.7, 0.0))
    assert not [row for row in rows if row["task"] == "path"]


def test_a_clip_is_labelled_in_the_standard_form() -> None:
    world = furnish(crossing(Profile(1, 1), seed=2)).finish()
    cameras = rig_cameras(80, 48)
    instants = [
        (
            t * 200_000_000,
            SceneState(
                -60 + t, -1.7, 0, actors=stack_actors([actor(7, ObjectCategory.CAR, -45 + t, -1.7)])
            ),
        )
        for t in range(3)
    ]
    found = label_clip(Renderer(world, cameras, 1), world, instants)
    assert found.sparse.schema == ANNOTATIONS
    assert found.timestamps_ns.tolist() == [0, 200_000_000, 400_000_000]
    assert set(pc.unique(found.sparse["timestamp_ns"]).to_pylist()) <= set(
        found.timestamps_ns.tolist()
    )
    tracks = found.sparse.filter(pc.equal(found.sparse["task"], "objects"))["track_id"]
    assert set(tracks.to_pylist()) == {7}
    assert {a.shape for a in found.depth.values()} == {(3, 48, 80)}
    assert {a.dtype.name for a in found.segmentation.values()} == {"uint8"}
    assert {a.shape for a in found.bev.values()} == {(3, 64, 64)}
    assert found.tasks == frozenset(Task)
    assert set(found.bev) == {layer.value for layer in BevLayer}
    empty = label_clip(Renderer(world, cameras, 1), world, [])
    assert empty.sparse.equals(annotation_table([]))
