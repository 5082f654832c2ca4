"""Boxes in images, from the moment they are read until they belong to frames and categories.

A file names images and categories in its own way, and may have its boxes in any order. Here they
are collected in columns, so that a large file takes less memory than its text.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.results.images.frame_list import FrameList
from ingest.results.oddities import unknown_categories, unknown_frames
from ridealong.arrays import Bools, Floats, Ints
from ridealong.perception.result_files import NO_TRACK, Boxes2D, Note, Role


class BoxColumns:
    """The boxes of one file.

    Attributes:
        frames: The keys of the frames that the file mentions, in its order, by code.
        categories: The names or ids of its categories, by code.
    """

    def __init__(self) -> None:
        self.frames: dict[Hashable, int] = {}
        self.categories: dict[Hashable, int] = {}
        self._tracks: dict[str, int] = {}
        self._columns = {
            "frame": _Column(np.int32),
            "category": _Column(np.int32),
            "track": _Column(np.int32),
            "xywh": _Column(np.float64, 4),
            "score": _Column(np.float64),
            "crowd": _Column(np.bool_),
            "ignored": _Column(np.bool_),
            "area": _Column(np.float64),
        }

    def add(
        self,
        frames: Sequence[Hashable],
        categories: Sequence[Hashable],
        tracks: Sequence[int | str | None],
        xywh: Floats,
        score: Floats,
        crowd: Bools,
        ignored: Bools,
        area: Floats,
    ) -> None:
        """Add a batch of N boxes.

        Frames and categories are as the file names them. A track is the identity of the object,
        None without one. ``xywh`` is ``(N, 4)`` left, top, width and height in pixels, ``score`` is
        NaN without one, and ``area`` is in square pixels. The others are as in `Boxes2D`.
        """
        columns = {
            "frame": _codes(frames, self.frames),
            "category": _codes(categories, self.categories),
            "track": self._track_codes(tracks),
            "xywh": xywh,
            "score": score,
            "crowd": crowd,
            "ignored": ignored,
            "area": area,
        }
        for name, values in columns.items():
            self._columns[name].append(values)

    def mention(self, frame: Hashable) -> None:
        """Note that the file has this frame, with or without boxes."""
        self.frames.setdefault(frame, len(self.frames))

    def boxes(
        self, frames: FrameList, categories: Mapping[Hashable, int], whose: Role
    ) -> tuple[Boxes2D, list[Note]]:
        """The boxes whose frame and category are known, in the order of visits; and the others.

        It can be called once: each column is let go as soon as its next form exists.
        """
        columns = self._columns
        frame = _known(self.frames, frames.index)[columns.pop("frame").values()]
        code = columns.pop("category").values()
        category = _known(self.categories, categories)[code]
        strange = [key for key in self.frames if key not in frames.index]
        notes = [
            *unknown_frames(whose, strange, frame),
            *unknown_categories(whose, list(self.categories), categories, code),
        ]
        kept = np.flatnonzero((frame >= 0) & (category >= 0))
        kept = kept[np.argsort(frames.visit[frame[kept]], kind="stable")]
        frame, category = frame[kept], category[kept]
        found = {name: columns.pop(name).values()[kept] for name in list(columns)}
        found["track"] = _by_drive(found["track"], frames.drive[frame], len(self._tracks))
        self._tracks.clear()
        return Boxes2D(frame=frame, category=category, **found), notes

    def _track_codes(self, tracks: Sequence[int | str | None]) -> Ints:
        known = self._tracks
        codes = (
            NO_TRACK if track is None else known.setdefault(str(track), len(known))
            for track in tracks
        )
        return np.fromiter(codes, np.int64, len(tracks))


class _Column:
    """A growing array: numbers of many batches without a second copy of them."""

    def __init__(self, kind: type[np.generic], width: int = 0) -> None:
        self._array = np.empty((0, width) if width else 0, kind)
        self._length = 0

    def append(self, values: NDArray[Any]) -> None:
        """Add rows."""
        end = self._length + len(values)
        if end > len(self._array):
            self._resize(end + end // 8)
        self._array[self._length : end] = values
        self._length = end

    def values(self) -> NDArray[Any]:
        """All rows."""
        self._resize(self._length)
        return self._array

    def _resize(self, length: int) -> None:
        # Large arrays move by exchanging pages, so they are not copied; nothing else refers to it.
        self._array.resize((length, *self._array.shape[1:]), refcheck=False)


def _codes(values: Sequence[Hashable], known: dict[Hashable, int]) -> Ints:
    codes = (known.setdefault(value, len(known)) for value in values)
    return np.fromiter(codes, np.int64, len(values))


def _known(codes: Mapping[Hashable, int], index: Mapping[Hashable, int]) -> Ints:
    """The index of each code; -1 where there is none."""
    return np.array([index.get(key, -1) for key in codes], np.int64)


def _by_drive(track: Ints, drive: Ints, tracks: int) -> Ints:
    """Codes that differ between drives."""
    if not tracks:
        return np.full(len(track), NO_TRACK)
    _, code = np.unique(drive * tracks + track, return_inverse=True)
    return np.where(track == NO_TRACK, NO_TRACK, code)
