"""Encoded packets of frames whose left half tells their number."""

from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray


def grey(number: int, size: tuple[int, int] = (160, 96)) -> NDArray[np.uint8]:
    """A frame: its left half is 20 + 2 × its number, its right half is 40."""
    width, height = size
    image = np.full((height, width, 3), 40, np.uint8)
    image[:, : width // 2] = 20 + 2 * number
    return image


def packets(codec: str, count: int, keyframe_every: int) -> list[bytes]:
    """``count`` frames in Annex B, without B-frames; the codec is libx264 or libx265."""
    encoder = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height, encoder.pix_fmt = 160, 96, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 10), Fraction(10)
    params = f"keyint={keyframe_every}:min-keyint={keyframe_every}:scenecut=0:bframes=0"
    params += ":repeat-headers=1:log-level=none" if codec == "libx265" else ":repeat-headers=1"
    encoder.options = {f"{codec.removeprefix('lib')}-params": params, "crf": "10"}
    found = []
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(grey(number), format="rgb24")
        frame = frame.reformat(format="yuv420p")
        frame.pts = number
        found += encoder.encode(frame)
    return [bytes(packet) for packet in [*found, *encoder.encode(None)]]
