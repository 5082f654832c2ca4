"""Which drives tables are: files, folders, parts, Hive folders, ids; and rates that are mixed."""

import codecs
import gzip
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.sources.table import blocks, shared
from ingest.sources.table.source import TableSource

MAP = "time: {column: t, unit: s}\nsignals: {v: {signal: Vehicle.Speed, unit: m/s}}\n"


def write(path: Path, start: int, rows: int = 3, **more: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    t = np.arange(start, start + rows)
    columns = {"t": t, "v": np.full(rows, 10.0), **{k: [v] * rows for k, v in more.items()}}
    if path.suffix == ".parquet":
        pq.write_table(pa.table(columns), path)
    else:
        lines = zip(*columns.values(), strict=True)
        text = [",".join(map(str, line)) for line in lines]
        path.write_text("\n".join([",".join(columns), *text, ""]))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_is_a_drive(read_tables: Any, tmp_path: Path, suffix: str) -> None:
    for name in ("b", "a"):
        write(tmp_path / f"{name}.{suffix}", 0)
    (tmp_path / "a.drive.yaml").write_text("vehicle_id: van\ncountry: DE\n")
    a, b = read_tables(f"{MAP}attributes: {{country: MA, road: city}}")
    assert a.files.drive_id.startswith("a-") and b.files.drive_id.startswith("b-")
    assert a.values() == [36, 36, 36]
    known = a.recording.attributes
    assert (known.vehicle_id, known.country, known.road) == ("van", "DE", "city")


@pytest.mark.parametrize("suffix", ["csv", "snappy.parquet"])
def test_parts_are_one_drive(read_tables: Any, tmp_path: Path, suffix: str) -> None:
    for number, start in enumerate((3, 0, 6)):  # parts are not in the order of time
        write(tmp_path / "trip7" / f"part-{number:05}.{suffix}", start)
    (read,) = read_tables(MAP)
    assert read.times == [k * 10**9 for k in range(9)] and not read.bad
    assert read.files.drive_id.startswith("trip7-")
    assert Path(read.files.path) == tmp_path / "trip7"


def test_hive_folders_are_drives_and_columns(read_tables: Any, tmp_path: Path) -> None:
    for vehicle in (7, 8):
        for day in (1, 2):
            write(tmp_path / f"vehicle={vehicle}/day={day}/x.parquet", day * 100)
    names = [r.files.drive_id.rpartition("-")[0] for r in read_tables(MAP)]
    assert names == [f"vehicle_{v}_day_{d}" for v in (7, 8) for d in (1, 2)]
    by_vehicle = read_tables(f"{MAP}drive: vehicle\n")
    assert [len(read.times) for read in by_vehicle] == [6, 6]
    assert [r.files.drive_id[:2] for r in by_vehicle] == ["7-", "8-"]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_many_drives_in_many_files(
    read_tables: Any, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 64)  # so that drives lie across blocks
    for file in range(2):
        path = tmp_path / f"{file}.{suffix}"
        trips = [f"trip {k % 3}/{'ab'[k // 15]}" for k in range(30)]
        times = np.arange(30) + 30 * file
        table = pa.table({"trip": trips, "t": times, "v": np.arange(30.0)})
        if suffix == "csv":
            lines = (",".join(map(str, row.values())) for row in table.to_pylist())
            path.write_text("\n".join(["trip,t,v", *lines, ""]))
        else:
            pq.write_table(table, path, row_group_size=7)
    found = read_tables(f"{MAP}drive: [trip]\n")
    assert len(found) == 6 and all(len(read.times) == 10 for read in found)
    assert found[0].files.drive_id.startswith("trip_0_a-")
    seconds = [time // 10**9 for time in found[0].times]
    assert seconds == [0, 3, 6, 9, 12, 30, 33, 36, 39, 42]


def test_rows_by_time_are_sorted_by_drive_once(
    read_tables: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 256)
    lines = [f"trip {k % 7},{k},{k}" for k in range(400)]
    lines[20], lines[30], lines[40] = ",20,20", "trip 2,30,30,more", "trip 5,40,fast"
    (tmp_path / "x.csv").write_text("\n".join(["trip,t,v", *lines, ""]))
    source = TableSource().mapped(f"{MAP}drive: [trip]\n", "m")

    def read() -> list[Any]:
        found = [files for files in source.discover(tmp_path) if not files.trouble]
        drives = [source.open(files) for files in found]
        return [(d.telemetry().to_pydict(), list(d.row_numbers()), d.rows_aside()) for d in drives]

    passes, texts = [], blocks._texts
    monkeypatch.setattr(blocks, "_texts", lambda *given: passes.append(given) or texts(*given))
    mixed = read()
    assert len(passes) == 2  # to find the drives, and to sort their rows
    monkeypatch.setattr(shared, "FEW_PIECES", 1000)
    assert read() == mixed
    assert [len(rows["timestamp_ns"]) for rows, _, _ in mixed] == [58, 57, 56, 57, 57, 56, 56]
    assert [[row.row for row in aside] for _, _, aside in mixed] == [[]] * 5 + [[40], []]
    troubles = [f.trouble.reason for f in source.discover(tmp_path) if f.trouble]
    assert troubles == [
        f"{tmp_path / 'x.csv'}: 1 row without trip, so of no drive",
        f"{tmp_path / 'x.csv'}: 1 row with another number of columns than the first line, so of "
        "no drive",
    ]


def _gzip(text: str) -> bytes:
    return gzip.compress(text.encode())


def _utf_16(text: str) -> bytes:
    return codecs.BOM_UTF16_LE + text.encode("utf-16-le")


@pytest.mark.parametrize("stored", [_gzip, _utf_16])
def test_a_packed_file_of_many_drives_is_unpacked_once(
    read_tables: Any, tmp_path: Path, stored: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 64)
    lines = [f"{('ä', 'b', 'c')[k // 20]},{k},{k / 2}" for k in range(60)]
    (tmp_path / "x.csv").write_bytes(stored("\n".join(["trip,t,v", *lines, ""])))
    passes, texts = [], blocks._texts
    monkeypatch.setattr(blocks, "_texts", lambda *given: passes.append(given) or texts(*given))
    found = read_tables(f"{MAP}drive: [trip]\n")
    assert [read.values()[:2] for read in found] == [
        pytest.approx([first, first + 1.8], abs=1e-4) for first in (0, 36, 72)
    ]
    assert [len(read.times) for read in found] == [20, 20, 20]
    assert len(passes) == 2  # to find the drives, and to read them


def test_rows_without_an_id_are_reported(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("t,v,trip\n0,1,a\n1,1,\n2,1,a\n")
    found = TableSource().mapped(f"{MAP}drive: trip\n", "m").discover(tmp_path)
    troubles = [files.trouble.reason for files in found if files.trouble]
    assert len(found) == 2 and troubles == [
        f"{tmp_path / 'x.csv'}: 1 row without trip, so of no drive"
    ]


def test_a_mapping_that_means_the_same_gives_the_same_drives(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", 0)

    def found(mapping: str) -> str:
        return TableSource().mapped(mapping, "m").discover(tmp_path)[0].drive_id

    assert found(MAP) == found(f"# a remark\n{MAP}\n") != found(MAP.replace("m/s", "km/h"))


def test_a_lake_below_the_folder_is_not_read(read_tables: Any, tmp_path: Path) -> None:
    from ridealong.lake import Lake

    write(tmp_path / "logs/a.csv", 0)
    Lake.create(tmp_path / "logs/home")
    write(tmp_path / "logs/home/telemetry/x.parquet", 0)
    assert len(read_tables(MAP)) == 1


UNION = """
time: {column: timestamp_ns, unit: ns}
signals:
  Vehicle.Speed: {signal: Vehicle.Speed, hold: 0.25 s}
  Vehicle.CurrentLocation.Latitude: {signal: Vehicle.CurrentLocation.Latitude, hold: 2 s}
"""
S = 10**9


def test_rows_of_mixed_rates(read_tables: Any, tmp_path: Path) -> None:
    rows = [(k * S // 10, 60.0, None) for k in range(100)]
    rows += [(k * S + 33_000_000, None, 48.0) for k in range(10)]
    times, speed, latitude = zip(*sorted(rows), strict=True)
    names = ["timestamp_ns", "Vehicle.Speed", "Vehicle.CurrentLocation.Latitude"]
    pq.write_table(pa.table([times, speed, latitude], names=names), tmp_path / "union.parquet")
    (read,) = read_tables(UNION)
    assert read.values() == [60.0] * 110 and not read.bad
    assert read.values("Vehicle.CurrentLocation.Latitude") == [None] + [48.0] * 109


def test_rows_of_one_instant_are_joined(read_table: Any) -> None:
    mapping = """
time: {column: t, unit: s}
signals:
  v: {signal: Vehicle.Speed}
  a: {signal: Vehicle.CurrentLocation.Latitude}
"""
    read = read_table("t,v,a\n0,1,\n0,,48\n1,2,\n1,3,\n2,4,49\n", mapping)
    assert read.values() == [1, 2, 4]
    assert read.values("Vehicle.CurrentLocation.Latitude") == [48, None, 49]
    assert read.bad[0][0] == 3 and "duplicate" in read.bad[0][1]
    assert read.notes == ["time: 1 row joined to others of the same instant"]


def test_a_log_of_changes(read_table: Any) -> None:
    mapping = """
time: {column: t, unit: s}
signals: {v: {signal: Vehicle.Speed, hold: 90 s}}
"""
    steps = [*range(10), 70, 130, 400]
    text = "t,v\n" + "".join(f"{t},130\n" for t in steps)
    read = read_table(text, mapping)
    assert [time // S for time in read.times] == [*range(221), 400]
    assert read.values() == [130] * 222


def test_a_value_out_of_range_is_not_held(read_table: Any) -> None:
    mapping = """
time: {column: t, unit: s}
signals: {a: {signal: Vehicle.CurrentLocation.Latitude, hold: 5 s}}
"""
    read = read_table("t,a\n0,48\n1,999\n2,\n3,49\n", mapping)
    assert read.values("Vehicle.CurrentLocation.Latitude") == [48, 48, 49]
    assert [row for row, _ in read.bad] == [1]


def test_unknown_values_are_counted(read_table: Any) -> None:
    mapping = """
time: {column: t, unit: s}
signals: {a: {signal: Vehicle.CurrentLocation.Latitude, unknown: [0]}}
"""
    read = read_table("t,a\n0,48\n1,0\n2,0.0\n3,49\n", mapping)
    assert read.values("Vehicle.CurrentLocation.Latitude") == [48, None, None, 49]
    assert read.notes == ["a: 2 values unknown, as the mapping says"]


def test_drives_are_found_again_by_their_row(read_tables: Any, tmp_path: Path) -> None:
    from ingest.drives import DriveOutcome, DrivePlan
    from ingest.revisiting import revisit
    from ridealong.execution.accounting import Status

    write(tmp_path / "logs/a.csv", 0, trip="x")
    write(tmp_path / "logs/b.csv", 9, trip="y")
    found = [read.files for read in read_tables(f"{MAP}drive: trip\n", tmp_path / "logs")]
    again = [DriveOutcome(Status.DONE, DrivePlan(f, new=False, triggers=())) for f in found]
    assert [d.plan.files for d in revisit(again).there] == found
    shutil.rmtree(tmp_path / "logs")
    assert len(revisit(again).missing) == 2
