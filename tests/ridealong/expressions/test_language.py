"""What the expression language takes, what it refuses, and how it says so."""

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.schemas import CLIPS, DRIVES, EVENTS, QUARANTINE
from ingest.triggers.conditions import parse_drive_filter, parse_when
from ridealong.errors import RidealongError
from ridealong.expressions.compile import compile_where
from ridealong.expressions.language import FUNCTIONS
from ridealong.expressions.nodes import (
    And,
    Compare,
    Kind,
    Node,
    Number,
    Or,
    Timed,
    Variable,
    Window,
    variables,
)

SPEED = Variable("Vehicle.Speed", Kind.NUMBER, "km/h", single=True)


def test_a_hold_and_a_speed():
    node = parse_when(
        "held(Vehicle.Acceleration.Longitudinal <= -0.5, '0.1 s') and Vehicle.Speed > '10 km/h'"
    )
    brake = Variable("Vehicle.Acceleration.Longitudinal", Kind.NUMBER, "m/s^2", single=True)
    hold = Timed(
        Window.HELD, Compare("<=", brake, Number(-0.5), Kind.NUMBER), duration_ns=100_000_000
    )
    assert node == And((hold, Compare(">", SPEED, Number(10.0), Kind.NUMBER)))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Vehicle.Speed > 36", 36.0),
        ("Vehicle.Speed > '36 km/h'", 36.0),
        ("Vehicle.Speed > '10 m/s'", 36.0),
        ("Vehicle.Speed > '10000 mm/s'", 36.0),
        ("Vehicle.Speed > -(-36)", 36.0),
        ("rate(Vehicle.Speed, '1 s') > '10 m/s^2'", 36.0),
        ("delta(Vehicle.Exterior.AirTemperature) > '5 delta_degC'", 5.0),
        ("Vehicle.Exterior.AirTemperature > '32 degF'", 0.0),
        ("Vehicle.Body.Raindetection.Intensity > '50 percent'", 50),
        ("since(Trip.IsBookmarked) < '2 min'", 120.0),
        ("Vehicle.Speed * Vehicle.Speed > '100 m^2/s^2'", 1296.0),
    ],
)
def test_quantities_are_converted_to_the_unit_beside_them(text, number):
    node = parse_when(text)
    assert isinstance(node, Compare)
    assert isinstance(node.right, Number)
    assert node.right.value == pytest.approx(number)


def test_signals_of_different_units_are_compared_in_one():
    node = parse_when("Vehicle.Speed > Perception.Lead.RelativeSpeed")
    assert isinstance(node, Compare)
    assert any(isinstance(part, Number) and part.value == 3.6 for part in vars(node.right).values())


def test_a_literal_takes_the_precision_of_its_signal():
    node = parse_when("Vehicle.Speed >= 4.4")
    assert isinstance(node, Compare)
    assert node.right == Number(4.400000095367432)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Vehicle.Speed == 3", "Vehicle.Speed = 3"),
        ("Vehicle.Speed != 3", "Vehicle.Speed <> 3"),
        ("Vehicle.Speed BETWEEN 1 AND 2", "Vehicle.Speed >= 1 and Vehicle.Speed <= 2"),
        ('"Vehicle"."Speed" > 3', "Vehicle.Speed > 3"),
        ("HELD(Vehicle.Speed > 3, '500 ms')", "held((Vehicle.Speed > 3), '0.5 s')"),
    ],
)
def test_two_ways_to_say_the_same(one, other):
    assert parse_when(one) == parse_when(other)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "column 1: the expression is empty; expected an expression"),
        (
            "Vehicle.Sped > 3",
            "column 1: unknown signal 'Vehicle.Sped'; did you mean 'Vehicle.Speed'?",
        ),
        (
            "Vehicle.Speed > 3 and\n  Vehicle.Sped < 9",
            "line 2, column 3: unknown signal 'Vehicle.Sped'; did you mean 'Vehicle.Speed'?",
        ),
        (
            "Vehicle.Powertrain.Range > 3",
            "column 1: signal 'Vehicle.Powertrain.Range' is in VSS but telemetry does not record"
            " it; see docs/signals.md for the recorded signals",
        ),
        (
            "Vehicle.Speed > '3 m'",
            "column 17: '3 m' is not in a unit like 'km/h'; expected a quantity in 'km/h'",
        ),
        (
            "Vehicle.Speed > '3 furlongz'",
            "column 17: unknown unit 'furlongz'; expected a unit like 'm/s^2', 'km/h', 's',"
            " 'degrees'",
        ),
        (
            "Vehicle.Speed > 'fast'",
            "column 17: 'fast' is not a quantity; expected a number and a unit, like '10 km/h'",
        ),
        (
            "Vehicle.Speed > Perception.Lead.Distance",
            "column 17: 'm' is not in a unit like 'km/h'; expected a quantity in 'km/h'",
        ),
        (
            "Vehicle.Body.Windshield.Front.Wiping.Mode = 'FST'",
            "column 45: Vehicle.Body.Windshield.Front.Wiping.Mode is never 'FST'; expected one of"
            " OFF, SLOW, MEDIUM, FAST, INTERVAL, RAIN_SENSOR; did you mean 'FAST'?",
        ),
        (
            "Vehicle.Speed",
            "column 1: a number where a condition is expected; expected a comparison, like x > 3",
        ),
        ("Vehicle.Speed >", "column 15: syntax error at '>'; expected a value beside it"),
        ("(Vehicle.Speed > 3", "column 18: syntax error at '3'; expected ')'"),
        ("Vehicle.Speed > '3 m", "column 17: syntax error; expected every quote closed"),
        (
            "held(Vehicle.Speed > 3, '3 m')",
            "column 25: '3 m' is not a duration; expected one like '15 s'; a minute is 'min': write"
            " '3 min'",
        ),
        (
            "held(Vehicle.Speed > 3, 3)",
            "column 25: not a duration; expected one in quotes, like '0.5 s'",
        ),
        (
            "held(Vehicle.Speed > 3)",
            "column 1: held has 1 arguments; expected held(condition, '0.5 s')",
        ),
        (
            "hold(Vehicle.Speed > 3, '1 s')",
            "column 1: unknown function 'hold'; did you mean 'held'?",
        ),
        (
            "Vehicle.Speed = null",
            "column 1: nothing equals null; write 'x is null' or 'x is not null'",
        ),
        (
            "1 < Vehicle.Speed < 5",
            "column 21: a condition compared with a number; expected two of the same kind",
        ),
        (
            "Vehicle.ADAS.ABS.IsEngaged < true",
            "column 1: a condition has no order; expected = or <>",
        ),
        ("Vehicle.Speed > 1e999", "column 17: 1e999 is too large a number"),
        ("true; true", "2 statements; expected one expression"),
    ],
)
def test_bad_conditions_point_at_the_column(text, message):
    with pytest.raises(RidealongError) as caught:
        parse_when(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "text",
    [
        "select 1",
        "(select true)",
        "exists (select 1)",
        "Vehicle.Speed::int > 3",
        "case when true then true end",
        "read_csv('/etc/passwd') is null",
        "Vehicle.* is null",
        "Vehicle.Speed[1] > 3",
        "lag(Vehicle.Speed) over () > 3",
        "Vehicle.Speed > 3 order by 1",
        "Vehicle.Speed > 3 garbage",
        "Vehicle.Speed ** 9999999 > 3",
        "Vehicle.Speed > $1",
        "Vehicle.Speed > ?",
        "x -> 3",
        "Vehicle.Speed > '10 m^(10^10^10)'",
        "Vehicle.Speed is true",
        "Vehicle.Speed in (select 1)",
        "Vehicle.Speed > all (select 1)",
        "attach 'x'",
        "-- nothing",
        "(" * 500 + "true" + ")" * 500,
        "not " * 900 + "true",
        "held(" * 15 + "true" + ", '1 s')" * 14,
        "Vehicle.Speed > " + " + ".join(["1"] * 100),
        "true and " * 1000 + "true",
        "delta(" * 12 + "Vehicle.Speed" + ")" * 12 + " > 1",
    ],
)
def test_what_is_no_part_of_the_language_is_refused(text):
    with pytest.raises(RidealongError):
        parse_when(text)


SOUP = """
( ( ( ) ) ) , , . + - * / < <= = <> ' " ; -- /* */ $$ :: [ ] { } ? @ # \\ é 🚗
and or not in between is null true false case when then else end select from
Vehicle.Speed Perception.Lead.TrackId Vehicle.ADAS.ABS.IsEngaged country software
1 -1 0.5 1e9 1e999 9223372036854775808 '1_s' '10_km/h' '-1_s' '1e999_s' 'nan_s' '3_dBm' '2_m^9/s^9'
"""
WORDS = st.sampled_from(
    [*FUNCTIONS, "\x00", *SOUP.replace("_", " ").split("\n"), *SOUP.split()]
).map(lambda word: word.replace("_s'", " s'").replace("_km", " km").replace("_", " ", 0))


@pytest.mark.slow
@settings(max_examples=300, deadline=None, database=None)
@given(st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=20).map(" ".join)))
def test_any_text_gives_a_tree_or_one_line(text):
    for parse in parse_when, parse_drive_filter:
        try:
            assert isinstance(parse(text), Node)
        except RidealongError as error:
            assert "\n" not in str(error)


# Tables


@pytest.mark.slow
@pytest.mark.parametrize("table", [DRIVES, EVENTS, CLIPS, QUARANTINE], ids=lambda t: t.name)
def test_every_column_can_be_asked_for(table):
    for field in table.schema:
        predicate = compile_where(f"{field.name} is not null", table.schema)
        rows = duckdb.connect()
        rows.register("t", table.schema.empty_table())
        rows.execute(f"select * from t where {predicate.sql}", predicate.parameters)


TABLE = pa.table(
    {
        "name": ["a", "b'; drop table t; --", None],
        "light": ["day", "night", None],
        "software": ["2026.4", "2026.10", "2026.4.1"],
        "features": pa.array([["acc"], [], None], pa.list_(pa.string())),
        "length_m": pa.array([1.0, float("nan"), 3.0]),
        "start_ns": pa.array([1_700_000_000_000_000_001, 5, None], pa.int64()),
        'odd"name': [1, 2, 3],
    },
    schema=pa.schema(
        [
            pa.field("name", pa.string()),
            pa.field("light", pa.string()),
            pa.field("software", pa.string()),
            pa.field("features", pa.list_(pa.string())),
            pa.field("length_m", pa.float64(), metadata={"unit": "m"}),
            pa.field("start_ns", pa.int64(), metadata={"unit": "ns"}),
            pa.field('odd"name', pa.int64()),
        ]
    ),
)


def rows_where(text):
    predicate = compile_where(text, TABLE.schema)
    connection = duckdb.connect()
    connection.register("t", TABLE)
    sql = f'select "odd""name" from t where {predicate.sql} order by 1'
    return [row[0] for row in connection.execute(sql, predicate.parameters).fetchall()]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("light = 'night'", [2]),
        ("light <> 'night'", [1]),
        ("not light in ('night')", [1]),
        ("light is null", [3]),
        ("name = 'b''; drop table t; --'", [2]),
        ("name = '$p0' or name = 'a'", [1]),
        ("software > '2026.4'", [2, 3]),
        ("software >= '2026.9'", [2]),
        ("software = '2026.04'", [1]),
        ("software between '2026.4' and '2026.5'", [1, 3]),
        ("contains(features, 'acc')", [1]),
        ("length_m < '200 cm'", [1]),
        ("length_m is null", [2]),
        ("1 / (length_m - 1) is null", [1, 2]),
        ("least(length_m, 2) = 2", [3]),
        ("greatest(length_m, '250 cm', 2) = 2.5", [1]),
        ("abs(length_m - 2) = 1", [1, 3]),
        ("start_ns = 1700000000000000001", [1]),
        ("start_ns = 1700000000000000002", []),
        ("start_ns * start_ns * start_ns * 1e300 > 0", [2]),
        ('"odd""name" = 2', [2]),
        ("true", [1, 2, 3]),
        ("1e300 * 1e300 is null", [1, 2, 3]),
    ],
)
def test_where_selects(text, rows):
    assert rows_where(text) == rows


def test_nested_divisions_do_not_grow_without_end():
    text = "length_m = 3"
    for _ in range(8):
        text = text.replace("length_m", "(1 / least(length_m, 9))")
    assert len(compile_where(text, TABLE.schema).sql) < 5000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "light = 'nite'",
            "--where: column 9: light is never 'nite'; expected one of day, dusk, night; did you"
            " mean 'night'?",
        ),
        (
            "features = 'acc'",
            "--where: column 12: a list is not one text; write contains(features, 'acc')",
        ),
        (
            "ligth = 'day'",
            "--where: column 1: unknown column 'ligth'; did you mean 'light'?",
        ),
        (
            "light == night",
            "--where: column 10: unknown column 'night'; did you mean 'light', "
            "or the text 'night'?",
        ),
        (
            "held(light = 'day', '1 s')",
            "--where: column 1: held looks at samples over time; a table's rows have none",
        ),
        (
            "software > 'new'",
            "--where: column 12: 'new' is not a version; expected one like '2026.4'",
        ),
        ("light < 'night'", "--where: column 1: a text has no order; expected = or <>"),
    ],
)
def test_bad_where(text, message):
    with pytest.raises(RidealongError) as caught:
        compile_where(text, TABLE.schema)
    assert str(caught.value) == message


def test_names_are_found():
    node = parse_when("Vehicle.Speed > 3 or changed(Perception.Lead.TrackId)")
    assert isinstance(node, Or)
    assert variables(node) == {"Vehicle.Speed", "Perception.Lead.TrackId"}
