"""Which cameras are known, and in what order they are shown."""

import pytest

from ingest.rig import LAYOUT, known_cameras, shown_cameras
from ingest.simulation.rig import RigCamera


def test_every_camera_of_the_rig_has_one_place() -> None:
    assert sorted(LAYOUT) == sorted(RigCamera)
    assert known_cameras(["dome"]) == {*RigCamera, "dome"}


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
def test_several_cameras_of_the_rig_show_all_of_it(cameras: list[str], shown: list[str]) -> None:
    assert shown_cameras(cameras) == shown
