"""Which signal a field of a log may be, from its name and its values.

Only plain names are taken. The guess is written into a mapping file for a person to correct.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ingest.sources.mapping.conversion import FLAGS, is_text
from ingest.sources.mapping.fields import FieldSpec
from ingest.telemetry.signals import Signal, recorded
from ridealong.errors import RidealongError
from ridealong.units import check_unit

# How names end, or what is in brackets behind them, and the unit that it means.
UNITS = {
    "mps": "m/s", "m s": "m/s", "meters per second": "m/s",
    "kmh": "km/h", "km h": "km/h", "kph": "km/h", "kmph": "km/h",
    "mph": "mph", "knots": "knot", "knot": "knot", "kn": "knot", "kts": "knot", "kt": "knot",
    "mps2": "m/s^2", "m s2": "m/s^2", "ms2": "m/s^2", "mpss": "m/s^2", "g": "g_0",
    "rad": "radian", "radians": "radian", "rad s": "radian/s", "rads": "radian/s",
    "radps": "radian/s", "deg": "degrees", "degree": "degrees", "degrees": "degrees",
    "deg s": "degrees/s", "degs": "degrees/s", "dps": "degrees/s", "degps": "degrees/s",
    "pct": "percent", "percent": "percent", "perc": "percent",
    "degc": "degC", "deg c": "degC", "celsius": "degC", "c": "degC", "degf": "degF", "f": "degF",
    "fahrenheit": "degF", "kelvin": "kelvin", "m": "m", "meters": "m", "metres": "m", "km": "km",
    "ft": "ft", "cm": "cm", "mm": "mm", "s": "s", "sec": "s", "ms": "ms",
}  # fmt: skip
X, Y, Z = {"x", "longitudinal", "long", "lon"}, {"y", "lateral", "lat"}, {"z", "vertical", "vert"}
ACCELERATION = {"acceleration", "accel", "acc"}
GYRO = {"gyro", "gyroscope", "omega", "angvel", "rate"}
PEDAL = {"pedal", "pos", "position", "pressed", "press"}
ON = {"active", "engaged", "on", "enabled", "is", "state", "flag", "status"}
SPEED_ABROAD = {"geschwindigkeit", "vitesse", "velocidad"}
OUTSIDE = {"outside", "ambient", "air", "exterior", "outdoor", "ext"}
NOISE = {"vehicle", "car", "ego", "can", "imu", "gps", "gnss", "value", "val", "raw", "current"}
CHEAPER = {"gps", "gnss"}  # less precise than what the vehicle measures itself
ADAS, BODY = "Vehicle.ADAS", "Vehicle.Body"


@dataclass(frozen=True)
class _Rule:
    """One signal: words of which one must be there, of each set; and others that may."""

    signal: str
    needed: tuple[Collection[str], ...]
    may: Collection[str] = ()


RULES = (
    _Rule("Vehicle.Speed", ({"speed", "velocity", "spd", "vel", "v", *SPEED_ABROAD},), {"wheel"}),
    _Rule("Vehicle.Acceleration.Longitudinal", (ACCELERATION, X), {"linear"}),
    _Rule("Vehicle.Acceleration.Lateral", (ACCELERATION, Y), {"linear"}),
    _Rule("Vehicle.Acceleration.Vertical", (ACCELERATION, Z), {"linear"}),
    _Rule("Vehicle.Acceleration.Longitudinal", ({"ax"},)),
    _Rule("Vehicle.Acceleration.Lateral", ({"ay"},)),
    _Rule("Vehicle.Acceleration.Vertical", ({"az"},)),
    _Rule("Vehicle.AngularVelocity.Yaw", ({"yaw"}, GYRO)),
    _Rule("Vehicle.AngularVelocity.Yaw", ({"yawrate", "wz"},)),
    _Rule("Vehicle.AngularVelocity.Yaw", (GYRO, {"z"})),
    _Rule("Vehicle.AngularVelocity.Pitch", ({"pitch"}, GYRO)),
    _Rule("Vehicle.AngularVelocity.Pitch", (GYRO, {"y"})),
    _Rule("Vehicle.AngularVelocity.Roll", ({"roll"}, GYRO)),
    _Rule("Vehicle.AngularVelocity.Roll", (GYRO, {"x"})),
    _Rule("Vehicle.CurrentLocation.Latitude", ({"latitude", "lat"},), {"position", "location"}),
    _Rule(
        "Vehicle.CurrentLocation.Longitude",
        ({"longitude", "lon", "lng", "long"},),
        {"position", "location"},
    ),
    _Rule("Vehicle.CurrentLocation.Heading", ({"heading", "course", "bearing", "hdg", "cog"},)),
    _Rule(
        "Vehicle.Chassis.SteeringWheel.Angle",
        ({"steering", "steer", "steeringwheel", "swa"},),
        {"wheel", "angle"},
    ),
    _Rule("Vehicle.Chassis.Brake.PedalPosition", ({"brake", "braking"},), PEDAL),
    _Rule(
        "Vehicle.Chassis.Accelerator.PedalPosition", ({"accelerator", "throttle", "gas"},), PEDAL
    ),
    _Rule("Vehicle.Exterior.AirTemperature", ({"temperature", "temp"},), OUTSIDE),
    _Rule(f"{ADAS}.ABS.IsEngaged", ({"abs"},), ON),
    _Rule(f"{ADAS}.ESC.IsEngaged", ({"esc", "esp"},), ON),
    _Rule(f"{ADAS}.TCS.IsEngaged", ({"tcs", "asr"},), ON),
    _Rule(f"{ADAS}.EBA.IsEngaged", ({"eba", "aeb"},), ON),
    _Rule(f"{ADAS}.CruiseControl.IsActive", ({"cruise", "acc"},), {"control", *ON}),
    _Rule(
        f"{ADAS}.CruiseControl.SpeedSet",
        ({"cruise", "acc"}, {"speed"}),
        {"set", "target", "control"},
    ),
    _Rule(f"{BODY}.Raindetection.Intensity", ({"rain"},), {"intensity", "sensor", "level"}),
    _Rule(
        f"{BODY}.Windshield.Front.Wiping.Mode", ({"wiper", "wipers", "wiping"},), {"mode", "front"}
    ),
    _Rule(
        "Perception.Lead.TimeToCollision",
        ({"ttc"},),
        {"lead", "front", "time", "to", "collision"},
    ),
    _Rule(
        "Perception.Lead.Distance",
        ({"distance", "dist", "gap", "range"}, {"lead", "front", "ahead"}),
    ),
    _Rule("Perception.Lead.RelativeSpeed", ({"relative", "rel"}, {"lead", "front"}, {"speed"})),
)


@dataclass(frozen=True)
class GuessedField:
    """What a field may be.

    ``rank``: the lower, the plainer; of several fields for one signal, the lowest is right.
    ``why``: what about it is more a guess than a reading; None if its name says it all.
    """

    signal: str
    unit: str | None = None
    scale: float | None = None
    rank: int = 0
    why: str | None = None


def guess_field(name: str, values: pa.Array) -> GuessedField | None:
    """The signal that a field may be; None if its name is not plain.

    Args:
        name: The field's name in the log.
        values: Some of its values.
    """
    own = next((signal for signal in recorded() if signal.name == name), None)
    if own is not None:
        return GuessedField(own.name, own.unit or None)
    words, unit = words_and_unit(name)
    rule = next((rule for rule in RULES if _fits(rule, words)), None)
    if rule is None:
        return None
    (signal,) = [each for each in recorded() if each.name == rule.signal]
    if not _fit_values(signal.datatype, values):
        return None
    rank = len(words) + len(CHEAPER & set(words))
    if signal.datatype in ("boolean", "string") or not signal.unit:
        return GuessedField(signal.name, rank=rank)
    return _with_unit(signal, unit, values, rank)


def _with_unit(signal: Signal, unit: str | None, values: pa.Array, rank: int) -> GuessedField:
    if unit is not None and _is_unit_of(unit, signal.name):
        return GuessedField(signal.name, unit, rank=rank)
    if signal.unit == "percent" and _is_share(values):
        return GuessedField(signal.name, scale=100.0, rank=rank, why="its values are 0 to 1")
    is_place = signal.name.startswith("Vehicle.CurrentLocation.")  # everybody's is in degrees
    why = None if is_place else "its name has no unit"
    return GuessedField(signal.name, signal.unit, rank=rank, why=why)


def words_and_unit(name: str) -> tuple[list[str], str | None]:
    """The words of a name in small letters, and the unit behind them, if there is one.

    ``speed_mps`` and ``Speed [m/s]`` are the word speed and m/s.
    """
    bracketed = re.fullmatch(r"(.*?)\s*[\[(]([^\])]+)[\])]\s*", name)
    if bracketed:
        return words_of(bracketed[1]), _unit_in_brackets(bracketed[2].strip())
    words = words_of(name)
    for length in (3, 2, 1):
        unit = UNITS.get(" ".join(words[-length:])) if len(words) > length else None
        if unit is not None:
            return words[:-length], unit
    return words, None


def words_of(name: str) -> list[str]:
    """The words of a name in small letters: ``GpsSpeed`` → gps, speed."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return re.findall(r"[^\W_]+", spaced.lower())


def _unit_in_brackets(text: str) -> str | None:
    known = UNITS.get(" ".join(words_of(text)))
    if text in ("%", "°"):
        return "percent" if text == "%" else "degrees"
    try:
        check_unit(text.replace("²", "^2").replace("°", "degrees"))
    except RidealongError:
        return known
    return known or text.replace("²", "^2")


def _fits(rule: _Rule, words: Sequence[str]) -> bool:
    there = set(words)
    if not all(there & set(each) for each in rule.needed):
        return False
    return there <= set().union(*rule.needed, rule.may, NOISE)


def _fit_values(datatype: str, values: pa.Array) -> bool:
    if pa.types.is_null(values.type):
        return True
    if datatype == "string":
        return is_text(values.type)
    if datatype != "boolean":
        return bool(pa.types.is_integer(values.type) or pa.types.is_floating(values.type))
    known = {str(each).lower() for each in pc.unique(values).to_pylist() if each is not None}
    return known <= {*FLAGS, "0.0", "1.0"}


def _is_unit_of(unit: str, signal: str) -> bool:
    try:
        FieldSpec(signal=signal, unit=unit)
    except ValueError:
        return False
    return True


def _is_share(values: pa.Array) -> bool:
    if not pa.types.is_floating(values.type):
        return False
    most = pc.max(values).as_py()
    return bool(most is not None and 0 < most <= 1)
