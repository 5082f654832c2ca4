"""What the map of the page Fleet draws: lines and marks in pixels. No Streamlit.

``map.js`` draws it, as large as there is room for. North is up, and both axes have the same scale.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from dashboard.fleet.charts import words_of
from dashboard.fleet.chosen import Outcome
from dashboard.fleet.map_queries import Some
from dashboard.fleet.spreading import Point, spread
from dashboard.theme import SERIES
from ridealong.hashing import short_hash
from ridealong.terminal.readable import counted

WIDTH_PX, HEIGHT_PX = 680.0, 500.0  # the map fits in here, at 1280 pixels of screen
MARGIN_PX = 12.0  # for marks at the edge
GAP_PX = 10.0  # between events: the diameter of a disc
LEAST_M = 100.0  # of the map: a parked vehicle has no extent
WIDER = 1.4  # roads, than they are
LEAST_ROAD_PX = 2.0

Row = Mapping[str, Any]


def map_drawing(
    roads: Sequence[Row],
    tracks: Some,
    events: Some,
    triggers: Sequence[str],
    link: Callable[[Row], str | None],
) -> dict[str, Any]:
    """The map of drives and events, as ``map.js`` describes it.

    Args:
        roads: ``kind``, ``width_m`` and a line of ``points``; empty if no map is known.
        tracks: ``drive_id``, ``vehicle``, ``light`` and ``points``.
        events: ``x``, ``y``, ``trigger``, ``outcome``, ``drive``, ``time_s``.
        triggers: All names that may occur, so that colours stay when some are not shown.
        link: Where a click on an event leads, None for nowhere.
    """
    section = _Section([*roads, *tracks.rows])
    drawing = {
        "size": section.size,
        "metres": section.metres,
        "roads": _roads(roads, section),
        "tracks": [[_about(row), section.line(row["points"])] for row in tracks.rows],
        **_events(events.rows, triggers, link, section),
        "about": f"Map of {counted(tracks.total, 'drive')} with {counted(events.total, 'event')}",
        "said": " ".join(_sentences(roads, tracks, events)),
    }
    return drawing | {"key": short_hash(repr(drawing))}


def _sentences(roads: Sequence[Row], tracks: Some, events: Some) -> Iterator[str]:
    if not tracks.rows:
        yield "No drive in this area fits these filters."
    if events.rows:
        yield "Discs are kept events, rings suppressed ones."
        yield "Click one to open the clip that shows it; the arrow keys go from one to the next."
    for name, some in (("event", events), ("drive", tracks)):
        if some.total > len(some.rows):
            yield f"{counted(some.total, name)} fit; {len(some.rows):,} are drawn."
            yield "Choose fewer days or vehicles."
    if not roads:
        yield "No road map is known here: only the drives' tracks."


class _Section:
    """The part of the plane that is drawn, and where its points are on the map."""

    def __init__(self, lines: Sequence[Row]) -> None:
        points = [point for row in lines for point in row["points"]] or [(0.0, 0.0)]
        self._west, across = _span([x for x, _ in points])
        south, down = _span([y for _, y in points])
        self._north = south + down
        self.px_per_m: float = min(
            (WIDTH_PX - 2 * MARGIN_PX) / across, (HEIGHT_PX - 2 * MARGIN_PX) / down
        )
        self.size = [round(part * self.px_per_m + 2 * MARGIN_PX, 1) for part in (across, down)]

    @property
    def metres(self) -> float:
        """The width of the map in metres, with its margins."""
        return round(self.size[0] / self.px_per_m, 3)

    def place(self, x: float, y: float) -> Point:
        """Pixels from the left and from the top, of metres east and north."""
        return (
            MARGIN_PX + (x - self._west) * self.px_per_m,
            MARGIN_PX + (self._north - y) * self.px_per_m,
        )

    def line(self, points: Sequence[Point]) -> str:
        """A line as the data of an SVG path, to 0.1 pixels."""
        places = (self.place(x, y) for x, y in points)
        return "M" + " ".join(f"{round(x, 1):g} {round(y, 1):g}" for x, y in places)


def _span(values: Sequence[float]) -> tuple[float, float]:
    """The start and the length of a range with all values in its middle."""
    length = max(max(values) - min(values), LEAST_M)
    return (min(values) + max(values) - length) / 2, length


def _roads(roads: Sequence[Row], section: _Section) -> list[list[Any]]:
    """One path for each kind and width, streets first: highways lie above them.

    It is as wide as the road at this scale, with a minimum.
    """
    lines: dict[tuple[str, float], list[str]] = {}
    for road in roads:
        kind = "highway" if road["kind"] == "highway" else "street"
        lines.setdefault((kind, float(road["width_m"])), []).append(section.line(road["points"]))
    return [
        [kind, round(max(WIDER * width * section.px_per_m, LEAST_ROAD_PX), 2), "".join(same)]
        for (kind, width), same in sorted(lines.items(), reverse=True)
    ]


def _about(track: Row) -> str:
    named = {"drive": track["drive_id"], "vehicle": track["vehicle"], "light": track["light"]}
    return ", ".join(f"{name} {value}" for name, value in named.items() if value)


def _events(
    events: Sequence[Row],
    triggers: Sequence[str],
    link: Callable[[Row], str | None],
    section: _Section,
) -> dict[str, Any]:
    """The events, kept ones last, above the others; names are given once.

    Kept events are the first to be placed, so these move least.
    """
    ordered = sorted(events, key=lambda event: bool(event["outcome"] != Outcome.KEPT))
    places = spread([section.place(event["x"], event["y"]) for event in ordered], GAP_PX)
    shown = {event["trigger"] for event in events}
    colours = {name: place % SERIES for place, name in enumerate(sorted(triggers)) if name in shown}
    names = list(colours)
    outcomes = list(dict.fromkeys([str(Outcome.KEPT), *(event["outcome"] for event in ordered)]))
    drives = list(dict.fromkeys(event["drive"] for event in ordered))
    rows = [
        [
            round(x, 1),
            round(y, 1),
            names.index(event["trigger"]),
            outcomes.index(event["outcome"]),
            drives.index(event["drive"]),
            round(event["time_s"], 1),
            link(event),
        ]
        for event, (x, y) in zip(ordered, places, strict=True)
    ]
    return {
        "triggers": list(map(list, colours.items())),
        "outcomes": [words_of(outcome) for outcome in outcomes],
        "drives": drives,
        "events": rows[::-1],
    }
