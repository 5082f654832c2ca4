"""What a ray caster is given and what it fills, and the functions that it consists of.

All groups are named tuples of arrays and numbers, because numba compiles those. Colours are linear
red, green and blue. Frames: ego, unless a group says otherwise.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ingest.simulation.cameras.ground import GroundPlan, Texels, TilePlace
from ingest.simulation.cameras.views import CameraView
from ridealong.arrays import Floats, Ints

Floats32 = NDArray[np.float32]


class LitSolids(NamedTuple):
    """Solids and how their faces are lit.

    Attributes:
        numbers, kinds: As in `ingest.simulation.cameras.solids.Solids`.
        face_light: ``(N, 6, 3)`` light on front, rear, left, right, top, bottom.
        face_to_ego: ``(N, 6)`` how much a face turns towards the ego, 0.15 to 1.
        things: ``(N + 2,)`` outlines run where this number changes. All parts of one road user or
            light share a number; the last two are those of the sky and of the ground, -2 and -1.
        glowing: Indices of the solids that give off light.
    """

    numbers: Floats
    kinds: Ints
    face_light: Floats32
    face_to_ego: Floats32
    things: Ints
    glowing: Ints


class Sight(NamedTuple):
    """What one camera sees: buffers that `Caster.draw` fills.

    Attributes:
        w: ``(H, W)`` inverse depth.
        who: ``(H, W)`` index of the solid, -1 for the ground, -2 for the sky.
        face: ``(H, W)`` face of the solid.
        rgb: ``(3, H, W)`` linear colour.
        forms: ``(N, 6, 3)`` the solids' outlines in the image; each caster has its own encoding.
        entered: ``(N,)`` how many faces rays enter; -1 for an ellipsoid.
        edges, mixed: ``(H * W,)`` pixels at outlines and ``(H * W, 3)`` their new colours.
    """

    w: Floats32
    who: NDArray[np.int32]
    face: NDArray[np.int8]
    rgb: Floats32
    forms: Floats
    entered: Ints
    edges: NDArray[np.int32]
    mixed: Floats32


class Counts(NamedTuple):
    """Pixels of each instance in one camera, before the nearest solid is known.

    Attributes:
        hits: ``(instances + 1,)`` pixels that each covers.
        boxes: ``(instances + 1, 4)`` their bounds: x1, y1, x2, y2, ends exclusive.
        stamps: ``(H * W,)`` the instance last counted at each pixel; empty to count none.
    """

    hits: Ints
    boxes: Ints
    stamps: NDArray[np.int32]


class GroundTexture(NamedTuple):
    """The ground's texture around the ego.

    Attributes:
        texels: All levels, one after the other; see `ingest.simulation.cameras.ground`.
        place: ``(6, 2)`` of the ego in each level's texture, in nodes.
        turn: ``(2,)`` cosine and sine of the ego's yaw.
        far: Linear colour of ground that is too far for a texture.
    """

    texels: Texels
    place: Floats32
    turn: Floats32
    far: Floats32


class Daylight(NamedTuple):
    """Sun and sky.

    Attributes:
        sun_ego: ``(3,)`` unit vector towards the sun.
        sun: ``(3,)`` its light: on a face that is turned to it, or on the ground.
        sky: ``(3,)`` light from the whole sky.
    """

    sun_ego: Floats | Floats32
    sun: Floats | Floats32
    sky: Floats | Floats32


class LightStamps(NamedTuple):
    """What changes the light on the ground; columns as in `ingest.simulation.cameras.lamps`.

    Attributes:
        casters: ``(N, 8)`` what throws a shadow.
        contacts: ``(N, 6)`` objects so low that no skylight gets under them.
        lamps: ``(N, 7)`` lamps that are lit.
    """

    casters: Floats
    contacts: Floats
    lamps: Floats


class LightGrid(NamedTuple):
    """Light on the ground, in the grid of `ingest.simulation.cameras.lamps`.

    Attributes:
        planes: ``(CHANNELS, CELLS, CELLS)`` shares of sun and sky, and each kind of lamp.
        light: ``(CELLS, CELLS, 3)`` all light together.
        lamp: ``(CELLS, CELLS, 3)`` light of the lamps alone.
    """

    planes: Floats32
    light: Floats32
    lamp: Floats32


class Air(NamedTuple):
    """Light and weather at one instant.

    Attributes:
        panorama: Panorama of the sky; ``turn`` columns are added for the ego's yaw.
        turn: See ``panorama``.
        daylight: Sun and sky.
        open: Light on the ground where nothing is near.
        haze: Colour of thick air.
        clear: Share of light that is left after each half metre.
        extinction: Per metre.
        light, lamp: As in `LightGrid`.
        lamps: Whether any lamp lights anything.
        windows: Brightness of lit windows.
        wet: How much the road mirrors.
    """

    panorama: Floats32
    turn: float
    daylight: Daylight
    open: Floats32
    haze: Floats32
    clear: Floats32
    extinction: float
    light: Floats32
    lamp: Floats32
    lamps: bool
    windows: float
    wet: float


class Film(NamedTuple):
    """What turns light into an image: rain in front of the lens, exposure, noise.

    Attributes:
        streaks: ``(N, 6)`` rain: u, v, du and dv per pixel, length, brightness.
        exposure: Gain of the camera.
        curve: Grey level by square root of light.
        grain: ``(H * W * 3,)`` noise of deviation 1.
        noise: Deviation of the sensor's noise in grey levels.
    """

    streaks: Floats
    exposure: float
    curve: Floats32
    grain: Floats32
    noise: float


@dataclass(frozen=True)
class Caster:
    """The functions of a ray caster; each fills its last arguments.

    `ingest.simulation.cameras.raycast.compiled` has the one that is used. Tests compare it with
    one in numpy.

    Attributes:
        paint_tile: Paint the ground of one tile: plan, place, texels.
        fill_light_grid: Shadows first, then contact shadows, then lamps: stamps, daylight, grid.
        light_faces: Daylight on each face of each block, and how much it turns towards the ego:
            numbers, kinds, daylight, face_light, face_to_ego.
        draw: Draw one camera's image: view, solids, ground, air, sight, counts, film, image.
        count_visible: Count each instance's pixels that are seen: ``Sight.who``, kinds, visible.
        segment: Segmentation: view, kinds, ground, sight, surfaces.
    """

    paint_tile: Callable[[GroundPlan, TilePlace, Texels], None]
    fill_light_grid: Callable[[LightStamps, Daylight, LightGrid], None]
    light_faces: Callable[[Floats, Ints, Daylight, Floats32, Floats32], None]
    draw: Callable[
        [CameraView, LitSolids, GroundTexture, Air, Sight, Counts, Film, NDArray[np.uint8]], None
    ]
    count_visible: Callable[[NDArray[np.int32], Ints, Ints], None]
    segment: Callable[[CameraView, Ints, GroundTexture, Sight, NDArray[np.uint8]], None]
