"""How a video's frames are shown: one of the eight ways to rotate and mirror an image.

A display matrix (ISO/IEC 14496-12, 8.3.2) maps a stored pixel (x, y) to where it is shown:
``x' = a x + c y``, ``y' = b x + d y``, apart from a shift that keeps the image where it was.
"""

import struct
from dataclasses import dataclass

import numpy as np
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame

from ridealong.perception.recording import Image

MATRIX = struct.Struct("=9i")  # a b u, c d v, x y w in 16.16 fixed point, as FFmpeg returns it


@dataclass(frozen=True)
class Orientation:
    """What to do with a stored image: transpose it first, then reverse its columns and its rows."""

    transposed: bool = False
    mirrored: bool = False
    flipped: bool = False

    def shown_size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height as shown, of an image that is stored with these."""
        return (height, width) if self.transposed else (width, height)

    stored_size = shown_size  # transposing undoes itself

    def upright(self, image: Image) -> Image:
        """A stored ``(height, width, 3)`` image as it is shown."""
        turned = image.swapaxes(0, 1) if self.transposed else image
        rows, columns = (-1 if self.flipped else 1), (-1 if self.mirrored else 1)
        return np.ascontiguousarray(turned[::rows, ::columns])


AS_STORED = Orientation()


def orientation(frame: VideoFrame) -> Orientation:
    """The orientation of a frame's display matrix; `AS_STORED` if it has none.

    A matrix that is not one of the eight counts as the nearest one.
    """
    # PyAV annotates the keys as text, but accepts members.
    matrix = frame.side_data.get(Type.DISPLAYMATRIX)  # type: ignore[call-overload]
    if matrix is None or len(bytes(matrix)) != MATRIX.size:
        return AS_STORED
    a, b, _, c, d, *_ = MATRIX.unpack(bytes(matrix))
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Orientation(transposed=True, mirrored=c < 0, flipped=b < 0)
    return Orientation(mirrored=a < 0, flipped=d < 0)
