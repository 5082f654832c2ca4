"""Whole videos, encoded and decoded in one call."""

from collections.abc import Iterator

from ingest.clips.decode import VideoDecoder
from ingest.clips.encode import EncodedFrame, VideoEncoder
from ridealong.perception.recording import Image


def encode_video(frames: Iterator[tuple[int, Image]]) -> Iterator[EncodedFrame]:
    """Encode ``(timestamp_ns, image)`` pairs of one size, as they come.

    Raises:
        ValueError: An image has another size than the first, or is not an RGB image of uint8.
    """
    encoder: VideoEncoder | None = None
    for timestamp_ns, image in frames:
        if encoder is None:
            encoder = VideoEncoder(width=image.shape[1], height=image.shape[0])
        yield from encoder.push(timestamp_ns, image)
    if encoder is not None:
        yield from encoder.finish()


def decode_video(packets: Iterator[bytes], width: int, height: int) -> Iterator[Image]:
    """Decode every packet of a stream that starts with a keyframe.

    Raises:
        ValueError: As for `VideoDecoder.image`.
    """
    decoder = VideoDecoder(width, height)
    for packet in packets:
        decoder.offer(packet)
        yield decoder.image()
