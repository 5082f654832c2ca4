"""The vehicle's signals of weather and light: rain, wipers, friction, brightness, temperature."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ingest.simulation.plan import DriveSpec
from ridealong.arrays import Floats

Column = NDArray[np.float64] | NDArray[np.bool_] | NDArray[np.str_]

SPEED_FACTOR = {"clear": 1.0, "rain": 0.9, "fog": 0.8}  # factor on all speeds
_FRICTION = {"clear": 0.95, "rain": 0.68, "fog": 0.86}
_BRIGHTNESS = {"day": 78.0, "dusk": 22.0, "night": 3.0}
_TEMPERATURE_C = {"DE": 13.0, "US": 21.0, "GB": 12.0, "JP": 19.0}
_WIPERS = ((8.0, "INTERVAL"), (25.0, "SLOW"), (45.0, "MEDIUM"), (75.0, "FAST"))
_WIPER_HOLD = 30  # steps that a mode lasts at least


def friction(drive: DriveSpec) -> float:
    """Friction of the road, 0 to 1."""
    lost = 0.12 * drive.strength if drive.weather == "rain" else 0.0
    return _FRICTION[drive.weather] - lost


def columns(
    drive: DriveSpec, noise: Callable[[str, float, float], Floats], held: Floats
) -> dict[str, Column]:
    """Signals of weather and light; ``held`` is the friction over time."""
    rain = rain_intensity(drive, noise)
    dimmed = {"clear": 1.0, "rain": 0.7, "fog": 0.8}[drive.weather]
    bright = _BRIGHTNESS[drive.light] * dimmed * (1 + noise("clouds", 0.06, 5.0))
    cooler = {"day": 3.0, "dusk": 0.0, "night": -4.0}[drive.light]
    offset = 5.0 * float(np.tanh(noise("season", 1.0, 0.0)[:1].sum()))
    temperature = _TEMPERATURE_C[drive.country] + cooler + offset + noise("air", 0.2, 15.0)
    return {
        "Vehicle.Body.Raindetection.Intensity": np.round(rain),
        "Vehicle.Body.Windshield.Front.Wiping.Mode": wiper_modes(rain),
        "Vehicle.ADAS.ESC.RoadFriction.MostProbable": np.asarray(
            np.clip(100 * held, 5, 100).round(), np.float64
        ),
        "Vehicle.Exterior.LightIntensity": np.asarray(np.clip(bright, 0, 100).round(1), np.float64),
        "Vehicle.Exterior.AirTemperature": np.asarray((temperature * 2).round() / 2, np.float64),
    }


def rain_intensity(drive: DriveSpec, noise: Callable[[str, float, float], Floats]) -> Floats:
    """Percent; the rate changes slowly."""
    waves = noise("rain", 1.0, 8.0)
    if drive.weather != "rain":
        return np.zeros(len(waves))
    return np.clip(100 * drive.strength + 9 * waves, 3, 100)


def wiper_modes(rain: Floats) -> NDArray[np.str_]:
    """A mode by the rain's intensity, kept for at least three seconds."""
    limits = np.array([limit for limit, _ in _WIPERS])
    names = np.array(["OFF", *(name for _, name in _WIPERS)])
    wanted = np.searchsorted(limits, rain, side="right")
    out = wanted.copy()
    since = 0
    for i in range(1, len(out)):
        changes = wanted[i] != out[i - 1] and i - since >= _WIPER_HOLD
        out[i] = wanted[i] if changes else out[i - 1]
        since = i if changes else since
    return names[out]
