"""Images of a clip's cameras."""

import numpy as np
from PIL import Image

from ingest.clips.read import ClipReader
from ridealong.errors import RidealongError

Picture = Image.Image

USUAL_CAMERA = "main"


def camera_of(reader: ClipReader, wanted: str | None = None) -> str:
    """The wanted camera, else the usual one, else the clip's first that has a frame.

    Raises:
        RidealongError: No camera has a frame.
    """
    for name in (wanted, USUAL_CAMERA, *reader.cameras):
        if name in reader.cameras and len(reader.timestamps(name)):
            return name
    raise RidealongError("the clip has no camera")


def camera_image(reader: ClipReader, camera: str, time_ns: int) -> Picture:
    """A camera's frame nearest a time.

    Raises:
        RidealongError: There is no such camera, it has no frame, or the frame is damaged.
    """
    times = reader.timestamps(camera)
    if not len(times):
        raise RidealongError(f"the clip has no frame of the camera {camera!r}")
    nearest = times[[np.abs(times - time_ns).argmin()]]
    (image,) = [found[camera] for _, found in reader.frames_at([camera], nearest)]
    return Image.fromarray(image)


def resized(image: Picture, width: int) -> tuple[Picture, float]:
    """A copy of another width, and its pixels per pixel of the image."""
    scale = width / image.width
    size = (width, max(round(image.height * scale), 1))
    return image.resize(size, Image.Resampling.LANCZOS), scale
