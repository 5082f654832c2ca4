"""Trigger files: what they hold, and what is said of those that are wrong."""

import datetime
import json
import os
from pathlib import Path

import jsonschema
import pytest

from ingest.triggers.spec import (
    LIBRARY,
    TriggerSpec,
    load_triggers,
    shipped_triggers,
    trigger_sha256,
)
from ridealong.errors import RidealongError, each

ROOT = Path(__file__).parents[3]
LOG = ROOT / "examples" / "comma2k19_first30s"

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
    assert spec.cameras == ("main", "rear")
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
            "{file}: needs 'when' or 'random'",
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


MANY = """\
name: Hard
when: Vehicle.Sped > 3 and Vehicle.Speed > '3 m'
random: {every: 2 h}
pre: 15
cameras: [main, front left]
budget: {per_day: 0, per_week: 5}
expires: 2027-02-30
"""


def faults(path):
    with pytest.raises(RidealongError) as caught:
        load_triggers(path)
    return [str(error).removeprefix(f"{path}") for error in each(caught.value)]


def test_every_fault_of_a_file_is_told_at_once(tmp_path):
    assert faults(written(tmp_path, MANY)) == [
        ": has both 'when' and 'random'; expected one of them",
        ":1: name: String should match pattern '^[a-z][a-z0-9_]{0,63}$', not 'Hard'",
        ":1: the key 'description' is missing",
        ":2: when: column 1: unknown signal 'Vehicle.Sped'; did you mean 'Vehicle.Speed'?",
        ":2: when: column 38: '3 m' is not in a unit like 'km/h'; expected a quantity in 'km/h'",
        ":4: pre: 15 has no unit; expected a duration like '15 s'",
        ":5: cameras.1: 'front left' cannot be the name of a camera; expected at most 64 letters,"
        " digits, '_', '-' or '.', and not 'all'; the first is a letter, a digit or '_'",
        ":6: budget.per_day: Input should be greater than or equal to 1, not 0",
        ":6: unknown key 'budget.per_week'; known: per_day, per_vehicle_per_day",
        ":7: expires: 2027-02-30 is not in the calendar; expected a day like 2027-01-31",
    ]


def test_the_faults_of_every_file_of_a_folder_are_told_at_once(tmp_path, program, home):
    written(tmp_path, WHOLE)
    written(tmp_path, WHOLE, "same.yaml")
    written(tmp_path, MANY, "many.yaml")
    written(tmp_path, "- a list", "list.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    checked = program("triggers", "check", tmp_path)
    ingested = program("ingest", LOG, "--triggers", tmp_path, "--home", home)
    assert (checked.returncode, ingested.returncode) == (2, 2)
    assert checked.stderr == ingested.stderr
    lines = checked.stderr.splitlines()
    assert all(line.startswith(f"error: {tmp_path}/") for line in lines)
    named = [Path(line.split(":")[1].strip()).name for line in lines]
    assert named == ["list.yaml", *["many.yaml"] * 10, "pipe.yaml", "same.yaml"]
    assert not home.exists()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f"budget: {{per_day: 1{'0' * 400}}}", "is too large a whole number"),
        ("budget: {per_day: 1000000001}", "should be less than or equal to 1000000000"),
        ("expires: 9999-99-99", "9999-99-99 is not in the calendar"),
        ("pre: 1e300 s", "pre: '1e300 s' is too long"),
        ("pre: 2 years", "pre: '2 years' is more than a year"),
        ("pre: .inf", "pre: inf has no unit"),
        ("priority: true", "priority: Input should be a number, not true"),
        ("sample: .nan", "sample: Input should be a finite number, not .nan"),
        (f"when: {'Vehicle.Speed + ' * 300}1 > 2", "when: 4805 characters are too many"),
        (f"when: Vehicle.Speed > {'9' * 400}", "is too large a number"),
        ("random: {every: 1 h, seed: 4294967296}", "seed: Input should be less than or equal to"),
    ],
)
def test_what_no_ingest_could_run_is_refused(tmp_path, line, message):
    other = "" if line.startswith(("when", "random")) else "when: Vehicle.Speed > 3\n"
    file = written(tmp_path, f"name: hard_brake\ndescription: It brakes.\n{other}{line}\n")
    (fault,) = faults(file)
    assert message in fault
    assert len(fault) < 300


def test_durations_need_no_blank(tmp_path):
    text = WHOLE.replace("pre: 15 s", "pre: 15s").replace("cooldown: 30 s", "cooldown: 0.5min")
    (spec,) = load_triggers(written(tmp_path, text.replace("every: 5 s", "every: 100ms")))
    assert (spec.pre_ns, spec.cooldown_ns, spec.every_ns) == (15 * 10**9, 30 * 10**9, 10**8)


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


SCHEMA = jsonschema.Draft202012Validator(TriggerSpec.model_json_schema())


@pytest.mark.parametrize(
    ("keys", "fits"),
    [
        ({"pre": "15 s", "post": "100ms", "cooldown": "1.5 min"}, True),
        ({"pre": 15}, False),
        ({"pre": "15"}, False),
        ({"budget": {"per_day": 10**9}}, True),
        ({"budget": {"per_day": 10**9 + 1}}, False),
        ({"budget": {"per_vehicle_per_day": 0}}, False),
        ({"priority": 10**6 + 1}, False),
        ({"sample": 0}, False),
        ({"when": "x" * 4001}, False),
        ({"when": ""}, False),
        ({"random": {"every": "2h", "seed": 2**31}, "when": None}, False),
    ],
)
def test_the_published_schema_has_the_bounds_of_the_spec(keys, fits):
    document = {"name": "a", "description": "d", "when": "Vehicle.Speed > 3"} | keys
    assert SCHEMA.is_valid(document) is fits
    if fits:
        TriggerSpec.model_validate(document)
    else:
        with pytest.raises(ValueError):
            TriggerSpec.model_validate(document)
