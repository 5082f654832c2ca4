"""Tags of clips: words that people give them, to find them by.

Each change of a tag is a row, so two people can change tags of one clip at the same time.
"""

import time
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from ingest.schemas import CLIP_TAGS, CLIPS
from ridealong.errors import RidealongError
from ridealong.lake import Lake, Snapshot, write_data_file
from ridealong.lake.listing import find_row

LONGEST_TAG = 40
MOST_TAGS = 32  # of one clip

# SQL: the tags of each clip that has any, in alphabetical order.
TAGS_BY_CLIP = """
    select clip_id, list(tag order by tag) as tags from (
        select clip_id, tag from clip_tags group by clip_id, tag having arg_max(given, time_ns))
    group by clip_id
"""

Tags = dict[str, list[str]]


def tags_of(snapshot: Snapshot, clip_ids: Sequence[str] | None = None) -> Tags:
    """The tags of clips, by clip id.

    Args:
        snapshot: The lake.
        clip_ids: Which clips; each of them is in the answer. All that have tags by default.
    """
    rows = snapshot.query(TAGS_BY_CLIP, CLIP_TAGS).to_pylist()
    found = {row["clip_id"]: row["tags"] for row in rows}
    return found if clip_ids is None else {one: found.get(one, []) for one in clip_ids}


def tag_clips(
    lake: Lake, clips: Sequence[str], add: Iterable[str] = (), remove: Iterable[str] = ()
) -> Tags:
    """Add and remove tags of clips in one commit.

    Args:
        lake: The lake.
        clips: Their ids, or unique prefixes of them.
        add: Tags to add; a clip may have them already.
        remove: Tags to remove; a clip need not have them.

    Returns:
        The tags that each of the clips has now.

    Raises:
        RidealongError: A clip is unknown, a text cannot be a tag, or a clip would have too many.
    """
    adding, removing = _checked(add), _checked(remove)
    if both := sorted(set(adding) & set(removing)):
        raise RidealongError(f"the tag {both[0]!r} is to be both added and removed")
    snapshot = lake.snapshot()
    before = tags_of(snapshot, known_clips(snapshot, clips))
    after = {
        clip_id: sorted((set(tags) | set(adding)) - set(removing))
        for clip_id, tags in before.items()
    }
    _require_few(after)
    _write(lake, before, after)
    return after


def known_clips(snapshot: Snapshot, clips: Sequence[str]) -> list[str]:
    """The ids of clips that are given by id or by a unique prefix, each once.

    Raises:
        RidealongError: A clip is unknown, or a prefix fits several.
    """
    known = set(snapshot.read(CLIPS, ["clip_id"])["clip_id"].to_pylist())
    ids = (
        clip if clip in known else str(find_row(snapshot, CLIPS, "clip_id", clip)["clip_id"])
        for clip in clips
    )
    return list(dict.fromkeys(ids))


def parse_tags(text: str) -> list[str]:
    """The tags in a text that separates them by commas."""
    return [tag for part in text.split(",") if (tag := part.strip())]


def _checked(tags: Iterable[str]) -> list[str]:
    stripped = list(dict.fromkeys(tag.strip() for tag in tags))
    for tag in stripped:
        unseen = any(unicodedata.category(character)[0] == "C" for character in tag)
        if not 0 < len(tag) <= LONGEST_TAG or unseen or "," in tag:
            raise RidealongError(
                f"{tag!r} cannot be a tag",
                expected=f"1 to {LONGEST_TAG} characters without a comma or control characters",
            )
    return stripped


def _require_few(tags: Mapping[str, Sequence[str]]) -> None:
    for clip_id, names in tags.items():
        if len(names) > MOST_TAGS:
            raise RidealongError(
                f"clip {clip_id} would have {len(names)} tags",
                expected=f"at most {MOST_TAGS}",
                hint="remove some first",
            )


def _write(lake: Lake, before: Tags, after: Tags) -> None:
    now_ns = time.time_ns()
    rows = [
        {"clip_id": clip_id, "tag": tag, "given": tag in after[clip_id], "time_ns": now_ns}
        for clip_id in before
        for tag in sorted(set(before[clip_id]) ^ set(after[clip_id]))
    ]
    commit_id = lake.new_commit_id()
    table = pa.Table.from_pylist(rows, schema=CLIP_TAGS.schema)
    if file := write_data_file(lake.home, commit_id, CLIP_TAGS, table):
        lake.commit(commit_id, "clips tag", [file])
