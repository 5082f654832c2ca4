"""The dialog that exports clips for labeling: what is exported, how much it is, and where it goes.

A page draws `send_button`, or calls `send`. The export itself is the command ``labels export``, as
a job. Instead, the clips can be queued, with ``labels queue add``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard import session
from dashboard.actions import jobs, messages
from dashboard.actions.acting import Change, act, refusal
from dashboard.text import plain
from dashboard.words import help_of
from ingest.labels.formats.registry import FORMATS as NEUTRAL_FORMATS
from ingest.schemas import CLIPS
from metrics.tasks.registry import families, parse_prediction
from ridealong.errors import RidealongError
from ridealong.lake import Lake, Snapshot
from ridealong.sql import literal
from ridealong.terminal.readable import counted, number
from shadow.export import DEFAULT_FAMILIES, ExportRequest, label_tasks, preview_export
from shadow.frames import parse_frames
from shadow.labeling.states import added_sentence
from shadow.losses import CellNames

FOLDER = "exports"  # below the home
LONGEST_NAME = 60
NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST_NAME - 1}}}")
FIRST_LIMIT, MOST_CLIPS = 10, 10_000
FIRST_STEP = 5
EVERY_HELP = "1 is every frame on which the networks were judged."
QUEUE_HELP = (
    "Ranks these clips, leaves out near-duplicates, and adds the best ones to the queue. "
    "Export them from the page Labeling when you are ready."
)
MOST_COUNTED = 50  # clips whose size is estimated without being asked to
COCO, MCAP = "coco", "mcap"
FORMATS = {
    COCO: "COCO: images, labels, pre-labels",
    **{name: kind.title for name, kind in NEUTRAL_FORMATS.items()},
    MCAP: "MCAP: whole clips",
}
FRAMES = {
    "every": "every N-th frame",
    "labelled": "frames with labels",
    "loss": "frames with a share of the loss",
}


@dataclass(frozen=True)
class Subject:
    """What a page offers for labeling.

    Attributes:
        run_id: The run whose outputs are exported.
        title: The run, for people.
        of_items: Whether the run judged result files.
        cell: Prediction, metric and slice of the cell that is looked at; None without.
        clips: The clips that are selected.
        queued: The number of clips that wait in the queue, if it is the queue that is offered.
    """

    run_id: str
    title: str
    of_items: bool = False
    cell: tuple[str, str, str] | None = None
    clips: tuple[str, ...] = ()
    queued: int = 0


@dataclass(frozen=True)
class Choice:
    """What was chosen in the dialog; the same words as the command takes.

    Attributes:
        run_id: The run.
        kind: A format of ``labels export``.
        limit: The most clips.
        cell: The cell whose loss orders the clips; None: all that regressed.
        clips: Only these clips; empty for all.
        frames: ``every:N``, ``labelled`` or ``loss``; None for all.
        cameras: Empty for all.
        queued: Only the clips of the queue.
        families: What is labelled; empty for `DEFAULT_FAMILIES`.
    """

    run_id: str
    kind: str
    limit: int
    cell: tuple[str, str, str] | None = None
    clips: tuple[str, ...] = ()
    frames: str | None = None
    cameras: tuple[str, ...] = ()
    queued: bool = False
    families: tuple[str, ...] = ()

    @property
    def where(self) -> str | None:
        """The expression that selects the clips."""
        return f"clip_id in ({', '.join(map(literal, self.clips))})" if self.clips else None

    def command(self, out: Path) -> list[str]:
        """The words after ``ridealong`` that export the clips."""
        words = ["labels", "export", "--run", self.run_id, "--format", self.kind]
        words += ["--limit", str(self.limit), "--out", str(out), *self._clips()]
        words += ["--frames", self.frames] if self.frames else []
        for option, names in (("--cameras", self.cameras), ("--families", self.families)):
            words += [option, ",".join(names)] if names else []
        return words + (["--queued"] if self.queued else [])

    def queueing(self) -> list[str]:
        """The words after ``ridealong`` that queue the clips."""
        words = ["labels", "queue", "add", "--run", self.run_id, "--budget", str(self.limit)]
        return words + self._clips()

    def _clips(self) -> list[str]:
        """The options that say which clips."""
        names = ("--prediction", "--metric", "--slice")
        pairs = zip(names, self.cell or (), strict=False)
        words = [word for pair in pairs for word in pair]
        return words + (["--where", self.where] if self.where else [])

    def request(self, out: Path) -> ExportRequest:
        """The same as a request."""
        names = CellNames(*self.cell) if self.cell else CellNames()
        frames = parse_frames(self.frames or "every:1")
        request = ExportRequest(
            self.run_id, self.where, self.limit, out, names, frames, self.cameras
        )
        return replace(request, queued=self.queued, families=self.families or DEFAULT_FAMILIES)


def folder_for(home: Path, name: str) -> Path:
    """The new folder of an export of this name.

    Raises:
        RidealongError: It cannot be a name, or there is such a folder already.
    """
    if not NAME.fullmatch(name):
        expected = "letters, digits, '.', '_' and '-', at most 60, the first a letter or digit"
        raise RidealongError(f"{name!r} cannot be the name of an export", expected=expected)
    out = home / FOLDER / name
    taken = any(str(out) in job.command and not job.state.ended for job in jobs.all_jobs())
    if taken or out.exists():
        raise RidealongError(
            f"there is an export {name!r} already", hint="give this one another name"
        )
    return out


def _free_name(home: Path, name: str) -> str:
    """The name, or the first of ``name-2``, ``name-3`` and so on that no export has."""
    names = [name, *(f"{name}-{count}" for count in range(2, 100))]
    return next((one for one in names if not (home / FOLDER / one).exists()), name)


def send_button(subject: Subject, key: str = "send") -> None:
    """A button that opens the dialog."""
    why = refusal()
    if st.button(
        "Send to labeling",
        key=key,
        disabled=why is not None,
        help=why
        or "Exports the costliest clips for a labeling tool. The dialog shows the size first.",
    ):
        send(subject)


@st.dialog("Send to labeling", width="medium")
def send(subject: Subject) -> None:
    """Open the dialog over the page that is being laid out."""
    messages.show()
    st.caption(plain(subject.title))
    choice = _choose(subject)
    name = st.text_input(
        "Name",
        value=_free_name(session.home(), f"{datetime.now(UTC):%Y-%m-%d}-{subject.run_id[:6]}"),
        max_chars=LONGEST_NAME,
        help="Names the folder. An export is never overwritten.",
    )
    st.caption(f"Folder: {plain(str(session.home() / FOLDER / name))}")
    told = st.container()
    start, queue, _ = st.columns([3, 4, 5], vertical_alignment="center")
    if not (subject.queued or subject.of_items) and queue.button(
        "Add to the queue", disabled=bool(refusal()), help=QUEUE_HELP
    ):
        _end(start_queueing(choice.queueing()))
    with told:
        possible = _preview(choice)
    if start.button("Start export", type="primary", disabled=bool(refusal()) or not possible):
        _end(_start(subject, choice, name))


def _end(done: bool) -> None:
    """Close the dialog if it was done; else say why not."""
    if done:
        st.rerun()
    messages.show()


def _choose(subject: Subject) -> Choice:
    """The widgets: which clips, how many, and in which form."""
    offered = _offered(subject)
    which = st.radio("Clips", list(offered), help=help_of("share of the loss"))
    assert which is not None
    first, second = st.columns(2)
    own = len(offered[which].clips) or offered[which].queued
    most = own or MOST_CLIPS
    limit = first.number_input(
        "Maximum number of items" if subject.of_items else "Maximum number of clips",
        min_value=1,
        max_value=most,
        value=own or FIRST_LIMIT,
        help="Those with the largest share of the loss come first.",
    )
    kinds = [COCO] if subject.of_items else list(FORMATS)
    kind = second.selectbox(
        "Format",
        kinds,
        format_func=FORMATS.__getitem__,
        help="The format of your labeling tool; MCAP is for players of recordings.",
    )
    chosen = offered[which]
    frames: str | None = None
    cameras: Sequence[str] = ()
    families_: Sequence[str] = ()
    if kind in NEUTRAL_FORMATS:
        families_ = _families(kind, chosen)
    if kind != MCAP and not subject.of_items:
        frames, cameras = _images()
    return Choice(
        subject.run_id,
        kind,
        int(limit),
        chosen.cell,
        chosen.clips,
        frames,
        tuple(cameras),
        bool(chosen.queued),
        tuple(families_),
    )


def _families(kind: str, chosen: Subject) -> Sequence[str]:
    """What is labelled: by default the family of the check, if the format can hold it."""
    held = [task.name for task in label_tasks(NEUTRAL_FORMATS[kind].forms)]
    own = parse_prediction(chosen.cell[0]).task if chosen.cell else ""
    first = [own] if own in held else list(DEFAULT_FAMILIES)
    return st.multiselect(
        "What to label", held, default=first, placeholder=", ".join(DEFAULT_FAMILIES)
    )


def _offered(subject: Subject) -> dict[str, Subject]:
    """What can be exported, by the name of the choice."""
    if subject.queued:
        return {f"the {counted(subject.queued, 'clip')} of the queue": subject}
    run = Subject(subject.run_id, subject.title, subject.of_items)
    offered = {}
    if subject.clips:
        name = f"the {counted(len(subject.clips), 'selected clip')}"
        offered[name] = Subject(subject.run_id, subject.title, clips=subject.clips)
    if subject.cell:
        prediction, metric, where = subject.cell
        name = f"what cost most in {prediction} {metric} at {where}"
        offered[plain(name)] = Subject(subject.run_id, subject.title, cell=subject.cell)
    return offered | {"what cost most in all checks that regressed": run}


def _images() -> tuple[str, Sequence[str]]:
    first, second = st.columns(2)
    kind = first.selectbox(
        "Frames", list(FRAMES), format_func=FRAMES.__getitem__, help="Which frames of each clip."
    )
    if kind == "every":
        step = second.number_input(
            "N", min_value=1, max_value=1000, value=FIRST_STEP, help=EVERY_HELP
        )
        kind = f"every:{step}"
    cameras = st.multiselect("Cameras", _cameras(), placeholder="all cameras")
    return kind, cameras


def _cameras() -> list[str]:
    """The cameras of the clips in this home."""
    snapshot = session.snapshot(session.home())
    return _read_cameras(session.version(snapshot, CLIPS), snapshot)


@st.cache_data(max_entries=4, show_spinner=False)
def _read_cameras(key: str, _snapshot: Snapshot) -> list[str]:
    rows = _snapshot.query("select distinct unnest(cameras) as name from clips order by 1", CLIPS)
    found: list[str] = rows["name"].to_pylist()
    return found


@st.cache_data(max_entries=32, show_spinner=False)
def _read_preview(home: str, choice: Choice) -> dict[str, Any]:
    """What an export would be; what a run judged does not change."""
    # No folder has this name, so that one that is there is no reason not to count.
    return preview_export(
        Lake.open(Path(home)), choice.request(Path(home, FOLDER, "_")), choice.kind
    )


def _start(subject: Subject, choice: Choice, name: str) -> bool:
    def change(lake: Lake) -> Change:
        out = folder_for(lake.home, name)
        out.parent.mkdir(exist_ok=True)
        jobs.start(f"Export {name}", choice.command(out), _said)
        return None, {"folder": str(out), "command": choice.command(out)}

    return act("labels export", subject.run_id, change)


def start_queueing(command: list[str]) -> bool:
    """Start ``labels queue add`` as a job; whether it was started."""

    def change(_: Lake) -> Change:
        jobs.start("Queue clips", command, _queued)
        return None, {"command": command}

    return act("labels queue add", command[command.index("--run") + 1], change)


def _queued(report: dict[str, Any]) -> str:
    """What was queued in a sentence of Markdown."""
    text = added_sentence(report)
    return f"{plain(text[:1].upper() + text[1:])}. [Open the queue](/labeling)."


def _said(report: dict[str, Any]) -> str:
    """The result of an export in a sentence of Markdown."""
    return f"Wrote {_size(report)} to {plain(str(report['out']))}"


def _preview(choice: Choice) -> bool:
    """How much would be written, or why nothing can be; whether something may be written."""
    slow = _runs_networks(choice)
    if slow or choice.limit > MOST_COUNTED:
        why = "Both networks run again for this" if slow else "Many clips are opened for this"
        if not st.button("Count", help=f"{why}: it takes a while."):
            return True
    with st.spinner("Counting …"):
        try:
            report = _read_preview(str(session.home()), choice)
        except RidealongError as error:
            said = str(error).replace(f"for which {choice.where}", "among the selected ones")
            st.markdown(f"✕ {plain(said)}")
            return False
    st.markdown(f"Would write **{_size(report)}**")
    st.caption(plain(f"In the order of the {report['order']}: {report['reason']}"))
    return True


def _size(report: dict[str, Any]) -> str:
    if "items" in report:
        return counted(report["items"], "item")
    parts = [counted(report["clips"], "clip")]
    if "images" in report:
        parts.append(counted(report["images"], "image"))
    about = "about " if report["dry_run"] else ""
    return f"{', '.join(parts)}, {about}{number(report['megabytes'])} MB"


def _runs_networks(choice: Choice) -> bool:
    """Whether dense outputs decide which frames are exported: they are inferred again."""
    if choice.frames != "loss":
        return False
    if choice.cell is None:
        return True
    family = families().get(parse_prediction(choice.cell[0]).task)
    return family is None or not family.form.sparse
