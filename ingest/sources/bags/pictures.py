"""Camera messages to images: raw pixels, JPEG and PNG, and video."""

import base64
import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures

from ingest.clips.colours import Picture, rgb, size
from ingest.clips.packets import is_keyframe, parameters_of
from ingest.sources.video.copying import why_not_shown
from ridealong.perception.recording import Image

if TYPE_CHECKING:  # the extra `video`
    import av

JPEG, PNG = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"
_JPEG_END, _PNG_END = b"\xff\xd9", b"IEND"
_TAIL = 64  # writers may pad a picture with a few bytes
DEPTH = "compresseddepth"  # in the format of a CompressedImage that holds distances
# Channels of a pixel, and where red, green and blue are among them.
_LAYOUTS = {
    "rgb8": (3, (0, 1, 2)),
    "bgr8": (3, (2, 1, 0)),
    "rgba8": (4, (0, 1, 2)),
    "bgra8": (4, (2, 1, 0)),
    "8uc3": (3, (2, 1, 0)),
    "8uc4": (4, (2, 1, 0)),
    "mono8": (1, (0, 0, 0)),
    "8uc1": (1, (0, 0, 0)),
}
# FFmpeg's names of the formats that it converts.
_CONVERTED = {
    "yuv422": ("uyvy422", 2),
    "uyvy": ("uyvy422", 2),
    "yuv422_yuy2": ("yuyv422", 2),
    "yuyv": ("yuyv422", 2),
    "bayer_rggb8": ("bayer_rggb8", 1),
    "bayer_bggr8": ("bayer_bggr8", 1),
    "bayer_gbrg8": ("bayer_gbrg8", 1),
    "bayer_grbg8": ("bayer_grbg8", 1),
}
CODECS = {"h264": "h264", "h265": "hevc", "hevc": "hevc", "vp9": "vp9", "av1": "av1"}
_HEVC_KEY = range(16, 22)  # kinds of NAL unit that decoding can start with
_HEVC_SEQUENCE = 33


def content(message: Any) -> bytes:
    """The bytes of a message's picture; JSON has them as base64."""
    data = message.data
    if isinstance(data, str):
        return base64.b64decode(data)
    return data if isinstance(data, bytes) else memoryview(data).tobytes()


def is_whole(data: bytes) -> bool:
    """Whether a JPEG or PNG has its end; True for other formats."""
    if data.startswith(JPEG):
        return _JPEG_END in data[-_TAIL:]
    return not data.startswith(PNG) or _PNG_END in data[-_TAIL:]


class StillPictures:
    """Decodes the JPEG, PNG or WebP pictures of one camera."""

    def __init__(self) -> None:
        self._jpeg = _decoder("mjpeg")

    def picture(self, data: bytes) -> Picture:
        """One picture.

        Raises:
            ValueError: It cannot be decoded.
        """
        try:
            with Pictures.open(io.BytesIO(data)) as opened:
                frame = _decoded(self._jpeg, data) if _is_plain_jpeg(opened) else None
                return np.asarray(opened.convert("RGB")) if frame is None else frame
        except (OSError, SyntaxError, ValueError, Pictures.DecompressionBombError) as error:
            raise ValueError(f"cannot be decoded ({error})") from error


def raw_image(message: Any) -> Image:
    """The ``(height, width, 3)`` RGB image of an Image or a RawImage.

    Raises:
        ValueError: Its encoding is not a colour or grey image, or its size does not fit its data.
    """
    encoding = str(message.encoding).lower()
    height, width, step = int(message.height), int(message.width), int(message.step)
    data = np.frombuffer(content(message), np.uint8)
    if encoding in _LAYOUTS:
        channels, order = _LAYOUTS[encoding]
        rows = _rows(data, height, width * channels, step)
        return np.ascontiguousarray(rows.reshape(height, width, channels)[:, :, order])
    if encoding in _CONVERTED:
        name, channels = _CONVERTED[encoding]
        return _converted(_rows(data, height, width * channels, step), name, width, height)
    raise ValueError(f"its encoding {encoding!r} is not that of a colour or grey image")


class VideoPackets:
    """Decodes the packets of one camera, in time."""

    def __init__(self, codec: str) -> None:
        self._codec = _decoder(codec)

    def picture(self, data: bytes) -> Picture | None:
        """The frame of the next packet; None if the packet gives none, or is damaged."""
        return _decoded(self._codec, data)


def why_not_plain(packets: Iterable[bytes]) -> str | None:
    """Why H.264 packets cannot be shown as they are, a frame each; None if they can."""
    import av

    parameters: set[bytes] = set()
    codec = _decoder("h264")
    for data in packets:
        if is_keyframe(data):
            if not parameters:
                try:
                    frames = codec.decode(av.Packet(data))
                except av.FFmpegError:
                    return "its first frame is damaged"
                if len(frames) != 1:
                    return "a packet does not hold one frame"
                if why := why_not_shown(codec, frames[0].format.name):
                    return why
            parameters.add(parameters_of(data))
    return "its size or form changes" if len(parameters) > 1 else None


def starts_video(codec: str, data: bytes) -> bool:
    """Whether decoding can start at a packet; only known of H.264 and H.265, else True."""
    if codec == "h264":
        return is_keyframe(data)
    if codec != "hevc":
        return True
    kinds = {(unit[0] >> 1) & 0x3F for unit in data.split(b"\x00\x00\x01")[1:] if unit}
    return _HEVC_SEQUENCE in kinds and any(kind in _HEVC_KEY for kind in kinds)


def scaled(picture: Picture, width: int, height: int) -> Picture:
    """The picture in the size that its camera had first."""
    if size(picture) == (width, height):
        return picture
    image = Pictures.fromarray(rgb(picture))
    return np.asarray(image.resize((width, height), Pictures.Resampling.BILINEAR))


def _is_plain_jpeg(opened: Pictures.Image) -> bool:
    """Whether FFmpeg decodes it as well; the colours of odd sizes it shifts by half a pixel."""
    is_odd = opened.width % 2 or opened.height % 2
    return opened.format == "JPEG" and opened.mode in ("RGB", "L") and not is_odd


def _decoder(codec: str) -> "av.VideoCodecContext":
    import av

    context = cast(av.VideoCodecContext, av.CodecContext.create(codec, "r"))
    context.thread_count = 1  # threads would delay frames
    return context


def _decoded(codec: "av.VideoCodecContext", data: bytes) -> "av.VideoFrame | None":
    """The frame of a packet; None if the packet gives none, or is damaged."""
    import av

    try:
        frames = codec.decode(av.Packet(data))
    except av.FFmpegError:
        return None
    return frames[-1] if frames else None


def _rows(data: NDArray[np.uint8], height: int, length: int, step: int) -> NDArray[np.uint8]:
    """``(height, length)`` bytes of the rows, without what pads them."""
    step = step or length
    if height < 1 or length < 1 or step < length or len(data) < step * (height - 1) + length:
        raise ValueError("its size does not fit its data")
    padded = np.pad(data, (0, max(0, step * height - len(data))))[: step * height]
    return np.ascontiguousarray(padded.reshape(height, step)[:, :length])


def _converted(rows: NDArray[np.uint8], name: str, width: int, height: int) -> Image:
    import av

    frame = av.VideoFrame(width, height, name)
    plane = frame.planes[0]
    lines = np.zeros((height, plane.line_size), np.uint8)
    lines[:, : rows.shape[1]] = rows
    plane.update(lines.tobytes())
    return frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
