"""The fleet's spec, its balance, and what is wrong with bad ones."""

import json
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.simulation.balance import Factor, balanced, counts
from ingest.simulation.fleet import FleetSpec
from ingest.simulation.plan import DriveSpec, plan_fleet
from ridealong.errors import RidealongError
from ridealong.specs import load_spec, parse_spec

EXAMPLE = Path(__file__).parents[3] / "examples" / "fleet.yaml"


def parse(text: str) -> FleetSpec:
    return parse_spec(text, FleetSpec, where="fleet.yaml")


BAD = {
    "unknown key": ("drives: 4\ndrivves: 5", "unknown key 'drivves'; did you mean 'drives'?"),
    "unknown key inside": (
        "drives: 4\nrig: {widht: 160}",
        "unknown key 'rig.widht'; did you mean 'width'?",
    ),
    "fraction over 1": (
        "drives: 4\nincidents: {cut_in: 1.5}",
        "incidents.cut_in: Input should be less than or equal to 1",
    ),
    "no drives": ("drives: 0", "drives: Input should be greater than or equal to 1"),
    "drives missing": ("map: test", "the key 'drives' is missing"),
    "unknown country": ("drives: 4\ncountry: {DE: 1, XX: 1}", "unknown country 'XX'"),
    "unknown map": ("drives: 4\nmap: tset", "unknown map 'tset'; did you mean 'test'?"),
    "impossible camera": (
        "drives: 4\nrig: {mounts: {main: {fov_deg: 190, yaw_deg: 0, xyz_m: [1.6, 0, 1.4]}}}",
        "rig.mounts.main.fov_deg",
    ),
    "camera underground": (
        "drives: 4\nrig: {mounts: {main: {fov_deg: 60, yaw_deg: 0, xyz_m: [1.6, 0, -1]}}}",
        "z = -1.0 m is not on the vehicle",
    ),
    "unknown camera": (
        "drives: 4\nrig: {mounts: {mian: {fov_deg: 60, yaw_deg: 0, xyz_m: [1.6, 0, 1]}}}",
        "rig.mounts.mian",
    ),
    "odd image": ("drives: 4\nrig: {width: 161}", "multiple of 2"),
    "no weight": ("drives: 4\nlight: {day: 0}", "light: nothing has a weight above 0"),
    "bad duration": ("drives: 4\nduration: 3 m", "'3 m' is not a duration"),
    "endless": ("drives: 4\nduration: 3 h", "'3 h' is out of range"),
    "people in the mix": ("drives: 4\ntraffic: {mix: {pedestrian: 1}}", "not vehicles"),
    "labels between frames": ("drives: 4\nrig: {video_hz: 5, label_hz: 2}", "does not divide"),
}


@pytest.mark.parametrize("case", BAD, ids=list(BAD))
def test_a_bad_spec_is_one_clear_line(case: str) -> None:
    text, message = BAD[case]
    with pytest.raises(RidealongError) as caught:
        parse(text)
    said = str(caught.value)
    assert message in said
    assert said.startswith("fleet.yaml:")
    assert "\n" not in said


def test_the_example_is_as_promised() -> None:
    spec = load_spec(EXAMPLE, FleetSpec)
    assert spec.drives >= 44
    assert (spec.map, spec.seconds) == ("test", 180)
    drives = plan_fleet(spec)
    nights = sum(drive.light == "night" for drive in drives)
    assert nights / len(drives) == pytest.approx(1 / 3, abs=0.03)


def test_the_example_fits_the_published_schema(program: Any) -> None:
    published = json.loads(program("schema", "fleet").stdout)
    assert published == FleetSpec.model_json_schema()
    assert set(published["properties"]) == set(FleetSpec.model_fields)
    example = json.loads(json.dumps(yaml.safe_load(EXAMPLE.read_text("utf-8")), default=str))
    jsonschema.validate(example, published)
    for wrong in ({"map": "tset"}, {"country": {"XX": 1}}, {"light": {"noon": 1}}, {"drivves": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**example, **wrong}, published)


def test_counts_by_hand() -> None:
    assert counts([3, 1, 2], 44).tolist() == [22, 7, 15]  # 22, 7.33, 14.67
    assert counts([1, 1], 3).tolist() == [2, 1]
    assert counts([0, 1], 3).tolist() == [0, 3]


@given(
    weights=st.lists(st.floats(0, 10), min_size=1, max_size=6).filter(lambda w: sum(w) > 0.01),
    total=st.integers(0, 500),
)
def test_counts_add_up_and_are_near_their_share(weights: list[float], total: int) -> None:
    found = counts(weights, total)
    assert found.sum() == total
    exact = np.array(weights) / sum(weights) * total
    assert (np.abs(found - exact) < 1 + 1e-6).all()


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), drives=st.integers(24, 70))
def test_pairs_of_attributes_are_balanced(seed: int, drives: int) -> None:
    factors = [
        Factor("light", {"day": 3, "dusk": 1, "night": 2}),
        Factor("weather", {"clear": 3, "rain": 1.2, "fog": 0.8}),
        Factor("road", {"city": 2, "highway": 1}),
        Factor("country", {"DE": 1, "US": 1, "GB": 1, "JP": 1}),
    ]
    rows = balanced(factors, drives, seed)
    singles = {f.name: Counter(row[f.name] for row in rows) for f in factors}
    for a, b in combinations(singles, 2):
        pairs = Counter((row[a], row[b]) for row in rows)
        for x, count_x in singles[a].items():
            for y, count_y in singles[b].items():
                assert abs(pairs[x, y] - count_x * count_y / drives) < 1.8


def test_a_plan_is_its_seeds_alone() -> None:
    spec = parse("drives: 20")
    assert plan_fleet(spec) == plan_fleet(spec)
    other = plan_fleet(spec, seed=2)
    assert [d.seed for d in other] != [d.seed for d in plan_fleet(spec)]
    assert {d.drive_id for d in other}.isdisjoint(d.drive_id for d in plan_fleet(spec))


def test_a_drive_is_lit_as_its_hour_says() -> None:
    for drive in plan_fleet(parse("drives: 40")):
        hour = _solar_hour(drive)
        low, high = {"day": (9, 17), "dusk": (19, 20.5), "night": (22, 28)}[drive.light]
        assert low <= hour <= high or low <= hour + 24 <= high


def _solar_hour(drive: DriveSpec) -> float:
    from ingest.simulation.maps.geography import ORIGINS_DEG

    utc = drive.start_ns / 3.6e12 % 24
    return (utc + ORIGINS_DEG[drive.country][1] / 15) % 24


def test_pedestrians_run_and_cars_are_summoned_in_the_city_alone() -> None:
    drives = plan_fleet(parse("drives: 60\nincidents: {pedestrian: 1}\nfeatures: {summon: 1}"))
    for drive in drives:
        city = drive.road == "city"
        assert ("pedestrian" in drive.incidents) is city
        assert ("summon" in drive.features) is city
