"""The dialog that exports clips: names of folders, the command, and the preview."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dashboard import exporting
from dashboard.actions.jobs import State
from dashboard.exporting import Choice, folder_for
from ridealong.errors import RidealongError
from shadow.commands.labels import labels_export

CELL = ("objects/car@main", "f1", "light=night")


@pytest.mark.parametrize("name", ["night", "2026-11-29-a1b2c3", "A.b_c-1", "x" * 60])
def test_a_name_becomes_a_folder_below_the_exports(tmp_path: Path, name: str) -> None:
    assert folder_for(tmp_path, name) == tmp_path / "exports" / name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../night", "a/b", "/etc", "-rf", ".hidden", "a b", "ä", "x" * 61, "a\n"],
)
def test_what_could_leave_the_folder_is_no_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(RidealongError, match="cannot be the name of an export"):
        folder_for(tmp_path, name)


def test_an_export_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "exports" / "night").mkdir(parents=True)
    with pytest.raises(RidealongError, match="there is an export 'night' already"):
        folder_for(tmp_path, "night")
    assert exporting._free_name(tmp_path, "night") == "night-2"
    assert exporting._free_name(tmp_path, "day") == "day"


def test_nor_is_one_that_is_being_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "exports" / "night"
    job = SimpleNamespace(command=("labels", "export", "--out", str(out)), state=State.RUNNING)
    monkeypatch.setattr(exporting.jobs, "all_jobs", lambda: [job])
    with pytest.raises(RidealongError, match="already"):
        folder_for(tmp_path, "night")
    job.state = State.STOPPED
    assert folder_for(tmp_path, "night") == out


def test_the_command_says_what_was_chosen(tmp_path: Path) -> None:
    choice = Choice("run1", "coco", 7, CELL, ("a", "o'b"), "every:5", ("main", "wide"))
    choice = replace(choice, families=("objects", "lanes"))
    words = choice.command(tmp_path)
    given = dict(zip(words[2::2], words[3::2], strict=True))
    assert words[:2] == ["labels", "export"]
    assert given == {
        "--run": "run1",
        "--format": "coco",
        "--limit": "7",
        "--out": str(tmp_path),
        "--prediction": CELL[0],
        "--metric": CELL[1],
        "--slice": CELL[2],
        "--where": "clip_id in ('a', 'o''b')",
        "--frames": "every:5",
        "--cameras": "main,wide",
        "--families": "objects,lanes",
    }
    known = labels_export.__annotations__
    assert {option.removeprefix("--") for option in given} - {"format", "slice", "families"} <= set(
        known
    )


def test_without_choices_the_command_is_short(tmp_path: Path) -> None:
    words = Choice("run1", "mcap", 10).command(tmp_path)
    assert "--where" not in words and "--frames" not in words and "--cameras" not in words


def test_the_preview_is_what_the_command_would_write(demo_home: Path, ask: Any) -> None:
    run = ask("shadow", "runs", "list", "--home", demo_home)[0]["run"]
    choice = Choice(run, "coco", 2, frames="every:5", cameras=("main",))
    request = choice.request(demo_home / "exports/new")
    found = exporting.preview_export(exporting.Lake.open(demo_home), request, "coco")
    words = choice.command(demo_home / "exports/new")
    assert found == ask("--home", demo_home, *words, "--dry-run")
    assert found["clips"] == 2 and found["images"] and found["megabytes"] > 0
    assert not (demo_home / "exports").exists()
    about = exporting._size(found)
    assert about.startswith("2 clips, ") and ", about " in about and about.endswith(" MB")


def test_dense_frames_with_a_loss_are_counted_only_when_asked_for() -> None:
    assert exporting._runs_networks(Choice("r", "coco", 1, ("bev/road", "iou", "all"), (), "loss"))
    assert not exporting._runs_networks(Choice("r", "coco", 1, CELL, (), "loss"))
    assert not exporting._runs_networks(Choice("r", "coco", 1, None, (), "every:1"))
