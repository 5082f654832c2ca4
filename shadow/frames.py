"""Which frames of a clip to export: every n-th, the labelled ones, or those with a loss."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ridealong.arrays import Ints
from ridealong.errors import RidealongError

EXPECTED = "'every:N' (N from 1), 'labelled' or 'loss'"


class FrameKind(StrEnum):
    """How frames are chosen."""

    EVERY = "every"  # every n-th camera set of a clip, from its first
    LABELLED = "labelled"  # frames in which boxes are labelled
    LOSS = "loss"  # frames with a share of the loss of the cells that order the clips


@dataclass(frozen=True)
class FrameChoice:
    """Which frames to export; ``step`` is the N of ``every:N``."""

    kind: FrameKind = FrameKind.EVERY
    step: int = 1

    def __str__(self) -> str:
        return f"every:{self.step}" if self.kind is FrameKind.EVERY else self.kind.value

    def of(self, times: Ints, labelled: Ints, lost: Collection[int]) -> Ints:
        """The chosen frames of a clip.

        Args:
            times: ``(T,)`` its frames, ascending, in ns.
            labelled: The labelled frames.
            lost: The frames with a share of the loss.
        """
        if self.kind is FrameKind.EVERY:
            return times[:: self.step]
        wanted = labelled if self.kind is FrameKind.LABELLED else np.array(sorted(lost), np.int64)
        return times[np.isin(times, wanted)]


EVERY_FRAME = FrameChoice()


def parse_frames(text: str) -> FrameChoice:
    """Read ``every:5``, ``labelled`` or ``loss``.

    Raises:
        RidealongError: It is something else.
    """
    if text in (FrameKind.LABELLED, FrameKind.LOSS):
        return FrameChoice(FrameKind(text))
    found = re.fullmatch(r"every:([1-9][0-9]{0,8})", text)
    if not found:
        raise RidealongError(f"--frames {text!r}", expected=EXPECTED)
    return FrameChoice(step=int(found[1]))
