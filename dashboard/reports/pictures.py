"""The pictures of a costly clip or frame: one for each network, as JPEG files."""

import io
from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image

WIDTH = 640
QUALITY = 88


@dataclass(frozen=True)
class Pictures:
    """The pictures of a costly clip or frame, or why there are none.

    Attributes:
        caption: What they show.
        images: JPEG files by title.
    """

    caption: str
    images: Mapping[str, bytes]


def none_because(reason: object) -> Pictures:
    """No picture, and why."""
    return Pictures(f"no picture: {reason}", {})


def resized(image: Image.Image) -> tuple[Image.Image, float]:
    """A copy of the usual width, and its pixels per pixel of the image."""
    scale = WIDTH / image.width
    size = (WIDTH, max(round(image.height * scale), 1))
    return image.resize(size, Image.Resampling.LANCZOS), scale


def jpeg(image: Image.Image) -> bytes:
    """The image as a JPEG file."""
    out = io.BytesIO()
    image.save(out, "jpeg", quality=QUALITY)
    return out.getvalue()
