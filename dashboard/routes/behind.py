"""The route of what is behind a check: its clips or items, the costliest first.

They take a fraction of a second to compute, and most checks that somebody looks at are left for the
next one. So the page asks for them once the place where they are shown is seen.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from dashboard.routes.answers import JSON, as_json, refused, sentence
from dashboard.routes.home import Home
from dashboard.routes.links import Links
from dashboard.routes.losses import cell_of
from dashboard.routes.memory import Memory
from dashboard.routes.pairs import PairKey, facts_link
from dashboard.session import version
from dashboard.text import MISSING, number
from dashboard.words import help_of
from ingest.schemas import CLIPS, DRIVES
from metrics.gate.cells import Cell
from metrics.gate.schemas import VERDICTS
from metrics.schemas import SCORES
from ridealong.errors import RidealongError
from ridealong.lake import Snapshot
from ridealong.terminal.readable import decimals_known, listed
from shadow.costs import cell_costs
from shadow.judged import judged_of, of_items
from shadow.runs import Run
from shadow.schemas import RUNS

PATH = "/api/behind.json"
PICTURED = 8  # in the strip
MOST_ROWS = 200  # of the table
ROWS_KEPT = 50_000
PARTS = ("run", "prediction", "metric", "slice")
CLIP_COLUMNS = {
    "clip": "clip",
    "share": "share of delta",
    "deployed": "deployed",
    "candidate": "candidate",
    "triggers": "trigger",
    "conditions": "attribute",
}
OWN = {"share", "deployed", "candidate", "clip_id", "drive_id"}  # of an item; others are attributes

Row = dict[str, Any]


@dataclass(frozen=True)
class CheckKey:
    """Which check: a cell of a run."""

    run: str
    prediction: str
    metric: str
    slice: str

    @property
    def parts(self) -> dict[str, str]:
        """The parameters of a request, or of a page's address."""
        return {part: getattr(self, part) for part in PARTS}

    @property
    def subject(self) -> str:
        """What a link to it proves; no clip and no pair has such a name."""
        return json.dumps(["behind", *self.parts.values()])


def behind_link(links: Links, check: CheckKey) -> str:
    """The link to what is behind a check; it is valid for an hour or a little more."""
    return f"{PATH}?{urlencode(check.parts)}&{links.clip(check.subject).query}"


@dataclass(frozen=True)
class Behind:
    """What is behind the checks of a home.

    Attributes:
        home: The home.
        links: Makes links to pictures.
    """

    home: Home
    links: Links
    _kept: Memory[list[Row]] = field(default_factory=lambda: Memory(ROWS_KEPT, size=len))

    def document(self, check: CheckKey) -> dict[str, Any]:
        """The answer: tiles of the costliest clips, and a table of all of them.

        Raises:
            RidealongError: There is no such check, or its scores are damaged.
        """
        snapshot, run = self.home.snapshot(), self.home.run(check.run)
        cell = cell_of(snapshot, run, check.prediction, check.metric, check.slice)
        now = version(snapshot, CLIPS, DRIVES, RUNS, SCORES, VERDICTS)
        rows = self._kept.get((now, check), lambda: behind(snapshot, run, cell))
        tiles: list[Row] = []
        columns, shown = _items(rows) if of_items(run) else _clips(rows, check)
        if not of_items(run):
            tiles = [_tile(row, cell, check, self.links) for row in rows[:PICTURED]]
        return {
            "tiles": tiles,
            "columns": [[name, help_of(about)] for name, about in columns.items()],
            "rows": shown,
            "count": len(rows),
        }


def behind(snapshot: Snapshot, run: Run, cell: Cell) -> list[Row]:
    """The clips or items behind a cell, the costliest first, with what is known about them.

    Of a clip these are its triggers and its drive's conditions, of an item its attributes.

    Raises:
        RidealongError: The stored scores contradict themselves, or are damaged.
    """
    if cell["reference"] is None:
        return []
    rows: list[Row] = cell_costs(snapshot, run, cell).to_pylist()
    if of_items(run):
        items = judged_of(snapshot, run).clips.drop_columns(["by_disagreement"])
        of_item = {row["clip_id"]: row for row in items.to_pylist()}
        return [of_item[row["clip_id"]] | row for row in rows]
    about = snapshot.query(
        """select clip_id, triggers, light, weather, road
        from clips join drives using (drive_id) where list_contains(?, clip_id)""",
        CLIPS,
        DRIVES,
        params=[[row["clip_id"] for row in rows]],
    )
    of_clip = {row["clip_id"]: row for row in about.to_pylist()}
    return [row | of_clip[row["clip_id"]] for row in rows]


def _tile(row: Row, cell: Cell, check: CheckKey, links: Links) -> Row:
    clip = row["clip_id"]
    return {
        "link": _clip_address(clip, check),
        "facts": facts_link(links, PairKey(**check.parts, clip=clip)),
        "title": _share(row, cell),
        "lines": [_change(row, cell), _conditions(row), f"drive {row['drive_id']}"],
    }


def _clip_address(clip_id: str, check: CheckKey) -> str:
    """The page of a clip, at what the check judges."""
    return f"/clip?{urlencode({'clip': clip_id, **check.parts})}"


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


def _clips(rows: Sequence[Row], check: CheckKey) -> tuple[dict[str, str], list[list[Any]]]:
    """The table of clips: its columns, and rows of texts; a clip is ``[name, address]``."""
    shown = [
        [
            [row["clip_id"], _clip_address(row["clip_id"], check)],
            *_numbers(row),
            ", ".join(row["triggers"]),
            ", ".join(row[name] for name in ("light", "weather", "road") if row[name]),
        ]
        for row in rows[:MOST_ROWS]
    ]
    return CLIP_COLUMNS, shown


def _items(rows: Sequence[Row]) -> tuple[dict[str, str], list[list[Any]]]:
    """The table of items of result files, each with its attributes."""
    attributes = [name for name in rows[0] if name not in OWN] if rows else []
    columns = {
        "frame": "item",
        "share": "share of delta",
        "deployed": "deployed",
        "candidate": "candidate",
        "drive": "drive",
        **dict.fromkeys(attributes, "attribute"),
    }
    shown = [
        [
            row["clip_id"],
            *_numbers(row),
            row["drive_id"],
            *(str(row[name] or MISSING) for name in attributes),
        ]
        for row in rows[:MOST_ROWS]
    ]
    return columns, shown


def _numbers(row: Row) -> list[str]:
    share = number(row["share"], 4, sign=True)
    return [share, number(row["deployed"]), number(row["candidate"])]


def behind_route(home: Home, links: Links) -> Route:
    """The route of what is behind a check."""
    return Route(PATH, partial(_answer, Behind(home, links)))


def _answer(behind: Behind, request: Request) -> Response:
    given = request.query_params
    check = CheckKey(*(given.get(part, "") for part in PARTS))
    if not behind.links.hold(check.subject, request):
        return refused()
    try:
        content = as_json(behind.document(check))
    except RidealongError as error:  # damaged scores: the rest of the page is still shown
        return PlainTextResponse(sentence(error), 404)
    return Response(content, media_type=JSON, headers={"Cache-Control": "no-store"})
