"""Which cameras are known, and in what order they are shown."""

import pytest

from ingest.rig import LAYOUT, SIMULATION, known_cameras, shown_cameras
from ingest.simulation.rig import RigCamera
from ingest.sources.simulation.source import SimulationSource


def test_every_camera_of_the_rig_has_one_place() -> None:
    assert sorted(LAYOUT) == sorted(RigCamera)
    assert known_cameras(["dome"]) == {*RigCamera, "dome"}
    assert SimulationSource.name == SIMULATION


@pytest.mark.parametrize(
    ("cameras", "shown"),
    [
        (["rear", "main"], list(LAYOUT)),
        (["rear"], ["rear"]),
        (["main", "dome"], ["main", "dome"]),
        ([], []),
    ],
    ids=["rig", "one", "another rig", "none"],
)
def test_a_simulated_drive_shows_the_whole_rig(cameras: list[str], shown: list[str]) -> None:
    assert shown_cameras(cameras, SIMULATION) == shown


@pytest.mark.parametrize(
    ("cameras", "shown"),
    [
        (["rear", "main"], ["main", "rear"]),
        (["b", "a", "c"], ["b", "a", "c"]),
        (
            ["CAM_BACK", "CAM_BACK_LEFT", "CAM_FRONT", "CAM_FRONT_RIGHT", "CAM_FRONT_LEFT"],
            ["CAM_FRONT_LEFT", "CAM_FRONT", "CAM_FRONT_RIGHT", "CAM_BACK_LEFT", "CAM_BACK"],
        ),
        (["frontRight", "left", "dome", "frontLeft"], ["frontLeft", "frontRight", "left", "dome"]),
    ],
    ids=["dashcam", "unknown", "nuScenes", "mixed"],
)
def test_any_other_drive_shows_its_own(cameras: list[str], shown: list[str]) -> None:
    assert shown_cameras(cameras, "video") == shown
    assert shown_cameras(cameras, None) == shown
