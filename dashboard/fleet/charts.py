"""The charts of the page Fleet: Arrow and plain rows in, Altair out. No Streamlit."""

from collections.abc import Mapping, Sequence

import altair as alt
import pyarrow as pa

from dashboard.theme import Palette

# What became of an event, from kept over harmless to a budget that is used up; with words.
OUTCOMES = {
    "kept": "kept",
    "post_window": "seen in an earlier clip",
    "cooldown": "in the cooldown",
    "sampled_out": "not sampled",
    "budget_vehicle_day": "vehicle's budget used up",
    "budget_day": "day's budget used up",
    "unreadable": "recording damaged",
    "unknown": "reason unknown",
}
BAR_PX = 28

Row = Mapping[str, object]


def words_of(outcome: object) -> str:
    """What became of an event, for people; a reason that is not known as it is."""
    return OUTCOMES.get(str(outcome), str(outcome))


def trigger_chart(events: pa.Table, palette: Palette) -> alt.Chart:
    """Events by trigger, kept ones first, suppressed ones stacked by their reason."""
    rows = [
        row | {"order": _place(row["outcome"]), "outcome": words_of(row["outcome"])}
        for row in events.to_pylist()
    ]
    seen = {row["outcome"]: row["order"] for row in sorted(rows, key=lambda row: row["order"])}
    colours = [palette.accent, *palette.suppressed]
    triggers = len({row["trigger"] for row in rows})
    scale = alt.Scale(domain=list(seen), range=[colours[min(at, 6)] for at in seen.values()])
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_bar(height={"band": 0.8}, cornerRadius=2)
        .encode(
            x=alt.X("events:Q", title="events", axis=alt.Axis(tickMinStep=1)),
            y=alt.Y(
                "trigger:N",
                title=None,
                sort="-x",
                axis=alt.Axis(labelLimit=220, labelOverlap=False, labelFlush=False),
            ),
            color=alt.Color(
                "outcome:N",
                scale=scale,
                legend=alt.Legend(title=None, orient="top", labelLimit=200, columns=2),
            ),
            order="order:Q",
            tooltip=["trigger:N", "outcome:N", "events:Q"],
        )
        .properties(height=BAR_PX * triggers + 130)
    )


def _place(outcome: object) -> int:
    names = list(OUTCOMES)
    return names.index(str(outcome)) if outcome in OUTCOMES else len(names)


def share_chart(rows: Sequence[Row], attribute: str, palette: Palette) -> alt.Chart:
    """Drives by the values of one attribute, in the order given, as bars with their counts."""
    order = [str(row["value"]) for row in rows]
    most = max((int(str(row["drives"])) for row in rows), default=1)
    room = alt.Scale(domain=[0, 1.2 * most], nice=False)  # room for the count of the longest bar
    bars = (
        alt.Chart(alt.Data(values=list(rows)), title=attribute)
        .mark_bar(color=palette.accent, height={"band": 0.8}, cornerRadius=2)
        .encode(
            x=alt.X("drives:Q", axis=None, scale=room),
            y=alt.Y("value:N", title=None, sort=order, axis=_quiet()),
            tooltip=["value:N", "drives:Q", alt.Tooltip("hours:Q", format=".2f")],
        )
    )
    counts = bars.mark_text(align="left", dx=4, color=palette.muted).encode(text="drives:Q")
    return (bars + counts).properties(height=24 * len(rows) + 60)


def _quiet() -> alt.Axis:
    return alt.Axis(domain=False, ticks=False, labelLimit=110, labelOverlap=False, labelFlush=False)
