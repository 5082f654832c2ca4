"""Dense labels as PNG: whole files, read back exactly, also by another library."""

import io

import av
import numpy as np
import pytest
from PIL import Image

from ingest.clips.dense import decode_classes, decode_depth, encode_classes, encode_depth

SHAPES = [(1, 1), (3, 5), (96, 160)]


def by_ffmpeg(png: bytes) -> np.ndarray:
    """The pixels as FFmpeg's own decoder finds them."""
    [frame] = av.CodecContext.create("png", "r").decode(av.Packet(png))
    return frame.to_ndarray()


@pytest.mark.parametrize("shape", SHAPES)
def test_classes_come_back(shape):
    classes = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    png = encode_classes(classes)
    Image.open(io.BytesIO(png)).verify()
    assert np.array_equal(decode_classes(png), classes)
    assert np.array_equal(by_ffmpeg(png), classes)


@pytest.mark.parametrize("shape", SHAPES)
def test_depth_comes_back_in_centimetres(shape):
    centimetres = np.random.default_rng(2).integers(1, 2**16, shape)
    depth = (centimetres / 100).astype(np.float32)
    depth[0, 0] = np.nan
    png = encode_depth(depth)
    Image.open(io.BytesIO(png)).verify()
    expected = np.where(np.isnan(depth), 0, centimetres)
    assert np.array_equal(by_ffmpeg(png), expected)
    found = decode_depth(png)
    assert np.isnan(found[0, 0])
    np.testing.assert_allclose(found.ravel()[1:], depth.ravel()[1:], atol=0.001)


def test_a_cut_out_of_a_larger_array_is_as_good():
    """Rows that do not lie side by side in memory."""
    classes = np.arange(48, dtype=np.uint8).reshape(6, 8)
    depth = np.arange(48, dtype=np.float32).reshape(6, 8)
    assert encode_classes(classes[1:5, ::2]) == encode_classes(classes[1:5, ::2].copy())
    assert encode_depth(depth[1:5, ::2]) == encode_depth(depth[1:5, ::2].copy())
