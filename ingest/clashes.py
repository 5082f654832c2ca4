"""Recordings that claim a ``drive_id`` which another one has: nobody can say whose it is.

Each of them gets its trouble, and the others stand. Its key is that of the whole group: once the
group changes, its members are looked at again.
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
    """The recordings, those with their trouble that claim a drive of another's.

    The same content found twice is one drive, and no clash.

    Args:
        found: The recordings.
        in_lake: Hash of the recording that each drive in the lake came from, by ``drive_id``.
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
        f"drive {files.drive_id!r} is spread over {len(claims)} files ({names}), "
        "and parts of one drive are not joined yet",
        where=files.path,
        expected="each drive whole in one file",
        hint="write its rows, in time, into one file, or give each recording a drive_id of its own",
    )
