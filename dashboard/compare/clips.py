"""The clips behind a check: the costliest as a strip of pictures, and all of them as a table."""

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard import session
from dashboard.compare import components, markup
from dashboard.compare.cell_queries import key_of
from dashboard.compare.queries import Row
from dashboard.navigation import address
from dashboard.reports.markup import Html, element
from dashboard.routes.pairs import PairKey, facts_link
from dashboard.text import MISSING, number
from metrics.gate.cells import Cell
from ridealong.terminal.readable import decimals_known, listed

PICTURED = 8  # in the strip
MOST_ROWS = 200  # of a table
CLIP_COLUMNS = {
    "clip": "clip",
    "share": "share of delta",
    "deployed": "deployed",
    "candidate": "candidate",
    "triggers": "trigger",
    "conditions": "attribute",
}
OWN = {"share", "deployed", "candidate", "clip_id", "drive_id"}  # of an item; others are attributes


def clip_address(clip_id: str, run: Row, cell: Cell) -> str:
    """The page of a clip, at what the check judges."""
    return address("clip", clip=clip_id, run=run["run_id"], **key_of(cell))


def filmstrip(rows: Sequence[Row], run: Row, cell: Cell) -> None:
    """The costliest clips, each a picture that leads to its page."""
    components.show_filmstrip([_tile(row, run, cell) for row in rows[:PICTURED]])


def _tile(row: Row, run: Row, cell: Cell) -> dict[str, Any]:
    clip = row["clip_id"]
    return {
        "link": clip_address(clip, run, cell),
        "facts": facts_link(session.links(), PairKey(**key_of(cell), run=run["run_id"], clip=clip)),
        "title": _share(row, cell),
        "lines": [_change(row, cell), _conditions(row), f"drive {row['drive_id']}"],
    }


def _share(row: Mapping[str, Any], cell: Cell) -> str:
    """A clip's share of delta, and of a loss also in percent."""
    decimals = decimals_known(None, None, row["share"])
    text = f"share {number(row['share'], decimals, sign=True)}"
    delta = cell["delta"]
    return f"{text}, {row['share'] / delta:.0%} of the loss" if delta and delta < 0 else text


def _change(row: Mapping[str, Any], cell: Cell) -> str:
    deployed, candidate = (number(row[name], 2) for name in ("deployed", "candidate"))
    return f"{cell['metric']} {deployed} → {candidate}"


def _conditions(row: Mapping[str, Any]) -> str:
    known = [row[name] for name in ("light", "weather", "road") if row[name]]
    return ", ".join([*known, listed(row["triggers"], 2)])


def clip_rows(rows: Sequence[Row], run: Row, cell: Cell) -> Html:
    """Clips as a table, the costliest first."""
    shown = [
        {
            "clip": element("a", row["clip_id"], href=clip_address(row["clip_id"], run, cell)),
            "share": number(row["share"], 4, sign=True),
            "deployed": number(row["deployed"]),
            "candidate": number(row["candidate"]),
            "triggers": ", ".join(row["triggers"]),
            "conditions": ", ".join(row[n] for n in ("light", "weather", "road") if row[n]),
        }
        for row in rows[:MOST_ROWS]
    ]
    return _capped(markup.cost_table(shown, CLIP_COLUMNS), len(rows))


def item_rows(rows: Sequence[Row], cell: Cell) -> Html:
    """Items of result files as a table, the costliest first: each with its attributes."""
    attributes = [name for name in rows[0] if name not in OWN]
    columns = {
        "frame": "item",
        "share": "share of delta",
        "deployed": "deployed",
        "candidate": "candidate",
        "drive": "drive",
        **dict.fromkeys(attributes, "attribute"),
    }
    shown = [
        {
            **{name: row[name] or MISSING for name in attributes},
            "frame": row["clip_id"],
            "share": number(row["share"], 4, sign=True),
            "deployed": number(row["deployed"]),
            "candidate": number(row["candidate"]),
            "drive": row["drive_id"],
        }
        for row in rows[:MOST_ROWS]
    ]
    return _capped(markup.cost_table(shown, columns), len(rows))


def _capped(table: Html, count: int) -> Html:
    if count <= MOST_ROWS:
        return table
    return Html(table + markup.note(f"The {MOST_ROWS} costliest of {count:,} are shown."))
