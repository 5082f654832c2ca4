"""Damage on the disk: refused in one line, whatever it hit; never hidden, never passed on."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ingest.schemas import CLIPS, DRIVES, TELEMETRY
from ridealong.errors import RidealongError
from ridealong.hashing import sha256_of
from ridealong.lake import DamagedError, Lake, files, history, log, verifying

pytestmark = pytest.mark.slow


def flip(path: Path, at: float = 0.5) -> None:
    content = bytearray(path.read_bytes())
    content[int(len(content) * at)] ^= 4
    path.write_bytes(content)


def forget() -> None:
    """As a new process: nothing is known of any file."""
    for known in (history._READ, log._LOADED, verifying._SOUND):
        known.clear()
    history._rows.cache_clear()
    files.schema_of.cache_clear()


def entries(home: Path, table: str) -> list[Path]:
    return sorted((home / table / "_delta_log").glob("*.json"))


# --- data files ---


@pytest.mark.slow
@pytest.mark.parametrize("at", [0.0, 0.3, 0.6, 0.9, 0.999])
def test_a_flip_anywhere_is_refused_even_if_the_file_was_read_before(
    lake: Lake, driver: ModuleType, at: float
) -> None:
    driver.put(lake, "a")
    snapshot = lake.snapshot()
    assert snapshot.read(TELEMETRY).num_rows == driver.ROWS
    (path,) = map(Path, snapshot.files(TELEMETRY))
    flip(path, at)
    for read in (
        lambda: snapshot.read(TELEMETRY, ["drive_id"]),
        lambda: snapshot.read("telemetry"),
        lambda: snapshot.query("SELECT count(*) FROM telemetry", TELEMETRY),
        lambda: snapshot.connect(TELEMETRY),
        lambda: snapshot.files(TELEMETRY),
    ):
        with pytest.raises(
            DamagedError, match=r"the file is damaged.*ridealong lake check"
        ) as told:
            read()
        assert str(path) in str(told.value) and "\n" not in str(told.value)
    flip(path, at)
    assert snapshot.read(TELEMETRY).num_rows == driver.ROWS


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"")])
def test_a_file_that_is_gone_or_empty_is_refused(
    lake: Lake, driver: ModuleType, damage: Callable[[Path], object]
) -> None:
    driver.put(lake, "a")
    (path,) = map(Path, lake.snapshot().files(DRIVES))
    damage(path)
    with pytest.raises(DamagedError, match=str(path)):
        lake.snapshot().read(DRIVES)


def test_a_file_is_hashed_once_and_again_when_it_changed(
    lake: Lake, driver: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        driver.put(lake, name)
    forget()
    hashed: list[str] = []

    def count(path: Path) -> str:
        hashed.append(path.parent.parent.name)
        return sha256_of(path)

    monkeypatch.setattr(verifying, "sha256_of", count)
    for _ in range(3):
        Lake.open(lake.home).snapshot().read(DRIVES)
    assert sorted(hashed) == ["commits"] * 3 + ["drives"] * 3  # telemetry was not asked for
    path = Path(lake.snapshot().files(DRIVES)[0])
    path.write_bytes(path.read_bytes())
    lake.snapshot().read(DRIVES)
    assert len(hashed) == 7
    assert lake.check().sound and len(hashed) > 7  # a check takes nothing for granted


def test_a_reader_whom_a_vacuum_overtook_is_told_so(lake: Lake, driver: ModuleType) -> None:
    driver.put(lake, "a")
    before = lake.snapshot()
    lake.erase_vehicle("vehicle-a")
    lake.vacuum(0)
    with pytest.raises(RidealongError, match=r"a vacuum removed the file .* run it again"):
        before.read(DRIVES)


def test_many_damaged_files_are_one_line(lake: Lake, driver: ModuleType) -> None:
    for number in range(verifying._FEW_FILES + 2):  # so many are hashed by threads
        driver.put(lake, f"n{number}")
    for path in map(Path, lake.snapshot().files(DRIVES)[:3]):
        flip(path)
    with pytest.raises(DamagedError, match=r"\(and 2 more\)"):
        lake.snapshot().read(DRIVES)


# --- commands that rewrite and remove ---


@pytest.mark.parametrize("table", ["drives", "telemetry", "clips"])
def test_a_rewrite_never_gives_damage_a_new_name(
    lake: Lake, driver: ModuleType, table: str
) -> None:
    for name in "ab":
        driver.put(lake, name)
    path = Path(lake.snapshot().files(table)[0])
    flip(path)
    for rewrite in (lake.compact, lambda: lake.erase_vehicle("vehicle-a")):
        with pytest.raises(DamagedError, match=path.name):
            rewrite()
    assert {finding.path for finding in lake.check().errors} == {
        path.relative_to(lake.home).as_posix()
    }


def test_a_vacuum_keeps_the_blobs_of_a_damaged_table(lake: Lake, driver: ModuleType) -> None:
    driver.put(lake, "a")
    (path,) = map(Path, lake.snapshot().files(CLIPS))
    flip(path, 0.2)
    with pytest.raises(DamagedError):
        lake.vacuum(0)
    assert len(list(lake.home.glob("blobs/*/*.mcap"))) == 1


def test_a_blob_is_hashed_before_it_is_used(lake: Lake, driver: ModuleType) -> None:
    driver.put(lake, "a")
    blobs = lake.snapshot().read(CLIPS)["blob"].to_pylist()
    assert lake.path(blobs[0]).is_file() and lake.damaged(blobs) == {}
    flip(lake.home / blobs[0])
    with pytest.raises(DamagedError):
        lake.path(blobs[0])
    found = lake.damaged([*blobs, "blobs/x/y.mcap"])
    assert list(found) == [blobs[0], "blobs/x/y.mcap"]
    assert "damaged" in found[blobs[0]] and "missing" in found["blobs/x/y.mcap"]


# --- the table of commits, and Delta's logs ---


@pytest.mark.parametrize(
    "damage",
    [Path.unlink, lambda path: path.write_bytes(b""), lambda path: edit(path, '"add"', '"adD"')],
    ids=["gone", "empty", "unknown action"],
)
@pytest.mark.parametrize("place", [-1, -2], ids=["newest", "earlier"])
def test_a_commit_that_the_log_lost_is_missed(
    lake: Lake, driver: ModuleType, place: int, damage: Callable[[Path], object]
) -> None:
    for name in "abc":
        driver.put(lake, name)
    damage(entries(lake.home, "commits")[place])
    forget()
    with pytest.raises(RidealongError, match=r"commit .* is missing|cannot be read") as told:
        Lake.open(lake.home).snapshot()
    assert "commits" in str(told.value) and "\n" not in str(told.value)
    assert [(finding.kind, finding.path) for finding in lake.check().errors] == [("log", "commits")]


def edit(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new))


def test_the_note_of_the_newest_commit_may_be_lost(lake: Lake, driver: ModuleType) -> None:
    driver.put(lake, "a")
    note = lake.home / "commits" / history.NEWEST
    for damage in (Path.unlink, lambda path: path.write_text("9 nonsense"), Path.touch):
        damage(note)
        forget()
        assert "a" in lake.snapshot().sources()
    driver.put(lake, "b")
    assert note.read_text().split()[0] == "2"


def test_a_damaged_log_of_another_table_is_written_anew(
    lake: Lake, driver: ModuleType, whole: Any
) -> None:
    for name in "ab":
        driver.put(lake, name)
    entries(lake.home, "drives")[-1].write_text("{")
    forget()
    with pytest.raises(RidealongError, match="remove its folder _delta_log"):
        lake.snapshot().read(DRIVES)
    for path in (lake.home / "drives" / "_delta_log").iterdir():
        path.unlink()
    (lake.home / "drives" / "_delta_log").rmdir()
    driver.put(lake, "c")
    lake.vacuum(60)
    assert whole(lake.snapshot()) == {"a", "b", "c"}
    assert (lake.check().errors, lake.check().remarks) == ((), ())


def test_a_home_without_the_note_is_read(lake: Lake, driver: ModuleType) -> None:
    """As an earlier version left it: one file a commit, and no note."""
    driver.put(lake, "a")
    (lake.home / "commits" / history.NEWEST).unlink()
    forget()
    assert json.loads(lake.snapshot().commits()["counts"][0].as_py()) == {"drives": 1}
