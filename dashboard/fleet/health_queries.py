"""Queries for the health of ingest: what it did last, and what it could not use."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ingest.schemas import CLIPS, DRIVES, QUARANTINE
from ridealong.execution.accounting import Status
from ridealong.lake import Snapshot
from ridealong.units import NS_PER_S

MOST_REASONS = 50
MOST_EXAMPLES = 3
MOST_INGESTS = 10

Row = dict[str, Any]


@dataclass(frozen=True)
class Health:
    """Outcomes of ingest over all commits; ``last`` is the time of the last commit with data."""

    commits: int
    planned: int
    done: int
    quarantined: int
    failed: int
    last: datetime | None


def health(snapshot: Snapshot) -> Health:
    """The outcomes of everything that ingest planned."""
    rows = _ingests(snapshot)
    planned, done, quarantined, failed = (
        sum(row[name] for row in rows) for name in ("planned", *Status)
    )
    last = max((row["time"] for row in rows), default=None)
    return Health(len(rows), planned, done, quarantined, failed, last)


def last_ingests(snapshot: Snapshot) -> list[Row]:
    """The last commits of ingest, the newest first: ``time`` (UTC), outcomes, new rows."""
    rows = _ingests(snapshot)[: -MOST_INGESTS - 1 : -1]
    added = {table.name: _rows_by_commit(snapshot, table.name) for table in (DRIVES, CLIPS)}
    return [
        row | {name: counts.get(row["commit"], 0) for name, counts in added.items()} for row in rows
    ]


def _ingests(snapshot: Snapshot) -> list[Row]:
    return [
        {
            "commit": commit.commit_id,
            "time": datetime.fromtimestamp(commit.time_ns // NS_PER_S, UTC),
            **_counts(json.loads(commit.counts)),
        }
        for commit in snapshot.history.commits
        if commit.command == "ingest"
    ]


def _counts(found: Mapping[str, Any]) -> dict[str, int]:
    return {str(name): int(found.get(name, 0)) for name in ("planned", *Status)}


def _rows_by_commit(snapshot: Snapshot, table: str) -> dict[str, int]:
    """Rows that each commit brought to a table; a data file's folder is named by its commit."""
    found: dict[str, int] = {}
    for path, file in snapshot.history.live.get(table, {}).items():
        commit_id = path.split("/")[-2]
        found[commit_id] = found.get(commit_id, 0) + file.rows
    return found


@dataclass(frozen=True)
class Quarantine:
    """What could not be used.

    Attributes:
        rows: ``kind``, ``reason``, ``count``, ``paths`` (how many) and ``examples`` of them; the
            most frequent first.
        left_out: How many more reasons there are.
    """

    rows: list[Row]
    left_out: int


def quarantine(snapshot: Snapshot) -> Quarantine:
    """The quarantine by kind and reason, without the numbers in it: they differ in every row."""
    rows = snapshot.query(
        f"""select kind, regexp_replace(min(reason), '\\d{{6,}}', '…', 'g') as reason,
            count(*) as count, count(distinct path) as paths,
            list_slice(list(distinct path order by path), 1, {MOST_EXAMPLES}) as examples
        from quarantine group by kind, regexp_replace(reason, '\\d+(\\.\\d+)?', '0', 'g')
        order by count desc, kind, reason""",
        QUARANTINE,
    ).to_pylist()
    return Quarantine(rows[:MOST_REASONS], max(0, len(rows) - MOST_REASONS))
