"""Frames to packets and back."""

import av
import numpy as np
import pytest

from ingest.clips.decode import VideoDecoder
from ingest.clips.encode import VideoEncoder
from ingest.clips.packets import is_keyframe
from tests.oracles.video import decode_video, encode_video


def _pictures(make, count, **size):
    return [(make.START_NS + i * make.STEP_NS, make.picture(i, **size)) for i in range(count)]


def test_every_tenth_frame_is_a_keyframe_and_no_timestamp_is_lost(make):
    packets = list(encode_video(iter(_pictures(make, 33))))
    assert [p.timestamp_ns for p in packets] == [t for t, _ in _pictures(make, 33)]
    assert [i for i, p in enumerate(packets) if p.keyframe] == [0, 10, 20, 30]
    assert [p.keyframe for p in packets] == [is_keyframe(p.data) for p in packets]
    assert all(p.data.startswith(b"\x00\x00\x00\x01") for p in packets)  # Annex B


def test_a_cut_to_another_scene_adds_no_keyframe(make):
    still = [(t, np.zeros((48, 64, 3), np.uint8)) for t in range(5)]
    other = [(t, np.full((48, 64, 3), 255, np.uint8)) for t in range(5, 9)]
    packets = list(encode_video(iter(still + other)))
    assert [i for i, p in enumerate(packets) if p.keyframe] == [0]


def test_same_images_give_the_same_bytes_whatever_their_times(make):
    images = [image for _, image in _pictures(make, 15)]
    first = [p.data for p in encode_video(iter(enumerate(images)))]
    second = [p.data for p in encode_video((7**i, image) for i, image in enumerate(images))]
    assert first == second


@pytest.mark.parametrize(("width", "height"), [(64, 48), (63, 47), (63, 48), (64, 47), (2, 2)])
def test_decoded_images_are_like_the_originals(width, height):
    rng = np.random.default_rng(0)
    smooth = np.linspace(0, 250, width)[None, :, None] * np.ones((height, 1, 3))
    images = [(smooth * rng.uniform(0.5, 1)).astype(np.uint8) for _ in range(12)]
    packets = [p.data for p in encode_video(iter(enumerate(images)))]
    decoded = list(decode_video(iter(packets), width, height))
    assert [image.shape for image in decoded] == [(height, width, 3)] * 12
    error = np.abs(np.stack(decoded).astype(int) - np.stack(images).astype(int))
    assert error.mean() < 6


def test_colours_survive(make):
    image = np.zeros((48, 64, 3), np.uint8)
    image[:, :32], image[:, 32:] = (230, 20, 20), (20, 200, 40)
    [packet] = encode_video(iter([(0, image)]))
    [decoded] = decode_video(iter([packet.data]), 64, 48)
    assert np.abs(decoded[5, [5, 60]].astype(int) - [[230, 20, 20], [20, 200, 40]]).max() <= 6


def test_each_packet_decodes_to_one_frame_with_another_decoder_setup(make):
    """A default FFmpeg decoder, as a stranger would use it."""
    packets = list(encode_video(iter(_pictures(make, 25))))
    stranger = av.CodecContext.create("h264", "r")
    decoded = [f for p in packets for f in stranger.decode(av.Packet(p.data))]
    decoded += stranger.decode(None)
    assert len(decoded) == 25


def test_no_frames_no_packets():
    assert list(encode_video(iter([]))) == []
    assert VideoEncoder(4, 4).finish() == []


def test_few_frames_are_held_back(make):
    """Streaming: packets come out while frames go in."""
    encoder = VideoEncoder(64, 48)
    out = sum(len(encoder.push(t, image)) for t, image in _pictures(make, 40))
    assert out >= 25


@pytest.mark.parametrize(
    "image",
    [np.zeros((48, 62, 3), np.uint8), np.zeros((48, 64), np.uint8), np.zeros((48, 64, 3))],
    ids=["another size", "grey", "floats"],
)
def test_a_wrong_image_is_refused(image):
    with pytest.raises(ValueError, match="expected"):
        VideoEncoder(64, 48).push(0, image)


def test_decoding_skips_groups_that_nobody_asks_for(make):
    packets = [p.data for p in encode_video(iter(_pictures(make, 30)))]
    whole = list(decode_video(iter(packets), 64, 48))
    decoder = VideoDecoder(64, 48)
    for packet in packets[:26]:
        decoder.offer(packet)
    assert np.array_equal(decoder.image(), whole[25])


def test_decoding_cannot_start_between_keyframes(make):
    packets = [p.data for p in encode_video(iter(_pictures(make, 12)))]
    decoder = VideoDecoder(64, 48)
    decoder.offer(packets[3])
    with pytest.raises(ValueError, match="keyframe"):
        decoder.image()


def test_a_damaged_packet_surfaces(make):
    packets = [p.data for p in encode_video(iter(_pictures(make, 3)))]
    with pytest.raises(ValueError):
        list(decode_video(iter([packets[0], b"\x00\x00\x00\x01\x41" + b"\x55" * 40]), 64, 48))
