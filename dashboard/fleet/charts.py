"""The charts of the page Fleet: Arrow and plain rows in, Altair out. No Streamlit."""

from collections.abc import Mapping, Sequence

import altair as alt
import pyarrow as pa

OUTCOMES = {
    "kept": "#0ea5e9",
    "post_window": "#cbd5e1",
    "cooldown": "#94a3b8",
    "sampled_out": "#fcd34d",
    "budget_vehicle_day": "#fb923c",
    "budget_day": "#dc2626",
    "unknown": "#475569",
}
BAR_PX = 28

Row = Mapping[str, object]


def trigger_chart(events: pa.Table) -> alt.Chart:
    """Events by trigger, kept ones first, suppressed ones stacked by their reason."""
    rows = [row | {"order": _place(row["outcome"])} for row in events.to_pylist()]
    seen = sorted({row["outcome"] for row in rows}, key=_place)
    colours = {name: OUTCOMES.get(name, OUTCOMES["unknown"]) for name in seen}
    triggers = len({row["trigger"] for row in rows})
    axis = alt.Axis(labelLimit=220, labelOverlap=False, labelFlush=False)
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_bar(height={"band": 0.8}, cornerRadius=2)
        .encode(
            x=alt.X("events:Q", title="events", axis=alt.Axis(tickMinStep=1)),
            y=alt.Y(
                "trigger:N",
                title=None,
                sort="-x",
                axis=axis,
            ),
            color=_colour("outcome", colours),
            order="order:Q",
            tooltip=["trigger:N", "outcome:N", "events:Q"],
        )
        .properties(height=BAR_PX * triggers + 130)
    )


def _place(outcome: object) -> int:
    names = list(OUTCOMES)
    return names.index(str(outcome)) if outcome in OUTCOMES else len(names)


def _colour(field: str, colours: Mapping[str, str]) -> alt.Color:
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    legend = alt.Legend(title=None, orient="top", labelLimit=200, columns=2)
    return alt.Color(f"{field}:N", scale=scale, legend=legend)


def share_chart(rows: Sequence[Row], attribute: str) -> alt.Chart:
    """Drives by the values of one attribute, in the order given, as bars with their counts."""
    order = [str(row["value"]) for row in rows]
    most = max((int(str(row["drives"])) for row in rows), default=1)
    room = alt.Scale(domain=[0, 1.2 * most], nice=False)  # room for the count of the longest bar
    bars = (
        alt.Chart(alt.Data(values=list(rows)), title=attribute)
        .mark_bar(color="#0ea5e9", height={"band": 0.8}, cornerRadius=2)
        .encode(
            x=alt.X("drives:Q", axis=None, scale=room),
            y=alt.Y("value:N", title=None, sort=order, axis=_quiet()),
            tooltip=["value:N", "drives:Q", alt.Tooltip("hours:Q", format=".2f")],
        )
    )
    counts = bars.mark_text(align="left", dx=4, color="#64748b").encode(text="drives:Q")
    return (bars + counts).properties(height=24 * len(rows) + 60)


def _quiet() -> alt.Axis:
    return alt.Axis(domain=False, ticks=False, labelLimit=110, labelOverlap=False, labelFlush=False)
