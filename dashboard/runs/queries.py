"""What the page shows: runs, networks, releases, and what a run can start from."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.schemas import CLIPS
from ridealong.lake import Snapshot
from shadow.networks.registry import NetworkEntry, list_networks
from shadow.releases.promotion import Release, releases
from shadow.schemas import RUN_NAMES, RUNS

Row = dict[str, Any]
PAGE = 10  # rows of one page of a table

_RUNS = """
SELECT r.run_id, n.name, n.note, coalesce(n.archived, false) AS archived, r.deployed, r.candidate,
    r.deployed_sha256, r.candidate_sha256, r.verdict, r.reason, r.baseline, r.created_ns, r.seconds,
    len(r.clip_ids) AS clips, coalesce(len(r.clips_left_out), 0) AS left_out,
    r.dataset IS NOT NULL AS of_files
FROM runs r LEFT JOIN (
    SELECT * FROM run_names
    QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY time_ns DESC) = 1
) n USING (run_id)
"""


@dataclass(frozen=True)
class Runs:
    """One page of the list of runs, the newest first.

    Attributes:
        rows: Of this page.
        count: Of all pages.
        archived: How many runs are archived, whether they are listed or not.
    """

    rows: list[Row]
    count: int
    archived: int


def runs(snapshot: Snapshot, *, archived: bool, skipped: int, most: int = PAGE) -> Runs:
    """A page of the runs; archived ones only if asked for."""
    counts = f"SELECT count(*), count(*) FILTER (archived) FROM ({_RUNS})"
    every, hidden = (column[0].as_py() for column in snapshot.query(counts, RUNS, RUN_NAMES))
    rows = snapshot.query(
        f"""SELECT * FROM ({_RUNS}) WHERE $archived OR NOT archived
        ORDER BY created_ns DESC, run_id DESC LIMIT $most OFFSET $skipped""",
        RUNS,
        RUN_NAMES,
        params={"archived": archived, "most": most, "skipped": skipped},
    ).to_pylist()
    return Runs(rows, every if archived else every - hidden, hidden)


def run(snapshot: Snapshot, run_id: str) -> Row | None:
    """One run; None if it is not there."""
    sql = f"SELECT * FROM ({_RUNS}) WHERE run_id = ?"
    rows = snapshot.query(sql, RUNS, RUN_NAMES, params=[run_id]).to_pylist()
    return rows[0] if rows else None


def gates(snapshot: Snapshot) -> dict[str, str]:
    """The gates of earlier runs over clips as JSON, each under its newest run's id."""
    sql = """SELECT arg_max(run_id, created_ns) AS run_id, gate FROM runs WHERE dataset IS NULL
        GROUP BY gate ORDER BY max(created_ns) DESC LIMIT 20"""
    return {row["run_id"]: row["gate"] for row in snapshot.query(sql, RUNS).to_pylist()}


@dataclass(frozen=True)
class Network:
    """A registered network.

    Attributes:
        entry: What is registered.
        size: Of its artifact in bytes; None if it has none, or it is gone.
        release: The newest release that deployed it; None if none did.
        deployed: Whether the fleet runs it now.
    """

    entry: NetworkEntry
    size: int | None
    release: Release | None
    deployed: bool


def networks(snapshot: Snapshot) -> list[Network]:
    """The registered networks: the deployed one, then the newest."""
    made = releases(snapshot)
    by_hash: Mapping[str, Release] = {each.network_sha256: each for each in made}
    now = made[-1].network_sha256 if made else None
    found = [
        Network(
            entry,
            _size(snapshot.home, entry.blob),
            by_hash.get(entry.network_sha256),
            entry.network_sha256 == now,
        )
        for entry in list_networks(snapshot)
    ]
    return sorted(found, key=lambda one: (not one.deployed, -one.entry.added_ns))


def _size(home: Path, blob: str | None) -> int | None:
    try:
        return None if blob is None else (home / blob).stat().st_size
    except OSError:
        return None


def evidence(snapshot: Snapshot, network_sha256: str) -> list[Row]:
    """The runs of a network against the deployed one, the newest first."""
    made = releases(snapshot)
    if not made or made[-1].network_sha256 == network_sha256:
        return []
    sql = f"""SELECT * FROM ({_RUNS}) WHERE candidate_sha256 = ? AND deployed_sha256 = ?
        ORDER BY created_ns DESC LIMIT 50"""
    asked = [network_sha256, made[-1].network_sha256]
    found: list[Row] = snapshot.query(sql, RUNS, RUN_NAMES, params=asked).to_pylist()
    return found


def clip_count(snapshot: Snapshot) -> int:
    """How many clips there are."""
    return int(snapshot.query("SELECT count(*) FROM clips", CLIPS)[0][0].as_py())
