"""What is known of a clip's H.264 packets without decoding them.

Encoding and decoding need the extra ``video``; this does not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

KEYFRAME_EVERY = 10  # frames
# Codecs as people know them, by FFmpeg's names.
CODECS = {"h264": "H.264", "hevc": "H.265", "vp9": "VP9", "av1": "AV1", "mjpeg": "Motion JPEG"}

_IDR, _PARAMETERS = 5, 7  # kinds of NAL unit: a keyframe's picture, its sequence parameters
_START = b"\x00\x00\x01"


@dataclass(frozen=True)
class EncodedFrame:
    """One frame's packet: timestamp, whether decoding can start here, Annex B bytes."""

    timestamp_ns: int
    keyframe: bool
    data: bytes


@dataclass(frozen=True)
class CopiedVideo:
    """One camera's packets, to be copied to a clip as they are.

    Attributes:
        packets: In time; the first is a keyframe, at or before the start of the window.
        lead_in: How many packets come before the window. They are decoded and not shown.
        keyframe_every: The largest number of packets from one keyframe to the next.
    """

    packets: Iterator[EncodedFrame]
    lead_in: int
    keyframe_every: int


@runtime_checkable
class Copyable(Protocol):
    """A recording that may have video which a clip can use as it is."""

    def copied_video(self, camera: str, start_ns: int, end_ns: int) -> CopiedVideo | str:
        """A camera's packets in a window (both ends inclusive), or why they cannot be copied."""


def parameters_of(packet: bytes) -> bytes:
    """The sequence parameters (size, format) in an Annex B packet; empty if it holds none."""
    units = packet.split(_START)
    return next((unit for unit in units[1:] if unit and unit[0] & 0x1F == _PARAMETERS), b"")


def is_keyframe(packet: bytes) -> bool:
    """Whether decoding can start at this Annex B packet: it holds parameters and an IDR picture."""
    kinds = set()
    at = packet.find(_START)
    while 0 <= at < len(packet) - len(_START):
        kind = packet[at + len(_START)] & 0x1F
        kinds.add(kind)
        if kind in (1, _IDR):  # a picture's data: only more of its slices can follow
            break
        at = packet.find(_START, at + len(_START))
    return {_IDR, _PARAMETERS} <= kinds
