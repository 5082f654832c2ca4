"""Queries for the page Clips: a snapshot in, Arrow tables and plain rows out. No Streamlit."""

from dataclasses import dataclass

import pyarrow as pa

from ingest.schemas import CLIPS, DRIVES, TELEMETRY
from ridealong.errors import RidealongError
from ridealong.lake import Snapshot
from shadow.keys import outputs_in
from shadow.networks.manifest import NetworkManifest
from shadow.networks.registry import list_networks
from shadow.schemas import OUTPUTS, RUNS

CLIP_COLUMNS = """
    select c.clip_id, d.source, c.triggers, c.start_s, c.end_s - c.start_s as seconds,
           d.country, d.light, d.weather, d.road, c.cameras, c.labelled, c.drive_id, c.blob,
           c.start_ns, c.end_ns
    from clips c join drives d using (drive_id)
    order by c.drive_id, c.start_ns
"""

PAIR = ("deployed", "candidate", "deployed_sha256", "candidate_sha256")


@dataclass(frozen=True)
class ComparedPair:
    """Two networks that were compared: names, identities (sha256), and their outputs' key."""

    deployed: str
    candidate: str
    deployed_sha256: str
    candidate_sha256: str
    stored_by: str

    @property
    def against_itself(self) -> bool:
        """Whether both are one network: such a pair is shown only if someone chooses it."""
        return self.deployed_sha256 == self.candidate_sha256


def clips(snapshot: Snapshot) -> pa.Table:
    """Every clip with its drive's conditions, in the order of drives and time."""
    return snapshot.query(CLIP_COLUMNS, CLIPS, DRIVES)


def pairs(snapshot: Snapshot, clip_id: str) -> list[ComparedPair]:
    """The pairs that were compared on a clip, the newest run first, a network with itself last."""
    rows = snapshot.query(
        f"""select {", ".join(PAIR)}, definition
        from runs where list_contains(clip_ids, ?)
        group by all
        order by bool_and(deployed_sha256 = candidate_sha256), max(created_ns) desc""",
        RUNS,
        params=[clip_id],
    )
    found = [
        ComparedPair(**{name: row[name] for name in PAIR}, stored_by=outputs_in(row["definition"]))
        for row in rows.to_pylist()
    ]
    return list(dict.fromkeys(found))  # runs by other definitions have the same outputs


def manifests(snapshot: Snapshot, pair: ComparedPair) -> tuple[NetworkManifest, NetworkManifest]:
    """The manifests of the deployed network and of the candidate.

    Raises:
        RidealongError: One of them is no longer registered.
    """
    known = {entry.network_sha256: entry for entry in list_networks(snapshot)}
    for name, sha256 in (
        (pair.deployed, pair.deployed_sha256),
        (pair.candidate, pair.candidate_sha256),
    ):
        if sha256 not in known:
            raise RidealongError(f"the network {name!r} of these outputs is no longer registered")
    return known[pair.deployed_sha256].manifest, known[pair.candidate_sha256].manifest


def outputs(snapshot: Snapshot, clip_id: str, network_sha256: str, stored_by: str) -> pa.Table:
    """The outputs of one network on one clip, in time."""
    return snapshot.query(
        """select * from outputs where clip_id = ? and network_sha256 = ? and definition = ?
        order by timestamp_ns, camera, task, score desc""",
        OUTPUTS,
        params=[clip_id, network_sha256, stored_by],
    )


def telemetry(snapshot: Snapshot, drive_id: str, start_ns: int, end_ns: int) -> pa.Table:
    """The telemetry inside a window, both ends inclusive, in time."""
    return snapshot.query(
        """select * exclude (drive_id) from telemetry
        where drive_id = ? and timestamp_ns between ? and ? order by timestamp_ns""",
        TELEMETRY,
        params=[drive_id, start_ns, end_ns],
    )
