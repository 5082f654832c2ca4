"""The view in which a run is started: which networks, on which clips, by which gate."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import streamlit as st

from dashboard import session
from dashboard.actions import jobs
from dashboard.actions.acting import Change, act, refusal
from dashboard.navigation import address
from dashboard.runs import queries
from dashboard.text import plain
from dashboard.theme import MARKS
from dashboard.words import help_of
from metrics.gate.cells import Verdict
from metrics.gate.names import FLEET
from metrics.gate.spec import load_gate
from ridealong.errors import RidealongError
from ridealong.lake import Lake, Snapshot
from ridealong.terminal.readable import counted, duration
from shadow.preview import Preview, preview
from shadow.releases.promotion import releases
from shadow.run import RunRequest

GATE_FILE = "gate.yaml"
INCLUDED, OWN = "the included gate", "my own"
NO_BASELINE = "none"


@dataclass(frozen=True)
class Wish:
    """What was chosen; the names are those of the options of ``shadow run``."""

    deployed: str
    candidate: str
    where: str | None
    baseline: str | None
    gate: str | None  # the text of its file; None for the included one

    @property
    def title(self) -> str:
        """What the run is, for people."""
        return f"Run of {self.candidate} against {self.deployed}"

    def command(self) -> list[str]:
        """The words after ``ridealong``."""
        options = {"where": self.where, "baseline": self.baseline}
        options["gate"] = None if self.gate is None else GATE_FILE
        words = [f"--deployed={self.deployed}", f"--candidate={self.candidate}"]
        words += [f"--{name}={value}" for name, value in options.items() if value is not None]
        return ["shadow", "run", *words]

    def files(self) -> dict[str, str]:
        """The files that the command reads."""
        return {} if self.gate is None else {GATE_FILE: self.gate}


def show(snapshot: Snapshot) -> None:
    """Lay out the view."""
    known = queries.networks(snapshot)
    if len(known) < 2:
        st.info(
            "A run compares two networks, and fewer are registered. "
            "[Register networks](/runs?view=networks)."
        )
        return
    if not queries.clip_count(snapshot):
        st.info("A run replays clips, and there are none yet. [Apply a trigger](/triggers).")
        return
    left, right = st.columns(2, gap="large")
    with left:
        wish = _choose(snapshot, known)
    with right.container(border=True):
        st.markdown("**What it will do**")
        _start(wish, _preview(snapshot, wish))


def _choose(snapshot: Snapshot, known: Sequence[queries.Network]) -> Wish:
    names = [one.entry.network for one in known]
    one, two = st.columns(2)
    deployed = _select(one, "Deployed", "deployed", names, names[0])
    others = [name for name in names if name != deployed] or names
    candidate = _select(two, "Candidate", "candidate", names, others[0])
    made = {
        str(each.release): f"release {each.release}: {each.network}" for each in releases(snapshot)
    }
    baseline = _select(
        one, "Baseline", "baseline", [NO_BASELINE, *reversed(made)], NO_BASELINE, made
    )
    where = st.text_input(
        "Which clips",
        st.query_params.get("where", ""),
        placeholder="all clips, or for example: light = 'night' and country = 'DE'",
        key="start-where",
        help="An expression over the columns of clips and their drives. Empty takes all clips.",
        on_change=_keep,
        args=("where",),
    )
    return Wish(
        deployed,
        candidate,
        where.strip() or None,
        None if baseline == NO_BASELINE else baseline,
        _gate(snapshot, two),
    )


def _select(
    place: Any,
    label: str,
    name: str,
    options: list[str],
    default: str,
    titles: Mapping[str, str] | None = None,
) -> str:
    """A choice that stands in the address; a sentence says if what stands there is gone."""
    asked, key = st.query_params.get(name, default), f"start-{name}"
    st.session_state[key] = asked if asked in options else default
    if asked not in options:
        st.warning(f"There is no {name} {plain(asked)} in this home; this is the usual choice.")
    chosen = place.selectbox(
        label,
        options,
        format_func=lambda one: (titles or {}).get(one, one),
        key=key,
        help=help_of(name),
        on_change=_keep,
        args=(name,),
    )
    return str(chosen)


def _keep(name: str) -> None:
    """Keep a choice in the address."""
    st.query_params[name] = st.session_state[f"start-{name}"]


def _gate(snapshot: Snapshot, place: Any) -> str | None:
    """The text of the chosen gate; None for the included one."""
    earlier = {f"as in run {run_id}": text for run_id, text in queries.gates(snapshot).items()}
    choice = place.selectbox(
        "Gate", [INCLUDED, *earlier, OWN], key="start-gate", help=help_of("gate")
    )
    if choice == OWN:
        return str(
            st.text_area(
                "The gate's YAML",
                key="start-yaml",
                height=200,
                help="As in a file for `ridealong shadow run --gate FILE`; see docs/verdicts.md.",
            )
        )
    return earlier.get(choice)


def _preview(snapshot: Snapshot, wish: Wish) -> Preview | None:
    """What the run would do; a mistake is said on the page."""
    if refusal() is not None:
        return None
    try:
        if wish.gate is not None:
            _check_gate(wish.gate)
        return _previewed(snapshot.history.commits[-1].commit_id, wish)
    except RidealongError as error:
        st.error(plain(str(error).replace("--where", "Which clips")))
        return None


@st.cache_data(max_entries=16, show_spinner="Counting clips")
def _previewed(version: str, wish: Wish) -> Preview:
    del version  # the cache's key: the lake's newest commit
    request = RunRequest(
        wish.deployed, wish.candidate, wish.where, load_gate(), baseline=wish.baseline
    )
    return preview(Lake.open(session.home()), request)


def _start(wish: Wish, planned: Preview | None) -> None:
    why = refusal()
    if planned is not None:
        st.markdown(_said(planned))
        if wish.deployed == wish.candidate:
            st.caption("A network compared with itself shows no regression and promotes nothing.")
    st.button(
        "Start the run",
        type="primary",
        on_click=_begin,
        args=(wish,),
        disabled=planned is None,
        help=why or "It runs in the background. Its progress is at the bottom of every page.",
    )


def _said(planned: Preview) -> str:
    lines = [f"- It judges **{counted(planned.clips, 'clip')}**."]
    if planned.stored:
        lines.append(f"- {planned.stored:,} of them are scored already, and are not replayed.")
    if planned.rescored:
        lines.append(f"- {planned.rescored:,} are scored again from stored outputs.")
    if planned.replayed:
        lines.append(f"- Both networks run on **{counted(planned.replayed, 'clip')}**.")
        took = planned.seconds
        about = (
            "unknown: there is no earlier run here" if took is None else f"about {duration(took)}"
        )
        lines.append(f"- Time: {about}" + ("." if took is None else ", by the slowest run so far."))
    else:
        lines.append("- No network runs: there is only the verdict to compute.")
    return "\n".join(lines)


def _begin(wish: Wish) -> None:
    command = wish.command()

    def change(_: Lake) -> Change:
        if any(job.command == tuple(command) and not job.state.ended for job in jobs.all_jobs()):
            raise RidealongError("this run is in progress already: see the bottom of the page")
        job = jobs.start(wish.title, command, _result, wish.files())
        return None, {"job": job.job_id, "command": " ".join(command)}

    act("shadow run", f"{wish.candidate} against {wish.deployed}", change)


def _check_gate(text: str) -> None:
    """Raise `RidealongError` if the text is no gate."""
    if not text.strip():
        raise RidealongError("the gate is empty", hint="docs/verdicts.md has an example")
    with TemporaryDirectory() as folder:
        path = Path(folder, GATE_FILE)
        path.write_text(text, "utf-8")
        try:
            load_gate(path, FLEET)
        except RidealongError as error:  # without the name of a file that nobody knows
            said = re.sub(re.escape(str(path)) + r":(\d+):", r"line \1:", str(error))
            raise RidealongError(said.replace(str(path), "the gate")) from error


def _result(document: Mapping[str, Any]) -> str:
    """A finished run in a sentence, with a link."""
    verdict = Verdict(document["verdict"])
    there = address("", run=document["run"])
    return f"{MARKS[verdict]} **{verdict}**: {plain(document['reason'])} [Open the run]({there})"
