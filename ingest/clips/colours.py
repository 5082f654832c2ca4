"""Pictures on their way into a clip: RGB images, or frames as a decoder gave them.

JPEG and video store brightness and colour apart, and so does a clip. If a picture went through RGB
in between, converting it twice would take as long as decoding it, and cost a little of its quality.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias, Union, runtime_checkable

import numpy as np

from ridealong.perception.recording import Image

if TYPE_CHECKING:  # decoding needs the extra `video`
    from av import VideoFrame

Picture: TypeAlias = Union[Image, "VideoFrame"]


@runtime_checkable
class Unconverted(Protocol):
    """A recording that can give its frames without converting them to RGB."""

    def pictures(
        self, start_ns: int, end_ns: int, cameras: Sequence[str]
    ) -> Iterator[tuple[int, dict[str, Picture]]]:
        """Like `Recording.frames`, for an encoder."""


def rgb(picture: Picture) -> Image:
    """The ``(height, width, 3)`` RGB image of a picture."""
    if isinstance(picture, np.ndarray):
        return picture
    from av.video.reformatter import Interpolation as To

    # By default colours, which have fewer pixels than brightness, are not interpolated.
    how = To.BICUBIC | To.FULL_CHR_H_INT | To.ACCURATE_RND
    return picture.to_ndarray(format="rgb24", interpolation=how).astype(np.uint8, copy=False)


def size(picture: Picture) -> tuple[int, int]:
    """Width and height, in pixels."""
    if isinstance(picture, np.ndarray):
        return picture.shape[1], picture.shape[0]
    return picture.width, picture.height
