"""Recordings with the same ``drive_id``: it is unknown to which of them the id belongs.

Each of them gets a trouble; other recordings are not affected. Its key is made of the whole group,
so its members are examined again when the group changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ridealong.errors import UnreadableError
from ridealong.hashing import short_hash
from ridealong.perception.recording import DriveFiles, Trouble
from ridealong.terminal.readable import listed

NAMED = 3  # files that a message names before it counts the rest


def without_clashes(found: Sequence[DriveFiles], in_lake: Mapping[str, str]) -> list[DriveFiles]:
    """The recordings; those that have another one's ``drive_id`` get a trouble.

    If the same content is found twice, it is one drive and not a clash.

    Args:
        found: The recordings.
        in_lake: For each drive in the lake, the hash of its recording, by ``drive_id``.
    """
    claims: dict[str, dict[str, DriveFiles]] = {}
    for files in found:
        claims.setdefault(files.drive_id, {}).setdefault(files.sha256, files)
    return [_judged(files, list(claims[files.drive_id].values()), in_lake) for files in found]


def _judged(
    files: DriveFiles, claims: Sequence[DriveFiles], in_lake: Mapping[str, str]
) -> DriveFiles:
    earlier = in_lake.get(files.drive_id, files.sha256)
    if files.trouble is not None:
        return files
    if earlier != files.sha256:
        trouble = UnreadableError(
            f"drive {files.drive_id!r} is already in the lake with other content",
            where=files.path,
            expected="a new drive_id",
            hint="give this recording a drive_id of its own",
        )
        return _troubled(files, trouble, [earlier])
    if len(claims) > 1 and files.drive_id not in in_lake:
        return _troubled(files, _spread(files, claims), [claim.sha256 for claim in claims])
    return files


def _troubled(files: DriveFiles, why: UnreadableError, group: Sequence[str]) -> DriveFiles:
    return replace(
        files, sha256=short_hash(files.sha256, *sorted(group)), trouble=Trouble(str(why))
    )


def _spread(files: DriveFiles, claims: Sequence[DriveFiles]) -> UnreadableError:
    names = listed([Path(claim.path).name for claim in claims], NAMED)
    return UnreadableError(
        f"drive {files.drive_id!r} is in {len(claims)} files ({names})",
        where=files.path,
        expected="each drive whole in one file, or parts of a table (part-0, part-1, …) alone in a "
        "folder",
        hint="name the files so, or give each recording a drive_id of its own",
    )
