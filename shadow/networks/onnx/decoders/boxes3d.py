"""3D boxes, as the cameras see them: the box around the corners, with the 3D box beside it."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from ridealong.arrays import Bools, Floats, Ints
from ridealong.perception.geometry import CameraCalibration, project
from shadow.networks.decode import best_of, names_of, rows_of
from shadow.networks.onnx.decoders.boxes import CORNERS
from shadow.networks.onnx.decoders.candidates import Candidates, candidates
from shadow.networks.onnx.decoders.scene import Decoded, Scene, as_names
from shadow.networks.onnx.outputs import Boxes3dOutput
from shadow.networks.onnx.taps import check_size, misfit
from shadow.networks.onnx.wire import Array

COLUMNS = ("x_m", "y_m", "z_m", "length_m", "width_m", "height_m", "yaw_rad")
NEAREST_M = 0.5  # corners nearer to the camera are not in its image
SIGNS = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])


def decode_boxes3d(output: Boxes3dOutput, arrays: Mapping[str, Array], scene: Scene) -> Decoded:
    """3D boxes of the ego frame in each camera with a known calibration that sees them."""
    for name in ("centres", "sizes"):
        check_size(output, name, "C", arrays[name], 3, "one for each direction")
    found = candidates(output, arrays, scene)
    solid = _solid(output, arrays, found)
    listed = scene.listed(output.task, output.categories)
    tables = []
    for at, name in enumerate(scene.images.cameras):
        calibration = scene.calibrations.get(name)
        if calibration is not None and calibration.known:
            wanted = listed[at][found.label] & scene.images.present[found.place[0], at]
            tables.append(
                _seen(output, found, solid, np.flatnonzero(wanted), calibration, at, scene)
            )
    return Decoded(tuple(tables))


def _solid(output: Boxes3dOutput, arrays: Mapping[str, Array], found: Candidates) -> Floats:
    """``(X, 7)``: centre, length, width, height, yaw."""
    centre = arrays["centres"][found.place].astype(np.float64)
    given = arrays["sizes"][found.place].astype(np.float64)
    size = given[:, [output.size_order.index(letter) for letter in "lwh"]]
    if output.z == "bottom":
        centre[:, 2] += size[:, 2] / 2
    turn = arrays["yaw"][found.place].astype(np.float64)
    if turn.shape[1] not in (1, 2):
        what = f"has {turn.shape[1]} values along C"
        raise misfit(output.yaw, "boxes3d.yaw", what, "1 (radians) or 2 (sine, cosine)")
    yaw = turn[:, 0] if turn.shape[1] == 1 else np.arctan2(turn[:, 0], turn[:, 1])
    return np.concatenate([centre, size, yaw[:, None]], axis=1)


def _seen(
    output: Boxes3dOutput,
    found: Candidates,
    solid: Floats,
    chosen: Ints,
    calibration: CameraCalibration,
    at: int,
    scene: Scene,
) -> pa.Table:
    corners, visible = _around(solid[chosen], calibration)
    chosen, corners = chosen[visible], corners[visible]
    best = best_of(found.place[0][chosen], found.score[chosen], output.most)
    chosen, corners = chosen[best], corners[best].astype(np.float32)
    columns = {name: pa.array(corners[:, n]) for n, name in enumerate(CORNERS)}
    numbers = solid[chosen].astype(np.float32)
    columns |= {name: pa.array(numbers[:, n]) for n, name in enumerate(COLUMNS)}
    columns["category"] = names_of(as_names(output.categories), found.label[chosen])
    columns["score"] = pa.array(found.score[chosen].clip(0, 1).astype(np.float32))
    camera = np.full(len(chosen), at, np.int64)
    return rows_of(scene.images, output.task, found.place[0][chosen], camera, columns)


def _around(solid: Floats, calibration: CameraCalibration) -> tuple[Floats, Bools]:
    """``(X, 4)`` boxes around the corners in the image, and which of them are in it."""
    yaw, points = solid[:, 6], SIGNS[None] * solid[:, None, 3:6]
    cosine, sine = np.cos(yaw)[:, None], np.sin(yaw)[:, None]
    turned = np.stack(
        [
            points[..., 0] * cosine - points[..., 1] * sine,
            points[..., 0] * sine + points[..., 1] * cosine,
            points[..., 2],
        ],
        axis=-1,
    )
    places = project(calibration, (turned + solid[:, None, :3]).reshape(-1, 3)).reshape(-1, 8, 3)
    ahead = places[..., 2] >= NEAREST_M
    limit = np.array([calibration.width, calibration.height], np.float64)
    low = np.where(ahead[..., None], places[..., :2], np.inf).min(axis=1, initial=np.inf)
    high = np.where(ahead[..., None], places[..., :2], -np.inf).max(axis=1, initial=-np.inf)
    corners = np.concatenate([np.clip(low, 0, limit), np.clip(high, 0, limit)], axis=1)
    inside = (corners[:, 2] > corners[:, 0]) & (corners[:, 3] > corners[:, 1])
    return corners, inside & ahead.any(axis=1)
