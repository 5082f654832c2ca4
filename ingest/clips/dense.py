"""Dense labels as PNG: depth in 16 bits, classes in 8.

Depth is kept in whole centimetres: within ±5 mm up to `MAX_DEPTH_M`; what is farther (also
infinitely far) becomes `MAX_DEPTH_M`, what is nearer than a centimetre becomes one, and 0 is
unknown. Classes are kept exactly.
"""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

CM_PER_M = 100
_FARTHEST_CM = 2**16 - 1
MAX_DEPTH_M = _FARTHEST_CM / CM_PER_M


def encode_depth(depth_m: NDArray[np.float32]) -> bytes:
    """``(h, w)`` metres, NaN unknown, as 16-bit PNG."""
    centimetres = np.clip(np.rint(depth_m.astype(np.float64) * CM_PER_M), 1, _FARTHEST_CM)
    return _png(np.where(np.isnan(centimetres), 0, centimetres).astype(np.uint16))


def decode_depth(png: bytes) -> NDArray[np.float32]:
    """``(h, w)`` metres, NaN unknown."""
    centimetres = _pixels(png).astype(np.float32)
    return np.where(centimetres > 0, centimetres / np.float32(CM_PER_M), np.float32(np.nan))


def encode_classes(classes: NDArray[np.uint8]) -> bytes:
    """``(h, w)`` ids as 8-bit PNG."""
    return _png(classes)


def decode_classes(png: bytes) -> NDArray[np.uint8]:
    """``(h, w)`` ids."""
    return _pixels(png).astype(np.uint8)


def _png(pixels: NDArray[np.uint16] | NDArray[np.uint8]) -> bytes:
    out = io.BytesIO()
    PillowImage.fromarray(np.ascontiguousarray(pixels)).save(out, "PNG", compress_level=3)
    return out.getvalue()


def _pixels(png: bytes) -> NDArray[np.generic]:
    return np.asarray(PillowImage.open(io.BytesIO(png), formats=["PNG"]))
