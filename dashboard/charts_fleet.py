"""The charts of the page Fleet: Arrow and plain rows in, Altair out. No Streamlit."""

import math
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
LIGHTS = {"day": "#f59e0b", "dusk": "#a855f7", "night": "#312e81", "unknown": "#94a3b8"}
PLACES = {"kept": "#0ea5e9", "suppressed": "#64748b"}
BAR_PX = 28
MAP_PX = 520

Row = Mapping[str, object]
Point = tuple[float, float]


def trigger_chart(events: pa.Table) -> alt.Chart:
    """Events by trigger, kept ones first, suppressed ones stacked by their reason."""
    rows = [row | {"order": _place(row["outcome"])} for row in events.to_pylist()]
    seen = [name for name in OUTCOMES if name in {row["outcome"] for row in rows}]
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
            color=_colour("outcome", {name: OUTCOMES[name] for name in seen}),
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
    """Drives by the values of one attribute, as bars with their counts."""
    bars = (
        alt.Chart(alt.Data(values=list(rows)), title=attribute)
        .mark_bar(color="#0ea5e9", height={"band": 0.8}, cornerRadius=2)
        .encode(
            x=alt.X("drives:Q", axis=None),
            y=alt.Y("value:N", title=None, sort="-x", axis=_quiet()),
            tooltip=["value:N", "drives:Q", alt.Tooltip("hours:Q", format=".2f")],
        )
    )
    counts = bars.mark_text(align="left", dx=4, color="#64748b").encode(text="drives:Q")
    return (bars + counts).properties(height=24 * len(rows) + 60)


def _quiet() -> alt.Axis:
    return alt.Axis(domain=False, ticks=False, labelLimit=110, labelOverlap=False, labelFlush=False)


def map_chart(tracks: Sequence[Row], events: Sequence[Row]) -> alt.LayerChart:
    """Where drives went and events happened, in metres; north is up, and no axis is stretched.

    Drawn as shapes under the identity projection, which fits the view and keeps proportions.
    """
    lines = [_feature("LineString", row["points"], _track(row)) for row in tracks]
    seen = {str(line["light"]) for line in lines}
    roads = (
        alt.Chart(alt.Data(values=lines))
        .mark_geoshape(filled=False, strokeWidth=1.6, strokeOpacity=0.55)
        .encode(
            color=_colour("light", {k: v for k, v in LIGHTS.items() if k in seen}),
            tooltip=["drive_id:N", "vehicle:N", "light:N"],
        )
    )
    layers = [roads, *_places(events), *_scale_bar(tracks)]
    return (
        alt.layer(*layers)
        .project(type="identity", reflectY=True)
        .resolve_scale(color="independent", fill="independent")
        .properties(height=MAP_PX)
        .configure_view(strokeWidth=0)
    )


def _track(row: Row) -> dict[str, object]:
    light = row["light"] if row["light"] in LIGHTS else "unknown"
    return {"drive_id": row["drive_id"], "vehicle": row["vehicle"], "light": light}


def _feature(kind: str, coordinates: object, fields: Mapping[str, object]) -> dict[str, object]:
    """A GeoJSON feature; its fields stand beside the geometry, where encodings find them."""
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "geometry": geometry, **fields}


def _places(events: Sequence[Row]) -> list[alt.Chart]:
    """Suppressed events under kept ones, as points."""
    if not events:
        return []
    rows = sorted(events, key=lambda row: row["outcome"] == "kept")
    scale = alt.Scale(domain=list(PLACES), range=list(PLACES.values()))
    points = (
        alt.Chart(alt.Data(values=[dict(row) for row in rows]))
        .mark_circle(size=52, opacity=0.95, stroke="white", strokeWidth=0.8)
        .encode(
            longitude="x:Q",
            latitude="y:Q",
            fill=alt.Fill("outcome:N", scale=scale, legend=alt.Legend(title=None, orient="top")),
            tooltip=["trigger:N", "outcome:N", "drive:N", alt.Tooltip("time_s:Q", format=".1f")],
        )
    )
    return [points]


def _scale_bar(tracks: Sequence[Row]) -> list[alt.Chart]:
    """A line of a round length in the lower left corner, and what it measures."""
    points = [point for row in tracks for point in _points(row)]
    if not points:
        return []
    west, south = min(x for x, _ in points), min(y for _, y in points)
    extent = max(max(x for x, _ in points) - west, max(y for _, y in points) - south, 1.0)
    length = round_length(extent / 4)
    y = south - 0.05 * extent
    said = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    line = _feature("LineString", [(west, y), (west + length, y)], {})
    bar = alt.Chart(alt.Data(values=[line])).mark_geoshape(
        filled=False, stroke="#475569", strokeWidth=3
    )
    words = (
        alt.Chart(alt.Data(values=[{"x": west + length, "y": y, "said": said}]))
        .mark_text(align="left", dx=6, color="#475569")
        .encode(longitude="x:Q", latitude="y:Q", text="said:N")
    )
    return [bar, words]


def _points(row: Row) -> list[Point]:
    points = row["points"]
    assert isinstance(points, list)
    return points


def round_length(most_m: float) -> float:
    """The longest of 1, 2, 5, 10, 20, 50… metres that is at most ``most_m``."""
    power = 10.0 ** math.floor(math.log10(most_m))
    return next(step * power for step in (5, 2, 1) if step * power <= most_m)
