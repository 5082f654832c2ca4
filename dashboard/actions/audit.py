"""The record of every action: who changed what, when, from what to what."""

import json
import time
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from dashboard.schemas import AUDIT
from ridealong.lake import Lake, Snapshot, write_data_file

LONGEST_STATE = 10_000  # characters


@dataclass(frozen=True)
class Entry:
    """One row of `AUDIT`; ``before`` and ``after`` are JSON texts."""

    time_ns: int
    who: str | None
    address: str | None
    action: str
    subject: str
    before: str | None = None
    after: str | None = None
    refused: str | None = None


def as_json(state: object) -> str | None:
    """A state as a line of JSON; None stays None. Of a very long one only the length is kept."""
    if state is None:
        return None
    text = json.dumps(state, sort_keys=True, default=str, ensure_ascii=False)
    return text if len(text) <= LONGEST_STATE else json.dumps({"characters": len(text)})


def record(lake: Lake, entry: Entry) -> None:
    """Add an entry to the record.

    Raises:
        RidealongError: The home cannot be written.
    """
    commit_id = lake.new_commit_id()
    table = pa.Table.from_pylist([asdict(entry)], schema=AUDIT.schema)
    file = write_data_file(lake.home, commit_id, AUDIT, table)
    assert file is not None
    lake.commit(commit_id, "dashboard", [file], (), {"audit": 1})


def entries(snapshot: Snapshot, most: int | None = None, skipped: int = 0) -> list[dict[str, Any]]:
    """Rows of the record, the newest first; ``before`` and ``after`` are decoded.

    Args:
        snapshot: The lake.
        most: How many; None for all.
        skipped: How many newer ones to leave out.
    """
    limit = "" if most is None else f" LIMIT {int(most)}"
    sql = f"SELECT * FROM audit ORDER BY time_ns DESC{limit} OFFSET {int(skipped)}"
    rows = snapshot.query(sql, AUDIT).to_pylist()
    return [row | {"before": _state(row["before"]), "after": _state(row["after"])} for row in rows]


def count(snapshot: Snapshot) -> int:
    """How many entries the record has."""
    return int(snapshot.query("SELECT count(*) FROM audit", AUDIT)[0][0].as_py())


def _state(text: str | None) -> object:
    return None if text is None else json.loads(text)


def now_ns() -> int:
    """The time of an entry."""
    return time.time_ns()
