"""The lake on small cases: what is committed is there, and nothing else; mistakes are told."""

import errno
import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from ingest.schemas import CLIPS, DRIVES, EVENTS, TELEMETRY
from ridealong.errors import RidealongError
from ridealong.lake import (
    AlreadyCommittedError,
    Lake,
    history,
    scratch_folder,
    write_blob,
    write_data_file,
)
from ridealong.lake.files import conform
from ridealong.lake.rewriting import bins
from ridealong.lake.tables import TableSpec, column

pytestmark = pytest.mark.slow


POINTS = TableSpec(
    "points",
    pa.schema([column("name", pa.string(), "a name"), column("x.y", pa.int32(), "a number", "m")]),
    order=("name",),
)


def points(**values: int) -> pa.Table:
    rows = [{"name": name, "x.y": value} for name, value in values.items()]
    return pa.Table.from_pylist(rows, schema=POINTS.schema)


def put_points(lake: Lake, source: str, **values: int) -> str:
    commit_id = lake.new_commit_id()
    file = write_data_file(lake.home, commit_id, POINTS, points(**values))
    lake.commit(commit_id, "test", [file] if file else [], [source])
    return commit_id


# --- the home ---


def test_create_is_idempotent_and_open_finds_it(home: Path) -> None:
    put_points(Lake.create(home), "s", a=1)
    assert Lake.create(home).snapshot().read(POINTS).num_rows == 1
    assert Lake.open(home).snapshot().tables() == ["points"]


def test_create_takes_up_a_home_that_was_killed_while_it_was_made(home: Path) -> None:
    Lake.create(home)
    (home / "home.json").unlink()
    (home / ".tmp-0123").write_text("{")
    put_points(Lake.create(home), "s", a=1)
    assert "s" in Lake.open(home).snapshot().sources()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such folder"),
        ({}, "not a home of ridealong"),
        ({"home.json": "no JSON"}, "not a home of ridealong"),
        ({"home.json": "[]"}, "not a home of ridealong"),
        ({"home.json": '{"format": 2}'}, "newer ridealong"),
    ],
)
def test_open_refuses(home: Path, content: dict[str, str] | None, words: str) -> None:
    if content is not None:
        home.mkdir()
        for name, text in content.items():
            (home / name).write_text(text)
    with pytest.raises(RidealongError, match=words) as caught:
        Lake.open(home)
    assert str(home) in str(caught.value) and "\n" not in str(caught.value)


def test_create_refuses_a_folder_of_other_things(home: Path) -> None:
    home.mkdir()
    (home / "thesis.txt").write_text("mine")
    with pytest.raises(RidealongError, match=r"not empty .*thesis\.txt"):
        Lake.create(home)
    assert os.listdir(home) == ["thesis.txt"]


def test_create_refuses_a_file(home: Path) -> None:
    home.write_text("a file")
    with pytest.raises(RidealongError, match=str(home)):
        Lake.create(home)


def test_create_refuses_a_name_that_delta_would_decode(tmp_path: Path) -> None:
    with pytest.raises(RidealongError, match="URL-encoded"):
        Lake.create(tmp_path / "my%20home")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a b", "a|b", "day=1", "[x]*?", "it's", "é#%", '"q"'])
def test_odd_names_of_homes(tmp_path: Path, name: str) -> None:
    lake = Lake.create(tmp_path / name / "home")
    put_points(lake, "s", b=2, a=1)
    put_points(lake, "t", c=3)
    lake.delete({POINTS: "name = 'a'"})
    lake.compact()
    lake.vacuum(0)
    assert lake.snapshot().read(POINTS).to_pydict() == {"name": ["b", "c"], "x.y": [2, 3]}
    assert (lake.check().errors, lake.check().remarks) == ((), ())


# Root may write everywhere: the check needs somebody else.
UNWRITABLE = """
import os, sys
from pathlib import Path
import pyarrow.compute  # where Python lies may be closed to the user that we become
from ridealong.errors import RidealongError
from ridealong.lake import Lake
if os.getuid() == 0:
    os.setuid(65534)
lake = Lake.open(Path(sys.argv[1]))
assert "s" in lake.snapshot().sources()
for act in (lake.new_commit_id, lake.compact, lake.vacuum):
    try:
        act()
    except RidealongError as error:
        print(error)
try:
    Lake.create(Path(sys.argv[1]) / "inner")
except RidealongError as error:
    print(error)
"""


def test_a_home_that_may_only_be_read(lake: Lake, tmp_path: Path, repository: Path) -> None:
    put_points(lake, "s", a=1)
    own = 4 if "PYTEST_XDIST_WORKER" in os.environ else 3  # folders that pytest made
    for folder in [tmp_path, *tmp_path.parents][:own]:
        folder.chmod(0o755)
    lake.home.chmod(0o555)
    command = [sys.executable, "-c", UNWRITABLE, str(lake.home)]
    env = os.environ | {"PYTHONPATH": str(repository)}
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    lake.home.chmod(0o755)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 4 and all("permission denied" in line for line in lines)


# --- files ---


def test_a_file_is_named_by_its_content(lake: Lake, tmp_path: Path) -> None:
    commit_id = lake.new_commit_id()
    first = write_data_file(lake.home, commit_id, POINTS, points(b=2, a=1))
    second = write_data_file(lake.home, commit_id, POINTS, points(a=1, b=2))
    assert first == second and first is not None
    assert pq.ParquetFile(lake.home / first.path).read()["name"].to_pylist() == ["a", "b"]
    (tmp_path / "clip").write_bytes(b"abc")
    blob = write_blob(lake.home, commit_id, tmp_path / "clip", ".mcap")
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert blob.path == f"blobs/{commit_id}/{abc}.mcap"
    assert (blob.is_blob, blob.bytes, blob.rows) == (True, 3, 0)
    assert sorted(path.name for path in lake.home.rglob("*.parquet")) == [Path(first.path).name]


def sampled(kind: pa.DataType, number: int, of: int) -> object:
    """The values of a column in turn: both ends of its type, nothing, and what lies between."""
    if pa.types.is_integer(kind):
        largest = 2 ** (kind.bit_width - 1) - 1
        return [None, largest, -largest - 1, number][number % 4]
    if pa.types.is_floating(kind):
        return [None, 3.4e38, -3.4e38, number / of][number % 4]
    if pa.types.is_boolean(kind):
        return [None, True, False][number % 3]
    return [None, "", "é", f"{number}"][number % 4]


def test_every_kind_of_column_comes_back_in_its_encoding(lake: Lake) -> None:
    count = 1000
    columns = {
        field.name: pa.array([sampled(field.type, n, count) for n in range(count)], field.type)
        for field in TELEMETRY.schema
    }
    columns |= {"drive_id": pa.array(["d"] * count), "timestamp_ns": pa.array(range(count))}
    table = pa.table(columns, schema=TELEMETRY.schema)
    file = write_data_file(lake.home, lake.new_commit_id(), TELEMETRY, table)
    assert file is not None
    path = lake.home / file.path
    group = pq.read_metadata(path).row_group(0)
    columns_there = [group.column(index) for index in range(group.num_columns)]
    kinds = {column.path_in_schema: column.encodings for column in columns_there}
    assert "DELTA_BINARY_PACKED" in kinds["timestamp_ns"]
    assert "DELTA_BINARY_PACKED" in kinds["Perception.Lead.TrackId"]
    assert "BYTE_STREAM_SPLIT" in kinds["Vehicle.CurrentLocation.Latitude"]
    assert "RLE_DICTIONARY" in kinds["drive_id"]
    assert "RLE_DICTIONARY" in kinds["Vehicle.Speed"]
    assert pq.read_table(path, partitioning=None).equals(table)
    assert duckdb.sql(f"select * from '{path}'").to_arrow_table().equals(table)


@pytest.mark.parametrize("names", [["b", "a", "c"], ["a", "b", None], [None, "a"], ["a", "a"], []])
def test_rows_lie_in_order_nothing_last(lake: Lake, names: list[str | None]) -> None:
    rows = pa.table({"name": names, "x.y": range(len(names))}, schema=POINTS.schema)
    file = write_data_file(lake.home, lake.new_commit_id(), POINTS, rows)
    found = [] if file is None else pq.read_table(lake.home / file.path)["name"].to_pylist()
    assert found == sorted(names, key=lambda name: (name is None, name))


def test_no_rows_no_file(lake: Lake) -> None:
    assert write_data_file(lake.home, lake.new_commit_id(), POINTS, points()) is None


def test_field_metadata_survives(lake: Lake) -> None:
    put_points(lake, "s", a=1)
    put_points(lake, "t", b=1)
    lake.compact()
    (path,) = lake.snapshot().files(POINTS)
    assert pq.read_schema(path).field("x.y").metadata[b"unit"] == b"m"
    assert lake.snapshot().spec("points").order == ("name",)


@pytest.mark.parametrize(
    "rows",
    [
        pa.table({"name": ["a"]}),
        pa.table({"name": ["a"], "x.y": [1], "z": [1]}),
        pa.table({"name": ["a"], "x.y": ["one"]}),
    ],
    ids=["missing", "unknown", "type"],
)
def test_rows_of_another_schema_are_refused(rows: pa.Table) -> None:
    with pytest.raises(ValueError):
        conform(rows, POINTS)


def test_a_suffix_cannot_leave_the_folder(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "clip").write_bytes(b"abc")
    with pytest.raises(ValueError, match="suffix"):
        write_blob(lake.home, lake.new_commit_id(), tmp_path / "clip", "/../../x")


# --- commits and snapshots ---


def test_nothing_counts_before_its_commit(lake: Lake) -> None:
    commit_id = lake.new_commit_id()
    file = write_data_file(lake.home, commit_id, POINTS, points(a=1))
    assert file is not None
    assert lake.snapshot().read(POINTS).num_rows == 0
    commit = lake.commit(commit_id, "test", [file], ["s"], {"planned": 1})
    assert (commit.number, commit.files, json.loads(commit.counts)) == (1, (file,), {"planned": 1})
    assert lake.snapshot().read(POINTS).to_pylist() == [{"name": "a", "x.y": 1}]
    assert lake.snapshot().read(POINTS).schema.equals(POINTS.schema, check_metadata=True)


def test_the_same_commit_twice_is_one(lake: Lake) -> None:
    commit_id = lake.new_commit_id()
    file = write_data_file(lake.home, commit_id, POINTS, points(a=1))
    assert file is not None
    first = lake.commit(commit_id, "test", [file], ["s"])
    assert lake.commit(commit_id, "test", [file], ["s"]) == first
    assert lake.snapshot().read(POINTS).num_rows == 1


def test_a_source_counts_once(lake: Lake) -> None:
    put_points(lake, "s", a=1)
    commit_id = lake.new_commit_id()
    file = write_data_file(lake.home, commit_id, POINTS, points(b=2))
    with pytest.raises(AlreadyCommittedError) as caught:
        lake.commit(commit_id, "test", [file] if file else [], ["s", "t"])
    assert caught.value.sources == ("s",)
    assert pickle.loads(pickle.dumps(caught.value)).sources == ("s",)
    assert lake.snapshot().sources() == {"s"}
    # The rest may go in under the same id; what came from "s" stays out.
    rest = write_data_file(lake.home, commit_id, POINTS, points(c=3))
    lake.commit(commit_id, "test", [rest] if rest else [], ["t"])
    assert lake.snapshot().read(POINTS)["name"].to_pylist() == ["a", "c"]
    assert {finding.kind for finding in lake.check().remarks} == {"orphan"}
    lake.vacuum(0)
    assert lake.check().remarks == ()


def test_a_commit_without_files_keeps_its_sources(lake: Lake) -> None:
    lake.commit(lake.new_commit_id(), "test", [], ["empty"])
    assert "empty" in lake.snapshot().sources() and "full" not in lake.snapshot().sources()


def test_a_commit_with_a_lost_file_is_refused(lake: Lake) -> None:
    commit_id = lake.new_commit_id()
    file = write_data_file(lake.home, commit_id, POINTS, points(a=1))
    assert file is not None
    (lake.home / file.path).unlink()
    with pytest.raises(RidealongError, match="missing"):
        lake.commit(commit_id, "test", [file], ["s"])
    with pytest.raises(ValueError, match="another commit"):
        lake.commit(lake.new_commit_id(), "test", [file], ["s"])
    assert lake.snapshot().sources() == frozenset()


def test_a_row_that_names_a_missing_blob_is_refused(lake: Lake) -> None:
    commit_id = lake.new_commit_id()
    rows = pa.Table.from_pylist([{"clip_id": "c", "blob": "blobs/x/y.mcap"}], schema=CLIPS.schema)
    file = write_data_file(lake.home, commit_id, CLIPS, rows)
    with pytest.raises(RidealongError, match="blob that is not there"):
        lake.commit(commit_id, "test", [file] if file else [], ["s"])


def test_a_snapshot_stays_as_it_was(lake: Lake, driver: ModuleType, whole: Any) -> None:
    driver.put(lake, "a")
    driver.put(lake, "b")
    before = lake.snapshot()
    lake.erase_vehicle("vehicle-b")
    lake.compact()
    lake.vacuum(60)
    assert whole(before) == {"a", "b"}
    assert whole(lake.snapshot()) == {"a"}


def test_reading(lake: Lake) -> None:
    put_points(lake, "s", d=4, b=2)
    put_points(lake, "t", c=3, a=1)
    snapshot = lake.snapshot()
    assert snapshot.read(POINTS, ["x.y"])["x.y"].to_pylist() == [1, 2, 3, 4]
    assert snapshot.read("points", where='"x.y" > 2')["name"].to_pylist() == ["c", "d"]
    assert snapshot.read(EVENTS).schema.equals(EVENTS.schema) and not snapshot.read(EVENTS)
    with snapshot.connect(POINTS, EVENTS) as connection:
        assert connection.cursor().sql('SELECT sum("x.y") FROM points').fetchall() == [(10,)]
        assert connection.sql("SELECT count(*) FROM events").fetchall() == [(0,)]
        settings = "SELECT current_setting('autoload_known_extensions')"
        assert connection.sql(settings).fetchall() == [(False,)]
    assert snapshot.commits()["command"].to_pylist() == ["test", "test"]


@pytest.mark.parametrize(
    ("table", "where", "words"),
    [
        ("points", "nonsense = 1", "nonsense"),
        ("points", "((", "syntax"),
        ("point", None, "did you mean 'points'"),
    ],
)
def test_reading_mistakes(lake: Lake, table: str, where: str | None, words: str) -> None:
    put_points(lake, "s", a=1)
    with pytest.raises(RidealongError, match=words):
        lake.snapshot().read(table, where=where)


def test_a_table_may_gain_columns(lake: Lake) -> None:
    put_points(lake, "s", a=1)
    wider = TableSpec("points", POINTS.schema.append(column("z", STRINGS, "more")), ("name",))
    commit_id = lake.new_commit_id()
    rows = pa.Table.from_pylist([{"name": "b", "x.y": 2, "z": ["u"]}], schema=wider.schema)
    file = write_data_file(lake.home, commit_id, wider, rows)
    assert lake.snapshot().read(wider).to_pylist() == [{"name": "a", "x.y": 1, "z": None}]
    lake.commit(commit_id, "test", [file] if file else [], ["t"])
    expected = {"name": ["a", "b"], "x.y": [1, 2], "z": [None, ["u"]]}
    assert lake.snapshot().read(wider).to_pydict() == expected
    assert lake.snapshot().read("points").to_pydict() == expected
    assert lake.snapshot().read(POINTS).num_columns == 2
    lake.compact()
    assert lake.snapshot().read("points").to_pydict() == expected
    assert lake.check().errors == ()


STRINGS = pa.list_(pa.field("element", pa.string()))


def test_a_column_may_not_change_its_type(lake: Lake) -> None:
    put_points(lake, "s", a=1)
    other = TableSpec("points", pa.schema([("name", pa.string()), ("x.y", pa.string())]))
    commit_id = lake.new_commit_id()
    rows = pa.table({"name": ["b"], "x.y": ["two"]})
    file = write_data_file(lake.home, commit_id, other, rows)
    with pytest.raises(RidealongError, match=r"'x\.y'"):
        lake.commit(commit_id, "test", [file] if file else [], ["t"])
    assert lake.snapshot().read(POINTS).num_rows == 1


def test_other_tools_read_the_tables(lake: Lake) -> None:
    put_points(lake, "s", a=1, b=2)
    put_points(lake, "t", c=3)
    lake.compact()
    lake.delete({POINTS: "name = 'b'"})
    table = DeltaTable((lake.home / "points").as_uri())
    rows = pa.concat_tables(pq.ParquetFile(uri).read() for uri in table.file_uris())
    assert sorted(rows["name"].to_pylist()) == ["a", "c"]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"delta.enableDeletionVectors": "true"}, "deletion vectors"),
        ({"delta.columnMapping.mode": "name"}, "column mapping"),
    ],
)
def test_tables_that_hold_more_than_their_files_are_refused(
    lake: Lake, setting: dict[str, str], words: str
) -> None:
    put_points(lake, "s", a=1)
    log = lake.home / "points" / "_delta_log"
    newest = max(log.glob("*.json"))
    feature = "deletionVectors" if "enableDeletionVectors" in str(setting) else "columnMapping"
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7}
    protocol |= {"readerFeatures": [feature], "writerFeatures": [feature]}
    metadata = next(
        json.loads(line)["metaData"]
        for line in (log / f"{0:020d}.json").read_text().splitlines()
        if "metaData" in line
    )
    metadata["configuration"] |= setting
    lines = [json.dumps({"protocol": protocol}), json.dumps({"metaData": metadata})]
    (log / f"{int(newest.stem) + 1:020d}.json").write_text("\n".join(lines) + "\n")
    for act in (lambda: lake.snapshot().read(POINTS), lambda: put_points(lake, "t", b=1)):
        with pytest.raises(RidealongError, match=f"{words}|Delta log cannot be read"):
            act()
    assert [finding.kind for finding in lake.check().errors] == ["log"]


# --- delete, compact, vacuum ---


def test_delete_rewrites_only_what_it_must(lake: Lake) -> None:
    put_points(lake, "s", a=1, b=2)
    put_points(lake, "t", c=3)
    untouched = set(lake.snapshot().files(POINTS))
    commit = lake.delete({POINTS: "name = 'a'"})
    assert commit is not None and json.loads(commit.counts)["rows_deleted"] == 1
    assert lake.snapshot().read(POINTS)["name"].to_pylist() == ["b", "c"]
    assert len(untouched & set(lake.snapshot().files(POINTS))) == 1
    assert lake.delete({POINTS: "name = 'a'", EVENTS: "true"}) is None
    lake.delete({POINTS: "true"})
    assert lake.snapshot().read(POINTS).num_rows == 0 and lake.snapshot().tables() == []


def test_delete_keeps_rows_of_which_the_condition_is_unknown(lake: Lake) -> None:
    commit_id = lake.new_commit_id()
    rows = pa.table({"name": ["a", "b", None], "x.y": pa.array([1, None, 3], pa.int32())})
    file = write_data_file(lake.home, commit_id, POINTS, rows)
    lake.commit(commit_id, "test", [file] if file else [], ["s"])
    lake.delete({POINTS: '"x.y" = 1'})
    assert lake.snapshot().read(POINTS)["name"].to_pylist() == ["b", None]


def test_delete_refuses_a_wrong_condition(lake: Lake) -> None:
    put_points(lake, "s", a=1)
    with pytest.raises(RidealongError, match="deleting from points"):
        lake.delete({POINTS: "nam = 'a'"})


@pytest.mark.slow
def test_erasing_a_vehicle_leaves_no_trace(lake: Lake, driver: ModuleType, whole: Any) -> None:
    for name in ("ada", "grace", "edsger"):
        driver.put(lake, name)
    lake.compact()
    (scratch_folder(lake.home) / "half").mkdir()
    (lake.home / "scratch" / "half" / "clip").write_bytes(b"vehicle-grace")
    lake.erase_vehicle("vehicle-grace")
    assert whole(lake.snapshot()) == {"ada", "edsger"}
    assert traces(lake.home, "vehicle-grace") and traces(lake.home, "vehicle-ada")
    lake.vacuum(0)
    assert traces(lake.home, "vehicle-grace") == traces(lake.home, "drive-grace") == []
    assert traces(lake.home, "vehicle-ada")
    assert whole(lake.snapshot()) == {"ada", "edsger"}
    assert (lake.check().errors, lake.check().remarks) == ((), ())


def traces(home: Path, text: str) -> list[Path]:
    """Files that hold the text, in their bytes or, for Parquet, in their values or statistics."""
    files = [path for path in home.rglob("*") if path.is_file()]
    return [path for path in files if text.encode() in path.read_bytes() or text in _values(path)]


def _values(path: Path) -> str:
    return str(pq.ParquetFile(path).read().to_pylist()) if path.suffix == ".parquet" else ""


@pytest.mark.slow
def test_compact_keeps_the_rows_and_does_nothing_twice(
    lake: Lake, driver: ModuleType, whole: Any
) -> None:
    for name in "abcdef":
        driver.put(lake, name)
    done = lake.compact().tables
    assert done == {"clips": (6, 1), "commits": (9, 1), "drives": (6, 1), "telemetry": (6, 1)}
    assert whole(lake.snapshot()) == set("abcdef")
    assert lake.snapshot().sources() == set("abcdef")
    assert lake.compact().tables == {}
    driver.put(lake, "g")
    assert lake.compact([CLIPS]).tables == {"clips": (2, 1)}
    assert whole(lake.snapshot()) == set("abcdefg")


def test_compact_to_a_target_ends(lake: Lake) -> None:
    for index in range(12):
        put_points(lake, f"s{index}", **{f"p{index:02}{k}": k for k in range(40)})
    size = max(file.bytes for file in lake.snapshot().data_files(POINTS))
    lake.compact([POINTS], target_bytes=int(size * 2.5))
    files = lake.snapshot().data_files(POINTS)
    assert 1 < len(files) < 12 and bins(files, int(size * 2.5)) == []
    assert lake.snapshot().read(POINTS).num_rows == 480


def test_vacuum_waits_for_readers_and_writers(lake: Lake, driver: ModuleType) -> None:
    driver.put(lake, "a")
    driver.put(lake, "b")
    lake.compact()
    lake.erase_vehicle("vehicle-a")
    running = lake.new_commit_id()
    file = write_data_file(lake.home, running, POINTS, points(a=1))
    old = os.stat(lake.home).st_mtime - 10 * 86400
    for path in lake.home.rglob("*.*"):  # old files, but replaced only now
        if running not in path.parts:
            os.utime(path, (old, old))
    assert lake.vacuum().files == 0
    lake.commit(running, "test", [file] if file else [], ["r"])
    assert lake.snapshot().read(POINTS).num_rows == 1
    assert lake.vacuum(0).files > 0
    assert (lake.check().errors, lake.check().remarks) == ((), ())


def test_a_command_that_was_swept_cannot_commit(lake: Lake) -> None:
    commit_id = lake.new_commit_id()
    file = write_data_file(lake.home, commit_id, POINTS, points(a=1))
    assert file is not None
    assert lake.vacuum(0).abandoned == (commit_id,)
    again = write_data_file(lake.home, commit_id, POINTS, points(a=1))
    assert again == file
    with pytest.raises(RidealongError, match="a vacuum removed"):
        lake.commit(commit_id, "test", [file], ["s"])
    assert lake.snapshot().read(POINTS).num_rows == 0
    lake.vacuum(0)
    assert lake.check().remarks == ()


# --- check and verify ---


def flip(path: Path) -> None:
    """Flip one bit in the middle of the file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


@pytest.mark.slow
@pytest.mark.parametrize("table", ["drives", "telemetry", "clips", "commits", "blobs"])
@pytest.mark.parametrize("damage", [flip, Path.unlink, lambda path: path.write_bytes(b"")])
def test_check_finds_damage(lake: Lake, driver: ModuleType, table: str, damage: Any) -> None:
    driver.put(lake, "a")
    assert lake.check().sound
    (path,) = (path for path in (lake.home / table).glob("*/*") if len(path.stem) == 64)
    damage(path)
    (finding,) = lake.check().errors
    assert finding.path == path.relative_to(lake.home).as_posix()
    assert finding.kind == ("corrupt" if path.exists() else "missing")
    with pytest.raises(RidealongError, match=path.name):
        lake.verify([finding.path])


@pytest.mark.parametrize("table", ["drives", "commits"])
def test_reading_a_damaged_file_is_one_line(lake: Lake, driver: ModuleType, table: str) -> None:
    driver.put(lake, "a")
    (path,) = (path for path in (lake.home / table).glob("*/*.parquet"))
    path.write_bytes(path.read_bytes()[:-100])
    later = Lake.open(lake.home)
    history._rows.cache_clear()
    history._READ.clear()
    with pytest.raises(RidealongError, match="lake check"):
        later.snapshot().read(DRIVES)


def test_verify_passes_what_is_sound(lake: Lake, driver: ModuleType) -> None:
    driver.put(lake, "a")
    snapshot = lake.snapshot()
    lake.verify(snapshot.files(TELEMETRY))
    lake.verify(snapshot.read(CLIPS)["blob"].to_pylist())


def test_check_tells_of_what_lies_around(lake: Lake, driver: ModuleType) -> None:
    driver.put(lake, "a")
    driver.put(lake, "b")
    write_data_file(lake.home, lake.new_commit_id(), POINTS, points(a=1))
    commit_id = lake.snapshot().history.commits[0].commit_id
    (lake.home / "drives" / commit_id / ".tmp-1").write_text("half")
    write_data_file(lake.home, commit_id, DRIVES, lake.snapshot().read(DRIVES))
    lake.erase_vehicle("vehicle-b")
    report = lake.check()
    kinds = ["half-done", "orphan", "replaced", "temporary", "unreferenced"]
    assert sorted({finding.kind for finding in report.remarks}) == kinds
    assert (report.errors, report.tables, report.commits, report.blobs) == ((), 3, 3, 1)
    lake.vacuum(0)
    assert lake.check().remarks == ()


# --- around it ---


def test_the_page_of_the_docs_runs(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (repository / "docs" / "lake.md").read_text("utf-8")
    names: dict[str, Any] = {}
    for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(code, names)
    assert names["lake"].snapshot().commits().num_rows > 0


def test_a_worker_that_writes_files_does_not_load_delta(repository: Path) -> None:
    code = (
        "from ridealong.lake import write_data_file; import sys; print('deltalake' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


# --- a full disk ---


def test_a_full_disk_is_one_line(
    lake: Lake, driver: ModuleType, whole: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver.put(lake, "a")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(RidealongError) as caught:
        patch.setattr(os, "fsync", full)
        driver.put(lake, "b")
    assert "no space left" in str(caught.value) and "\n" not in str(caught.value)
    assert whole(lake.snapshot()) == {"a"} and not list(lake.home.rglob(".tmp-*"))
    driver.put(lake, "b")
    assert whole(lake.snapshot()) == {"a", "b"}


# A limit on the size of files fails like a full disk, inside pyarrow's and delta-rs' own writes.
CRAMPED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.slow
@pytest.mark.parametrize("limit", [100, 600, 4000, 9000])
def test_a_disk_that_fills_midway(
    lake: Lake, driver: ModuleType, whole: Any, repository: Path, limit: int
) -> None:
    driver.put(lake, "a")
    command = [
        sys.executable,
        "-c",
        CRAMPED,
        str(limit),
        driver.__file__,
        str(lake.home),
        "put",
        "b",
    ]
    env = os.environ | {"PYTHONPATH": str(repository)}
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done.stderr
    assert "too large" in done.stderr
    assert whole(lake.snapshot()) == {"a"} and lake.check().errors == ()
    driver.put(lake, "b")
    assert whole(lake.snapshot()) == {"a", "b"}
