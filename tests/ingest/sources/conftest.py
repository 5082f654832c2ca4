"""Recordings for the tests: the real examples, and small ones made on the spot."""

import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[3] / "examples"

WriteVideo = Callable[..., Path]


@pytest.fixture
def comma() -> Path:
    return EXAMPLES / "comma2k19_first30s"


@pytest.fixture
def segment(comma: Path, tmp_path: Path) -> Path:
    """A copy of the real segment under its original name, to be spoilt."""
    folder = tmp_path / "my drives" / "b0c9d2329ad1606b|2018-08-02--08-34-47" / "40"
    shutil.copytree(next(comma.glob("*/40")), folder)
    return folder


@pytest.fixture
def highway() -> Path:
    return EXAMPLES / "udacity_highway_video"


@pytest.fixture
def write_video(tmp_path: Path) -> WriteVideo:
    """Write a video whose frame ``i`` is grey of value ``4 i``, its left half 40 brighter.

    With ``corner``, the top left quarter is white: no way to turn or mirror it looks the same.
    """

    def write(
        name: str,
        frames: int = 30,
        size: tuple[int, int] = (64, 48),
        codec: str = "libx264",
        kind: str | None = None,
        ticks: list[int] | None = None,
        pixels: str = "yuv420p",
        corner: bool = False,
        **options: str,
    ) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        container_options = {"movflags": options.pop("movflags")} if "movflags" in options else {}
        quiet = {"x265-params": "log-level=none"} if codec == "libx265" else {}
        with av.open(str(path), "w", format=kind, options=container_options) as container:
            container.metadata["creation_time"] = options.pop("creation_time", "")
            stream = container.add_stream(codec, rate=20, options={"g": "10", **quiet, **options})
            stream.width, stream.height, stream.pix_fmt = *size, pixels
            for number in range(frames):
                image = np.full((size[1], size[0], 3), 4 * number, np.uint8)
                image[:, : size[0] // 2] += 40
                image[: size[1] // 2, : size[0] // 2] += 160 if corner else 0
                frame = av.VideoFrame.from_ndarray(image)
                frame.pts = ticks[number] if ticks else number
                frame.time_base = Fraction(1, 20)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return write
