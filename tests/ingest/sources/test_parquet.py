"""Telemetry that people bring along as Parquet."""

import struct
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.drives import drive_row
from ingest.rows import DriveRow, columns
from ingest.sources.parquet import ParquetSource
from ingest.telemetry.validation import validate_telemetry
from ridealong.errors import RidealongError, UnreadableError
from ridealong.perception.recording import DriveFiles

SOURCE = ParquetSource()
SECOND = 10**9


def write(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def trip(seconds: int = 3, **more: Any) -> dict[str, Any]:
    return {
        "timestamp_ns": [k * SECOND for k in range(seconds)],
        "Vehicle.Speed": [36.0] * seconds,
        **more,
    }


def row_of(files: DriveFiles) -> DriveRow:
    recording = SOURCE.open(files)
    return drive_row(files, recording, validate_telemetry(recording.telemetry(), files.drive_id))


def test_a_file_is_a_drive(tmp_path: Path) -> None:
    path = write(tmp_path / "my trip|1.parquet", **trip())
    (tmp_path / "my trip|1.drive.yaml").write_text(
        "vehicle_id: v1\nroad: city\nsoftware: '2026.4'\n"
    )
    (files,) = SOURCE.discover(path)
    recording = SOURCE.open(files)
    assert files.drive_id.startswith("my_trip_1-")
    assert columns(row_of(files)) == {
        "drive_id": files.drive_id,
        "vehicle_id": "v1",
        "source": "parquet",
        "source_path": str(path),
        "source_sha256": files.sha256,
        "start_ns": 0,
        "end_ns": 2 * SECOND,
        "duration_s": 2.0,
        "distance_m": 20.0,
        "country": None,
        "weather": None,
        "light": None,
        "road": "city",
        "hardware": None,
        "software": "2026.4",
        "features": None,
        "cluster_id": files.drive_id,
        "cameras": (),
        "labelled": False,
        "telemetry_rows": 3,
        "mapping": None,
        "assumed": None,
    }
    assert recording.telemetry().num_rows == 3
    assert list(recording.frames(0, SECOND, ["main"])) == []
    assert (recording.cameras, recording.labels(0, 1)) == ({}, None)


def test_many_drives_in_a_file(tmp_path: Path) -> None:
    path = write(tmp_path / "x.parquet", drive_id=["b", "a", "b"], **trip())
    found = SOURCE.discover(path)
    assert [files.drive_id for files in found] == ["a", "b"]
    assert found[0].sha256 != found[1].sha256
    times = [SOURCE.open(files).telemetry()["timestamp_ns"].to_pylist() for files in found]
    assert times == [[SECOND], [0, 2 * SECOND]]
    assert SOURCE.open(found[0]).telemetry().column_names == ["timestamp_ns", "Vehicle.Speed"]


def test_bad_rows_do_not_move_the_ends_of_the_drive(tmp_path: Path) -> None:
    columns = trip(4)
    columns["timestamp_ns"][1] = 10**18
    (files,) = SOURCE.discover(write(tmp_path / "x.parquet", **columns))
    row = row_of(files)
    assert (row.end_ns, row.telemetry_rows) == (3 * SECOND, 3)


def test_a_drive_without_speed_has_no_distance(tmp_path: Path) -> None:
    (files,) = SOURCE.discover(write(tmp_path / "x.parquet", timestamp_ns=[1, 2]))
    assert row_of(files).distance_m is None


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"timestamp_ns": [1], "Vehicle.Sped": [1.0]}, "did you mean 'Vehicle.Speed'"),
        ({"Vehicle.Speed": [1.0]}, "no column 'timestamp_ns'"),
        (
            {"timestamp_ns": [1], "Vehicle.Speed": ["x"]},
            "'Vehicle.Speed' holds string; expected float",
        ),
        ({"timestamp_ns": [1], "drive_id": [7]}, "'drive_id' holds int64; expected string"),
    ],
)
def test_a_wrong_schema(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    path = write(tmp_path / "x.parquet", **columns)
    (files,) = SOURCE.discover(path)
    with pytest.raises(UnreadableError) as caught:
        SOURCE.open(files)
    assert str(caught.value).startswith(f"{path}: wrong schema: ")
    assert message in str(caught.value)


def test_rows_of_no_drive(tmp_path: Path) -> None:
    (files,) = SOURCE.discover(write(tmp_path / "x.parquet", drive_id=["a", None, "a"], **trip()))
    with pytest.raises(UnreadableError, match="1 rows have no 'drive_id'"):
        SOURCE.open(files).telemetry()


def test_no_good_row(tmp_path: Path) -> None:
    path = write(tmp_path / "x.parquet", timestamp_ns=pa.array([None], pa.int64()))
    with pytest.raises(UnreadableError, match="has no valid row; row 0: timestamp_ns: is null"):
        row_of(SOURCE.discover(path)[0])


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def scribble(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4:60] = b"\xff" * 56
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [cut, scribble, lambda path: path.write_bytes(b""), lambda path: path.write_text("no")],
)
def test_damaged(tmp_path: Path, damage: Any) -> None:
    path = write(tmp_path / "x.parquet", **trip(100))
    damage(path)
    (files,) = SOURCE.discover(path)
    with pytest.raises(UnreadableError, match="cannot be read as Parquet") as caught:
        SOURCE.open(files).telemetry()
    assert "\n" not in str(caught.value)


def test_attributes_that_are_none(tmp_path: Path) -> None:
    (files,) = SOURCE.discover(write(tmp_path / "x.parquet", **trip()))
    (tmp_path / "x.drive.yaml").write_text("contry: DE\n")
    with pytest.raises(UnreadableError, match="unknown key 'contry'; did you mean 'country'"):
        SOURCE.open(files)


def test_a_folder_without_parquet(tmp_path: Path) -> None:
    assert not SOURCE.recognises(tmp_path)
    with pytest.raises(RidealongError, match="no Parquet file"):
        SOURCE.discover(tmp_path)


def test_a_folder_named_like_a_partition_adds_no_column(tmp_path: Path) -> None:
    folder = tmp_path / "drive_id=7"
    folder.mkdir()
    (files,) = SOURCE.discover(write(folder / "x.parquet", **trip()))
    assert SOURCE.open(files).telemetry().column_names == ["timestamp_ns", "Vehicle.Speed"]


def test_a_damaged_value_is_found_by_its_pages_checksum(tmp_path: Path) -> None:
    speeds = [float(k) for k in range(300)]
    columns = trip(300) | {"Vehicle.Speed": speeds, "drive_id": ["a"] * 300}
    for keys in (["timestamp_ns", "Vehicle.Speed"], list(columns)):
        path, table = tmp_path / "x.parquet", pa.table({key: columns[key] for key in keys})
        options = {"compression": "none", "use_dictionary": False}
        pq.write_table(table, path, write_page_checksum=True, **options)
        content = bytearray(path.read_bytes())
        content[content.index(struct.pack("<d", 150.0)) + 6] ^= 1
        path.write_bytes(content)
        (files,) = SOURCE.discover(path)
        with pytest.raises(UnreadableError, match="CRC checksum verification failed"):
            SOURCE.open(files).telemetry()


def test_a_drive_id_that_is_not_utf8(tmp_path: Path) -> None:
    words = [pa.py_buffer(b"\0\0\0\0\2\0\0\0\4\0\0\0"), pa.py_buffer(b"\xff\xfeab")]
    ids = pa.Array.from_buffers(pa.string(), 2, [None, *words])
    path = write(tmp_path / "x.parquet", drive_id=ids, **trip(2))
    (files,) = SOURCE.discover(path)
    with pytest.raises(UnreadableError, match=r"text that is not UTF-8 \(b'\\xff\\xfe'\)"):
        SOURCE.open(files)


@pytest.mark.parametrize("name", ["", "a\nb", "\x1b[31m", "x" * 201])
def test_a_drive_id_that_cannot_be_one(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "x.parquet", drive_id=[name] * 2, **trip(2))
    (files,) = SOURCE.discover(path)
    with pytest.raises(UnreadableError, match="cannot be one; expected 1 to 200 characters"):
        SOURCE.open(files)


def test_cameras_have_no_place_beside_telemetry(tmp_path: Path) -> None:
    (files,) = SOURCE.discover(write(tmp_path / "x.parquet", **trip()))
    (tmp_path / "x.drive.yaml").write_text("cameras: [main]\n")
    with pytest.raises(UnreadableError, match=r"cameras: 1 is named; expected none"):
        SOURCE.open(files)


def parts_of(folder: Path, **drives: list[int]) -> Path:
    """Parts of a table; by drive, the seconds at which each of its parts begins."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(max(map(len, drives.values()))):
        rows = [
            ((starts[number] + k) * SECOND, 36.0, name)
            for name, starts in drives.items()
            if number < len(starts)
            for k in range(3)
        ]
        times, speeds, names = zip(*rows, strict=True)
        more = {"timestamp_ns": list(times), "Vehicle.Speed": speeds, "drive_id": names}
        write(folder / f"part-{number:05}.snappy.parquet", **more)
    (folder / "_SUCCESS").touch()
    (folder / "README").write_text("from Spark")
    return folder


def times_of(files: DriveFiles) -> list[int]:
    rows = validate_telemetry(SOURCE.open(files).telemetry(), files.drive_id).rows
    return [time // SECOND for time in rows["timestamp_ns"].to_pylist()]


def test_parts_of_a_table_are_read_together(tmp_path: Path) -> None:
    folder = parts_of(tmp_path / "table", trip7=[3, 0, 6], trip8=[9])
    assert SOURCE.recognises(folder) and not SOURCE.recognises(tmp_path)
    seven, eight = SOURCE.discover(folder)
    assert (seven.drive_id, seven.path) == ("trip7", str(folder))
    assert (eight.drive_id, eight.path) == ("trip8", str(folder / "part-00000.snappy.parquet"))
    assert times_of(seven) == list(range(9)) and times_of(eight) == [9, 10, 11]
    parts_of(folder, trip7=[3, 0, 6], trip8=[9], trip9=[20])
    assert eight.sha256 != SOURCE.discover(folder)[1].sha256  # its part has other content now


def test_parts_without_ids_are_a_drive_for_each_folder(tmp_path: Path) -> None:
    for day in (1, 2):
        for part in range(2):
            folder = tmp_path / "table" / "vehicle=7" / f"day={day}"
            folder.mkdir(parents=True, exist_ok=True)
            write(
                folder / f"{part}.parquet", timestamp_ns=[part * SECOND], **{"Vehicle.Speed": [1.0]}
            )
    found = SOURCE.discover(tmp_path / "table")
    assert [f.drive_id.rpartition("-")[0] for f in found] == [
        "vehicle_7_day_1", "vehicle_7_day_2"
    ]  # fmt: skip
    assert [times_of(files) for files in found] == [[0, 1], [0, 1]]


def test_other_logs_beside_parts_are_not_hidden_by_them(tmp_path: Path) -> None:
    folder = parts_of(tmp_path / "table", trip7=[0])
    assert SOURCE.recognises(folder)
    (folder / "trip.mp4").touch()
    assert not SOURCE.recognises(folder)


def test_a_damaged_part_spoils_the_table(tmp_path: Path) -> None:
    folder = parts_of(tmp_path / "table", trip7=[0, 3])
    (folder / "part-00001.snappy.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(UnreadableError, match=r"part-00001.*cannot be read as Parquet"):
        SOURCE.discover(folder)
