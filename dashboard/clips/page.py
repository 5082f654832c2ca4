"""The page Clips: every clip as a picture; found by filters, tagged and exported together."""

from pathlib import Path

import streamlit as st

from dashboard import marking, session
from dashboard.actions.acting import refusal
from dashboard.clips.shown import browser, run_title
from dashboard.components import component
from dashboard.exporting import Subject, send
from dashboard.filtering.search import asked_now, search
from dashboard.first_steps import first_clips
from dashboard.text import plain
from ingest.clips.tags import parse_tags
from ridealong.terminal.readable import counted
from shadow.judged import of_items
from shadow.runs import Run, default_run, list_runs

FOLDER = Path(__file__).parent
PARTS = ("facets", "cards", "browser")  # one script of these, in this order
KEY = "browser"
PICTURE_PX = 320


def page() -> None:
    """Lay out the page: filters on the left, cards on the right."""
    st.title("Clips", anchor=False)
    snapshot = session.snapshot(session.home())
    asked, runs = asked_now(), list_runs(snapshot)
    result = search(snapshot, asked)
    if not result.clips.num_rows:
        st.info(first_clips(snapshot))
        return
    if asked.run and result.run is None:
        st.warning(
            f"There is no run {plain(asked.run)}: it was deleted, or it was never in this home."
        )
    exported = result.run or default_run(runs)
    chosen = component(FOLDER, "browser", PARTS)(
        key=KEY,
        data=browser(result, asked, _page(), runs, _thumb)
        | {"refusal": refusal(), "may_export": exported is not None},
        on_address_change=_go,
        on_tags_change=_tag,
        on_export_change=lambda: None,
    )
    if chosen.export and exported:
        clips = tuple(chosen.export["clips"])
        run = result.run or _judge_of(clips, runs) or exported
        send(Subject(run["run_id"], run_title(run), of_items(run), clips=clips))


def _judge_of(clips: tuple[str, ...], runs: list[Run]) -> Run | None:
    """The run that judged most of these clips, the newest of several; None if none did."""
    judged = [(len(set(clips) & set(run["clip_ids"] or [])), run) for run in runs]
    most, run = max(judged, key=lambda one: one[0])
    return run if most else None


def _page() -> int:
    asked = st.query_params.get("page", "1")
    return int(asked) if asked.isdecimal() and len(asked) < 10 else 1


def _thumb(clip_id: str) -> str:
    return session.links().clip(clip_id).url("thumb.jpg", w=PICTURE_PX)


def _go() -> None:
    """Write the filter that was chosen in the browser into the address."""
    pairs = st.session_state[KEY]["address"]["pairs"]
    names = dict.fromkeys(name for name, _ in pairs)
    st.query_params.from_dict({name: [v for n, v in pairs if n == name] for name in names})


def _tag() -> None:
    """Add tags to the selected clips, or remove tags from them."""
    wanted = st.session_state[KEY]["tags"]
    clips, tags, adding = wanted["clips"], parse_tags(wanted["tags"]), wanted["how"] == "add"
    now = "have" if adding else "no longer have"
    done = f"{counted(len(clips), 'clip')}: they {now} the tags {', '.join(tags)}."
    marking.tag(clips, tags if adding else [], [] if adding else tags, done)


page()
