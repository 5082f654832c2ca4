"""The page Release: may we ship, what broke, where."""

import streamlit as st

from dashboard import session
from dashboard.copying import copy_link
from dashboard.elements import button
from dashboard.exporting import Subject, send_button
from dashboard.navigation import address, cell_address
from dashboard.release import charts, markup, queries
from dashboard.release.components import picture_pair
from dashboard.release.queries import Run, Summary
from dashboard.routes.pairs import PairKey, facts_link
from dashboard.run_choice import run_title, say_gone, select_run
from dashboard.theme import palette
from ingest.schemas import CLIPS
from metrics.gate.cells import Verdict
from metrics.gate.schemas import VERDICTS
from metrics.tasks.prediction import task_of
from metrics.tasks.registry import known_metric
from ridealong.lake import Snapshot
from shadow.judged import metrics_of
from shadow.runs import find_run
from shadow.schemas import RELEASES, RUN_NAMES, RUNS

TREND_HELP = (
    "Each point is the worst required check of a run: its delta as a multiple of its margin, with "
    "its interval. Above 0 is better. A check may lose up to the dashed line."
)
REVIEW_HELP = "Opens the page Compare at the loss to look at first, with the clips behind it."
NONE_USUAL = "The runs here are archived, or compare a network with itself. Choose one to see it."
PROMOTE_HELP = "Every required check passed. The page Runs and networks deploys the candidate."


def page() -> None:
    """Lay out the page: the verdict, what broke beside a picture of it, and the runs over time."""
    snapshot = session.snapshot(session.home())
    st.html(str(markup.style()))
    runs = _read_runs(_key(snapshot), snapshot)
    if not runs:
        st.title("Release", anchor=False)
        _no_run(snapshot)
        return
    run = _choose(runs)
    if run is None:
        st.html(markup.empty(NONE_USUAL, ("See all runs", address("runs", archived="1"))))
        return
    summary = _read_summary(_key(snapshot), run.run_id, snapshot)
    st.html(str(markup.banner(run, summary, queries.deployment(snapshot, run))))
    _actions(run, summary)
    left, right = st.columns([11, 9], gap="medium")
    with left:
        st.html(markup.checks(run.run_id, summary, _metric_of(snapshot, run)))
    with right:
        _worst(snapshot, run, summary)
    _trend(snapshot, runs, run)


def _key(snapshot: Snapshot) -> str:
    """Differs whenever what this page reads does."""
    return session.version(snapshot, RUNS, RUN_NAMES, VERDICTS, RELEASES)


@st.cache_data(max_entries=4, show_spinner=False)
def _read_runs(key: str, _snapshot: Snapshot) -> list[Run]:
    return queries.runs(_snapshot)


@st.cache_data(max_entries=32, show_spinner=False)
def _read_summary(key: str, run_id: str, _snapshot: Snapshot) -> Summary:
    return queries.summary(_snapshot, run_id)


@st.cache_data(max_entries=4, show_spinner=False)
def _read_trend(key: str, _snapshot: Snapshot, _runs: list[Run]) -> list[queries.Row]:
    return queries.trend(_snapshot, _runs)


def _no_run(snapshot: Snapshot) -> None:
    """What to do first in a home without runs."""
    if CLIPS.name not in snapshot.tables():
        text = "There is nothing to judge yet. Add drives to this home; triggers find the clips."
        st.html(markup.empty(text, ("See the fleet", "/fleet"), ("See the triggers", "/triggers")))
    else:
        text = "No candidate was compared with the deployed network yet. A run gives its verdict."
        st.html(
            markup.empty(text, ("Start a run", "/runs?view=start"), ("See the clips", "/clips"))
        )


def _choose(runs: list[Run]) -> Run | None:
    """The run in the address, else the newest that compares two networks."""
    asked = st.query_params.get("run")
    by_id = {run.run_id: run for run in runs if not run.archived or run.run_id == asked}
    default = next((run for run in runs if run.usual), None)
    shown = by_id.get(str(asked), default)

    def changed() -> None:
        if st.session_state["run"]:
            st.query_params.from_dict({"run": st.session_state["run"]})

    title, select = st.columns([1, 3], vertical_alignment="center")
    title.title("Release", anchor=False)
    titles = {key: run_title(vars(run), run.judged, run.noun) for key, run in by_id.items()}
    with select:
        chosen = select_run("Run", titles, shown.run_id if shown else None, changed)
    if asked is not None and asked not in by_id:
        say_gone(asked, "The newest run is shown instead." if shown else "")
    return by_id[chosen] if chosen else None


def _actions(run: Run, summary: Summary) -> None:
    """The next steps, and the alerts of watched cells."""
    with st.container(horizontal=True, vertical_alignment="center", key="release_actions"):
        if run.verdict == Verdict.PASS and not run.against_itself:
            to_runs = address("runs", view="networks", network=run.candidate, run=run.run_id)
            st.html(button("Promote …", to_runs, PROMOTE_HELP, "primary"), width="content")
        review = address("compare", run=run.run_id)
        if summary.worst is not None:
            review = cell_address(run.run_id, summary.worst)
        kind = "" if run.verdict == Verdict.PASS else "primary"
        st.html(button("Review", review, REVIEW_HELP, kind), width="content")
        if summary.cells:
            send_button(_subject(run, summary))
        copy_link(address("", run=run.run_id))
        st.html(markup.alerts(run.run_id, summary))


def _subject(run: Run, summary: Summary) -> Subject:
    """What can be sent to labeling from here."""
    worst = summary.worst
    cell = (worst["prediction"], worst["metric"], worst["slice"]) if worst else None
    return Subject(run.run_id, f"{run.candidate} against {run.deployed}", run.of_items, cell)


def _metric_of(snapshot: Snapshot, run: Run) -> markup.MetricOf:
    """Finds the metric of a cell; those of result files are in their run."""
    known = metrics_of(find_run(snapshot, run.run_id)) if run.of_items else known_metric
    return lambda cell: known(task_of(cell["prediction"]), cell["metric"])


def _worst(snapshot: Snapshot, run: Run, summary: Summary) -> None:
    """The loss to look at first, as a pair of pictures."""
    cell = summary.worst
    if cell is None:
        st.html(markup.note("Nothing got worse: no check lost anything."))
        return
    metric = _metric_of(snapshot, run)(cell)
    st.html(markup.worst(run.run_id, cell, metric))
    pair = PairKey(run.run_id, cell["prediction"], cell["metric"], cell["slice"])
    picture_pair(facts_link(session.links(), pair), f"pair_{pair.name}")


def _trend(snapshot: Snapshot, runs: list[Run], run: Run) -> None:
    points = _read_trend(_key(snapshot), snapshot, runs)
    if not points:
        return
    st.subheader("Runs over time", anchor=False, help=TREND_HELP)
    left, right = st.columns([11, 9], gap="medium")
    with left:
        if any(point["worst"] is not None for point in points):
            st.altair_chart(charts.trend_chart(points, palette()), alt=TREND_HELP)
    with right:
        st.html(markup.history(points, run.run_id))


page()
