"""Drive and time of KITTI's object frames, by the devkit's mapping of its training set.

Line n of ``train_mapping.txt`` names a frame of the recordings: date, drive and number.
``train_rand.txt`` is one line of numbers that count from 1: the k-th of them is the line of the
benchmark's frame k, which counts from 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ingest.results.kitti.lines import text_of
from ridealong.arrays import Floats
from ridealong.errors import RidealongError

FILES = MAPPING, ORDER = "train_mapping.txt", "train_rand.txt"
PLACES = ("", "mapping")  # of both files, below the folder of the labels or the two above it
RECORDED_HZ = 10  # the frame rate of the recordings


@dataclass(frozen=True)
class Origin:
    """Where F frames come from: date and drive, and the time since the start of the drive."""

    date: list[str]
    drive: list[str]
    time_s: Floats


def origin_of(folder: Path, names: Sequence[str]) -> Origin | None:
    """The origin of the frames with these numbers; None without a mapping beside the labels.

    Raises:
        RidealongError: One of the two files is missing, is malformed, or lacks a frame.
    """
    place = _place(folder)
    if place is None:
        return None
    mapping, order = place / MAPPING, place / ORDER
    lines = [line.split() for line in text_of(mapping).split("\n") if line.strip()]
    try:
        places = [int(number) for number in text_of(order).replace(",", " ").split()]
        if min(places, default=0) < 1:
            raise ValueError("places count from 1")
        found = [lines[places[int(name)] - 1] for name in names]
        dates, drives, numbers = zip(*found, strict=True)
        time_s = np.array([int(number) / RECORDED_HZ for number in numbers])
    except (ValueError, IndexError, OverflowError) as error:
        raise RidealongError(
            f"{MAPPING} and {ORDER} do not give the drive of every frame of {folder}",
            where=place,
            expected="the two files of the devkit's folder mapping",
            hint="move them away, and each frame is its own drive",
        ) from error
    return Origin(list(dates), list(drives), time_s)


def _place(folder: Path) -> Path | None:
    for above in (folder, folder.parent, folder.parent.parent):
        for below in PLACES:
            there = [name for name in FILES if (above / below / name).is_file()]
            if len(there) == 1:
                missing = ORDER if there == [MAPPING] else MAPPING
                raise RidealongError(
                    f"{there[0]} is here without {missing}",
                    where=above / below,
                    hint="drives need both files; add the other one, or remove this one",
                )
            if there:
                return above / below
    return None
