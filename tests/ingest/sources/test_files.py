"""Hashes and names of drives."""

from pathlib import Path

import pytest

from ingest.sources.files import drive_identity, files_under, hash_files


def make(root: Path, **contents: str) -> list[Path]:
    root.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (root / name).write_text(content)
    return [root / name for name in contents]


def test_the_hash_is_of_names_and_contents(tmp_path: Path) -> None:
    files = make(tmp_path / "1", a="x", b="y")
    digest, size = hash_files(tmp_path / "1", files)
    assert size == 2
    assert hash_files(tmp_path / "1", files[::-1]) == (digest, 2)
    same = make(tmp_path / "2", a="x", b="y")
    assert hash_files(tmp_path / "2", same) == (digest, 2)
    others = [
        make(tmp_path / "3", a="y", b="x"),
        make(tmp_path / "4", a="x", c="y"),
        make(tmp_path / "5", a="xy", b=""),
        make(tmp_path / "6", a="x"),
    ]
    hashes = {hash_files(files[0].parent, files)[0] for files in others}
    assert len(hashes | {digest}) == 5


def test_a_file_that_cannot_be_read_hashes_unlike_any_that_can(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "nowhere")
    broken, size = hash_files(tmp_path, [tmp_path / "a"])
    (tmp_path / "nowhere").write_text("")
    assert size == 0 and hash_files(tmp_path, [tmp_path / "a"])[0] != broken


@pytest.mark.parametrize(
    ("name", "expected"),
    [("trip", "trip"), ("my trip|1", "my_trip_1"), ("../x", "x"), ("ü", "drive"), ("", "drive")],
)
def test_names_fit_for_paths(name: str, expected: str) -> None:
    assert drive_identity(name, "0123456789abcdef") == f"{expected}-01234567"


def test_files_under(tmp_path: Path) -> None:
    make(tmp_path, **{"b.MP4": "", "a.mp4": "", "c.txt": "", ".d.mp4": ""})
    make(tmp_path / "z.mp4", **{"e.mp4": ""})
    names = [f.relative_to(tmp_path).as_posix() for f in files_under(tmp_path, {".mp4"})]
    assert names == ["a.mp4", "b.MP4", "z.mp4/e.mp4"]
    assert files_under(tmp_path / "c.txt", {".mp4"}) == [tmp_path / "c.txt"]
