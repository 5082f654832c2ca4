"""What the browser of clips shows, as plain rows: one page of cards, the facets, the choices."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from dashboard.filtering.address import Filter, Order, clip_address
from dashboard.filtering.search import Search
from dashboard.words import help_of
from ridealong.terminal.readable import moment
from shadow.runs import Run, default_run

A_PAGE = 48
MOST_VALUES = 50  # of one facet
MOST_TAGS = 500  # that are offered

# Title and term of each facet, in the order on the page.
FACETS = {
    "trigger": ("Trigger", "trigger"),
    "tag": ("Tag", "tag"),
    "light": ("Light", "attribute"),
    "weather": ("Weather", "attribute"),
    "road": ("Road", "attribute"),
    "country": ("Country", "attribute"),
    "loss": ("Loss of the run", "loss of a clip"),
    "source": ("Source", "source"),
    "drive": ("Drive", "drive"),
}
ORDERS = {
    Order.NEWEST: "newest drive first",
    Order.LOSS: "largest loss first",
    Order.LONGEST: "longest first",
}
NO_TAGS = "None of these clips has a tag. Select clips and add some."

Row = dict[str, Any]


def browser(
    result: Search,
    asked: Filter,
    page: int,
    runs: Sequence[Run],
    thumb: Callable[[str], str],
) -> Row:
    """The data of the component.

    Args:
        result: What the filter found.
        asked: The filter.
        page: Which page of the clips, from 1; past the end it is the last one.
        runs: All runs, the newest first.
        thumb: The link to the picture of a clip.
    """
    rows = result.found.rows
    pages = max(1, -(-len(rows) // A_PAGE))
    page = min(max(page, 1), pages)
    places = pa.array(rows[(page - 1) * A_PAGE : page * A_PAGE])
    return {
        "cards": [_card(row, asked, thumb) for row in result.clips.take(places).to_pylist()],
        "facets": _facets(result, asked),
        "pairs": asked.pairs(),
        "words": asked.words,
        "sort": asked.order,
        "sorts": _sorts(runs),
        "run": result.run["run_id"] if result.run else "",
        "runs": [("", "no run"), *((run["run_id"], run_title(run)) for run in runs)],
        "found": len(rows),
        "total": result.clips.num_rows,
        "page": page,
        "pages": pages,
        "known_tags": [tag for tag, _ in result.found.counts["tag"]][:MOST_TAGS],
        "help": {"share": help_of("loss of a clip")},
    }


def run_title(run: Mapping[str, Any]) -> str:
    """A run by its name, or by its networks."""
    return str(run["name"] or f"{run['candidate']} against {run['deployed']}")


def _sorts(runs: Sequence[Run]) -> list[tuple[str, str]]:
    by_loss = default_run(list(runs)) is not None
    return [(order, title) for order, title in ORDERS.items() if order != Order.LOSS or by_loss]


def _card(row: Row, asked: Filter, thumb: Callable[[str], str]) -> Row:
    conditions = [row[name] for name in ("light", "weather", "road", "country")]
    known = " · ".join(word for word in conditions if word != "unknown")
    title = ", ".join(row["trigger"]) or "no trigger"
    share = row["share"]
    return {
        "clip": row["clip_id"],
        "href": clip_address(row["clip_id"], asked),
        "title": title,
        "conditions": known or "conditions unknown",
        "drive": f"{row['drive']} at {moment(row['start_s'])}",
        "seconds": f"{row['seconds']:.1f} s",
        "share": f"{share:.1%} of the loss" if share else None,
        "tags": row["tag"],
        "note": row["note"],
        "thumb": thumb(row["clip_id"]) if row["cameras"] else None,
        "alt": f"{title}, {known}" if row["cameras"] else "telemetry only",
    }


def _facets(result: Search, asked: Filter) -> list[Row]:
    return [
        _facet(name, result.found.counts[name], asked.values(name))
        for name in FACETS
        if name != "loss" or result.run or asked.values("loss")
    ]


def _facet(name: str, counts: Sequence[tuple[str, int]], chosen: Sequence[str]) -> Row:
    title, term = FACETS[name]
    kept = [
        (value, count)
        for at, (value, count) in enumerate(counts)
        if at < MOST_VALUES or value in chosen
    ]
    return {
        "name": name,
        "title": title,
        "help": help_of(term),
        "values": [{"value": v, "count": n, "chosen": v in chosen} for v, n in kept],
        "left_out": len(counts) - len(kept),
        "empty": NO_TAGS if name == "tag" else "none",
    }
