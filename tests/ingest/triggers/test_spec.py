"""Trigger files: what they hold, and what is said of those that are wrong."""

import datetime
import json
from pathlib import Path

import pytest

from ingest.annotations import Camera
from ingest.errors import RidealongError
from ingest.triggers.spec import (
    LIBRARY,
    TriggerSpec,
    load_triggers,
    shipped_triggers,
    trigger_sha256,
)

ROOT = Path(__file__).parents[3]

WHEN = """\
when: held(Vehicle.Acceleration.Longitudinal <= -4.4, '0.1 s') and Vehicle.Speed > '10 km/h'
"""

WHOLE = f"""\
name: hard_brake
description: The car brakes hard, whoever asked for it.
{WHEN}rearm: Vehicle.Acceleration.Longitudinal > -3.65
every: 5 s
pre: 15 s
post: 5 s
cooldown: 30 s
where: country in ('DE', 'US') and software >= '2026.4'
sample: 0.5
budget: {{per_vehicle_per_day: 5, per_day: 1000}}
priority: 3
cameras: [main, rear]
expires: 2027-01-31
"""


def written(tmp_path, text, name="hard_brake.yaml"):
    file = tmp_path / name
    file.write_text(text, "utf-8")
    return file


def test_every_key(tmp_path):
    (spec,) = load_triggers(written(tmp_path, WHOLE))
    assert (spec.pre_ns, spec.post_ns) == (15_000_000_000, 5_000_000_000)
    assert (spec.cooldown_ns, spec.every_ns) == (30_000_000_000, 5_000_000_000)
    assert spec.budget.per_vehicle_per_day == 5
    assert spec.cameras == (Camera.MAIN, Camera.REAR)
    assert spec.expires == datetime.date(2027, 1, 31)
    assert spec.signals == {"Vehicle.Acceleration.Longitudinal", "Vehicle.Speed"}
    assert not spec.by_disagreement


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "Vehicle.Speed > '10 km/h'",
            "Vehicle.Sped > '10 km/h'",
            "{file}:3: when: column 62: unknown signal 'Vehicle.Sped'; did you mean"
            " 'Vehicle.Speed'?",
        ),
        (
            "'10 km/h'",
            "'10 m'",
            "{file}:3: when: column 78: '10 m' is not in a unit like 'km/h'; expected a quantity"
            " in 'km/h'",
        ),
        ("pre: 15 s", "pre: 15", "{file}:6: pre: 15 has no unit; expected a duration like '15 s'"),
        (
            "pre: 15 s",
            "pre: 15 m",
            "{file}:6: pre: '15 m' is not a duration; expected one like '15 s'; a minute is"
            " 'min': write '15 min'",
        ),
        (
            "every: 5 s",
            "every: 0 s",
            "{file}:5: every: '0 s' is too short; expected at least '0.1 s'",
        ),
        (
            "country in",
            "county in",
            "{file}:9: where: column 1: unknown column 'county'; did you mean 'country'?",
        ),
        ("cooldown", "cooldwon", "{file}:8: unknown key 'cooldwon'; did you mean 'cooldown'?"),
        (
            "per_day: 1000",
            "per_dya: 1000",
            "{file}:11: unknown key 'budget.per_dya'; did you mean 'per_day'?",
        ),
        (
            "description: The car brakes hard, whoever asked for it.\n",
            "",
            "{file}:1: the key 'description' is missing",
        ),
        (
            "cameras: [main, rear]",
            "cameras: []",
            "{file}:13: cameras: no cameras; expected 'all' or a list of cameras",
        ),
        (
            WHEN,
            "",
            "{file}: needs either 'when' or 'random', not both",
        ),
    ],
)
def test_bad_files_name_line_and_column(tmp_path, old, new, message):
    assert old in WHOLE
    file = written(tmp_path, WHOLE.replace(old, new))
    with pytest.raises(RidealongError) as caught:
        load_triggers(file)
    assert str(caught.value) == message.format(file=file)


def test_no_folder_no_files_no_two_of_a_name(tmp_path):
    with pytest.raises(RidealongError, match="No such file"):
        load_triggers(tmp_path / "absent.yaml")
    with pytest.raises(RidealongError, match="no triggers in this folder"):
        load_triggers(tmp_path)
    written(tmp_path, WHOLE)
    written(tmp_path, WHOLE, "other.yaml")
    with pytest.raises(RidealongError, match=r"other.yaml: the name 'hard_brake' is taken"):
        load_triggers(tmp_path)


def test_the_hash_is_of_what_it_does(tmp_path):
    (spec,) = load_triggers(written(tmp_path, WHOLE))
    described = spec.model_copy(update={"description": "Other words."})
    longer = spec.model_copy(update={"pre": "16 s"})
    assert trigger_sha256(spec) == trigger_sha256(described) != trigger_sha256(longer)


def test_the_library():
    names = [spec.name for spec in shipped_triggers()]
    assert names == sorted(
        [
            "hard_brake",
            "severe_brake",
            "hard_corner",
            "swerve",
            "low_ttc",
            "driver_emergency",
            "cut_in",
            "weather",
            "highway_brake",
            "random_control",
        ]
    )
    assert [file.stem for file in sorted(LIBRARY.glob("*.yaml"))] == names


def test_the_example():
    (spec,) = load_triggers(ROOT / "examples" / "triggers" / "gentle_brake.yaml")
    assert spec.name == "gentle_brake"
    assert (spec.pre_ns, spec.post_ns) == (5_000_000_000, 3_000_000_000)


def test_the_published_schema_is_json():
    schema = TriggerSpec.model_json_schema()
    assert json.loads(json.dumps(schema))["additionalProperties"] is False
    assert set(schema["required"]) == {"name", "description"}
