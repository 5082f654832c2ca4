"""The map of the page Fleet: roads, tracks and events in metres, drawn as shapes. No Streamlit.

All shapes use the identity projection, which fits the view and keeps proportions: north is up, and
no axis is stretched.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
from numpy.typing import NDArray

from dashboard.fleet.charts import words_of
from dashboard.theme import Palette

MAP_PX = 500
DISC_PX = 10.0

Row = Mapping[str, object]
Point = tuple[float, float]
Feature = dict[str, object]


def map_chart(
    roads: Sequence[Row],
    tracks: Sequence[Row],
    events: Sequence[Row],
    triggers: Sequence[str],
    palette: Palette,
) -> dict[str, Any]:
    """The map of drives and events, as a specification of Vega-Lite.

    Args:
        roads: ``kind``, ``width_m`` and a line of ``points``; empty if no map is known.
        tracks: ``drive_id``, ``vehicle``, ``light`` and ``points``.
        events: ``x``, ``y``, ``trigger``, ``outcome``, ``drive``, ``time_s``, and ``href``: where
            a click leads, null for nowhere.
        triggers: All names that may occur, so that colours stay when some are not shown.
        palette: The colours.
    """
    box = _Box([*roads, *tracks])
    layers = [*_roads(roads, box, palette), _tracks(tracks, palette)]
    layers += [*_events(_spread(events, box), triggers, palette), *_scale_bar(box, palette)]
    chart = (
        alt.layer(*(layer.chart for layer in layers))
        .project(type="identity", reflectY=True)
        .properties(height=MAP_PX)
        .configure_view(strokeWidth=0)
    )
    spec: dict[str, Any] = chart.to_dict()
    for drawn, layer in zip(spec["layer"], layers, strict=True):
        drawn["data"] = {"values": layer.values}
    return spec


@dataclass(frozen=True)
class _Layer:
    """A part of the map, and its data apart: Altair would check and copy every number of it."""

    values: Sequence[Row]
    chart: alt.Chart


class _Box:
    """The map's section: its south-west corner and its extent, in metres."""

    def __init__(self, lines: Sequence[Row]) -> None:
        points = [point for row in lines for point in _points(row)] or [(0.0, 0.0)]
        self.west, self.south = min(x for x, _ in points), min(y for _, y in points)
        east, north = max(x for x, _ in points), max(y for _, y in points)
        self.extent_m = max(east - self.west, north - self.south, 1.0)

    @property
    def px_per_m(self) -> float:
        """Approximate scale of the map; the legend takes the rest of the height."""
        return 0.8 * MAP_PX / self.extent_m


def _feature(kind: str, coordinates: object, **fields: object) -> Feature:
    """A GeoJSON feature; its fields are beside the geometry, where encodings find them."""
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "geometry": geometry, **fields}


def _roads(roads: Sequence[Row], box: _Box, palette: Palette) -> list[_Layer]:
    """One shape per kind and width, as wide as the road at this scale, with a minimum width."""
    lines: dict[tuple[str, float], list[object]] = {}
    for road in roads:
        key = (str(road["kind"]), float(str(road["width_m"])))
        lines.setdefault(key, []).append(road["points"])
    features = [
        _feature(
            "MultiLineString",
            lines[kind, width],
            colour=palette.roads[0 if kind == "highway" else 1],
            px=max(1.4 * width * box.px_per_m, 2.0),
        )
        for kind, width in sorted(lines, reverse=True)
    ]
    if not features:
        return []
    chart = (
        alt.Chart()
        .mark_geoshape(filled=False, strokeCap="round", strokeJoin="round")
        .encode(
            stroke=alt.Stroke("colour:N", scale=None),
            strokeWidth=alt.StrokeWidth("px:Q", scale=None),
        )
    )
    return [_Layer(features, chart)]


def _tracks(tracks: Sequence[Row], palette: Palette) -> _Layer:
    shown = ("drive_id", "vehicle", "light")
    lines = [
        _feature("LineString", row["points"], **{name: row[name] for name in shown})
        for row in tracks
    ]
    chart = (
        alt.Chart()
        .mark_geoshape(filled=False, stroke=palette.track, strokeWidth=1.6, strokeOpacity=0.7)
        .encode(tooltip=[f"{name}:N" for name in shown])
    )
    return _Layer(lines, chart)


def _spread(events: Sequence[Row], box: _Box) -> list[Row]:
    """Move events apart that would hide each other; kept ones are placed first.

    Several triggers often fire at one moment, so their positions are the same to the metre.
    """
    apart = DISC_PX / box.px_per_m
    taken = _Taken(0.95 * apart)
    out = list[Row]()
    for event in sorted(events, key=lambda event: event["outcome"] != "kept"):
        x, y = float(str(event["x"])), float(str(event["y"]))
        ways = ((x + apart * u, y + apart * v) for u, v in _HONEYCOMB)
        place = next((way for way in ways if taken.free(way)), (x, y))
        taken.add(place)
        out.append({**event, "x": round(place[0], 1), "y": round(place[1], 1)})
    return out


# The cell itself first: it is the most likely to be taken.
_AROUND = [(0, 0), *((u, v) for u in (-1, 0, 1) for v in (-1, 0, 1) if u or v)]


class _Taken:
    """Places that are taken, by cells as wide as the gap between places."""

    def __init__(self, gap: float) -> None:
        self._gap = gap
        self._cells: dict[tuple[int, int], list[Point]] = {}

    def add(self, place: Point) -> None:
        self._cells.setdefault(self._cell(place), []).append(place)

    def free(self, place: Point) -> bool:
        """Whether no place is nearer than the gap."""
        u, v = self._cell(place)
        for du, dv in _AROUND:
            for other in self._cells.get((u + du, v + dv), ()):
                if math.dist(place, other) <= self._gap:
                    return False
        return True

    def _cell(self, place: Point) -> tuple[int, int]:
        return math.floor(place[0] / self._gap), math.floor(place[1] / self._gap)


def _honeycomb(rings: int) -> NDArray[np.float64]:
    """Positions 1 apart around (0, 0), ``(N, 2)``, the nearest first."""
    steps = np.arange(-rings, rings + 1)
    u, v = (part.ravel() for part in np.meshgrid(steps, steps))
    places = np.stack([u + v / 2, v * np.sqrt(3) / 2], axis=1)
    far = np.linalg.norm(places, axis=1)
    return places[np.lexsort([places[:, 0], places[:, 1], far.round(6)])]


_HONEYCOMB: list[Point] = [(float(x), float(y)) for x, y in _honeycomb(3)]


def _events(events: Sequence[Row], triggers: Sequence[str], palette: Palette) -> list[_Layer]:
    """Kept events as discs above suppressed ones as rings, coloured by trigger."""
    shown = {str(event["trigger"]) for event in events}
    names = [name for name in sorted(triggers) if name in shown]
    many = len(palette.series)
    colours = [palette.series[sorted(triggers).index(name) % many] for name in names]
    scale = alt.Scale(domain=names, range=colours)
    legend = alt.Legend(title=None, orient="bottom", columns=4, symbolType="circle")
    rings = {"filled": False, "size": 34, "strokeWidth": 1.4, "opacity": 0.85}
    discs = {"filled": True, "size": 80, "stroke": palette.surface, "strokeWidth": 1, "opacity": 1}
    layers = []
    for kept, look in ((False, rings), (True, discs)):
        rows = [
            {**event, "outcome": words_of(event["outcome"])}
            for event in events
            if (event["outcome"] == "kept") is kept
        ]
        if not rows:
            continue
        chart = (
            alt.Chart()
            .mark_point(**look)
            .encode(
                longitude="x:Q",
                latitude="y:Q",
                color=alt.Color("trigger:N", scale=scale, legend=legend),
                href="href:N",
                tooltip=[
                    "trigger:N",
                    "outcome:N",
                    "drive:N",
                    alt.Tooltip("time_s:Q", title="time in the drive (s)", format=".1f"),
                ],
            )
        )
        layers.append(_Layer(rows, chart))
    return layers


def _scale_bar(box: _Box, palette: Palette) -> list[_Layer]:
    """A line of a round length in the lower left corner, with its length."""
    length = round_length(box.extent_m / 4)
    y = box.south - 0.04 * box.extent_m
    text = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    line = _feature("LineString", [(box.west, y), (box.west + length, y)])
    bar = alt.Chart().mark_geoshape(filled=False, stroke=palette.muted, strokeWidth=3, aria=False)
    end = {"x": box.west + length, "y": y, "text": text}
    words = (
        alt.Chart()
        .mark_text(align="left", dx=6, color=palette.muted, aria=False)
        .encode(longitude="x:Q", latitude="y:Q", text="text:N")
    )
    return [_Layer([line], bar), _Layer([end], words)]


def _points(row: Row) -> list[Point]:
    points = row["points"]
    assert isinstance(points, list)
    return points


def round_length(most_m: float) -> float:
    """The longest of 1, 2, 5, 10, 20, 50… metres that is at most ``most_m``."""
    power = 10.0 ** math.floor(math.log10(most_m))
    return next(step * power for step in (5, 2, 1) if step * power <= most_m)
