"""Smaller images for an export: pixels, shapes and calibrations alike."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from PIL import Image as PillowImage

from ingest.labels.content import LabelClip
from ridealong.perception.annotations import ANNOTATIONS, Perception
from ridealong.perception.geometry import CameraCalibration
from ridealong.perception.recording import Image

Size = tuple[int, int]  # width and height


def smaller(clip: LabelClip, longest: int) -> LabelClip:
    """The clip with images whose longest side has at most so many pixels."""
    sizes = {
        name: fitted((camera.width, camera.height), longest)
        for name, camera in clip.cameras.items()
    }
    scale = {
        name: (size[0] / clip.cameras[name].width, size[1] / clip.cameras[name].height)
        for name, size in sizes.items()
    }
    return replace(
        clip,
        images=[
            replace(image, width=sizes[image.camera][0], height=sizes[image.camera][1])
            for image in clip.images
        ],
        pixels=lambda wanted: _resized(clip, wanted, sizes),
        labels=_scaled_view(clip.labels, scale) if clip.labels else None,
        outputs={role: _scaled_view(seen, scale) for role, seen in clip.outputs.items()},
        reported={role: scaled(rows, scale) for role, rows in clip.reported.items()},
        cameras={name: _scaled_camera(clip.cameras[name], size) for name, size in sizes.items()},
    )


def fitted(size: Size, longest: int) -> Size:
    """A size with at most so many pixels on its longest side, in the same proportion."""
    most = max(size)
    if most <= longest:
        return size
    width, height = (max(1, round(side * longest / most)) for side in size)
    return width, height


def scaled(rows: pa.Table, scale: Mapping[str, tuple[float, float]]) -> pa.Table:
    """Rows of `ANNOTATIONS` in the pixels of scaled images.

    Args:
        rows: The rows.
        scale: By camera the factors of x and y; other cameras stay.
    """
    if all(factors == (1.0, 1.0) for factors in scale.values()):
        return rows
    names = rows["camera"].to_pylist()
    factors = np.array([scale.get(name, (1.0, 1.0)) for name in names]).reshape(-1, 2)
    for edge, axis in (("x1", 0), ("y1", 1), ("x2", 0), ("y2", 1)):
        at = rows.schema.get_field_index(edge)
        values = pc.multiply(pc.cast(rows[edge], pa.float64()), pa.array(factors[:, axis]))
        rows = rows.set_column(at, ANNOTATIONS.field(edge), values.cast(pa.float32()))
    at = rows.schema.get_field_index("points")
    points = [
        None if points is None else (np.reshape(points, (-1, 2)) * by).ravel().tolist()
        for points, by in zip(rows["points"].to_pylist(), factors, strict=True)
    ]
    field = ANNOTATIONS.field("points")
    return rows.set_column(at, field, pa.array(points, field.type))


def _scaled_view(seen: Perception, scale: Mapping[str, tuple[float, float]]) -> Perception:
    return replace(seen, sparse=scaled(seen.sparse, scale))


def _scaled_camera(camera: CameraCalibration, size: Size) -> CameraCalibration:
    x, y = size[0] / camera.width, size[1] / camera.height
    return replace(
        camera,
        width=size[0],
        height=size[1],
        fx=camera.fx * x,
        fy=camera.fy * y,
        cx=camera.cx * x,
        cy=camera.cy * y,
    )


def _resized(
    clip: LabelClip, wanted: NDArray[np.int64], sizes: Mapping[str, Size]
) -> Iterator[tuple[int, dict[str, Image]]]:
    for time, images in clip.pixels(wanted):
        yield time, {name: _resize(image, sizes[name]) for name, image in images.items()}


def _resize(image: Image, size: Size) -> Image:
    if (image.shape[1], image.shape[0]) == size:
        return image
    return np.asarray(PillowImage.fromarray(image).resize(size, PillowImage.Resampling.BOX))
