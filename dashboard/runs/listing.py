"""The view of all runs, with one beside them to name, annotate and archive."""

import streamlit as st

from dashboard.actions.acting import Change, act, refusal
from dashboard.navigation import address
from dashboard.runs import queries
from dashboard.runs.markup import choices, runs_table
from dashboard.runs.paging import page_asked, page_links
from dashboard.runs.queries import PAGE, Row
from dashboard.text import plain
from dashboard.theme import MARKS
from metrics.gate.cells import Verdict
from ridealong.errors import RidealongError
from ridealong.lake import Lake, Snapshot
from shadow.runs import LONGEST_NAME, LONGEST_NOTE, archive_run, find_run, name_run, note_run

HIDDEN, ALL = "Without archived runs", "All runs"


def show(snapshot: Snapshot) -> None:
    """Lay out the view; ``?run=`` names the run to edit."""
    archived = st.query_params.get("archived") == "1"
    number = page_asked()
    found = queries.runs(snapshot, archived=archived, skipped=number * PAGE)
    if not found.count and not found.archived:
        _first_step(snapshot)
        return
    if found.archived:
        links = [(HIDDEN, address("runs")), (ALL, address("runs", archived=1))]
        st.html(choices(links, ALL if archived else HIDDEN, "Archived runs"))
    chosen = _chosen(snapshot, found.rows)
    table, beside = st.columns([7, 3], gap="medium")
    with table:
        st.html(runs_table(found.rows, chosen["run_id"] if chosen else None))
        page_links("run", number, found.count, PAGE, archived=1 if archived else None)
    if chosen is not None:
        with beside.container(border=True):
            _edit(chosen)


def _first_step(snapshot: Snapshot) -> None:
    """Say what is needed before the first run, with a link to it."""
    if not queries.clip_count(snapshot):
        st.info(
            "There are no runs yet, and no clips to replay. "
            "[Apply a trigger](/triggers) to cut clips from drives, or run `ridealong demo`."
        )
    else:
        st.info(
            "There are no runs yet. A run replays clips through two networks and judges whether "
            "the candidate is worse. [Start the first one](/runs?view=start)."
        )


def _chosen(snapshot: Snapshot, rows: list[Row]) -> Row | None:
    """The run that the address names, else the first of the table."""
    asked = st.query_params.get("run")
    if asked is None:
        return rows[0] if rows else None
    found = queries.run(snapshot, asked)
    if found is None:
        st.warning(f"There is no run {plain(asked)} any more. These are the others.")
    return found


def _edit(row: Row) -> None:
    run_id, why = row["run_id"], refusal()
    st.markdown(f"**{plain(row['name'] or run_id)}**")
    st.markdown(
        f"{MARKS[Verdict(row['verdict'])]} {row['verdict']}: {plain(row['reason'])}"
        + (f"  \n{plain(run_id)}" if row["name"] else "")
    )
    with st.form(f"edit-{run_id}", border=False):
        st.text_input(
            "Name",
            row["name"] or "",
            max_chars=LONGEST_NAME,
            key=f"name-{run_id}",
            help="Every page and command shows or takes it in place of the id. Empty removes it.",
        )
        st.text_area(
            "Note",
            row["note"] or "",
            max_chars=LONGEST_NOTE,
            key=f"note-{run_id}",
            height=100,
            help="A few lines for colleagues. Everybody sees them. Empty removes them.",
        )
        st.form_submit_button(
            "Save", on_click=_save, args=(row,), disabled=why is not None, help=why
        )
    st.button(
        "Take out of the archive" if row["archived"] else "Archive",
        on_click=_archive,
        args=(row,),
        disabled=why is not None,
        help=why or "Lists hide an archived run, and no page opens with it. Nothing is deleted.",
    )
    _next_steps(row)


def _next_steps(row: Row) -> None:
    if row["of_files"]:
        return
    again = address("runs", view="start", deployed=row["deployed"], candidate=row["candidate"])
    st.markdown(f"[Run these two networks again]({again})")
    if row["verdict"] == Verdict.PASS and row["deployed_sha256"] != row["candidate_sha256"]:
        there = address("runs", view="networks", network=row["candidate"], run=row["run_id"])
        st.markdown(f"[Deploy {plain(row['candidate'])}]({there})")


def _save(row: Row) -> None:
    """Give what was typed; ``row`` is the run as this browser shows it."""
    run_id = row["run_id"]
    name, note = (str(st.session_state[f"{part}-{run_id}"]).strip() for part in ("name", "note"))

    def rename(lake: Lake) -> Change:
        before = _as_shown(lake, row, "name")
        return {"name": before["name"]}, {"name": name_run(lake, run_id, name)["name"]}

    def annotate(lake: Lake) -> Change:
        before = _as_shown(lake, row, "note")
        return {"note": before["note"]}, {"note": note_run(lake, run_id, note)["note"]}

    if name != (row["name"] or ""):
        act("shadow runs name", run_id, rename, "The name is saved.")
    if note != (row["note"] or ""):
        act("shadow runs note", run_id, annotate, "The note is saved.")


def _as_shown(lake: Lake, row: Row, part: str) -> Row:
    """The run as it is now.

    Raises:
        RidealongError: Somebody changed that part after this browser read it.
    """
    now = find_run(lake.snapshot(), row["run_id"])
    if now[part] != row[part]:
        said = "removed it" if now[part] is None else f"changed it to {now[part]!r}"
        raise RidealongError(
            f"the {part} was not saved: somebody {said} meanwhile", hint="look at it and save again"
        )
    return now


def _archive(row: Row) -> None:
    run_id, archived = row["run_id"], not row["archived"]

    def change(lake: Lake) -> Change:
        before = find_run(lake.snapshot(), run_id)
        archive_run(lake, run_id, archived)
        return {"archived": before["archived"]}, {"archived": archived}

    done = f"Run {row['name'] or run_id} is {'archived' if archived else 'no longer archived'}."
    act("shadow runs archive", run_id, change, done)
