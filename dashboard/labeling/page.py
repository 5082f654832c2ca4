"""The page Labeling: what waits to be labelled, its export, and labels that come back."""

from collections import Counter
from typing import Any

import streamlit as st

from dashboard import session
from dashboard.actions import jobs
from dashboard.actions.acting import Change, act, refusal
from dashboard.exporting import Subject, send
from dashboard.labeling.markup import STYLE, queue_table
from dashboard.text import plain
from ingest.labels.reading.registry import READERS
from ridealong.lake import Lake, Snapshot
from ridealong.terminal.readable import counted
from shadow.judged import of_items
from shadow.labeling.queue import queue_rows, remove_from_queue
from shadow.labeling.states import State
from shadow.runs import Run, list_runs
from shadow.schemas import LABEL_QUEUE

FIRST_BUDGET, MOST = 20, 10_000


def page() -> None:
    """Lay out the page: the queue, and what can be done with it."""
    st.title("Labeling", anchor=False)
    st.html(STYLE)
    if why := refusal():
        st.caption(plain(why))
    snapshot = session.snapshot(session.home())
    run = next((one for one in list_runs(snapshot) if not of_items(one)), None)
    if run is None:
        st.info("There is no run of clips yet: [start one](/runs?view=start) to rank clips by it.")
        return
    rows = _rows(session.version(snapshot, LABEL_QUEUE), snapshot)
    _add(run)
    if not rows:
        st.info("Nothing is queued. Add the most useful clips.")
    else:
        _queue(run, rows)
    _bring_back()


@st.cache_resource(max_entries=4, show_spinner=False)
def _rows(version: str, _snapshot: Snapshot) -> list[dict[str, Any]]:
    return queue_rows(_snapshot)


def _add(run: Run) -> None:
    first, second = st.columns([1, 3], vertical_alignment="bottom")
    budget = first.number_input("Clips to add", 1, MOST, FIRST_BUDGET)
    second.button(
        "Add to the queue",
        type="primary",
        disabled=refusal() is not None,
        help="Ranks the clips of the newest run by loss, disagreement, uncertainty and rarity, and "
        "adds the best ones. Near-duplicates are left out.",
        on_click=_start,
        args=(
            "Queue clips",
            ["labels", "queue", "add", "--run", run["run_id"], "--budget", str(budget)],
        ),
    )


def _queue(run: Run, rows: list[dict[str, Any]]) -> None:
    states = Counter(row["state"] for row in rows)
    st.caption(", ".join(f"{count} {state}" for state, count in states.items()))
    st.html(queue_table(rows))
    export, clips, remove = st.columns([1, 2, 1], vertical_alignment="bottom")
    waiting = states[State.QUEUED]
    if export.button("Export the queue", disabled=refusal() is not None or not waiting):
        title = counted(waiting, "clip") + " of the queue"
        send(Subject(run["run_id"], title, queued=waiting))
    chosen = clips.multiselect(
        "Remove from the queue", [row["clip_id"] for row in rows], placeholder="Choose clips"
    )
    remove.button(
        "Remove", disabled=refusal() is not None or not chosen, on_click=_remove, args=(chosen,)
    )


def _bring_back() -> None:
    st.header("Import labels", anchor=False)
    first, second, third = st.columns([3, 1, 1], vertical_alignment="bottom")
    path = first.text_input(
        "File, folder or archive", placeholder="A path on the machine of this dashboard"
    )
    kind = second.selectbox("Format", list(READERS))
    third.button(
        "Import",
        disabled=refusal() is not None or not path.strip(),
        help="Changes only what the manifest of the export lists. Existing runs keep their labels.",
        on_click=_start,
        args=("Import labels", ["labels", "import", "--format", kind, "--", path.strip()]),
    )


def _start(title: str, command: list[str]) -> None:
    def change(_: Lake) -> Change:
        jobs.start(title, command, _said)
        return None, {"command": command}

    act(" ".join(command[:2]), title, change)


def _remove(clips: list[str]) -> None:
    def change(lake: Lake) -> Change:
        return clips, {"removed": remove_from_queue(lake, clips)}

    done = f"Removed {counted(len(clips), 'clip')} from the queue."
    act("labels queue remove", ", ".join(clips), change, done)


def _said(report: dict[str, Any]) -> str:
    """What a job did, in a sentence of Markdown."""
    if "versions" in report:
        changed = counted(len(report["versions"]), "clip")
        return f"Changed the labels of {changed}. [Start a run](/runs?view=start) to use them."
    alike = counted(len(report["near_duplicates"]), "near-duplicate")
    return f"Queued {counted(len(report['added']), 'clip')}, and left out {alike}."


page()
