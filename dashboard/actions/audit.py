"""The record of every action: who changed what, when, from what to what."""

import json
import time
from dataclasses import asdict, dataclass

import pyarrow as pa

from dashboard.schemas import AUDIT
from ridealong.lake import Lake, write_data_file


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
    """A state as a line of JSON; None stays None."""
    return None if state is None else json.dumps(state, sort_keys=True, default=str)


def record(lake: Lake, entry: Entry) -> None:
    """Add an entry to the record."""
    commit_id = lake.new_commit_id()
    table = pa.Table.from_pylist([asdict(entry)], schema=AUDIT.schema)
    file = write_data_file(lake.home, commit_id, AUDIT, table)
    assert file is not None
    lake.commit(commit_id, "dashboard", [file], [f"audit:{commit_id}"], {"audit": 1})


def now_ns() -> int:
    """The time of an entry."""
    return time.time_ns()
