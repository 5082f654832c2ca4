"""What the address says about which clips are shown, in which order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import urlencode

FACETS = ("trigger", "light", "weather", "road", "country", "tag", "loss", "source", "drive")
MOST_NAMED = 200  # clips that an address can name: it stays below 4,000 characters

Pairs = list[tuple[str, str]]


class Order(StrEnum):
    """The order of clips."""

    NEWEST = "newest"
    LONGEST = "longest"
    LOSS = "loss"


@dataclass(frozen=True)
class Filter:
    """Which clips, in which order.

    Attributes:
        chosen: Facets with the values of which a clip has at least one; each facet has some.
        words: A clip's names, tags or note contain each of these.
        named: Only these clips, by id; all if empty.
        order: The order.
        run: The run whose losses count; None for the newest one.
    """

    chosen: tuple[tuple[str, tuple[str, ...]], ...] = ()
    words: str = ""
    named: tuple[str, ...] = ()
    order: Order = Order.NEWEST
    run: str | None = None

    def values(self, facet: str) -> tuple[str, ...]:
        """The chosen values of a facet; none if every clip will do."""
        return dict(self.chosen).get(facet, ())

    def without(self, facet: str) -> "Filter":
        """The filter without one facet."""
        return replace(self, chosen=tuple(pair for pair in self.chosen if pair[0] != facet))

    @property
    def by_loss(self) -> bool:
        """Whether which clips it finds, or their order, depends on a run's losses."""
        return self.order == Order.LOSS or bool(self.values("loss"))

    def pairs(self) -> Pairs:
        """The filter as parameters of an address, without what is so by default."""
        pairs = [(facet, value) for facet, values in self.chosen for value in values]
        pairs += [("only", clip_id) for clip_id in self.named]
        rest = {"words": self.words, "run": self.run, "sort": self.order}
        shown = {name: value for name, value in rest.items() if value and value != Order.NEWEST}
        return pairs + list(shown.items())


def clip_address(clip_id: str, asked: Filter) -> str:
    """The address of a clip that was found by a filter; J and L go along the filter's clips."""
    return "/clip?" + urlencode([("clip", clip_id), *asked.pairs()])


def parse_filter(pairs: Iterable[tuple[str, str]]) -> Filter:
    """The filter in the parameters of an address; what it does not know is left out."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    order = _last(found.get("sort"))
    return Filter(
        chosen=tuple((facet, _each(found[facet])) for facet in FACETS if facet in found),
        words=" ".join(_last(found.get("words")).split()),
        named=_each(found.get("only", ()))[:MOST_NAMED],
        order=Order(order) if order in list(Order) else Order.NEWEST,
        run=_last(found.get("run")) or None,
    )


def _each(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _last(values: Sequence[str] | None) -> str:
    return values[-1] if values else ""
