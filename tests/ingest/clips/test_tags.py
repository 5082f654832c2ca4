"""Tags and notes of clips: given, taken away, found again; what cannot be one is refused."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ingest.clips.notes import LONGEST_NOTE, note_clip, note_of, replace_note
from ingest.clips.tags import LONGEST_TAG, MOST_TAGS, parse_tags, tag_clips, tags_of
from ingest.listing import list_clips
from ingest.schemas import CLIP_NOTES, CLIP_TAGS, CLIPS, DRIVES
from ridealong.errors import RidealongError
from ridealong.lake import Lake, write_data_file


@pytest.fixture
def lake(home: Path) -> Lake:
    """A home with three clips of one drive, aa1, aa2 and b, and nothing else."""
    lake = Lake.create(home)
    commit_id = lake.new_commit_id()
    clips = [
        {"clip_id": clip_id, "drive_id": "d", "start_ns": place}
        for place, clip_id in enumerate(("aa1", "aa2", "b"))
    ]
    tables = {CLIPS: clips, DRIVES: [{"drive_id": "d", "vehicle_id": "v"}]}
    files = [
        write_data_file(home, commit_id, spec, pa.Table.from_pylist(rows, schema=spec.schema))
        for spec, rows in tables.items()
    ]
    lake.commit(commit_id, "test", [file for file in files if file])
    return lake


def refusal(function: Any, *arguments: Any) -> str:
    with pytest.raises(RidealongError) as refused:
        function(*arguments)
    return str(refused.value)


def test_tags_are_added_removed_and_found(lake: Lake) -> None:
    assert tag_clips(lake, ["aa1", "b"], ["glare", " wet road "]) == {
        "aa1": ["glare", "wet road"],
        "b": ["glare", "wet road"],
    }
    assert tag_clips(lake, ["b", "aa2", "b"], ["todo"], ["glare"]) == {
        "b": ["todo", "wet road"],
        "aa2": ["todo"],
    }
    snapshot = lake.snapshot()
    assert tags_of(snapshot, ["aa1", "none"]) == {"aa1": ["glare", "wet road"], "none": []}
    assert list_clips(snapshot, tags=["wet road"])["clip_id"].to_pylist() == ["aa1", "b"]
    assert list_clips(snapshot, tags=["wet road", "todo"])["clip_id"].to_pylist() == ["b"]
    assert list_clips(snapshot, "contains(tags, 'todo')")["clip_id"].to_pylist() == ["aa2", "b"]


def test_what_changes_nothing_is_not_written(lake: Lake) -> None:
    tag_clips(lake, ["aa1"], ["glare"])
    before = lake.snapshot()
    assert tag_clips(lake, ["aa1"], ["glare"], ["never had"]) == {"aa1": ["glare"]}
    assert len(lake.snapshot().history.commits) == len(before.history.commits)


def test_a_tag_that_was_removed_can_come_back(lake: Lake) -> None:
    for add, remove in ((["x"], []), ([], ["x"]), (["x"], [])):
        tag_clips(lake, ["b"], add, remove)
    assert tags_of(lake.snapshot()) == {"b": ["x"]}
    assert lake.snapshot().read(CLIP_TAGS)["given"].to_pylist() == [True, False, True]


@pytest.mark.parametrize("tag", ["", "  ", "a,b", "two\nlines", "\x1b[31m", "x" * 41, "\udc80"])
def test_texts_that_cannot_be_a_tag(lake: Lake, tag: str) -> None:
    assert f"1 to {LONGEST_TAG} characters" in refusal(tag_clips, lake, ["b"], [tag])
    assert lake.snapshot().read(CLIP_TAGS).num_rows == 0


def test_mistakes_with_tags_change_nothing(lake: Lake) -> None:
    assert "unknown clip 'c'" in refusal(tag_clips, lake, ["b", "c"], ["x"])
    assert "ambiguous" in refusal(tag_clips, lake, ["aa"], ["x"])
    assert "both added and removed" in refusal(tag_clips, lake, ["b"], ["x"], [" x "])
    many = [str(number) for number in range(MOST_TAGS + 1)]
    assert f"at most {MOST_TAGS}" in refusal(tag_clips, lake, ["b"], many)
    assert tags_of(lake.snapshot()) == {}


def test_tags_in_a_text() -> None:
    assert parse_tags(" glare, wet road,,") == ["glare", "wet road"]
    assert parse_tags("") == []


def test_a_note_is_given_replaced_and_removed(lake: Lake) -> None:
    assert note_clip(lake, "aa1", "  first\nsecond ") == ("aa1", "first\nsecond")
    note_clip(lake, "b", "of b")
    assert note_clip(lake, "b", " ") == ("b", None)
    snapshot = lake.snapshot()
    assert [note_of(snapshot, one) for one in ("aa1", "aa2", "b")] == ["first\nsecond", None, None]
    assert list_clips(snapshot)["note"].to_pylist() == ["first\nsecond", None, None]
    assert list_clips(snapshot, "note is not null")["clip_id"].to_pylist() == ["aa1"]


def test_notes_that_are_refused(lake: Lake) -> None:
    assert f"at most {LONGEST_NOTE}" in refusal(note_clip, lake, "b", "x" * (LONGEST_NOTE + 1))
    assert "control characters" in refusal(note_clip, lake, "b", "\x1b[2J")
    assert "unknown clip" in refusal(note_clip, lake, "c", "text")
    assert lake.snapshot().read(CLIP_NOTES).num_rows == 0


def test_the_second_of_two_writers_is_told(lake: Lake) -> None:
    replace_note(lake, "b", None, "mine")
    assert "it is now 'mine'" in refusal(replace_note, lake, "b", None, "other")
    replace_note(lake, "b", "mine", "")
    assert "removed meanwhile" in refusal(replace_note, lake, "b", "mine", "other")


def test_a_vehicle_goes_with_its_tags_and_notes(lake: Lake) -> None:
    tag_clips(lake, ["b"], ["x"])
    note_clip(lake, "b", "text")
    lake.erase_vehicle("v")
    snapshot = lake.snapshot()
    assert snapshot.read(CLIP_TAGS).num_rows == snapshot.read(CLIP_NOTES).num_rows == 0


def test_the_commands(lake: Lake, ask: Any, program: Any) -> None:
    home = ("--home", lake.home)
    tagged = ask("clips", "tag", "aa1", "b", "--add", "glare,wet road", *home)
    assert tagged == [{"clip_id": one, "tags": ["glare", "wet road"]} for one in ("aa1", "b")]
    assert ask("clips", "note", "aa1", "look here", *home) == {
        "clip_id": "aa1",
        "note": "look here",
    }
    (row,) = ask("clips", "list", "--tag", "glare", "--where", "note is not null", *home)
    assert (row["clip_id"], row["tags"], row["note"]) == ("aa1", ["glare", "wet road"], "look here")
    refused = program("clips", "tag", "b", *home)
    assert refused.returncode == 2 and "--add" in refused.stderr
    refused = program("clips", "tag", "nope", "--add", "x", *home)
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1
