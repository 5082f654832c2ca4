"""What is known of a clip's H.264 packets without decoding them.

Encoding and decoding need the extra ``video``; this does not.
"""

from dataclasses import dataclass

KEYFRAME_EVERY = 10  # frames

_IDR, _PARAMETERS = 5, 7  # kinds of NAL unit: a keyframe's picture, its sequence parameters
_START = b"\x00\x00\x01"


@dataclass(frozen=True)
class EncodedFrame:
    """One frame's packet: timestamp, whether decoding can start here, Annex B bytes."""

    timestamp_ns: int
    keyframe: bool
    data: bytes


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
