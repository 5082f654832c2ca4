"""The chart of the page Release: the worst required cell of each run."""

from collections.abc import Sequence

import altair as alt

from dashboard.release.queries import Row
from dashboard.theme import Palette
from metrics.gate.cells import Verdict
from ridealong.terminal.readable import instant

HEIGHT = 210
SHAPES = {Verdict.PASS: "circle", Verdict.REGRESSED: "diamond", Verdict.INCONCLUSIVE: "triangle-up"}
MOST = 8.0  # margins on each side of zero; what is beyond is drawn at the edge
TITLE = "delta, in margins"


def trend_chart(points: Sequence[Row], palette: Palette) -> alt.LayerChart | alt.FacetChart:
    """The worst required cell of each run with its interval, in margins, the oldest run first.

    The dashed line is the margin. Each verdict has a colour and a shape.
    """
    rows = [_row(point) for point in points if point["worst"] is not None]
    base = alt.Chart(alt.Data(values=rows))
    x = alt.X("label:N", title=None, sort=[row["label"] for row in rows], axis=_axis(palette))
    shown = alt.Scale(domain=list(Verdict), range=[palette.verdicts[name] for name in Verdict])
    colour = alt.Color("verdict:N", scale=shown, legend=alt.Legend(title=None, orient="top"))
    shape = alt.Shape(
        "verdict:N", scale=alt.Scale(domain=list(Verdict), range=[SHAPES[v] for v in Verdict])
    )
    y = alt.Y("worst:Q", title=TITLE, axis=alt.Axis(gridColor=palette.line))
    tooltip = [
        "run:N",
        "verdict:N",
        alt.Tooltip("cell:N", title="worst required check"),
        alt.Tooltip("delta:Q", title=TITLE, format="+.2f"),
    ]
    chart = alt.layer(
        _line(0, palette.muted, [1, 0]),
        _line(-1, palette.text, [4, 3]),
        base.mark_rule(strokeWidth=2, opacity=0.55, aria=False).encode(
            x=x, y=alt.Y("low:Q", title=TITLE), y2="high:Q", color=colour
        ),
        base.mark_point(filled=True, size=150, opacity=1).encode(
            x=x, y=y, color=colour, shape=shape, tooltip=tooltip
        ),
    )
    return chart.properties(height=HEIGHT)


def _axis(palette: Palette) -> alt.Axis:
    return alt.Axis(labelAngle=0, labelLimit=110, domainColor=palette.line)


def _line(at: float, colour: str, dash: Sequence[int]) -> alt.Chart:
    rule = alt.Chart(alt.Data(values=[{"at": at}])).mark_rule(
        color=colour, strokeDash=[*dash], aria=False
    )
    return rule.encode(y="at:Q")


def _row(point: Row) -> Row:
    """A point; its numbers stay inside the chart, and its label is like no other's."""
    inside = {
        name: max(-MOST, min(MOST, point[name]))
        for name in ("worst", "low", "high")
        if point[name] is not None
    }
    day = instant(point["created_ns"])[5:10]
    return {
        **inside,
        "label": f"{point['name'] or point['candidate']} · {day}" + "\u200b" * point["place"],
        "run": point["name"] or f"{point['candidate']} against {point['deployed']}",
        "verdict": point["verdict"],
        "cell": point["cell"],
        "delta": point["worst"],
    }
