"""Decode H.264 packets: only those that a requested frame depends on."""

from typing import cast

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from ingest.clips.packets import is_keyframe
from ridealong.perception.recording import Image


class VideoDecoder:
    """Decodes one camera's packets in time order; skips groups without a requested frame."""

    def __init__(self, width: int, height: int) -> None:
        self._size = (height, width)
        self._colours = (
            VideoReformatter()
        )  # kept, because creating one takes longer than a small frame
        self._codec: av.VideoCodecContext | None = None
        self._pending: list[bytes] = []

    def offer(self, packet: bytes) -> None:
        """Take the next packet; nothing is decoded yet."""
        if is_keyframe(packet):
            self._pending = []  # nothing before a keyframe is needed after it
            self._codec = self._codec or _codec()
        self._pending.append(packet)

    def image(self) -> Image:
        """The ``(height, width, 3)`` RGB image of the last packet taken.

        Raises:
            ValueError: No keyframe came before it, a packet is damaged, or the size is wrong.
        """
        if self._codec is None:
            raise ValueError("no keyframe comes before it")
        frame = None
        for packet in self._pending:
            frames = self._codec.decode(av.Packet(packet))
            if len(frames) != 1:
                raise ValueError(f"its packet holds {len(frames)} frames, expected one")
            frame = frames[0]
        self._pending = []
        if frame is None:
            raise ValueError("its packet was decoded before")
        coloured = self._colours.reformat(frame, format="rgb24", threads=1)
        return self._cropped(cast(Image, coloured.to_ndarray()))

    def _cropped(self, image: Image) -> Image:
        height, width = self._size
        if image.shape[:2] != (height + height % 2, width + width % 2):
            raise ValueError(
                f"it is {image.shape[1]}x{image.shape[0]}, the calibration has {width}x{height}"
            )
        return np.ascontiguousarray(image[:height, :width])


def _codec() -> av.VideoCodecContext:
    codec = av.VideoCodecContext.create("h264", "r")
    codec.thread_count = 1  # frame threads would delay frames
    codec.options = {"err_detect": "explode"}  # a damaged packet must raise, not be concealed
    return codec
