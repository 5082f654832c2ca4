"""Deploying a network: with a run that passed, or with a signed waiver."""

import time
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from metrics.gate.cells import Verdict
from ridealong.errors import RidealongError
from ridealong.lake import AlreadyCommittedError, Lake, Snapshot, write_data_file
from ridealong.specs import nearest
from shadow.networks.registry import NetworkEntry, find_network, list_networks
from shadow.schemas import RELEASES, RUNS


@dataclass(frozen=True)
class Release:
    """One row of the table releases; see `RELEASES`."""

    release: int
    network: str
    network_sha256: str
    replaced: str | None
    run_id: str | None
    verdict: Verdict | None
    waiver_reason: str | None
    waiver_by: str | None
    time_ns: int


@dataclass(frozen=True)
class _Run:
    run_id: str
    deployed_sha256: str
    candidate: str
    candidate_sha256: str
    verdict: Verdict


def releases(snapshot: Snapshot) -> list[Release]:
    """All releases, oldest first."""
    return [_release(row) for row in snapshot.read(RELEASES).to_pylist()]


def _release(row: dict[str, Any]) -> Release:
    verdict = None if row["verdict"] is None else Verdict(row["verdict"])
    return Release(**row | {"verdict": verdict})


def deployed(snapshot: Snapshot) -> Release | None:
    """The newest release; None before the first."""
    made = releases(snapshot)
    return made[-1] if made else None


def deployed_id(snapshot: Snapshot) -> str:
    """The id of the deployed network.

    Raises:
        RidealongError: Nothing is deployed yet.
    """
    now = deployed(snapshot)
    if now is None:
        raise RidealongError(
            "no network is deployed",
            hint="name one with --deployed, or make a first release with `networks promote`",
        )
    return now.network


def network_of(snapshot: Snapshot, release: str) -> str:
    """The network of a release, which is named by its number or by its network's id.

    Raises:
        RidealongError: There is no such release, and no registered network with that id.
    """
    made = {str(each.release): each.network for each in releases(snapshot)}
    networks = [entry.network for entry in list_networks(snapshot)]
    if release in made:
        return made[release]
    if release in networks:
        return release
    raise RidealongError(
        f"unknown release {release!r}",
        expected="the number of a release, or the id of a registered network",
        hint=nearest(release, [*made, *networks]) if networks else "there are no networks yet",
    )


def promote(
    lake: Lake,
    network: str,
    *,
    run_id: str | None = None,
    waiver_reason: str | None = None,
    waiver_by: str | None = None,
) -> Release:
    """Deploy a registered network.

    This needs a run of the network against the deployed one with the verdict PASS, or a waiver
    with a reason and a name. The first release always needs a waiver.

    Raises:
        RidealongError: The network or the run is unknown, the run is about other networks or did
            not pass, the waiver is incomplete, the network is deployed already, or another process
            made a release at the same time.
    """
    snapshot = lake.snapshot()
    entry, now = find_network(snapshot, network), deployed(snapshot)
    if now is not None and now.network_sha256 == entry.network_sha256:
        raise RidealongError(f"{network} is deployed already, since release {now.release}")
    waived = _is_waiver(waiver_reason, waiver_by)
    run = _find_run(snapshot, run_id) if run_id is not None else None
    if run is not None:
        _check_pair(run, entry, now)
    if not waived:
        _require_pass(run, entry, now)
    release = Release(
        release=1 if now is None else now.release + 1,
        network=network,
        network_sha256=entry.network_sha256,
        replaced=None if now is None else now.network,
        run_id=run_id,
        verdict=run.verdict if run else None,
        waiver_reason=waiver_reason,
        waiver_by=waiver_by,
        time_ns=time.time_ns(),
    )
    _commit(lake, release)
    return release


def _is_waiver(reason: str | None, by: str | None) -> bool:
    """Whether there is a complete waiver; an incomplete one is a mistake."""
    given = [text is not None for text in (reason, by)]
    if not any(given):
        return False
    if not (reason and reason.strip() and by and by.strip()):
        raise RidealongError(
            "the waiver is not signed" if reason and reason.strip() else "the waiver has no reason",
            expected="a reason and the name of the person responsible",
        )
    return True


def _find_run(snapshot: Snapshot, run_id: str) -> _Run:
    columns = ["run_id", "deployed_sha256", "candidate", "candidate_sha256", "verdict"]
    rows = snapshot.read(RUNS, columns).to_pylist()
    runs = {row["run_id"]: _Run(**row | {"verdict": Verdict(row["verdict"])}) for row in rows}
    if run_id not in runs:
        hint = nearest(run_id, list(runs)) if runs else "there are no runs yet"
        raise RidealongError(f"unknown run {run_id!r}", hint=hint)
    return runs[run_id]


def _check_pair(run: _Run, entry: NetworkEntry, now: Release | None) -> None:
    """Refuse a run of another candidate, against another network, or of a network against itself.

    A waiver does not change this: the run of a release must be evidence about its network.
    """
    if run.candidate_sha256 != entry.network_sha256:
        raise RidealongError(
            f"run {run.run_id} judged {run.candidate}", expected=f"a run of {entry.network}"
        )
    if now is not None and run.deployed_sha256 != now.network_sha256:
        raise RidealongError(
            f"run {run.run_id} was compared with a network that is not deployed now",
            expected=f"one against {now.network}",
            hint=f"run `ridealong shadow run --candidate {entry.network}`",
        )
    if run.deployed_sha256 == run.candidate_sha256:
        raise RidealongError(
            f"run {run.run_id} compares {run.candidate} with itself",
            expected="a run of two networks",
        )


def _require_pass(run: _Run | None, entry: NetworkEntry, now: Release | None) -> None:
    waiver = "or sign a waiver with a reason and a name"
    if now is None:
        raise RidealongError(
            "no network is deployed that a run could be compared with",
            expected="a waiver (a reason and a name) for the first release",
        )
    if run is None:
        raise RidealongError(
            f"there is no evidence that {entry.network} is not worse than {now.network}",
            hint=f"name a run of `ridealong shadow run --candidate {entry.network}`, {waiver}",
        )
    if run.verdict != Verdict.PASS:
        raise RidealongError(
            f"run {run.run_id} is {run.verdict}",
            expected=Verdict.PASS,
            hint=f"fix the network, {waiver}",
        )


def _commit(lake: Lake, release: Release) -> None:
    commit_id = lake.new_commit_id()
    table = pa.Table.from_pylist([asdict(release)], schema=RELEASES.schema)
    file = write_data_file(lake.home, commit_id, RELEASES, table)
    assert file is not None
    try:
        sources = [f"release:{release.release}"]
        lake.commit(commit_id, "networks promote", [file], sources, {"releases": 1})
    except AlreadyCommittedError as error:
        raise RidealongError(
            f"release {release.release} was made by another process at the same time",
            hint="look at `ridealong networks list` and decide again",
        ) from error
