"""What commands know of the queue before they load anything else: its states and figures."""

from enum import StrEnum

# What clips are ranked by, each the same.
FIGURES = ("loss", "disagreement", "uncertainty", "rarity")


class State(StrEnum):
    """What became of a clip in the queue."""

    QUEUED = "queued"
    EXPORTED = "exported"
    IMPORTED = "imported"
    REMOVED = "removed"
