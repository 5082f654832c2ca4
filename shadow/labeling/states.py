"""The states of a clip in the queue; commands need them before they load anything else."""

from enum import StrEnum


class State(StrEnum):
    """What became of a clip in the queue."""

    QUEUED = "queued"
    EXPORTED = "exported"
    IMPORTED = "imported"
    REMOVED = "removed"
