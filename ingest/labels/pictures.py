"""Images as PNG: written, or only measured."""

import io
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from ridealong.perception.recording import Image

Names = Mapping[tuple[int, str], str]  # (timestamp_ns, camera): file name
Pixels = Callable[[NDArray[np.int64]], Iterable[tuple[int, Mapping[str, Image]]]]

_COMPRESSION = 3  # of 9: higher levels take twice the time and save a few per cent


class Encoder(Protocol):
    """Receives the images of clips, one clip at a time."""

    def add(self, names: Names, pixels: Pixels) -> None:
        """Receive a clip's images: their names, and the source of their pixels."""


class PictureFiles:
    """Writes every image as a file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True)

    def add(self, names: Names, pixels: Pixels) -> None:
        """Write a clip's images."""
        times = np.unique(np.array([time for time, _ in names], np.int64))
        for time, images in pixels(times):
            for camera, image in images.items():
                if (time, camera) in names:
                    (self._folder / names[time, camera]).write_bytes(png(image))


class PictureSizes:
    """Estimates the size of all images from the middle camera set of each clip.

    Attributes:
        bytes: Estimated size of the images so far.
    """

    def __init__(self) -> None:
        self.bytes = 0

    def add(self, names: Names, pixels: Pixels) -> None:
        """Estimate the size of a clip's images."""
        times = sorted({time for time, _ in names})
        if not times:
            return
        middle = np.array([times[len(times) // 2]], np.int64)
        sizes = {camera: len(png(image)) for _, images in pixels(middle)
                 for camera, image in images.items()}  # fmt: skip
        usual = sum(sizes.values()) / max(len(sizes), 1)
        self.bytes += round(sum(sizes.get(camera, usual) for _, camera in names))


def png(image: Image) -> bytes:
    """An ``(H, W, 3)`` RGB image as PNG."""
    out = io.BytesIO()
    PillowImage.fromarray(image).save(out, "png", compress_level=_COMPRESSION)
    return out.getvalue()
