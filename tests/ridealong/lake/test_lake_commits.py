"""What a commit reads does not grow with the number of commits; the history stays right."""

import shutil
from pathlib import Path
from secrets import token_hex
from typing import Any

import pyarrow as pa
import pytest

from ingest.schemas import DRIVES
from ridealong.errors import RidealongError
from ridealong.lake import Commit, DataFile, Lake, history, log, write_data_file
from ridealong.lake.history import MERGED, History
from ridealong.lake.reserve import COMMIT_BYTES, commit_bytes

pytestmark = pytest.mark.slow

COUNT = 3 * MERGED + 4


def put(lake: Lake, number: int) -> None:
    commit_id = lake.new_commit_id()
    rows = pa.Table.from_pylist([{"drive_id": f"d{number}"}], schema=DRIVES.schema)
    file = write_data_file(lake.home, commit_id, DRIVES, rows)
    lake.commit(commit_id, "test", [file] if file else [], [str(number)])


class Reading:
    """Counts the files and rows of ``commits`` that are read, and loaded logs by their entries."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.files = self.rows = self.entries = 0
        self._read, self._table = history.read_file, log.DeltaTable
        patch.setattr(history, "read_file", self.read_file)
        patch.setattr(log, "DeltaTable", self)

    def read_file(self, path: Path) -> pa.Table:
        rows = self._read(path)
        self.files, self.rows = self.files + 1, self.rows + rows.num_rows
        return rows

    def __call__(self, uri: str) -> Any:
        folder = Path(uri.removeprefix("file://")) / "_delta_log"
        checkpoint = max((p.name[:20] for p in folder.glob("*.checkpoint.parquet")), default="")
        self.entries += sum(path.name[:20] > checkpoint for path in folder.glob("*.json"))
        return self._table(uri)

    def is_deltatable(self, uri: str) -> bool:
        return bool(self._table.is_deltatable(uri))


def test_a_commit_reads_no_more_after_many_than_after_few(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = Reading(monkeypatch)
    seen = []
    for number in range(COUNT):
        put(lake, number)
        seen.append((reading.files, reading.rows, reading.entries))
    # Each span holds one merge of sixteen files, whose seventeen rows are read back once.
    spans = [(start, start + MERGED) for start in (1, 1 + MERGED, 1 + 2 * MERGED)]
    costs = [tuple(b - a for a, b in zip(seen[i], seen[j], strict=True)) for i, j in spans]
    for files, rows, entries in costs:
        assert files == MERGED and rows <= 2 * MERGED + 1
        assert entries <= 2 * MERGED * log.CHECKPOINT_EVERY
    assert costs[2][2] <= costs[0][2] + log.CHECKPOINT_EVERY
    assert len(log.listed(log.load(lake.home / "commits"))) < MERGED + 4


def test_what_was_read_bit_by_bit_is_what_a_new_process_reads(lake: Lake) -> None:
    for number in range(MERGED + 3):
        put(lake, number)
    lake.delete({DRIVES: "drive_id IN ('d3', 'd5')"})
    lake.compact()
    put(lake, 99)
    kept = lake.snapshot().history
    history._READ.clear()
    history._rows.cache_clear()
    assert lake.snapshot().history == kept
    numbers = [row.number for row in kept.commits]
    assert numbers == list(range(1, len(numbers) + 1))
    drives = lake.snapshot().read(DRIVES)["drive_id"].to_pylist()
    assert set(drives) == {f"d{n}" for n in range(MERGED + 3)} - {"d3", "d5"} | {"d99"}
    lake.vacuum(0)
    assert (lake.check().errors, lake.check().remarks) == ((), ())


def test_sources_are_converted_only_when_somebody_asks(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(lake, 1)
    put(lake, 2)
    history._READ.clear()
    history._rows.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(history.StoredKeys, "__iter__", lambda keys: pytest.fail("converted"))
        assert lake.snapshot().read(DRIVES).num_rows == 2
    snapshot = lake.snapshot()
    assert [commit.sources for commit in snapshot.history.commits] == [("1",), ("2",)]
    assert snapshot.commits()["sources"].to_pylist() == [["1"], ["2"]]
    assert snapshot.sources() == {"1", "2"}


def test_the_reserve_grows_with_the_items_of_a_commit(tmp_path: Path) -> None:
    """A replayed clip: 32 keys and three files, with hashes that no compression makes smaller."""
    count = 500
    keys = [
        f"score:{token_hex(8)}:{clip:08x}:{token_hex(8)}:objects:{token_hex(8)}@5"
        for clip in range(count)
        for _ in range(32)
    ]
    files = [DataFile(f"scores/{'0' * 24}/{token_hex(32)}.parquet", 1, 1) for _ in range(3 * count)]
    commit = Commit("0" * 24, "shadow replay", tuple(files), tuple(keys), number=1)
    written = write_data_file(tmp_path, "0" * 24, history.COMMITS, history.as_table([commit]))
    assert written is not None
    assert COMMIT_BYTES < written.bytes < commit_bytes(count) - COMMIT_BYTES


def test_a_history_goes_on_where_it_was(lake: Lake) -> None:
    for number in range(3):
        put(lake, number)
    lake.delete({DRIVES: "drive_id = 'd1'"})
    rows = lake.snapshot().history.commits
    at_once = History().after(rows)
    for cut in range(len(rows) + 1):
        assert History().after(rows[:cut]).after(rows[cut:]) == at_once
    assert at_once.is_live(rows[0].files[0].path) and not at_once.is_live(rows[1].files[0].path)


def test_another_home_at_the_same_place_is_another_history(home: Path) -> None:
    put(Lake.create(home), 1)
    shutil.rmtree(home)
    put(Lake.create(home), 2)
    snapshot = Lake.open(home).snapshot()
    assert snapshot.sources() == {"2"}
    assert snapshot.read(DRIVES)["drive_id"].to_pylist() == ["d2"]


def test_a_checkpoint_without_room_does_not_undo_its_commit(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(table: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(log.DeltaTable, "create_checkpoint", full)
    for number in range(log.CHECKPOINT_EVERY + 2):
        put(lake, number)
    assert len(lake.snapshot().sources()) == log.CHECKPOINT_EVERY + 2
    assert not list(lake.home.glob("*/_delta_log/*.checkpoint.parquet"))


def test_a_merge_without_room_leaves_the_commit(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = history._written

    def cramped(home: Path, commit: Commit, old: Any) -> Any:
        if old:
            raise RidealongError("no space left on the disk")
        return written(home, commit, old)

    monkeypatch.setattr(history, "_written", cramped)
    for number in range(MERGED + 2):
        put(lake, number)
    assert len(lake.snapshot().sources()) == MERGED + 2
