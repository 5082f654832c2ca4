import io

import av
import numpy as np
import pytest
from PIL import Image

from ingest.clips.colours import rgb, size
from ingest.clips.decode import VideoDecoder
from ingest.clips.encode import VideoEncoder
from ingest.sources.bags.pictures import StillPictures, scaled

KINDS = [
    ("RGB", {"subsampling": 2}),
    ("RGB", {"subsampling": 1}),
    ("RGB", {"subsampling": 0}),
    ("RGB", {"progressive": True}),
    ("L", {}),
]


def smooth(width=160, height=96):
    small = np.random.default_rng(0).integers(0, 256, (6, 10, 3), np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def jpeg(image, **options):
    out = io.BytesIO()
    image.save(out, "JPEG", quality=95, **options)
    return out.getvalue()


def decoded(data):
    """A picture in RGB, by an independent decoder."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def shown(pictures, width, height):
    """What the last frame of a clip with these pictures looks like."""
    encoder = VideoEncoder(width, height)
    packets = [packet for n, one in enumerate(pictures) for packet in encoder.push(n, one)]
    packets += encoder.finish()
    assert [packet.keyframe for packet in packets] == [n % 10 == 0 for n in range(len(packets))]
    decoder = VideoDecoder(width, height)
    for packet in packets:
        decoder.offer(packet.data)
    return decoder.image()


def mean_error(image, other):
    return np.abs(np.asarray(image, int) - np.asarray(other, int)).mean()


@pytest.mark.parametrize(("mode", "options"), KINDS)
def test_a_jpeg_reaches_a_clip_in_its_colours(mode, options):
    image = smooth().convert(mode)
    stills, data = StillPictures(), jpeg(image, **options)
    pictures = [stills.picture(data) for _ in range(12)]
    assert all(isinstance(picture, av.VideoFrame) for picture in pictures)
    wanted = decoded(data)
    assert mean_error(rgb(pictures[0]), wanted) < 1.1
    by_rgb = mean_error(shown([wanted] * 12, 160, 96), wanted)
    assert mean_error(shown(pictures, 160, 96), wanted) < by_rgb + 0.1


@pytest.mark.parametrize(("width", "height"), [(159, 96), (160, 95), (159, 95)])
def test_odd_sizes_are_padded(width, height):
    data = jpeg(smooth(width, height))
    picture = StillPictures().picture(data)
    assert size(picture) == (width, height)
    assert np.array_equal(picture, decoded(data))
    assert mean_error(shown([picture], width, height), picture) < 5


def test_a_picture_of_another_size_is_scaled_to_the_first():
    stills = StillPictures()
    assert size(stills.picture(jpeg(smooth()))) == (160, 96)
    other = scaled(stills.picture(jpeg(smooth(320, 192))), 160, 96)
    assert mean_error(rgb(other), smooth()) < 4


def test_a_jpeg_for_print_is_an_image():
    data = jpeg(smooth().convert("CMYK"))
    assert np.array_equal(StillPictures().picture(data), decoded(data))


@pytest.mark.parametrize("name", ["PNG", "WebP"])
def test_other_forms_are_images(name):
    out = io.BytesIO()
    smooth().save(out, name, lossless=True)
    assert np.array_equal(StillPictures().picture(out.getvalue()), np.asarray(smooth()))


def test_damage_is_no_picture_or_an_image_of_the_same_size():
    stills, data = StillPictures(), jpeg(smooth(640, 360))
    with pytest.raises(ValueError, match="cannot be decoded"):
        stills.picture(data[:10])
    for at in range(100, len(data), 997):
        damaged = bytearray(data)
        damaged[at : at + 40] = bytes(40)
        try:
            assert size(stills.picture(bytes(damaged))) == (640, 360)
        except ValueError as error:
            assert "\n" not in str(error)
    assert mean_error(rgb(stills.picture(data)), smooth(640, 360)) < 2  # it recovers
