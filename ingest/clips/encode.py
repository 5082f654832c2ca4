"""Frames to H.264, one packet for each frame.

x264 veryfast at crf 23, a keyframe every ten frames, no B-frames, parameter sets repeated at every
keyframe, Annex B. `foxglove.CompressedVideo` requires this, and a cut or a seek can start at any
keyframe. x264 does not look ahead: at such sizes that would take a third of its time and save 10%
of the bytes. With one thread, and frame numbers instead of times, the bytes depend on the images
alone. Timestamps are stored beside the stream.
"""

from collections import deque
from fractions import Fraction

import av
import numpy as np
from av.video.frame import PictureType
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from ingest.clips.colours import Picture, rgb, size
from ingest.clips.packets import KEYFRAME_EVERY, EncodedFrame

CRF = 23
PRESET = "veryfast"
_RATE = 25  # nominal, because x264 requires one; the real times are the timestamps
_SMPTE170M = 6  # H.264's number for BT.601, so that players do not guess


class VideoEncoder:
    """Encodes one camera's frames to packets.

    H.264 in 4:2:0 has even sizes only. An odd width or height is padded by one pixel that repeats
    the image's last column or row; the decoder crops it off.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._codec = _codec(width + width % 2, height + height % 2)
        self._colours = (
            VideoReformatter()
        )  # kept, because creating one takes longer than a small frame
        self._times: deque[int] = deque()
        self._pushed = 0

    def push(self, timestamp_ns: int, picture: Picture) -> list[EncodedFrame]:
        """Encode one picture; returns the packets that are ready.

        Raises:
            ValueError: The picture has another size or type.
        """
        frame = self._colours.reformat(
            self._whole(picture),
            format="yuv420p",
            dst_colorspace=Colorspace.ITU601,
            dst_color_range=ColorRange.MPEG,
            threads=1,
        )
        frame.pts, frame.time_base = self._pushed, Fraction(1, _RATE)
        frame.pict_type = PictureType.NONE  # else a frame would stay the keyframe that it was
        self._pushed += 1
        self._times.append(timestamp_ns)
        return self._take(frame)

    def _whole(self, picture: Picture) -> av.VideoFrame:
        """The picture as a frame of even size."""
        is_odd = self.height % 2 or self.width % 2
        is_right = size(picture) == (self.width, self.height)
        if isinstance(picture, av.VideoFrame) and is_right and not is_odd:
            return picture
        image = rgb(picture)
        if image.shape != (self.height, self.width, 3) or image.dtype != np.uint8:
            raise ValueError(
                f"an image of shape {image.shape} and type {image.dtype}, "
                f"expected ({self.height}, {self.width}, 3) and uint8"
            )
        odd = ((0, self.height % 2), (0, self.width % 2), (0, 0))
        padded = np.pad(image, odd, mode="edge") if is_odd else image
        return av.VideoFrame.from_ndarray(np.ascontiguousarray(padded), format="rgb24")

    def finish(self) -> list[EncodedFrame]:
        """The remaining packets."""
        return self._take(None) if self._pushed else []

    def _take(self, frame: av.VideoFrame | None) -> list[EncodedFrame]:
        # Without B-frames, packets have the order of the frames.
        return [
            EncodedFrame(self._times.popleft(), packet.is_keyframe, bytes(packet))
            for packet in self._codec.encode(frame)
        ]


def _codec(width: int, height: int) -> av.VideoCodecContext:
    codec = av.VideoCodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.time_base, codec.framerate = Fraction(1, _RATE), Fraction(_RATE)
    codec.gop_size, codec.max_b_frames, codec.thread_count = KEYFRAME_EVERY, 0, 1
    codec.color_range, codec.colorspace = int(ColorRange.MPEG), _SMPTE170M
    keyframes = f"keyint={KEYFRAME_EVERY}:min-keyint={KEYFRAME_EVERY}:scenecut=0"
    codec.options = {
        "preset": PRESET,
        "crf": str(CRF),
        "x264-params": f"repeat-headers=1:bframes=0:rc-lookahead=0:threads=1:{keyframes}",
    }
    return codec
