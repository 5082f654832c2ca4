"""Which ray caster draws: the compiled one where numba works, else the one in numpy.

Both offer the same functions on the same arrays, and their pictures agree within the tolerance
that `tests/ingest/simulation/cameras/test_render.py` states.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Scene(NamedTuple):
    """Solids and how their faces are lit; ego frame.

    Attributes:
        numbers, kinds: As in `ingest.simulation.cameras.solids.Solids`.
        face_light: ``(N, 6, 3)`` light on front, rear, left, right, top, bottom.
        face_to_ego: ``(N, 6)`` how much a face turns towards the ego, 0.15 to 1.
        things: ``(N + 2,)`` what outlines run between: all parts of one road user or light share a
            number; the last two are those of the sky and of the ground, -2 and -1.
        glowing: Indices of the solids that give off light.
    """

    numbers: NDArray[np.float64]
    kinds: NDArray[np.int64]
    face_light: NDArray[np.float32]
    face_to_ego: NDArray[np.float32]
    things: NDArray[np.int64]
    glowing: NDArray[np.int64]


class Sight(NamedTuple):
    """What one camera sees: buffers that `draw` fills.

    Attributes:
        w: ``(H, W)`` inverse depth.
        who: ``(H, W)`` index of the solid, -1 for the ground, -2 for the sky.
        face: ``(H, W)`` face of the solid.
        rgb: ``(3, H, W)`` linear colour.
        forms: ``(N, 6, 3)`` the solids' outlines in the image, in numbers that only their caster
            knows.
        entered: ``(N,)`` how many of them rays enter; -1 for an ellipsoid.
        edges, mixed: ``(H * W,)`` pixels at outlines and ``(H * W, 3)`` their new colours.
    """

    w: NDArray[np.float32]
    who: NDArray[np.int32]
    face: NDArray[np.int8]
    rgb: NDArray[np.float32]
    forms: NDArray[np.float64]
    entered: NDArray[np.int64]
    edges: NDArray[np.int32]
    mixed: NDArray[np.float32]


class Ground(NamedTuple):
    """The ground's texture around the ego.

    Attributes:
        texels: All levels, one after the other; see `ingest.simulation.cameras.ground`.
        place: ``(6, 2)`` of the ego in each level's texture, in nodes.
        turn: ``(2,)`` cosine and sine of the ego's yaw.
        far: Linear colour of ground that is too far for a texture.
    """

    texels: NDArray[np.uint32]
    place: NDArray[np.float32]
    turn: NDArray[np.float32]
    far: NDArray[np.float32]


class Air(NamedTuple):
    """Light and weather at one instant.

    Attributes:
        sky: Panorama of the sky; ``turn`` columns are added for the ego's yaw.
        turn: See ``sky``.
        sun, ambient, haze: Linear colours; ``sun_ego`` points to the sun.
        sun_ego: See ``sun``.
        open: Light on the ground where nothing is near.
        clear: What is left of light after each half metre.
        extinction: Per metre.
        light: ``(CELLS, CELLS, 3)`` light on the ground as red, green and blue, all sources
            together; the grid is that of `ingest.simulation.cameras.lamps`.
        lamp: ``(CELLS, CELLS, 3)`` that of the lamps alone.
        lamps: Whether any lamp lights anything.
        windows: Brightness of lit windows.
        wet: How much the road mirrors.
    """

    sky: NDArray[np.float32]
    turn: float
    sun: NDArray[np.float32]
    sun_ego: NDArray[np.float32]
    ambient: NDArray[np.float32]
    open: NDArray[np.float32]
    haze: NDArray[np.float32]
    clear: NDArray[np.float32]
    extinction: float
    light: NDArray[np.float32]
    lamp: NDArray[np.float32]
    lamps: bool
    windows: float
    wet: float


def make_caster(name: str) -> tuple[Any, Any]:
    """Give the modules that cast rays and that paint the ground.

    Args:
        name: ``"numba"`` or ``"numpy"``.

    Raises:
        ValueError: There is no such ray caster.
    """
    if name == "numba":
        from ingest.simulation.cameras import ground_numba, raycast_numba

        return raycast_numba, ground_numba
    if name == "numpy":
        from ingest.simulation.cameras import ground_numpy, raycast_numpy

        return raycast_numpy, ground_numpy
    raise ValueError(f"no ray caster {name!r}; known: numba, numpy")
