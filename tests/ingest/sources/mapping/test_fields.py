"""What a mapping file may say about a field, and the line that it gets if it says nonsense."""

from pathlib import Path

import pytest

from ingest.sources.mapping.fields import Fields
from ridealong.errors import RidealongError
from ridealong.specs import Spec, parse_spec


class Mapping(Spec):
    signals: Fields


def read(text: str) -> Mapping:
    return parse_spec(f"signals:\n{text}", Mapping, Path("map.yaml"))


@pytest.mark.parametrize(
    ("said", "factor", "offset"),
    [
        ("signal: Vehicle.Speed", 1.0, 0.0),
        ("signal: Vehicle.Speed, unit: m/s", 3.6, 0.0),
        ("signal: Vehicle.Speed, unit: mph", 1.609344, 0.0),
        ("signal: Vehicle.Speed, unit: m/s, scale: 0.01, offset: 1", 0.036, 3.6),
        ("signal: Vehicle.Exterior.AirTemperature, unit: degF", 5 / 9, -160 / 9),
        ("signal: Vehicle.AngularVelocity.Yaw, unit: rad/s", 57.29578, 0.0),
        ("signal: Vehicle.Acceleration.Lateral, unit: g_0", 9.80665, 0.0),
        ("signal: Vehicle.Chassis.Brake.PedalPosition, unit: '%'", 1.0, 0.0),
    ],
)
def test_units(said: str, factor: float, offset: float) -> None:
    found = read(f"  a: {{{said}}}").signals["a"].factor_and_offset()
    assert found == pytest.approx((factor, offset))


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("  a: {signal: Vehicle.Sped}", "unknown signal 'Vehicle.Sped'; did you mean 'Vehicle.Sp"),
        ("  a: {signal: Vehicle.Speed, unit: furz}", "unknown unit 'furz'"),
        (
            "  a: {signal: Vehicle.Speed, unit: kg}",
            "unit 'kg' does not convert to 'km/h', the unit of Vehicle.Speed",
        ),
        ("  a: {signal: Vehicle.Acceleration.Lateral, unit: g}", "standard gravity is 'g_0'"),
        ("  a: {signal: Perception.Lead.TrackId, unit: m}", "has no unit"),
        ("  a: {signal: Vehicle.Speed, scale: 0}", "scale is 0"),
        ("  a: {signal: Vehicle.ADAS.ABS.IsEngaged, unit: m}", "is boolean: it has no unit"),
        ("  a: {signal: Vehicle.Speed, hold: 2 h}", "'2 h' is not more than 0 s and at most 1 h"),
        ("  a: {signal: Vehicle.Speed, hold: 2}", "expected a duration like '2 s'"),
        (
            "  a: {signal: Vehicle.ADAS.ABS.IsEngaged, values: {x: 3}}",
            "3 in 'values'; Vehicle.ADAS.ABS.IsEngaged is true, false or null",
        ),
        (
            "  a: {signal: Vehicle.Speed, values: {x: 3}, unit: m/s}",
            "'values' and 'unit' exclude each other",
        ),
        (
            "  a: {signal: Vehicle.Speed}\n  b: {signal: Vehicle.Speed}",
            "'a' and 'b' both give Vehicle.Speed",
        ),
        ("  a: {signal: Vehicle.Speed, unti: m/s}", "unknown key 'signals.a.unti'; did you mean"),
    ],
)
def test_nonsense_is_one_line(said: str, message: str) -> None:
    with pytest.raises(RidealongError) as caught:
        read(said)
    assert message in str(caught.value) and str(caught.value).startswith("map.yaml:")
    assert "\n" not in str(caught.value)
