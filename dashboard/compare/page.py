"""The page Regressions: a run's verdict, its cells, and the clips behind each cell."""

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote

import streamlit as st

from dashboard import session
from dashboard.compare import charts, queries
from dashboard.compare.queries import KEY, Measure, Row, ShownCell
from dashboard.text import MISSING, interval, number, plain, probability
from metrics.gate.cells import Verdict
from metrics.tasks.metric import Reference
from ridealong.lake import Snapshot
from ridealong.terminal.readable import counted, decimals_known
from ridealong.units import NS_PER_S
from shadow.judged import of_items
from shadow.report import cause_sentence, summary_of
from shadow.runs import default_run

BADGES = {Verdict.PASS: "green", Verdict.REGRESSED: "red", Verdict.INCONCLUSIVE: "orange"}
WATCHED = (25, 50, 100, "all")  # rows of the heatmap in addition to the required ones
MAP_PX, REQUIRED_PX = 750, 330  # beyond this height the heatmap and the tables scroll
SIGNS = (
    "✕ regressed · pale: inconclusive · framed: required, on top · orange frame: shown beside · "
    "grey: unknown · click a cell for details"
)


def page() -> None:
    """Lay out the page: the verdict, the heatmap beside the chosen cell, and its clips."""
    st.title("Regressions", anchor=False)
    snapshot = session.snapshot(session.home())
    runs = queries.runs(snapshot)
    if not runs:
        st.info("No run yet: `ridealong shadow run --deployed A --candidate B` makes one.")
        return
    run = _choose_run(runs)
    if run is None:
        st.info("These runs compare a network with itself. Choose one to see it.")
        return
    _verdict(run)
    cells = queries.cells(snapshot, run["run_id"])
    if not cells:
        st.info("This run has no cells.")
        return
    _cause(cells)
    _tally(cells)
    cell = _asked_cell(cells)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _cells(cells, cell)
    with right:
        _cell(cells, cell)
    _clips(snapshot, run, cell)


def _asked_cell(cells: list[ShownCell]) -> ShownCell:
    """The cell in the address; if parts are missing or unknown, the worst that fits."""
    asked = {name: str(st.query_params[name]) for name in KEY if name in st.query_params}
    cell, missing = queries.nearest_cell(cells, asked)
    if missing:
        known = [asked[name] for name in KEY[: KEY.index(missing)] if name in asked]
        of = f" for {plain(' '.join(known))}" if known else ""
        st.warning(
            f"This run has no {missing} {plain(asked[missing])}{of}. "
            "Instead, the worst cell that matches the rest is shown."
        )
    return cell


def _choose_run(runs: list[Row]) -> Row | None:
    """The run in the address, else the default; another choice resets the cell."""
    ids = [run["run_id"] for run in runs]
    by_id: dict[str, Row] = dict(zip(ids, runs, strict=True))
    asked = st.query_params.get("run")
    if asked not in (None, *ids):
        st.warning(
            f"There is no run {plain(str(asked))}: it was deleted, or it was never in this home."
        )

    default = default_run(runs)
    shown = asked if asked in ids else default and default["run_id"]

    def changed() -> None:
        if st.session_state["run"]:
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
    title = f"{name}{run['candidate']} against {run['deployed']} · {run['verdict']}"
    if run["against_itself"]:
        title += " · the same network twice"
    judged = counted(len(run["clip_ids"]), "item" if of_items(run) else "clip")
    return f"{title} · {judged} · {when:%Y-%m-%d %H:%M} UTC · {run['run_id']}"


def _badge(verdict: str) -> str:
    return f":{BADGES[Verdict(verdict)]}-badge[**{verdict}**]"


def _verdict(run: Row) -> None:
    st.markdown(f"##### {_badge(run['verdict'])} {plain(run['reason'])}")


def _cause(cells: list[ShownCell]) -> None:
    """The slice that most of the loss comes from, if there is one."""
    sentence = cause_sentence(summary_of(cells))
    if sentence:
        st.markdown(plain(sentence))


def _tally(cells: list[ShownCell]) -> None:
    tally = queries.tally(cells)
    figures = {
        "Required, regressed": tally.required[Verdict.REGRESSED],
        "Required, inconclusive": tally.required[Verdict.INCONCLUSIVE],
        "Required, passed": tally.required[Verdict.PASS],
        "Watched, alerts": tally.alerts,
        "Significantly better": tally.better,
        "Cells": len(cells),
    }
    for column, (name, value) in zip(st.columns(len(figures)), figures.items(), strict=True):
        column.metric(name, value, border=True)


def _select(cell: Mapping[str, object]) -> None:
    for name in KEY:
        st.query_params[name] = str(cell[name])


def _cells(cells: list[ShownCell], chosen: ShownCell) -> None:
    """The heatmap and the table of the filtered cells."""
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
        "Watched rows shown, the worst first", WATCHED, default=WATCHED[0], required=True
    )
    shown = [c for c in cells if (not task or c["task"] in task)]
    shown = [c for c in shown if (not metric or c["metric"] in metric)]
    if not shown:
        st.info("No cell matches these filters.")
        return
    picture, table = st.tabs(["Heatmap", "Table"])
    with picture:
        watched = most if isinstance(most, int) else None
        rows = queries.rows_in_order(shown, Measure(measure), watched)
        _heatmap(rows, Measure(measure), chosen)
    with table:
        # Two tables: a click on a header sorts only one, so the required cells stay on top.
        _table("Required", [cell for cell in shown if cell["required"]], REQUIRED_PX)
        _table("Watched", [cell for cell in shown if not cell["required"]], MAP_PX)


def _heatmap(rows: list[ShownCell], measure: Measure, chosen: ShownCell) -> None:
    def picked() -> None:
        points = st.session_state["heatmap"]["selection"][charts.SELECTION]
        if points:
            _select(points[0])

    st.caption(SIGNS)
    chart = charts.heatmap(rows, measure, chosen)
    with st.container(height=MAP_PX, border=False):
        st.altair_chart(chart, on_select=picked, key="heatmap")


COLUMNS = [*KEY, "verdict", "delta", "low", "high", "margin", "p_adjusted", "clusters"]


def _table(kind: str, cells: list[ShownCell], most_px: int) -> None:
    if not cells:
        return
    rows = queries.ranked(cells)
    # A selection is only valid for the rows in which it was made.
    key = f"{kind}-{hash(tuple(tuple(queries.name_of(row).values()) for row in rows))}"

    def picked() -> None:
        places = st.session_state[key]["selection"]["rows"]
        if places:
            _select(rows[places[0]])

    column = st.column_config.NumberColumn
    st.caption(kind)
    st.dataframe(
        [_chosen(row) for row in rows],
        on_select=picked,
        selection_mode="single-row",
        hide_index=True,
        height=min(38 + 35 * len(rows), most_px),
        column_config={
            **{name: column(name, format="%+.3f") for name in ("delta", "low", "high")},
            "margin": column("margin", format="%.3f"),
            "p_adjusted": column("p, corrected", format="%.2g"),
            "clusters": column("drives", format="%d"),
        },
        placeholder=MISSING,
        key=key,
    )


def _chosen(row: Mapping[str, object]) -> dict[str, object]:
    return {name: row[name] for name in COLUMNS}


def _cell(cells: list[ShownCell], cell: ShownCell) -> None:
    st.subheader(f"{plain(cell['prediction'])} {plain(cell['metric'])}", anchor=False)
    kind = "required" if cell["required"] else "watched"
    st.markdown(f"{_badge(cell['verdict'])} :gray-badge[{plain(cell['slice'])}] {kind}")
    st.markdown(f"{plain(cell['reason'])}")
    places = _places(cell)
    first, second, third = st.columns(3)
    first.metric("Deployed", number(cell["deployed"], places))
    second.metric("Candidate", number(cell["candidate"], places))
    third.metric("Delta", number(cell["delta"], places, sign=True))
    known = [c for c in queries.siblings(cells, cell) if c["delta"] is not None]
    if known:
        st.altair_chart(charts.interval_chart(known, cell))
        st.caption("Grey tick: −margin. A cell passes when its one-sided bound is right of it.")
    st.dataframe(_facts(cell), hide_index=True, column_config={"value": {"alignment": "right"}})


def _places(cell: ShownCell) -> int:
    """The decimals to which a cell's values are known, as in the report."""
    return decimals_known(*(cell[n] for n in ("low", "high", "deployed", "candidate", "delta")))


def _facts(cell: ShownCell) -> list[Row]:
    places = _places(cell)
    p = f"{probability(cell['p_value'])} ({probability(cell['p_adjusted'])})"
    facts = {
        f"interval ({cell['level']:.0%})": interval(cell["low"], cell["high"], places),
        "one-sided bound, compared with −margin": number(cell["bound"], places, sign=True),
        "margin": number(cell["margin"]),
        "clips": str(cell["clips"]),
        "independent drives (effective)": _drives(cell),
        "p of “no loss” (corrected)": p,
        "compared with": _reference(cell["reference"]),
        "more drives to decide": number(cell["drives_needed"], 0),
    }
    return [{"fact": name, "value": value} for name, value in facts.items()]


def _drives(cell: ShownCell) -> str:
    return f"{cell['clusters']} ({number(cell['clusters_effective'], 1)})"


def _reference(reference: str | None) -> str:
    known: dict[str | None, str] = {
        Reference.LABELS: "labels",
        Reference.SELF: "the network itself, one frame apart",
        None: MISSING,
    }
    return known.get(reference, "the other network")


def _clips(snapshot: Snapshot, run: Row, cell: ShownCell) -> None:
    st.subheader("The clips behind it", anchor=False)
    rows = queries.costs(snapshot, run, cell)
    if not rows:
        st.caption(
            "No clip to compare: only a comparison with labels, or of a network with itself, has "
            "a share for each clip."
        )
        return
    st.caption(
        "Ordered by cost. The shares of all clips sum to delta. A clip on which both networks gave "
        "the same result has a share of zero."
    )
    shown = [_item_cost(row) if of_items(run) else _clip_cost(row) for row in rows]
    column = st.column_config.NumberColumn
    st.dataframe(
        shown,
        hide_index=True,
        height=min(38 + 35 * len(shown), 460),
        column_config={
            "share": column("share of delta", format="%+.4f"),
            "deployed": column("deployed", format="%.3f"),
            "candidate": column("candidate", format="%.3f"),
            "clip": st.column_config.LinkColumn("clip", display_text="clip=(.*)"),
        },
        placeholder=MISSING,
    )


VALUES = ("share", "deployed", "candidate")


def _clip_cost(row: Row) -> Row:
    return {
        **{name: row[name] for name in (*VALUES, "triggers", "light", "weather", "road")},
        "drive": row["drive_id"],
        "clip": f"./?clip={quote(row['clip_id'], safe='')}",
    }


def _item_cost(row: Row) -> Row:
    """An item of result files: it has no page, and any attributes."""
    known = {*VALUES, "clip_id", "drive_id"}
    return {
        **{name: row[name] for name in VALUES},
        **{name: value for name, value in row.items() if name not in known},
        "drive": row["drive_id"],
        "item": row["clip_id"],
    }


page()
