"""Display matrices against the definition, pixel by pixel."""

import struct
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest.sources.video.orientation import AS_STORED, Orientation
from ingest.sources.video.source import VideoSource

SOURCE = VideoSource()
ONE = 1 << 16
# (a, b, c, d) of x' = a x + c y, y' = b x + d y: turned by quarters, mirrored or not
EIGHT = [
    *((a, 0, 0, d) for a, d in product((1, -1), repeat=2)),
    *((0, b, c, 0) for b, c in product((1, -1), repeat=2)),
]


def first_image(path: Path) -> tuple[np.ndarray, tuple[int, int]]:
    (files,) = SOURCE.discover(path)
    recording = SOURCE.open(files)
    camera = recording.cameras["main"]
    _, images = next(recording.frames(0, 10**9, ["main"]))
    return images["main"], (camera.height, camera.width)


def with_matrix(path: Path, name: str, entries: tuple[float, ...]) -> Path:
    """A copy of an MP4 whose track header has that matrix."""
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 4 + 4 + 20 + 8 + 8
    a, b, c, d = (round(entry * ONE) for entry in entries)
    content[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    copy = path.with_name(name)
    copy.write_bytes(content)
    return copy


def by_definition(image: np.ndarray, entries: tuple[int, ...]) -> np.ndarray:
    a, b, c, d = entries
    height, width = image.shape[:2]
    places = {(y, x): (b * x + d * y, a * x + c * y) for y in range(height) for x in range(width)}
    top = min(row for row, _ in places.values())
    left = min(column for _, column in places.values())
    shape = (height, width) if a else (width, height)
    shown = np.zeros((*shape, 3), np.uint8)
    for (y, x), (row, column) in places.items():
        shown[row - top, column - left] = image[y, x]
    return shown


@pytest.fixture
def stored(write_video: Any) -> Path:
    """One frame of 32 x 16 without any symmetry."""
    path: Path = write_video("stored.mp4", 1, (32, 16), corner=True)
    return path


def test_the_eight(stored: Path) -> None:
    image, _ = first_image(stored)
    seen = set()
    for entries in EIGHT:
        shown, size = first_image(with_matrix(stored, "turned.mp4", entries))
        np.testing.assert_array_equal(shown, by_definition(image, entries), str(entries))
        assert size == shown.shape[:2]
        seen.add(shown.tobytes() + bytes(shown.shape))
    assert len(seen) == 8


@pytest.mark.parametrize(
    ("entries", "meant"),
    [
        ((0.99, 0.1, -0.1, 0.99), (1, 0, 0, 1)),  # a camera that hangs a little crooked
        ((0.1, 0.99, -0.99, 0.1), (0, 1, -1, 0)),
        ((0.5, 0, 0, -0.5), (1, 0, 0, -1)),  # shown at half its size
        ((0, 0, 0, 0), (1, 0, 0, 1)),  # left empty by a careless writer
    ],
)
def test_other_matrices_are_the_nearest_of_the_eight(
    stored: Path, entries: tuple[float, ...], meant: tuple[int, ...]
) -> None:
    image, _ = first_image(stored)
    shown, _ = first_image(with_matrix(stored, "turned.mp4", entries))
    np.testing.assert_array_equal(shown, by_definition(image, meant))


def test_sizes() -> None:
    assert AS_STORED.shown_size(4, 3) == (4, 3)
    for flags in product((False, True), repeat=3):
        turned = Orientation(*flags)
        assert turned.stored_size(*turned.shown_size(4, 3)) == (4, 3)
        assert turned.upright(np.zeros((3, 4, 3), np.uint8)).shape == (
            (4, 3, 3) if flags[0] else (3, 4, 3)
        )
