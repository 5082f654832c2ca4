"""Charts of the page Triggers: a dry run in, Altair out. No Streamlit."""

from collections.abc import Sequence

import altair as alt

from dashboard.theme import Palette
from ingest.dry_run import CurvePoint


def curve_chart(points: Sequence[CurvePoint], unit: str, palette: Palette) -> alt.LayerChart:
    """How many events remain at stricter thresholds, as steps with a point at each."""
    rows = [{"x": point.stricter_by, "fires": point.fires} for point in points]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("x:Q", title=f"Threshold stricter by ({unit})", axis=alt.Axis(grid=False)),
        y=alt.Y(
            "fires:Q",
            title="Events that remain",
            axis=alt.Axis(tickMinStep=1, format=",d"),
            scale=alt.Scale(domainMin=0),
        ),
        tooltip=[
            alt.Tooltip("x:Q", title=f"stricter by ({unit})"),
            alt.Tooltip("fires:Q", title="events that remain", format=",d"),
        ],
    )
    line = base.mark_line(interpolate="step-after", color=palette.effect[-1], strokeWidth=2)
    dots = base.mark_circle(size=34, color=palette.effect[-1], opacity=1)
    chart = alt.layer(line, dots).properties(height=210)
    coloured = chart.configure(background=palette.surface).configure_view(stroke=None)
    return coloured.configure_axis(
        labelColor=palette.muted,
        titleColor=palette.text,
        gridColor=palette.line,
        domainColor=palette.line,
        tickColor=palette.line,
    )
