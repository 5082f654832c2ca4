"""What each pixel sees: the nearest solid, its face and its inverse depth.

A solid's faces are planes, and one over the depth at which a ray meets a plane is linear in the
pixel's coordinates. So a row of pixels needs no division: the ray is inside where it has met the
last of the faces that it enters (least inverse depth) before the first that it leaves (greatest).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ingest.simulation.cameras.raycast.kernels import inlined, kernel
from ingest.simulation.cameras.solids import (
    COS,
    FRONT,
    HALF_X,
    HALF_Y,
    HALF_Z,
    INSTANCE,
    RADIUS,
    SHAPE,
    SIN,
    X,
    Y,
    Z,
)
from ingest.simulation.cameras.views import GROUND, NOTHING

ROUND = -1  # in place of the number of faces entered
_NEAR_M = 0.05
_EDGES = 12  # an outline has no more


class DepthBuffer(NamedTuple):
    """Flat images of inverse depth, solid and face, and how long a row is."""

    w: NDArray[np.float32]
    who: NDArray[np.int32]
    face: NDArray[np.int8]
    width: int


class Scratch(NamedTuple):
    """Room for one solid; an allocation for each would cost as much as the solid.

    Attributes:
        axes: ``(3, 3)`` the solid's axes in the camera frame.
        place: ``(3,)`` its middle in the camera frame.
        ray, eye: ``(3, 3)`` and ``(3,)`` a pixel's ray and the optical centre, in the frame in
            which an ellipsoid is the unit ball.
        edges: ``(12, 2)`` a block's outline as lines u = p * v + q: left edges from the front,
            right ones from the back.
        sides: ``(6,)`` a block's faces in the order of its form: those that rays enter first.
        lines: ``(6, 2)`` the faces along one row of pixels: value at its start, and slope.
    """

    axes: NDArray[np.float64]
    place: NDArray[np.float64]
    ray: NDArray[np.float64]
    eye: NDArray[np.float64]
    edges: NDArray[np.float64]
    sides: NDArray[np.int64]
    lines: NDArray[np.float32]


class Window(NamedTuple):
    """Pixels that may see a solid: columns ``u1`` to ``u2``, rows ``v1`` to ``v2``, ends exclusive.

    ``ahead`` says whether all of the solid is in front of the camera.
    """

    u1: int
    u2: int
    v1: int
    v2: int
    ahead: bool


class Outline(NamedTuple):
    """How many left and right edges are in `Scratch.edges`, and the rows that they bound."""

    left: int
    right: int
    v1: int
    v2: int


class Cone(NamedTuple):
    """Slopes of the image's outermost rays to the sides and up, and lengths of these rays."""

    wide: float
    high: float
    slant_u: float
    slant_v: float


@kernel
def cast(view, solids, sight, counts):
    """Fill ``sight`` but for its colours, and count the pixels of instances if asked to."""
    numbers, kinds, forms, entered = solids.numbers, solids.kinds, sight.forms, sight.entered
    height, width = sight.w.shape
    buffer = DepthBuffer(sight.w.ravel(), sight.who.ravel(), sight.face.ravel(), width)
    _clear(view.ground_w.ravel(), buffer)
    scratch = Scratch(
        np.empty((3, 3)),
        np.empty(3),
        np.empty((3, 3)),
        np.empty(3),
        np.empty((_EDGES, 2)),
        np.empty(6, np.int64),
        np.empty((6, 2), np.float32),
    )
    cone = _cone(view.lens, width, height)
    for k in range(len(numbers)):
        _put_place(view, numbers, k, scratch)
        if _is_outside(cone, scratch.place, numbers[k, RADIUS]):
            continue
        _put_axes(view.rotation, numbers, k, scratch)
        window = _window(view.lens, numbers, k, scratch, (width, height))
        if window.u1 >= window.u2 or window.v1 >= window.v2:
            continue
        instance = kinds[k, INSTANCE] if len(counts.stamps) > 0 else 0
        if kinds[k, SHAPE] == 0:
            entered[k] = _put_block(view.lens, numbers, k, scratch, forms)
            if entered[k] > 0:
                outline = _put_outline(forms, k, entered[k], window, scratch)
                columns = window.u1, window.u2
                _cast_block(sight, k, instance, columns, outline, scratch, buffer, counts)
        else:
            entered[k] = ROUND
            gap = _put_ellipsoid(view.lens, numbers, k, scratch, forms)
            if gap > 0:
                _cast_ellipsoid(forms, k, instance, gap, window, buffer, counts)


@kernel
def _clear(ground_w, buffer):
    """What pixels see with no solid in front of them."""
    w, who = buffer.w, buffer.who
    for at in range(len(w)):
        w[at] = ground_w[at]
    for at in range(len(w)):
        who[at] = GROUND if ground_w[at] > 0 else NOTHING
    buffer.face[:] = 0


@inlined
def _cone(lens, width, height):
    wide, high = max(lens[2], width - lens[2]) / lens[0], max(lens[3], height - lens[3]) / lens[1]
    return Cone(wide, high, np.sqrt(1 + wide * wide), np.sqrt(1 + high * high))


@inlined
def _put_place(view, numbers, k, scratch):
    """Write where a solid is in the camera frame."""
    r, origin = view.rotation, view.origin
    dx, dy, dz = numbers[k, X] - origin[0], numbers[k, Y] - origin[1], numbers[k, Z] - origin[2]
    for axis in range(3):
        scratch.place[axis] = r[0, axis] * dx + r[1, axis] * dy + r[2, axis] * dz


@inlined
def _is_outside(cone, place, radius):
    """Whether a bounding sphere is behind the camera, or wholly beside what it sees."""
    depth = place[2]
    if depth < -radius or abs(place[0]) - cone.wide * depth > radius * cone.slant_u:
        return True
    return abs(place[1]) - cone.high * depth > radius * cone.slant_v


@inlined
def _put_axes(r, numbers, k, scratch):
    """Write a solid's axes in the camera frame."""
    axes = scratch.axes
    for axis in range(3):
        axes[0, axis] = numbers[k, COS] * r[0, axis] + numbers[k, SIN] * r[1, axis]
        axes[1, axis] = numbers[k, COS] * r[1, axis] - numbers[k, SIN] * r[0, axis]
        axes[2, axis] = r[2, axis]


@inlined
def _window(lens, numbers, k, scratch, size):
    """Pixels that may see a solid: the rectangle around its projected corners."""
    axes, place, (width, height) = scratch.axes, scratch.place, size
    hx, hy, hz = numbers[k, HALF_X], numbers[k, HALF_Y], numbers[k, HALF_Z]
    u1, u2, v1, v2 = 1e9, -1e9, 1e9, -1e9
    behind = 0
    for i in range(8):
        sx = hx if i & 1 else -hx
        sy = hy if i & 2 else -hy
        sz = hz if i & 4 else -hz
        z = place[2] + sx * axes[0, 2] + sy * axes[1, 2] + sz * axes[2, 2]
        if z < _NEAR_M:
            behind += 1
            continue
        near = 1 / z
        u = (place[0] + sx * axes[0, 0] + sy * axes[1, 0] + sz * axes[2, 0]) * near
        v = (place[1] + sx * axes[0, 1] + sy * axes[1, 1] + sz * axes[2, 1]) * near
        u1, u2, v1, v2 = min(u1, u), max(u2, u), min(v1, v), max(v2, v)
    if behind == 8:
        return Window(0, 0, 0, 0, False)
    if behind > 0:
        return Window(0, width, 0, height, False)
    # A negative lean (shoulders wider than hips) sticks out of the box by a pixel or so.
    spare = 1
    first_u = int(min(max(np.floor(lens[0] * u1 + lens[2]) - spare, 0), width))
    last_u = int(max(min(np.ceil(lens[0] * u2 + lens[2]) + spare, width), 0))
    first_v = int(min(max(np.floor(lens[1] * v1 + lens[3]) - spare, 0), height))
    last_v = int(max(min(np.ceil(lens[1] * v2 + lens[3]) + spare, height), 0))
    return Window(first_u, last_u, first_v, last_v, True)


@inlined
def _put_block(lens, numbers, k, scratch, forms):
    """Write a block's faces as linear forms of inverse depth, those that rays enter first.

    Returns how many faces rays enter.
    """
    axes, place = scratch.axes, scratch.place
    hx, hy, hz = numbers[k, HALF_X], numbers[k, HALF_Y], numbers[k, HALF_Z]
    entered, left = 0, 5
    for i in range(6):
        # Normal: one of the solid's axes, leaning by a part of its upright one; n . p <= offset.
        axis, turn = i >> 1, 1.0 - 2 * (i & 1)
        half = hx if axis == 0 else hy if axis == 1 else hz
        lean = 0.0 if axis == 2 else numbers[k, FRONT + min(i, 2)] / (2 * hz)
        nx = turn * axes[axis, 0] + lean * axes[2, 0]
        ny = turn * axes[axis, 1] + lean * axes[2, 1]
        nz = turn * axes[axis, 2] + lean * axes[2, 2]
        slack = half - lean * hz + nx * place[0] + ny * place[1] + nz * place[2]
        if abs(slack) < 1e-9:
            slack = 1e-9
        a, b = nx / (lens[0] * slack), ny / (lens[1] * slack)
        c = nz / slack - a * lens[2] - b * lens[3]
        if slack < 0:
            at, entered = entered, entered + 1
        else:
            at, left = left, left - 1
        forms[k, at, 0], forms[k, at, 1], forms[k, at, 2] = a, b, c
        scratch.sides[at] = i
    return entered


@inlined
def _put_outline(forms, k, entered, window, scratch):
    """Write the lines where a face that rays enter meets one that they leave.

    Level lines are not written: they bound the outline's rows.
    """
    edges, sides = scratch.edges, scratch.sides
    left, right, v1, v2 = 0, 0, window.v1, window.v2
    for i in range(entered):
        # The seventh is depth 0: what reaches behind the camera is cut there.
        for j in range(entered, 6 if window.ahead else 7):
            if j < 6 and sides[i] ^ sides[j] == 1:
                continue  # opposite faces share no edge
            a, b, c = forms[k, i, 0], forms[k, i, 1], forms[k, i, 2]
            if j < 6:
                a, b, c = a - forms[k, j, 0], b - forms[k, j, 1], c - forms[k, j, 2]
            if a > 1e-12:
                edges[left, 0], edges[left, 1] = -b / a, -c / a
                left += 1
            elif a < -1e-12:
                right += 1
                edges[_EDGES - right, 0], edges[_EDGES - right, 1] = -b / a, -c / a
            elif b > 1e-12:
                v1 = max(v1, int(np.ceil(_within(-c / b - 0.5))))
            elif b < -1e-12:
                v2 = min(v2, int(np.floor(_within(-c / b - 0.5))) + 1)
            elif c <= 0:
                v2 = v1
    return Outline(left, right, v1, v2)


@inlined
def _within(row):
    """A row that may lie anywhere, near enough to the image to be a whole number."""
    return min(max(row, -1e6), 1e6)


@inlined
def _cast_block(sight, k, instance, columns, outline, scratch, buffer, counts):
    forms, entered, (u1, u2) = sight.forms, sight.entered[k], columns
    w, who, face, edges = buffer.w, buffer.who, buffer.face, scratch.edges
    # Along a row each face is a line. At least three, so that most blocks need no loop over them.
    lines, sides = scratch.lines, scratch.sides
    lines[:, 0], lines[:, 1] = 1e30, 0
    for i in range(entered):
        lines[i, 1] = forms[k, i, 0]
    for v in range(outline.v1, outline.v2):
        y, low, high = v + 0.5, u1 + 0.5, u2 - 0.5
        for i in range(outline.left):
            low = max(low, edges[i, 0] * y + edges[i, 1])
        for i in range(_EDGES - outline.right, _EDGES):
            high = min(high, edges[i, 0] * y + edges[i, 1])
        if low > high:
            continue
        first, last = int(np.ceil(low - 0.5)), int(np.floor(high - 0.5)) + 1
        # From the row's first pixel on single precision is enough.
        for i in range(entered):
            lines[i, 0] = forms[k, i, 0] * (first + 0.5) + forms[k, i, 1] * y + forms[k, i, 2]
        for u in range(first, last):
            along = np.float32(np.int32(u - first))
            best, side = lines[0, 0] + lines[0, 1] * along, 0
            for i in (1, 2):
                value = lines[i, 0] + lines[i, 1] * along
                best, side = (value, i) if value < best else (best, side)
            for i in range(3, entered):
                value = lines[i, 0] + lines[i, 1] * along
                best, side = (value, i) if value < best else (best, side)
            at = np.uintp(v * buffer.width + u)
            if best > w[at]:
                w[at], who[at], face[at] = best, k, sides[np.uintp(side)]
        if instance > 0:
            _count(instance, first, last, v, buffer.width, counts)


@inlined
def _cast_ellipsoid(forms, k, instance, gap, window, buffer, counts):
    w, who, face, u1, u2 = buffer.w, buffer.who, buffer.face, window.u1, window.u2
    for v in range(window.v1, window.v2):
        y = v + 0.5
        # The row's root is a parabola; of an ellipsoid ahead its pixels lie between two zeros.
        square, flat = forms[k, 0, 0], forms[k, 0, 1] * y + forms[k, 1, 0]
        rest = (forms[k, 0, 2] * y + forms[k, 1, 1]) * y + forms[k, 1, 2]
        first, last = u1, u2
        if square < 0:
            under = flat * flat - 4 * square * rest
            if under <= 0:
                continue
            half = np.sqrt(under)
            low, high = (half - flat) / (2 * square), (-half - flat) / (2 * square)
            first = max(u1, int(np.ceil(max(low, u1) - 0.5)))
            last = min(u2, int(np.floor(min(high, u2) - 0.5)) + 1)
        towards = forms[k, 2, 1] * y + forms[k, 2, 2]
        for u in range(first, last):
            x = u + 0.5
            root, b = (square * x + flat) * x + rest, forms[k, 2, 0] * x + towards
            if b < 0 and root > 0:
                best = np.float32((np.sqrt(root) - b) / gap)
                if instance > 0:
                    _count(instance, u, u + 1, v, buffer.width, counts)
                at = np.uintp(v * buffer.width + u)
                if best > w[at]:
                    w[at], who[at], face[at] = best, k, 0


@inlined
def _count(instance, first, last, v, width, counts):
    """Count a row of an instance's pixels, each once whichever of its parts covers it."""
    if first >= last:
        return
    stamps, boxes = counts.stamps, counts.boxes
    new = 0
    for at in range(v * width + first, v * width + last):
        new += stamps[at] != instance
        stamps[at] = instance
    counts.hits[instance] += new
    boxes[instance, 0] = min(boxes[instance, 0], first)
    boxes[instance, 1] = min(boxes[instance, 1], v)
    boxes[instance, 2] = max(boxes[instance, 2], last)
    boxes[instance, 3] = max(boxes[instance, 3], v + 1)


@inlined
def _put_ellipsoid(lens, numbers, k, scratch, forms):
    """A ray meets the ellipsoid where ``root``, quadratic in the pixel's coordinates, is positive.

    Rows of the form: root's factors of u², uv, v² and of u, v, 1; those of ``b`` (how much the ray
    looks away from it), of u, v, 1. Returns the eye's squared distance less 1, in the frame in
    which the ellipsoid is the unit ball.
    """
    axes, place, ray, eye = scratch.axes, scratch.place, scratch.ray, scratch.eye
    gap = -1.0
    for i in range(3):
        size = numbers[k, HALF_X + i]
        ray[i, 0], ray[i, 1] = axes[i, 0] / (size * lens[0]), axes[i, 1] / (size * lens[1])
        ray[i, 2] = axes[i, 2] / size - ray[i, 0] * lens[2] - ray[i, 1] * lens[3]
        eye[i] = -(axes[i, 0] * place[0] + axes[i, 1] * place[1] + axes[i, 2] * place[2]) / size
        gap += eye[i] * eye[i]
    b = forms[k, 2]
    for j in range(3):
        b[j] = ray[0, j] * eye[0] + ray[1, j] * eye[1] + ray[2, j] * eye[2]
    forms[k, 0, 0], forms[k, 0, 2] = _factor(ray, b, gap, 0, 0), _factor(ray, b, gap, 1, 1)
    forms[k, 0, 1] = 2 * _factor(ray, b, gap, 0, 1)
    forms[k, 1, 0] = 2 * _factor(ray, b, gap, 0, 2)
    forms[k, 1, 1] = 2 * _factor(ray, b, gap, 1, 2)
    forms[k, 1, 2] = _factor(ray, b, gap, 2, 2)
    return gap


@inlined
def _factor(ray, b, gap, i, j):
    dot = ray[0, i] * ray[0, j] + ray[1, i] * ray[1, j] + ray[2, i] * ray[2, j]
    return b[i] * b[j] - gap * dot


@kernel
def count_visible(who, kinds, visible):
    """Count each instance's pixels that are seen."""
    height, width = who.shape
    for v in range(height):
        for u in range(width):
            if who[v, u] >= 0:
                visible[kinds[who[v, u], INSTANCE]] += 1
