"""What is found below a path: every kind of log, regular files alone, a bad file by itself."""

import os
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.clashes import without_clashes
from ingest.discovery import find_drives
from ridealong.errors import RidealongError
from ridealong.lake import Lake
from ridealong.perception.recording import DriveFiles

EXAMPLES = Path(__file__).parents[2] / "examples"
VIDEO = EXAMPLES / "udacity_highway_video" / "solidWhiteRight.mp4"
SEGMENT = EXAMPLES / "comma2k19_first30s"


def write(path: Path, drive_id: list[str] | None = None, start_ns: int = 0) -> Path:
    """Three rows; of that drive, if it is named."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns: dict[str, object] = {"timestamp_ns": [start_ns + n for n in range(3)]}
    if drive_id:
        columns["drive_id"] = drive_id
    pq.write_table(pa.table(columns), path)
    return path


def by_name(drives: Sequence[DriveFiles]) -> dict[str, DriveFiles]:
    return {Path(files.path).name: files for files in drives}


def test_every_kind_of_log_in_one_folder(tmp_path: Path) -> None:
    shutil.copy(VIDEO, tmp_path / "trip.mp4")
    write(tmp_path / "trip.parquet")
    shutil.copytree(SEGMENT, tmp_path / "deep" / "comma")
    (tmp_path / "trip.drive.yaml").write_text("country: DE")
    (tmp_path / "notes.txt").touch()
    (tmp_path / ".hidden.mp4").touch()
    found = find_drives(tmp_path)
    # The segment's own video is part of it, and no drive of its own.
    assert sorted(files.source for files in found.drives) == ["comma2k19", "parquet", "video"]
    assert [path.name for path in found.ignored if path.parent == tmp_path] == ["notes.txt"]
    assert all(files.trouble is None for files in found.drives)
    only = find_drives(tmp_path, "video").drives
    assert "trip.mp4" in by_name(only) and {files.source for files in only} == {"video"}


def test_a_named_file_is_taken_by_a_named_source(tmp_path: Path) -> None:
    odd = tmp_path / "trip.data"
    write(odd)
    assert [files.path for files in find_drives(odd, "parquet").drives] == [str(odd)]
    with pytest.raises(RidealongError, match="no kind of log that is known; expected one of"):
        find_drives(odd)


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    write(tmp_path / "good.parquet")
    os.mkfifo(tmp_path / "pipe.parquet")
    (tmp_path / "endless.parquet").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "socket.mp4"))
    (tmp_path / "nowhere.mp4").symlink_to(tmp_path / "gone")
    write(tmp_path / "folder.parquet" / "inner.parquet", start_ns=9)
    os.mkfifo(tmp_path / "beside.drive.yaml")
    write(tmp_path / "beside.parquet")
    found = by_name(find_drives(tmp_path).drives)
    reasons = {name: files.trouble.reason for name, files in found.items() if files.trouble}
    assert set(found) - set(reasons) == {"good.parquet", "inner.parquet"}
    assert "is a named pipe; expected a regular file" in reasons["pipe.parquet"]
    assert "is a device" in reasons["endless.parquet"]
    assert "is a socket" in reasons["socket.mp4"]
    assert "no such file" in reasons["nowhere.mp4"].lower()
    assert "beside.drive.yaml: is a named pipe" in reasons["beside.parquet"]
    assert not any(files.trouble and files.trouble.may_pass for files in found.values())


def test_a_pipe_within_a_folder_that_is_one_log(tmp_path: Path) -> None:
    folder = tmp_path / "b0c9d2329ad1606b_2018-08-02--08-34-47" / "40"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "video.hevc")
    [files] = find_drives(tmp_path).drives
    assert files.trouble is not None and "named pipe" in files.trouble.reason


def test_names_and_ids_that_are_not_utf_8(tmp_path: Path) -> None:
    write(tmp_path / "good.parquet")
    write(tmp_path / "trip.parquet").rename(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.parquet"))
    raw = pa.Array.from_buffers(pa.string(), 3, pa.array([b"\xff\xfe"] * 3, pa.binary()).buffers())
    table = pa.table({"timestamp_ns": [0, 1, 2], "drive_id": raw})
    pq.write_table(table, tmp_path / "ids.parquet")
    found = find_drives(tmp_path).drives
    assert len(found) == 3  # whoever opens the one with the ids says what is wrong with them
    assert [str(files.trouble) for files in found if "not UTF-8" in str(files.trouble)]
    for files in found:
        files.path.encode(), files.drive_id.encode()  # they go into tables


def test_a_drive_in_several_files_is_nobodys_and_the_others_stand(tmp_path: Path) -> None:
    for part in range(4):
        write(tmp_path / f"part-{part}.parquet", ["trip7"] * 3, start_ns=part * 10)
    write(tmp_path / "other.parquet", ["trip8"] * 3)
    write(tmp_path / "copy" / "other.parquet", ["trip8"] * 3)  # the same again: no clash
    found = by_name(without_clashes(find_drives(tmp_path).drives, {}))
    assert found["other.parquet"].trouble is None
    troubled = {name: files for name, files in found.items() if files.trouble}
    assert sorted(troubled) == [f"part-{part}.parquet" for part in range(4)]
    reason = troubled["part-1.parquet"].trouble.reason
    assert "'trip7' is in 4 files (part-0.parquet, part-1" in reason and "1 more" in reason
    (tmp_path / "part-3.parquet").unlink()
    fewer = by_name(without_clashes(find_drives(tmp_path).drives, {}))
    assert fewer["part-1.parquet"].sha256 != found["part-1.parquet"].sha256  # another group


def test_a_folder_that_may_not_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a" / "good.parquet")
    (tmp_path / "b").mkdir()
    listed = Path.iterdir

    def closed(folder: Path) -> object:
        if folder.name == "b":
            raise PermissionError(13, "Permission denied", str(folder))
        return listed(folder)

    monkeypatch.setattr(Path, "iterdir", closed)
    good, bad = find_drives(tmp_path).drives
    assert good.trouble is None and bad.trouble is not None
    assert bad.trouble.may_pass and bad.trouble.reason.endswith("b: Permission denied")


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "a" / "good.parquet")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    found = find_drives(tmp_path)
    assert len(found.drives) == 1
    assert found.notes() == [f"skipped, a link to a folder: {tmp_path / 'a' / 'up'}"]


def test_nothing_there(tmp_path: Path) -> None:
    for source in (None, "video"):
        with pytest.raises(RidealongError, match="no such file or folder"):
            find_drives(tmp_path / "none", source)
    with pytest.raises(RidealongError, match="no kind of log that is known; expected one of"):
        find_drives(tmp_path)
    with pytest.raises(RidealongError, match="no log of the source 'video'"):
        find_drives(tmp_path, "video")


def test_a_lake_in_the_folder_is_no_log(tmp_path: Path) -> None:
    write(tmp_path / "trip.parquet")
    Lake.create(tmp_path / "ridealong-home")
    write(tmp_path / "ridealong-home" / "telemetry" / "x.parquet")
    assert len(find_drives(tmp_path).drives) == 1
