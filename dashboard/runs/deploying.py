"""The view of networks and releases: what the fleet runs, and what it runs next."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import streamlit as st

from dashboard import session
from dashboard.actions import jobs
from dashboard.actions.acting import Change, act, refusal
from dashboard.runs import queries
from dashboard.runs.markup import heading, networks_table, releases_table
from dashboard.runs.queries import Row
from dashboard.text import plain
from dashboard.theme import MARKS
from dashboard.words import help_of
from metrics.gate.cells import Verdict
from ridealong.errors import RidealongError
from ridealong.lake import Lake, Snapshot
from shadow.networks.registry import shipped_manifests
from shadow.releases.promotion import Release, deployed, promote, releases

REASON = "deploy-reason"  # the key of a widget
PASSED, WAIVED = "a run that passed", "a waiver"


@dataclass(frozen=True)
class Wish:
    """What is to be deployed, and why that is allowed.

    Attributes:
        network: Its id.
        now: The newest release as this browser shows it; None before the first.
        run: The run it is based on; None for a waiver alone.
        reason, by: Of the waiver; None for a run that passed.
    """

    network: str
    now: Release | None
    run: Row | None
    reason: str | None
    by: str | None

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        if self.reason is None:
            return self.run is not None
        return bool(self.reason.strip() and (self.by or "").strip())


def show(snapshot: Snapshot) -> None:
    """Lay out the view; ``?network=`` and ``?run=`` choose what to deploy."""
    known, made = queries.networks(snapshot), releases(snapshot)
    if not known:
        _register_first()
        return
    table, beside = st.columns([7, 3], gap="medium")
    with table:
        st.html(networks_table(known))
        st.html(heading("Releases"))
        if made:
            st.html(releases_table(made))
        else:
            st.caption("There is no release yet: the fleet runs no network.")
    with beside.container(border=True):
        _deploy(snapshot, known, made[-1] if made else None)


def _register_first() -> None:
    st.info(
        "No network is registered yet. Two small ones come with ridealong. "
        "`ridealong networks add MANIFEST` registers others."
    )
    why = refusal()
    st.button(
        "Register the included networks",
        type="primary",
        on_click=_register,
        disabled=why is not None,
        help=why or "They are opened as a test, and copied into the lake.",
    )


def _register() -> None:
    def change(_: Lake) -> Change:
        found = shipped_manifests()
        for path in found:
            jobs.start(f"Register {path.parent.name}", ["networks", "add", str(path)], _registered)
        return None, {"manifests": [path.parent.name for path in found]}

    act("networks add", "the included networks", change)


def _registered(document: dict[str, str]) -> str:
    return f"{plain(document['network'])} is registered. [See it](/runs?view=networks)"


def _deploy(snapshot: Snapshot, known: Sequence[queries.Network], now: Release | None) -> None:
    st.markdown("**Deploy a network**")
    others = {one.entry.network: one.entry.network_sha256 for one in known if not one.deployed}
    if not others:
        st.caption("All registered networks are deployed. `ridealong networks add` adds another.")
        return
    asked = st.query_params.get("network", "")
    names = list(others)
    if asked == (now and now.network):
        st.info(f"{plain(asked)} is deployed.")
    elif asked and asked not in names:
        st.warning(f"There is no network {plain(asked)} in this home. These are the others.")
    network = st.selectbox(
        "Network",
        names,
        names.index(asked) if asked in names else 0,
        help=help_of("network"),
        key="deploy-network",
    )
    wish = _allowed_by(network, now, queries.evidence(snapshot, others[network]))
    why = refusal()
    if st.button(
        "Deploy …",
        disabled=why is not None or not wish.complete,
        help=why or "You see what happens before it happens.",
    ):
        _confirm(wish)


def _allowed_by(network: str, now: Release | None, runs: Sequence[Row]) -> Wish:
    """A run that passed, or a waiver with a reason and a name."""
    passed = [row for row in runs if row["verdict"] == Verdict.PASS]
    if passed:
        how = st.radio("Allowed by", [PASSED, WAIVED], horizontal=True, help=help_of("waiver"))
        if how == PASSED:
            return Wish(network, now, _run(passed), None, None)
    elif now is None:
        st.caption("The first release needs a waiver: there is nothing to compare with yet.")
    else:
        start = f"/runs?view=start&deployed={now.network}&candidate={network}"
        st.markdown(
            f"No run of {plain(network)} against the deployed {plain(now.network)} has passed. "
            f"[Start one]({start}), or sign a waiver."
        )
    return _waiver(network, now, runs)


def _waiver(network: str, now: Release | None, runs: Sequence[Row]) -> Wish:
    run = _run(runs) if runs else None
    reason = st.text_area("Reason", key=REASON, height=80, help=help_of("waiver"))
    person = session.permission().person(st.context.headers)
    by = st.text_input(
        "Your name",
        person or "",
        key="deploy-by",
        disabled=person is not None,
        help="The person responsible. It stands beside the release.",
    )
    return Wish(network, now, run, reason, person or by)


def _run(rows: Sequence[Row]) -> Row:
    asked = [row["run_id"] for row in rows]
    wanted = st.query_params.get("run", "")
    chosen: Row = st.selectbox(
        "Run",
        rows,
        asked.index(wanted) if wanted in asked else 0,
        format_func=lambda row: (
            f"{MARKS[Verdict(row['verdict'])]} {row['verdict']} {row['name'] or row['run_id']}"
        ),
        help="The evidence: it stays with the release.",
    )
    return chosen


@st.dialog("Deploy this network?")
def _confirm(wish: Wish) -> None:
    number = 1 if wish.now is None else wish.now.release + 1
    instead = "" if wish.now is None else f" instead of {plain(wish.now.network)}"
    st.markdown(f"Release {number}: the fleet will run **{plain(wish.network)}**{instead}.")
    if wish.run is not None:
        run = wish.run
        name = plain(run["name"] or run["run_id"])
        st.markdown(f"Evidence: run {name}, {run['verdict']}: {plain(run['reason'])}")
    if wish.reason is not None:
        st.markdown(f"Waiver of {plain(wish.by or '')}: {plain(wish.reason)}")
    st.markdown("A release cannot be deleted. To go back, deploy the earlier network again.")
    yes, no = st.columns(2)
    label = f"Deploy {plain(wish.network)}"
    done = yes.button(label, type="primary", width="stretch", on_click=_promote, args=(wish,))
    if no.button("Cancel", width="stretch") or done:
        st.rerun()  # closes the dialog


def _promote(wish: Wish) -> None:
    def change(lake: Lake) -> Change:
        now = deployed(lake.snapshot())
        if now != wish.now:
            raise RidealongError(
                f"{wish.network} was not deployed: somebody made another release meanwhile",
                hint="look at it and decide again",
            )
        made = promote(
            lake,
            wish.network,
            run_id=wish.run["run_id"] if wish.run else None,
            waiver_reason=wish.reason,
            waiver_by=wish.by if wish.reason is not None else None,
        )
        return now and asdict(now), asdict(made)

    if act("networks promote", wish.network, change, f"{wish.network} is deployed."):
        st.session_state[REASON] = ""  # the next waiver has its own
