"""Bags through the commands: ingest, events, clips, pictures."""

import json
from pathlib import Path

import pytest

from tests.data import braking_bag as made
from tests.data.foxglove_log import write_plain_json


def rows_of(program, *words, home):
    done = program(*words, "--json", "--home", home)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("storage", ["db3", "mcap"])
def test_a_plain_bag_gives_clips_with_pictures(program, tmp_path, storage):
    bag = made.write_bag(tmp_path / "bag", made.braking_messages(camera_hz=5), storage)
    home = tmp_path / "home"
    report = rows_of(program, "ingest", bag, home=home)
    assert (report["drives"], report["clips"], report["left_out"]) == (1, 1, [])
    events = rows_of(program, "events", "list", home=home)
    assert {event["trigger"] for event in events} >= {"hard_brake", "severe_brake"}
    (clip,) = rows_of(program, "clips", "list", home=home)
    assert clip["cameras"] == ["front", "rear"] and clip["frames"] > 100
    picture = tmp_path / "clip.png"
    rows_of(program, "clips", "show", clip["clip_id"], "--picture", picture, home=home)
    assert picture.stat().st_size > 1000
    if storage == "db3":  # a clip is a drive again, with its telemetry and cameras
        again = rows_of(program, "ingest", home / clip["blob"], home=tmp_path / "second")
        assert (again["drives"], again["rows"]) == (1, clip["telemetry_rows"])


def test_a_bad_bag_is_one_clear_line(program, tmp_path):
    path = write_plain_json(
        Path(tmp_path) / "a.mcap", "/x", "acme.Wheel", [(made.START_NS, {"a": 1})]
    )
    done = program("ingest", path, "--home", tmp_path / "home")
    assert done.returncode == 2
    assert "no type of message that gives telemetry or pictures: acme.Wheel" in done.stderr
