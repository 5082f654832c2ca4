"""Lines: traced in maps of scores, or given as points."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from shadow.networks.decode import decode_lanes, find_lanes, names_of, points_of, rows_of
from shadow.networks.onnx.decoders.candidates import candidates
from shadow.networks.onnx.decoders.scene import Decoded, Scene, as_names, logits
from shadow.networks.onnx.outputs import LanePointsOutput, LanesOutput
from shadow.networks.onnx.taps import check_size
from shadow.networks.onnx.wire import Array

FEWEST_POINTS = 2


def decode_lane_map(output: LanesOutput, arrays: Mapping[str, Array], scene: Scene) -> Decoded:
    """Lines through the cells that reach the threshold of their prediction."""
    names = output.categories
    scores = arrays["scores"]
    check_size(output, "scores", "C", scores, len(names), "the number of categories")
    threshold = np.array(
        [
            [scene.manifest.threshold(f"{output.task}/{name}@{camera}") for name in names]
            for camera in scene.images.cameras
        ]
    )
    maps = logits(output.activation, scores, axis=2)
    ridges = find_lanes(maps, scene.images, scene.listed(output.task, names), threshold)
    return Decoded((decode_lanes(ridges, scene.images, as_names(names), output.task),))


def decode_lane_points(
    output: LanePointsOutput, arrays: Mapping[str, Array], scene: Scene
) -> Decoded:
    """Lines with at least two points that count."""
    check_size(output, "points", "C", arrays["points"], 2, "across and down")
    found = candidates(output, arrays, scene)
    points = arrays["points"][found.place].astype(np.float64)  # X P 2
    seen = np.ones(points.shape[:2], bool)
    if "visible" in arrays:
        seen = arrays["visible"][found.place] >= 0.5
    there = scene.images.present[found.place[:2]]
    kept = np.flatnonzero((seen.sum(axis=1) >= FEWEST_POINTS) & there)
    frame, camera = found.place[0][kept], found.place[1][kept]
    seen, points = seen[kept], points[kept]
    camera_of_point = np.broadcast_to(camera[:, None], seen.shape)[seen]
    placed = scene.in_pixels(points[seen], camera_of_point, output.unit)
    offsets = np.concatenate([[0], np.cumsum(seen.sum(axis=1))])
    columns = {
        "category": names_of(as_names(output.categories), found.label[kept]),
        "score": pa.array(found.score[kept].clip(0, 1).astype(np.float32)),
        "points": points_of(placed, offsets),
    }
    return Decoded((rows_of(scene.images, output.task, frame, camera, columns),))
