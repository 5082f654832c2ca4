"""The page Clip: one clip with the outputs of both networks, its events and its signals."""

from typing import Any
from urllib.parse import parse_qs, parse_qsl

import streamlit as st

from dashboard import session
from dashboard.clip import queries
from dashboard.exporting import Subject, send_button
from dashboard.filtering.address import parse_filter
from dashboard.filtering.search import clips_along
from dashboard.first_steps import first_clips
from dashboard.marking import show_marks
from dashboard.player.component import player
from dashboard.text import plain
from ingest.rig import shown_cameras
from ridealong.lake import Snapshot
from shadow.runs import Run, list_runs

KEY = "player"
SEEN = "player-complete"


def page() -> None:
    """Lay out the page: what the clip is, the player, and the clip's tags and note."""
    left, right = st.columns([1, 14], vertical_alignment="center")
    left.title("Clip", anchor=False)
    snapshot = session.snapshot(session.home())
    asked = st.query_params.get("clip")
    clip = queries.clip(snapshot, asked) if asked else None
    shown = clip or queries.first_clip(snapshot)
    if shown is None:
        st.info(first_clips(snapshot))
        return
    right.caption(_about(shown))
    if asked and clip is None:
        st.warning(
            f"There is no clip {plain(asked)}: it was deleted, or it was never in this home. "
            f"This is clip {plain(shown['clip_id'])}."
        )
    _show(snapshot, shown)
    if SEEN in st.session_state:  # a browser fetches much for it: not before the first pictures
        show_marks(shown["clip_id"])
        _send(snapshot, shown["clip_id"])


def _about(clip: dict[str, Any]) -> str:
    conditions = [clip[name] for name in ("light", "weather", "road", "country") if clip[name]]
    parts = [", ".join(clip["triggers"]), f"{clip['seconds']:.1f} s", *conditions]
    parts += [f"clip {clip['clip_id']}", f"drive {clip['drive_id']}"]
    return " · ".join(map(plain, parts))


def _show(snapshot: Snapshot, clip: dict[str, Any]) -> None:
    words, clip_id = st.query_params.to_dict(), clip["clip_id"]
    run = queries.run_of(list_runs(snapshot), clip_id, words.get("run"))
    found = queries.origin(snapshot, run, words) if run else queries.Origin()
    _warn(run, found, words)
    links = session.links().clip(clip_id)
    player()(
        key=KEY,
        data={
            "clip": clip_id,
            "base": links.base,
            "query": links.query,
            "cameras": [
                {"name": name, "video": name in clip["cameras"]}
                for name in shown_cameras(clip["cameras"], clip["source"])
            ],
            "run": run["run_id"] if run else None,
            "cell": {name: getattr(found, name) for name in ("prediction", "metric", "slice")},
            "asked": words,
            "seen": SEEN in st.session_state,
            "renewal": _told("renew"),  # the browser waits for other data, even if links are equal
        },
        on_go_change=lambda: _go(snapshot, clip_id, run, found),
        on_renew_change=lambda: None,
        on_complete_change=lambda: st.session_state.update({SEEN: True}),
    )


def _send(snapshot: Snapshot, clip_id: str) -> None:
    """A button that exports or queues the clip, if a run judged it."""
    run = queries.run_of(list_runs(snapshot), clip_id, st.query_params.get("run"))
    if run is not None:
        send_button(Subject(run["run_id"], f"clip {clip_id}", clips=(clip_id,)))


def _warn(run: Run | None, found: queries.Origin, words: dict[str, str]) -> None:
    """Say what the address names and this home does not have; the nearest is shown instead."""
    named = words.get("run")
    if named and (run is None or named not in (run["run_id"], run["name"])):
        instead = "no run judged this clip" if run is None else "the newest run that did is shown"
        st.warning(f"There is no run {plain(named)} that judged this clip; {instead}.")
    if found.unknown:
        part, value = found.unknown
        rest = f"only {plain(found.prediction)}" if found.prediction else "everything"
        st.warning(f"This run has no {part} {plain(value)}; {rest} is shown.")


def _told(trigger: str) -> Any:
    """What the player tells in this run of the page; None if nothing."""
    return st.session_state.get(KEY, {}).get(trigger)


def _go(snapshot: Snapshot, clip_id: str, run: Run | None, found: queries.Origin) -> None:
    """Show the next or the previous clip of the list, with the address that the player has now."""
    wanted = _told("go")
    if not wanted:
        return
    words = wanted["words"]
    clip_ids = _listed(snapshot, run, found, words)
    other = queries.step_from(clip_ids, clip_id, wanted["by"])
    if other is None:
        place = "last" if wanted["by"] > 0 else "first"
        st.toast(f"This is the {place} clip of the list.")
        return
    st.query_params.from_dict(parse_qs(words, keep_blank_values=True) | {"clip": [other]})


def _listed(snapshot: Snapshot, run: Run | None, found: queries.Origin, words: str) -> list[str]:
    """The clips to step through: those behind the regression, or those of the address' filter."""
    if run is not None and found.cell is not None and found.cell["reference"] is not None:
        return queries.costliest(snapshot, run, found.cell)
    return clips_along(snapshot, parse_filter(parse_qsl(words)))


page()
