"""The page Regressions: a run's verdict, the cells it is made of, and the clips behind each."""

import re
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from dashboard import charts_regressions as charts
from dashboard import queries_regressions as queries
from dashboard import session
from dashboard.queries_regressions import Measure, Row
from ingest.lake import Snapshot
from ingest.units import NS_PER_S
from shadow.runs import default_run

BADGES = {"PASS": "green", "REGRESSED": "red", "INCONCLUSIVE": "orange"}
KEY = ("prediction", "metric", "slice")
WORST = (25, 50, 100, 1000)
MAP_PX = 750  # the heatmap scrolls beyond it
SIGNS = (
    "✕ regressed · pale: inconclusive · framed: required · grey: nothing known · "
    "click a cell to look into it"
)


def page() -> None:
    """Lay the page out: the verdict, the heatmap beside the chosen cell, and its clips."""
    st.title("Regressions", anchor=False)
    snapshot = session.snapshot(session.home())
    runs = queries.runs(snapshot)
    if not runs:
        st.info("No run yet: `ridealong shadow run --deployed A --candidate B` makes one.")
        return
    run = _choose_run(runs)
    if run is None:
        st.info("These runs compare a network with itself. Choose one to look at it all the same.")
        return
    _verdict(run)
    cells = queries.cells(snapshot, run["run_id"])
    if not cells:
        st.info("This run has no cells.")
        return
    _tally(cells)
    cell = _asked_cell(cells) or queries.worst_cell(cells)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _cells(cells, cell)
    with right:
        _cell(cells, cell)
    _clips(snapshot, run, cell)


def _asked_cell(cells: list[Row]) -> Row | None:
    """The cell that the address names."""
    asked = {name: str(st.query_params[name]) for name in KEY if name in st.query_params}
    found = queries.find_cell(cells, asked)
    if asked and not found:
        named = plain(" ".join(asked.values()))
        st.warning(f"This run has no cell {named}: this is the one that matters most.")
    return found


def _choose_run(runs: list[Row]) -> Row | None:
    """The run that the address names, else the newest; choosing another forgets the cell.

    A run of a network against itself is shown only if someone asks for it.
    """
    ids = [run["run_id"] for run in runs]
    by_id: dict[str, Row] = dict(zip(ids, runs, strict=True))
    asked = st.query_params.get("run")
    if asked not in (None, *ids):
        st.warning(f"There is no run {plain(str(asked))}: this is the newest.")

    newest = default_run(runs)
    shown = asked if asked in ids else newest and newest["run_id"]

    def changed() -> None:
        st.query_params.from_dict({"run": st.session_state["run"]})

    chosen: str | None = st.selectbox(
        "Run",
        ids,
        index=ids.index(shown) if shown else None,
        format_func=lambda run_id: _run_name(by_id[run_id]),
        key="run",
        on_change=changed,
    )
    return by_id[chosen] if chosen else None


def _run_name(run: Row) -> str:
    when = datetime.fromtimestamp(run["created_ns"] / NS_PER_S, UTC)
    name = f"{run['name']} · " if run["name"] else ""
    said = f"{name}{run['candidate']} against {run['deployed']} · {run['verdict']}"
    clips = f"{len(run['clip_ids'])} clip{'s' if len(run['clip_ids']) != 1 else ''}"
    return f"{said} · {clips} · {when:%Y-%m-%d %H:%M} UTC · {run['run_id']}"


def plain(text: str) -> str:
    """Text in which Markdown finds nothing to mark up."""
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~$:])", r"\\\1", text)


def _badge(verdict: str) -> str:
    return f":{BADGES[verdict]}-badge[**{verdict}**]"


def _verdict(run: Row) -> None:
    st.markdown(f"##### {_badge(run['verdict'])} {plain(run['reason'])}")


def _tally(cells: list[Row]) -> None:
    tally = queries.tally(cells)
    figures = {
        "Required, regressed": tally.required["REGRESSED"],
        "Required, inconclusive": tally.required["INCONCLUSIVE"],
        "Required, passed": tally.required["PASS"],
        "Watched, alerts": tally.alerts,
        "Significantly better": tally.better,
        "Cells": len(cells),
    }
    for column, (name, value) in zip(st.columns(len(figures)), figures.items(), strict=True):
        column.metric(name, value, border=True)


def _select(cell: Row) -> None:
    for name in KEY:
        st.query_params[name] = cell[name]


def _cells(cells: list[Row], chosen: Row) -> None:
    """The heatmap and the table of the cells that the filters leave."""
    tasks = sorted({cell["task"] for cell in cells})
    names = sorted({cell["metric"] for cell in cells})
    first, second = st.columns(2)
    task = first.multiselect("Task", tasks, placeholder="all tasks")
    gated = queries.gated_metrics(cells)
    metric = second.multiselect("Metric", names, default=gated, placeholder="all metrics")
    third, fourth = st.columns(2)
    measure = third.segmented_control(
        "Colour", list(Measure), default=Measure.MARGINS, required=True
    )
    most = fourth.segmented_control(
        "Worst predictions shown", WORST, default=WORST[0], required=True, format_func=_most_name
    )
    shown = [c for c in cells if (not task or c["task"] in task)]
    shown = [c for c in shown if (not metric or c["metric"] in metric)]
    if not shown:
        st.info("No cell fits these filters.")
        return
    picture, table = st.tabs(["Heatmap", "Table"])
    with picture:
        _heatmap(queries.worst_rows(shown, Measure(measure), most), Measure(measure), chosen)
    with table:
        _table(shown)


def _most_name(most: int) -> str:
    return "all" if most == WORST[-1] else str(most)


def _heatmap(rows: list[Row], measure: Measure, chosen: Row) -> None:
    def picked() -> None:
        points = st.session_state["heatmap"]["selection"][charts.SELECTION]
        if points:
            _select(points[0])

    st.caption(SIGNS)
    chart = charts.heatmap(rows, measure, chosen)
    with st.container(height=MAP_PX, border=False):
        st.altair_chart(chart, on_select=picked, key="heatmap")


COLUMNS = [*KEY, "verdict", "required", "delta", "low", "high", "margin", "p_adjusted", "clusters"]


def _table(rows: list[Row]) -> None:
    ranked = sorted(rows, key=lambda c: (queries.RANKS[c["verdict"]], not c["required"]))

    def picked() -> None:
        places = st.session_state["cells"]["selection"]["rows"]
        if places:
            _select(ranked[places[0]])

    numbers = ("delta", "low", "high", "margin", "p_adjusted")
    st.dataframe(
        [{name: row[name] for name in COLUMNS} for row in ranked],
        on_select=picked,
        selection_mode="single-row",
        hide_index=True,
        height=MAP_PX,
        column_config={
            name: st.column_config.NumberColumn(name, format="%.4f") for name in numbers
        },
        key="cells",
    )


def _cell(cells: list[Row], cell: Row) -> None:
    st.subheader(f"{plain(cell['prediction'])} {plain(cell['metric'])}", anchor=False)
    kind = "required" if cell["required"] else "watched"
    st.markdown(f"{_badge(cell['verdict'])} :gray-badge[{plain(cell['slice'])}] {kind}")
    st.markdown(f"{plain(cell['reason'])}")
    first, second, third = st.columns(3)
    first.metric("Deployed", _number(cell["deployed"]))
    second.metric("Candidate", _number(cell["candidate"]))
    third.metric("Delta", _number(cell["delta"], "+.4f"))
    known = [c for c in queries.siblings(cells, cell) if c["delta"] is not None]
    if known:
        st.altair_chart(charts.interval_chart(known, cell))
        st.caption("Black tick: −margin. A cell passes when its one-sided bound is right of it.")
    st.dataframe(_facts(cell), hide_index=True, column_config={"value": {"alignment": "right"}})


def _facts(cell: Row) -> list[Row]:
    facts = {
        f"interval ({cell['level']:.0%})": _interval(cell),
        "one-sided bound, held against −margin": _number(cell["bound"], "+.4f"),
        "margin": _number(cell["margin"]),
        "clips": str(cell["clips"]),
        "independent drives (effective)": _drives(cell),
        "p of “no loss” (corrected)": f"{_p(cell['p_value'])} ({_p(cell['p_adjusted'])})",
        "held against": _reference(cell["reference"]),
        "more drives to decide": _number(cell["drives_needed"], ",d"),
    }
    return [{"fact": name, "value": value} for name, value in facts.items()]


def _interval(cell: Row) -> str:
    return f"{_number(cell['low'], '+.4f')} to {_number(cell['high'], '+.4f')}"


def _drives(cell: Row) -> str:
    return f"{cell['clusters']} ({_number(cell['clusters_effective'], '.1f')})"


def _p(value: float | None) -> str:
    return _number(value, ".2g")


def _reference(reference: str | None) -> str:
    known = {"labels": "labels", "self": "the network itself, a frame apart", None: "–"}
    return known.get(reference, "the other network")


def _number(value: Any, form: str = ".4f") -> str:
    return "–" if value is None else format(value, form)


def _clips(snapshot: Snapshot, run: Row, cell: Row) -> None:
    st.subheader("The clips behind it", anchor=False)
    rows = queries.costs(snapshot, run, cell)
    if not rows:
        st.caption("No clip to hold against each other: only labels, or the network itself, can.")
        return
    st.caption(
        "Ordered by what they cost: the shares of all clips sum to delta, and a clip on which "
        "both networks did the same has none."
    )
    shown = [
        {
            "share": row["share"],
            "deployed": row["deployed"],
            "candidate": row["candidate"],
            "triggers": row["triggers"],
            "light": row["light"],
            "weather": row["weather"],
            "road": row["road"],
            "drive": row["drive_id"],
            "clip": f"./?clip={row['clip_id']}",
        }
        for row in rows
    ]
    number = st.column_config.NumberColumn
    st.dataframe(
        shown,
        hide_index=True,
        height=min(38 + 35 * len(shown), 460),
        column_config={
            "share": number("share of delta", format="%+.5f"),
            "deployed": number("deployed", format="%.3f"),
            "candidate": number("candidate", format="%.3f"),
            "clip": st.column_config.LinkColumn("clip", display_text="clip=(.*)"),
        },
    )


page()
