"""What commands know of the queue before they load anything else: its states and figures."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from ridealong.terminal.readable import counted

# What clips are ranked by, each the same.
FIGURES = ("loss", "disagreement", "uncertainty", "rarity")


class State(StrEnum):
    """What became of a clip in the queue."""

    QUEUED = "queued"
    EXPORTED = "exported"
    IMPORTED = "imported"
    REMOVED = "removed"


def added_sentence(report: Mapping[str, Any]) -> str:
    """What was added and left out, from the document of ``labels queue add --json``."""
    done = "would add" if report["dry_run"] else "added"
    text = f"{done} {counted(len(report['added']), 'clip')} to the queue"
    alike, there = len(report["near_duplicates"]), len(report["already_there"])
    if alike:
        text += f", left out {counted(alike, 'near-duplicate')}"
    if there:
        text += f"; {counted(there, 'clip')} {'is' if there == 1 else 'are'} in the queue already"
    return text
