"""The charts of the page Regressions: plain rows in, Altair out. No Streamlit."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from dashboard.compare.queries import Measure
from metrics.gate.cells import Verdict

CELL_PX, LABEL_PX, AROUND_PX = 21, 230, 190
# Safe for colour blindness. The middle, within the margin, is nearly white.
COLOURS = ["#b2182b", "#ef8a62", "#fddbc7", "#f7f7f7", "#d1e5f0", "#67a9cf", "#2166ac"]
LIMITS = {Measure.MARGINS: 3.0, Measure.SIGNIFICANCE: 6.0}
TITLES = {
    Measure.MARGINS: "delta, in margins",
    Measure.SIGNIFICANCE: "significance (decimal places of p, signed)",
}
UNKNOWN = "#d8dee8"  # cells without a number
REQUIRED, CHOSEN = "#0f172a", "#f59e0b"  # frames
UNSURE = 0.35  # opacity of INCONCLUSIVE cells
VERDICT_COLOURS = {
    Verdict.PASS: "#15803d",
    Verdict.REGRESSED: "#b91c1c",
    Verdict.INCONCLUSIVE: "#b45309",
}
TICK = "#64748b"  # visible on white and on black
SELECTION = "cell"

Row = Mapping[str, object]


def label(cell: Row) -> str:
    """The label of a heatmap row."""
    return f"{cell['prediction']} {cell['metric']}"


def heatmap(cells: Sequence[Row], measure: Measure, chosen: Row) -> alt.LayerChart:
    """Predictions by slices, in the order given; a click selects a cell.

    Required cells have a frame, REGRESSED ones a cross, INCONCLUSIVE ones are pale. Each has a
    white background, so that it looks the same on a dark page. The chosen cell has a second,
    wider frame.
    """
    rows = [_heat_row(cell, measure, chosen) for cell in cells]
    order = list(dict.fromkeys(str(row["row"]) for row in rows))
    slices = sorted({str(row["slice"]) for row in rows}, key=lambda s: (s != "all", s))
    plain: dict[str, Any] = dict.fromkeys(("domain", "ticks", "labelOverlap", "labelFlush"), False)
    above = alt.Axis(orient="top", labelAngle=-45, labelLimit=150, **plain)
    beside = alt.Axis(labelLimit=LABEL_PX, minExtent=LABEL_PX, **plain)
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("slice:N", sort=slices, title=None, axis=above),
        y=alt.Y("row:N", sort=order, title=None, axis=beside),
    )
    pick = alt.selection_point(name=SELECTION, fields=["prediction", "metric", "slice"])
    # Layers without a tooltip pass the mouse on to these.
    colour = base.mark_rect(stroke="white", strokeWidth=1, cursor="pointer", invalid="show").encode(
        color=_heat(measure),
        opacity=alt.condition(alt.datum.unsure, alt.value(UNSURE), alt.value(1)),
        tooltip=["prediction:N", "metric:N", "slice:N", "verdict:N", *_numbers("delta", "margin")],
    )
    return (
        alt.layer(
            base.mark_rect(fill="white", stroke="white", strokeWidth=1, aria=False),
            colour.add_params(pick),
            _frames(base, alt.datum.chosen, CHOSEN, 6),
            _frames(base, alt.datum.required, REQUIRED, 2),
            base.mark_text(fontSize=11, fontWeight="bold").encode(
                text="mark:N", color=alt.Color("ink:N", scale=None)
            ),
        )
        .resolve_scale(color="independent")
        .properties(height=CELL_PX * len(order) + AROUND_PX)
        .configure_view(strokeWidth=0)
        .configure_scale(invalid={"color": {"value": UNKNOWN}})
    )


def _heat_row(cell: Row, measure: Measure, chosen: Row) -> dict[str, object]:
    names = ("prediction", "metric", "slice", "verdict", "required", "delta", "margin")
    value = cell[measure]
    dark = isinstance(value, float) and abs(value) > 0.6 * LIMITS[measure]
    return {name: cell[name] for name in names} | {
        "row": label(cell),
        "value": value,
        "mark": "✕" if cell["verdict"] == Verdict.REGRESSED else "",
        "unsure": cell["verdict"] == Verdict.INCONCLUSIVE and value is not None,
        "ink": "#ffffff" if dark else "#334155",
        "chosen": all(cell[name] == chosen[name] for name in ("prediction", "metric", "slice")),
    }


def _heat(measure: Measure) -> alt.Color:
    limit = LIMITS[measure]
    steps = [limit * (place - 3) / 3 for place in range(len(COLOURS))]
    legend = alt.Legend(
        title=TITLES[measure],
        titleLimit=320,
        orient="top",
        direction="horizontal",
        gradientLength=260,
    )
    scale = alt.Scale(domain=steps, range=COLOURS, clamp=True)
    return alt.Color("value:Q", scale=scale, legend=legend)


def _frames(base: alt.Chart, which: Any, colour: str, width: float) -> alt.Chart:
    frame = base.transform_filter(which)
    return frame.mark_rect(fillOpacity=0, stroke=colour, strokeWidth=width)


def interval_chart(cells: Sequence[Row], chosen: Row) -> alt.LayerChart | alt.FacetChart:
    """Delta with its interval on every slice of one prediction, compared with 0 and -margin."""
    rows = [
        {name: cell[name] for name in ("slice", "delta", "low", "high", "verdict", "bound")}
        | {"limit": _negative(cell["margin"]), "chosen": cell["slice"] == chosen["slice"]}
        for cell in cells
    ]
    order = [str(row["slice"]) for row in rows]
    axis = alt.Axis(labelLimit=170, labelOverlap=False)
    scale = alt.Scale(
        domain=[verdict.value for verdict in VERDICT_COLOURS], range=list(VERDICT_COLOURS.values())
    )
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y("slice:N", sort=order, title=None, axis=axis),
        opacity=alt.condition(alt.datum.chosen, alt.value(1), alt.value(0.5)),
        tooltip=["slice:N", "verdict:N", *_numbers("delta", "low", "high", "bound")],
    )
    coloured = base.encode(color=alt.Color("verdict:N", scale=scale, legend=None))
    across = alt.X("low:Q", title="delta and its interval (positive is better)")
    zero = alt.Chart(alt.Data(values=[{"at": 0}])).mark_rule(color="#94a3b8").encode(x="at:Q")
    return alt.layer(
        zero,
        base.mark_tick(color=TICK, thickness=2, size=18).encode(x="limit:Q"),
        coloured.mark_rule(strokeWidth=3, strokeCap="round").encode(x=across, x2="high:Q"),
        coloured.mark_circle(size=90, opacity=1).encode(x="delta:Q"),
    ).properties(height=24 * len(rows) + 60)


def _negative(margin: object) -> float | None:
    return -margin if isinstance(margin, float) else None


def _numbers(*names: str) -> list[alt.Tooltip]:
    return [alt.Tooltip(f"{name}:Q", format="+.3f") for name in names]
