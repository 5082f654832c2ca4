"""Versions of the labels of clips: which there are, and where.

The first version is that which the clip was cut with, in the clip's file. An import adds a version
as a file of its own. A version is named by the hash of its file.
"""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from ingest.schemas import CLIP_LABELS
from ridealong.lake import Snapshot

DIGITS = 16  # of a hash, enough to tell apart what one home holds

# SQL: the newest version of the labels of each clip that has any besides the first.
LABELS_BY_CLIP = """
    select clip_id, arg_max(blob, time_ns) as labels_blob from clip_labels group by clip_id
"""


def version_in(blob: str | None) -> str:
    """The version of the labels in a file; empty for no file."""
    return PurePosixPath(blob or "").stem[:DIGITS]


def newest_labels(snapshot: Snapshot) -> dict[str, str]:
    """By clip, the file of its newest labels; clips with the first version are left out."""
    rows = snapshot.query(LABELS_BY_CLIP, CLIP_LABELS).to_pylist()
    return {row["clip_id"]: row["labels_blob"] for row in rows}


def labels_blob(snapshot: Snapshot, clip: Mapping[str, Any], version: str) -> str | None:
    """The file of a version of a clip's labels; None if it is in the clip's own file.

    Args:
        snapshot: The lake.
        clip: A row of the table clips.
        version: The version.
    """
    if version == version_in(clip["blob"]):
        return None
    rows = snapshot.query(
        "select blob from clip_labels where clip_id = ? and version = ?",
        CLIP_LABELS,
        params=[clip["clip_id"], version],
    ).to_pylist()
    return rows[0]["blob"] if rows else None
