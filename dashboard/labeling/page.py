"""The page Labeling: what waits to be labelled, its export, and labels that come back."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard import session
from dashboard.actions import jobs
from dashboard.actions.acting import Change, act, refusal
from dashboard.actions.messages import say
from dashboard.exporting import FOLDER, FORMATS, Subject, send, start_queueing
from dashboard.labeling.markup import PICTURE_PX, STYLE, queue_table
from dashboard.run_choice import run_title
from dashboard.text import plain
from dashboard.words import help_of
from ingest.labels.folder import MANIFEST
from ingest.labels.reading.registry import READERS
from ridealong.lake import Lake, Snapshot
from ridealong.terminal.readable import counted
from shadow.judged import of_items
from shadow.labeling.queue import queue_rows, remove_from_queue
from shadow.labeling.states import State
from shadow.runs import Run, list_runs
from shadow.schemas import LABEL_QUEUE

FIRST_BUDGET, MOST = 20, 10_000
BESIDE = "found beside the labels"
# Callbacks read widgets by their keys: arguments are those of the page as it was laid out last.
BUDGET, REMOVED = "queue-budget", "queue-removed"
PATH, EXPORT, FORMAT = "labels-path", "labels-export", "labels-format"


def page() -> None:
    """Lay out the page: the queue, clips to add, and labels to import."""
    st.title("Labeling", anchor=False)
    st.html(STYLE)
    if why := refusal():
        st.caption(plain(why))
    snapshot = session.snapshot(session.home())
    run = next((one for one in list_runs(snapshot) if not of_items(one)), None)
    if run is None:
        st.info("There is no run of clips yet: [start one](/runs?view=start) to rank clips by it.")
        return
    _queue(run, _rows(session.version(snapshot, LABEL_QUEUE), snapshot))
    _add(run)
    _bring_back()


@st.cache_resource(max_entries=4, show_spinner=False)
def _rows(version: str, _snapshot: Snapshot) -> list[dict[str, Any]]:
    return queue_rows(_snapshot)


def _queue(run: Run, rows: list[dict[str, Any]]) -> None:
    st.header("Queue", anchor=False, help=help_of("queue"))
    if not rows:
        st.info("Nothing is queued. Add the most useful clips below, or from a check on Compare.")
        return
    states = Counter(row["state"] for row in rows)
    st.caption(", ".join(f"{states[state]} {state}" for state in State if states[state]))
    st.html(queue_table(rows, _thumb))
    export, clips, remove = st.columns([1, 2, 1], vertical_alignment="bottom")
    waiting = states[State.QUEUED]
    if export.button(
        f"Export {counted(waiting, 'queued clip')}" if waiting else "Export",
        type="primary",
        disabled=refusal() is not None or not waiting,
        help=None if waiting else "No clip is queued: all of them were exported.",
    ):
        title = counted(waiting, "clip") + " of the queue"
        send(Subject(run["run_id"], title, queued=waiting))
    ids = [row["clip_id"] for row in rows]
    chosen = clips.multiselect(
        "Remove from the queue", ids, placeholder="Choose clips", key=REMOVED
    )
    remove.button("Remove", disabled=refusal() is not None or not chosen, on_click=_remove)


def _thumb(clip_id: str) -> str:
    return session.links().clip(clip_id).url("thumb.jpg", w=PICTURE_PX)


def _add(run: Run) -> None:
    st.header("Add clips", anchor=False)
    st.caption(plain("Ranked by " + run_title(run, len(run["clip_ids"] or ()), "clip")))
    first, second = st.columns([1, 3], vertical_alignment="bottom")
    first.number_input("Maximum number of clips", 1, MOST, FIRST_BUDGET, key=BUDGET)
    second.button(
        "Add to the queue",
        disabled=refusal() is not None,
        help="Ranks the clips of this run by loss, disagreement, uncertainty and rarity, and adds "
        "the best ones. Near-duplicates are left out.",
        on_click=_queue_more,
        args=(run["run_id"],),
    )


def _queue_more(run_id: str) -> None:
    budget = str(st.session_state[BUDGET])
    start_queueing(["labels", "queue", "add", "--run", run_id, "--budget", budget])


def _bring_back() -> None:
    st.header("Import labels", anchor=False)
    st.caption(
        "Changes only the frames, cameras and families that the export lists. "
        "Existing runs keep their labels."
    )
    path, export, kind, button = st.columns([4, 3, 2, 1], vertical_alignment="bottom")
    path.text_input(
        "File, folder or ZIP archive",
        placeholder="A path on the machine of this dashboard",
        key=PATH,
    )
    export.selectbox(
        "Export that they belong to",
        [BESIDE, *_exports(session.home())],
        key=EXPORT,
        help="Without one, images are matched by their names.",
    )
    kind.selectbox("Format", list(READERS), format_func=_format_title, key=FORMAT)
    button.button("Import", disabled=refusal() is not None, on_click=_import)


def _format_title(kind: str) -> str:
    return FORMATS[kind].partition(":")[0]


def _exports(home: Path) -> list[str]:
    """The names of this home's exports from which labels can come back, the newest first."""
    found = {path: path.stat().st_mtime_ns for path in (home / FOLDER).glob(f"*/{MANIFEST}")}
    return [path.parent.name for path in sorted(found, key=lambda p: -found[p]) if _lists(path)]


@st.cache_data(max_entries=256, show_spinner=False)
def _lists(manifest: Path) -> bool:
    """Whether an export's manifest lists clips: one of whole clips or of items does not."""
    try:
        return "families" in json.loads(manifest.read_text("utf-8"))
    except (OSError, ValueError):
        return False


def _import() -> None:
    path, export, kind = (st.session_state[key] for key in (PATH, EXPORT, FORMAT))
    path = path.strip()
    if not path:
        say("Name the file, folder or archive that holds the labels.", wrong=True)
        return
    if not Path(path).is_absolute():
        say("Give the whole path of the labels, beginning with /.", wrong=True)
        return
    command = ["labels", "import", path, "--format", kind]
    if export != BESIDE:
        command += ["--manifest", str(session.home() / FOLDER / export)]

    def change(_: Lake) -> Change:
        jobs.start("Import labels", command, _imported)
        return None, {"command": command}

    act("labels import", path, change)


def _imported(report: dict[str, Any]) -> str:
    """What an import did, in a sentence of Markdown."""
    changed = counted(len(report["versions"]), "clip")
    if not report["versions"]:
        return "Changed no labels: they are those that the clips have."
    return f"Changed the labels of {changed}. [Start a run](/runs?view=start) to use them."


def _remove() -> None:
    clips = st.session_state[REMOVED]

    def change(lake: Lake) -> Change:
        return clips, {"removed": remove_from_queue(lake, clips)}

    done = f"Removed {counted(len(clips), 'clip')} from the queue."
    act("labels queue remove", ", ".join(clips), change, done)


page()
