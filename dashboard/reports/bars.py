"""A cell's interval as a small SVG: where delta lies between its margin, zero and beyond.

The unit is the cell's margin, so the bars of all metrics have one scale. Nothing depends on colour:
the mark of delta is a disc for PASS, a ring for INCONCLUSIVE and a diamond for REGRESSED.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.reports.markup import Html, element
from metrics.gate.cells import Cell, Verdict

WIDTH, HEIGHT, EDGE = 240, 26, 10
LEAST_LOSS, LEAST_GAIN, MOST = 2.0, 1.0, 6.0  # margins on each side of zero
MIDDLE = HEIGHT / 2


@dataclass(frozen=True)
class Scale:
    """How many margins the bars show on each side of zero; what lies beyond gets an arrowhead."""

    loss: float
    gain: float

    def x(self, margins: float) -> float:
        """Where so many margins are, in pixels; at the edge if they are beyond it."""
        inside = min(max(margins, -self.loss), self.gain)
        return EDGE + (inside + self.loss) / (self.loss + self.gain) * (WIDTH - 2 * EDGE)

    def beyond(self, margins: float) -> bool:
        """Whether so many margins are beyond the edge."""
        return not -self.loss <= margins <= self.gain


def scale_of(cells: Sequence[Cell]) -> Scale:
    """One scale for the bars of these cells."""
    ends = [
        value / cell["margin"]
        for cell in cells
        for value in (cell["low"], cell["high"], cell["delta"])
        if value is not None and cell["margin"]
    ]
    loss, gain = max([LEAST_LOSS, *(-end for end in ends)]), max([LEAST_GAIN, *ends])
    return Scale(min(loss, MOST), min(gain, MOST))


def bar(cell: Cell, scale: Scale) -> Html:
    """The interval of a cell; nothing if its delta or its margin is unknown."""
    delta, margin, low, high = cell["delta"], cell["margin"], cell["low"], cell["high"]
    if delta is None or not margin:
        return Html("")
    parts = [_tick(scale.x(0), 0, "zero"), _tick(scale.x(-1), 0, "margin")]
    about = f"delta {delta:+.4g}, margin {margin:g}"
    if low is not None and high is not None:
        parts += _interval(low / margin, high / margin, scale)
        about += f", interval {low:+.4g} to {high:+.4g}"
    parts.append(_mark(cell["verdict"], scale.x(delta / margin)))
    return _svg(parts, about)


def heading(scale: Scale) -> Html:
    """The heading of a column of bars: where the margin and zero are."""
    zero, margin = scale.x(0), scale.x(-1)
    texts = [
        element("text", "−margin", x=f"{margin + 3:.1f}", y=12, text_anchor="end"),
        element("text", "0", x=f"{zero:.1f}", y=12, text_anchor="middle"),
    ]
    if WIDTH - zero > 70:
        texts.append(element("text", "better →", x=WIDTH, y=12, text_anchor="end"))
    ticks = [_tick(zero, 16, "zero"), _tick(margin, 16, "margin")]
    return _svg([*texts, *ticks], "the scale of the bars, in margins")


def _svg(parts: Sequence[Html], about: str) -> Html:
    box = f"0 0 {WIDTH} {HEIGHT}"
    return element("svg", *parts, viewBox=box, class_="bar", role="img", aria_label=about)


def _tick(x: float, top: float, name: str) -> Html:
    return element("line", x1=f"{x:.1f}", x2=f"{x:.1f}", y1=top, y2=HEIGHT, class_=name)


def _interval(low: float, high: float, scale: Scale) -> list[Html]:
    left, right = scale.x(low), scale.x(high)
    across = {"y1": MIDDLE, "y2": MIDDLE, "class_": "interval"}
    line = element("line", x1=f"{left:.1f}", x2=f"{right:.1f}", **across)
    ends = ((left, low, -1), (right, high, 1))
    return [line, *(_arrow(x, side) if scale.beyond(end) else _cap(x) for x, end, side in ends)]


def _cap(x: float) -> Html:
    at = f"{x:.1f}"
    return element("line", x1=at, x2=at, y1=MIDDLE - 4, y2=MIDDLE + 4, class_="interval")


def _arrow(x: float, side: int) -> Html:
    points = f"{x + side * 7:.1f},{MIDDLE} {x:.1f},{MIDDLE - 5} {x:.1f},{MIDDLE + 5}"
    return element("polygon", points=points, class_="arrow")


def _mark(verdict: Verdict, x: float) -> Html:
    if verdict == Verdict.REGRESSED:
        corners = ((x, MIDDLE - 6.5), (x + 6.5, MIDDLE), (x, MIDDLE + 6.5), (x - 6.5, MIDDLE))
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in corners)
        return element("polygon", points=points, class_="mark REGRESSED")
    return element("circle", cx=f"{x:.1f}", cy=MIDDLE, r=5, class_=f"mark {verdict}")
