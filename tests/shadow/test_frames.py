"""Which frames are chosen, by hand."""

import numpy as np
import pytest

from ridealong.errors import RidealongError
from shadow.frames import EVERY_FRAME, FrameChoice, FrameKind, parse_frames

TIMES = np.arange(0, 100, 10)
LABELLED = np.array([0, 50, 55, 90])  # 55 is a time of which there is no frame


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("every:1", list(range(0, 100, 10))),
        ("every:4", [0, 40, 80]),
        ("every:100", [0]),
        ("labelled", [0, 50, 90]),
        ("loss", [20, 70]),
    ],
)
def test_frames_of_a_clip(text: str, chosen: list[int]) -> None:
    choice = parse_frames(text)
    assert str(choice) == text
    assert choice.of(TIMES, LABELLED, {70: 0.1, 20: 0.2}).tolist() == chosen


def test_no_frames() -> None:
    none = TIMES[:0]
    for choice in (EVERY_FRAME, FrameChoice(FrameKind.LABELLED), FrameChoice(FrameKind.LOSS)):
        assert choice.of(none, none, {}).tolist() == []


@pytest.mark.parametrize(
    "text", ["", "every", "every:0", "every:-2", "every:1e3", "all", "every: 2"]
)
def test_what_is_no_choice_is_refused(text: str) -> None:
    with pytest.raises(RidealongError, match=r"'every:N' \(N from 1\), 'labelled' or 'loss'"):
        parse_frames(text)
