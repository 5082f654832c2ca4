"""Export folders: whole or not at all, and nobody's work is overwritten."""

import json
import signal
import subprocess
import sys

import pytest

from ingest.labels.folder import MANIFEST, check_replaceable, export_folder
from ridealong.errors import RidealongError

SLOW_WRITER = """
import sys, time
from pathlib import Path
from ingest.labels.folder import export_folder
with export_folder(Path(sys.argv[1]), "test") as partial:
    (partial / "half.txt").write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""


def write(target, text="text", name="file.txt"):
    with export_folder(target, "test") as partial:
        (partial / "inner").mkdir()
        (partial / "inner" / name).write_text(text)


def contents(folder):
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_an_earlier_export_is_replaced_and_nothing_else_is(tmp_path):
    write(tmp_path / "out", "old")
    write(tmp_path / "out", "new")
    assert (tmp_path / "out/inner/file.txt").read_text() == "new"
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("touch", ["edit", "add", "remove"])
def test_an_export_that_somebody_worked_in_is_kept(tmp_path, touch):
    out = tmp_path / "out"
    write(out)
    if touch == "edit":
        (out / "inner/file.txt").write_text("{}")
    elif touch == "add":
        (out / "notes.txt").write_text("mine")
    else:
        (out / "inner/file.txt").unlink()
    before = contents(out)
    with pytest.raises(RidealongError, match=r"changed since.*name another folder"):
        write(out)
    assert contents(out) == before


def test_foreign_targets_are_refused_and_an_empty_folder_is_fine(tmp_path):
    file, full, broken = tmp_path / "file", tmp_path / "full", tmp_path / "broken"
    file.write_text("x")
    for folder, name in ((full, "thesis.tex"), (broken, MANIFEST)):
        folder.mkdir()
        (folder / name).write_text("[]")
        for refuses in (check_replaceable, write):
            with pytest.raises(RidealongError, match="not an export of ridealong"):
                refuses(folder)
    with pytest.raises(RidealongError, match="is a file"):
        write(file)
    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty")
    write(tmp_path / "with | space" / "[deep]*")
    write(tmp_path / "with | space" / "[deep]*")


def test_what_appears_at_the_target_meanwhile_is_kept(tmp_path):
    out = tmp_path / "out"
    with (
        pytest.raises(RidealongError, match="not an export of ridealong"),
        export_folder(out, "test") as partial,
    ):
        (partial / "file.txt").write_text("ours")
        out.mkdir()
        (out / "thesis.tex").write_text("mine")
    assert names(tmp_path) == ["out"] and names(out) == ["thesis.tex"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    for text in ("old", "new"):
        write(tmp_path / "link", text)
    assert (tmp_path / "real/inner/file.txt").read_text() == "new"
    assert (tmp_path / "link").is_symlink() and names(tmp_path) == ["link", "real"]


def test_the_manifest_says_what_was_written(tmp_path):
    write(tmp_path / "out")
    told = json.loads((tmp_path / "out" / MANIFEST).read_text())
    assert told["format"] == "test" and list(told["files"]) == ["inner/file.txt"]


def test_what_a_killed_export_left_goes_with_the_next_and_a_live_one_stays(tmp_path, repository):
    out = tmp_path / "out"
    writer = subprocess.Popen(
        [sys.executable, "-c", SLOW_WRITER, str(out)],
        stdout=subprocess.PIPE,
        cwd=repository,
    )
    assert writer.stdout and writer.stdout.readline() == b"writing\n"
    write(out)  # beside one that still writes
    assert [name.startswith(".out.partial-") for name in names(tmp_path)] == [True, False]
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    assert len(names(tmp_path)) == 2  # half an export, hidden, without a manifest
    write(out)
    assert names(tmp_path) == ["out"]


def test_an_earlier_export_left_aside_by_a_kill_goes_once_there_is_a_new_one(tmp_path):
    write(tmp_path / "out", "old")
    (tmp_path / "out").rename(tmp_path / ".out.earlier-1")
    write(tmp_path / "out", "new")
    write(tmp_path / "out", "newer")
    assert names(tmp_path) == ["out"]
