"""A trigger may name any camera; one that no drive has is reported."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.triggers.spec import load_triggers
from ridealong.errors import RidealongError

TRIGGER = """\
name: slow
description: The car is slow.
when: Vehicle.Speed < '10 km/h'
cameras: [{camera}]
"""


@pytest.fixture
def trigger(tmp_path: Path) -> Callable[[str], Path]:
    def write(camera: str) -> Path:
        path = tmp_path / "slow.yaml"
        path.write_text(TRIGGER.format(camera=camera), "utf-8")
        return path

    return write


def test_any_valid_name(trigger) -> None:
    assert load_triggers(trigger("cam_front"))[0].cameras == ("cam_front",)
    with pytest.raises(RidealongError, match=r"yaml:4: cameras.0: 'a b' cannot be the name of a"):
        load_triggers(trigger("a b"))


def test_check_reports_what_no_drive_has(trigger, program, tmp_path: Path) -> None:
    path, home = trigger("mian"), tmp_path / "none"
    done = program("triggers", "check", path, "--home", home, "--json")
    warning = "slow: cameras: no known drive has the camera 'mian'; did you mean 'main'?"
    assert done.returncode == 0 and done.stderr == f"warning: {warning}\n"
    assert json.loads(done.stdout) == [{"trigger": "slow", "ok": True, "warnings": [warning]}]
    done = program("triggers", "check", trigger("main"), "--home", home, "--json")
    assert done.stderr == "" and json.loads(done.stdout)[0]["warnings"] == []


@pytest.mark.slow
def test_a_camera_of_a_drive_in_the_lake_is_known(trigger, program, examples, tmp_path) -> None:
    drives, home = tmp_path / "drives", tmp_path / "home"
    drives.mkdir()
    video = next((examples / "udacity_highway_video").glob("*.mp4"))
    (drives / video.name).symlink_to(video)
    (drives / f"{video.stem}.drive.yaml").write_text("cameras: [cam_front]\n", "utf-8")
    path = trigger("cam_front")
    done = program("ingest", drives, "--triggers", path, "--home", home)
    assert done.returncode == 0 and "warning" not in done.stderr
    assert program("triggers", "check", path, "--home", home).stderr == ""
    (listed,) = json.loads(program("drives", "list", "--home", home, "--json").stdout)
    assert listed["cameras"] == ["cam_front"]
    done = program("ingest", drives, "--triggers", trigger("cam_frnt"), "--home", home)
    assert done.returncode == 0 and done.stderr.endswith(
        "warning: slow: cameras: no known drive has the camera 'cam_frnt';"
        " did you mean 'cam_front'?\n"
    )
