"""The ego's path as polylines in the cameras' images, to draw it over them."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ridealong.perception.annotations import annotation_table
from ridealong.perception.geometry import CameraCalibration, project


def with_paths_in_images(sparse: pa.Table, cameras: Mapping[str, CameraCalibration]) -> pa.Table:
    """Rows of `ANNOTATIONS` with each path as a polyline in the images that see it."""
    paths, others = split_paths(sparse)
    return pa.concat_tables([others, paths_in_images(paths, cameras)])


def split_paths(sparse: pa.Table) -> tuple[pa.Table, pa.Table]:
    """The rows that are paths, and the others. A path has points and belongs to no camera."""
    path = pc.and_(pc.is_valid(sparse["points"]), pc.is_null(sparse["camera"]))
    return sparse.filter(path), sparse.filter(pc.invert(path))


def paths_in_images(paths: pa.Table, cameras: Mapping[str, CameraCalibration]) -> pa.Table:
    """Each path as a polyline on the ground, in pixels, per camera.

    A camera gets none if it sees fewer than two points of the path or has no calibration.
    """
    rows = [
        row | {"camera": name, "points": pixels}
        for row in paths.to_pylist()
        for name, camera in cameras.items()
        if camera.known and len(pixels := _pixels(row["points"], camera)) >= 4
    ]
    return annotation_table(rows)


def _pixels(points_m: list[float], camera: CameraCalibration) -> list[float]:
    """The part of it inside the image: x0, y0, x1, y1, and so on."""
    ground = np.pad(np.array(points_m).reshape(-1, 2), ((0, 0), (0, 1)))
    xy = project(camera, ground)[:, :2]
    inside = ((xy >= 0) & (xy < [camera.width, camera.height])).all(axis=1)
    pixels: list[float] = xy[inside].ravel().tolist()
    return pixels
