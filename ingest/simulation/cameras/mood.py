"""Light and weather as numbers: sun, sky, air, lamps and exposure under given conditions."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ingest.simulation.cameras.views import SKY_COLUMNS, SKY_ROWS, sky_sines
from ingest.simulation.scene import Conditions, Light, Weather

Rgb = NDArray[np.float64]  # (3,) linear


@dataclass(frozen=True, eq=False)
class Mood:
    """Conditions as a camera sees them; colours are linear, 1 is a white wall at noon.

    Attributes:
        sun: Light of the sun on a surface that faces it.
        sun_world: Unit vector towards it, world frame.
        ambient: Light from the whole sky.
        sky: ``(SKY_ROWS, SKY_COLUMNS, 3)`` float32 panorama, columns from east.
        haze: Colour of thick air.
        extinction: Per metre.
        exposure: Gain of the camera.
        noise: Deviation of the sensor's noise in grey levels.
        wet: How much the road mirrors.
        lamps: Street lamps and windows are lit.
        rain: Streaks, 0 to 1.
    """

    sun: Rgb
    sun_world: Rgb
    ambient: Rgb
    sky: NDArray[np.float32]
    haze: Rgb
    extinction: float
    exposure: float
    noise: float
    wet: float
    lamps: bool
    rain: float


# Per light: sun, its elevation in degrees, ambient, sky overhead, sky at the horizon, exposure,
# noise.
_LIGHTS: dict[Light, tuple[Rgb, float, Rgb, Rgb, Rgb, float, float]] = {
    Light.DAY: (
        np.array([1.02, 0.94, 0.82]),
        38.0,
        np.array([0.42, 0.47, 0.55]),
        np.array([0.13, 0.27, 0.62]),
        np.array([0.62, 0.72, 0.82]),
        1.25,
        1.2,
    ),
    Light.DUSK: (
        np.array([0.13, 0.065, 0.030]),
        7.0,
        np.array([0.088, 0.098, 0.140]),
        np.array([0.035, 0.060, 0.150]),
        np.array([0.340, 0.200, 0.130]),
        3.6,
        2.2,
    ),
    Light.NIGHT: (
        np.zeros(3),
        45.0,
        np.array([0.0062, 0.0068, 0.0090]),
        np.array([0.0011, 0.0014, 0.0028]),
        np.array([0.0085, 0.0075, 0.0070]),
        11.0,
        3.6,
    ),
}


@lru_cache(maxsize=64)
def mood_of(conditions: Conditions) -> Mood:
    """Convert conditions to numbers, which are the same for all cameras."""
    sun, elevation_deg, ambient, zenith, horizon, exposure, noise = _LIGHTS[conditions.light]
    strength = conditions.strength
    rain = strength if conditions.weather is Weather.RAIN else 0.0
    fog = strength if conditions.weather is Weather.FOG else 0.0
    cloud = max(0.5 + 0.5 * rain if rain else 0.0, 0.6 + 0.4 * fog if fog else 0.0)
    grey = np.full(3, (0.55 * horizon + 0.45 * zenith).mean()) * np.array([0.97, 1.0, 1.04])
    zenith, horizon = _blend(zenith, 0.9 * grey, cloud), _blend(horizon, 1.1 * grey, cloud)
    elevation = np.radians(elevation_deg)
    sun_world = np.array(
        [
            np.cos(elevation) * np.cos(conditions.sun_azimuth_rad),
            np.cos(elevation) * np.sin(conditions.sun_azimuth_rad),
            np.sin(elevation),
        ]
    )
    haze = _blend(horizon, grey * 1.1, cloud)
    extinction = 0.0009 + 0.006 * rain + (0.010 + 0.034 * fog if fog else 0.0)
    return Mood(
        sun=sun * (1 - 0.97 * cloud),
        sun_world=sun_world,
        ambient=_blend(ambient, np.full(3, ambient.mean() * 1.15), cloud),
        sky=_panorama(zenith, horizon, haze, cloud, sun_world, sun),
        haze=haze,
        extinction=extinction,
        exposure=exposure * (1 + 0.25 * cloud),
        noise=noise,
        wet=min(1.0, 0.5 + 0.5 * rain) if rain else 0.0,
        lamps=conditions.light is not Light.DAY,
        rain=rain,
    )


def _blend(a: Rgb, b: Rgb, part: float) -> Rgb:
    return np.asarray(a + (b - a) * part)


def _panorama(
    zenith: Rgb, horizon: Rgb, haze: Rgb, cloud: float, sun_world: Rgb, sun: Rgb
) -> NDArray[np.float32]:
    """Sky by elevation and azimuth: a gradient, the glow around the sun, a few clouds."""
    sine = np.clip(sky_sines(), 0, 1)[:, None, None]
    azimuth = np.arange(SKY_COLUMNS) * 2 * np.pi / SKY_COLUMNS
    sky = horizon + (zenith - horizon) * (1 - np.exp(-4.2 * sine))
    cosine = np.sqrt(1 - sine[..., 0] ** 2)
    toward = (
        cosine * (np.cos(azimuth) * sun_world[0] + np.sin(azimuth) * sun_world[1])
        + sine[..., 0] * sun_world[2]
    )
    glow = 0.55 * np.exp(-(1 - toward) * 5) + 2.5 * np.exp(-(1 - toward) * 220)
    sky = sky + glow[..., None] * sun * (1 - cloud)
    puffs = _clouds(sine[:, 0, 0])[..., None] * (1 - cloud) * 0.75
    bright = 0.35 * horizon + 0.9 * horizon.mean() * np.array([1.0, 1.0, 1.0])
    sky = sky + (bright - sky) * puffs
    near = np.exp(-sine * 22) * 0.8
    return np.asarray(sky + (haze - sky) * near).astype(np.float32)


def _clouds(sine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cloud cover, 0 to 1; the same for all drives, since these differ enough otherwise."""
    rng = np.random.default_rng(11)
    rows, columns = np.meshgrid(
        np.fft.fftfreq(SKY_ROWS) * SKY_ROWS,
        np.fft.fftfreq(SKY_COLUMNS) * SKY_COLUMNS,
        indexing="ij",
    )
    spectrum = np.fft.fft2(rng.standard_normal((SKY_ROWS, SKY_COLUMNS)))
    size = np.hypot(rows * 0.8, columns * 0.7)
    field = np.fft.ifft2(spectrum / (3 + size) ** 1.7).real
    field /= field.std()
    high = np.clip((sine - 0.04) / 0.12, 0, 1) * np.clip((1.1 - sine) / 0.5, 0, 1)
    return np.asarray(np.clip((field - 0.35) * 0.7, 0, 1) * high[:, None])
