"""Tables of the page Fleet as HTML: real links, and every name escaped. No Streamlit."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from dashboard.fleet.charts import words_of
from dashboard.fleet.health_queries import Quarantine
from dashboard.navigation import address
from dashboard.reports.markup import Html, element
from dashboard.text import MISSING, when
from ridealong.terminal.readable import counted

STYLE = Path(__file__).with_name("fleet.css")
Row = Mapping[str, Any]

# By kind: what could not be used, in one and in many, and what to do about it.
KINDS = {
    "file": ("recording", "Repair or remove it. The next ingest reads it when it has changed."),
    "row": ("row of telemetry", "The rest of the drive is used. Look at the recorder's signals."),
    "frames": ("gap in the frames", "The rest of the drive is used. Look at the camera."),
    "clip": ("clip", "Its events are suppressed. Look at the recording at that time."),
    "trigger": (
        "trigger on a drive",
        "The drive lacks signals that the trigger needs.",
    ),
}
UNKNOWN_KIND = ("part of a recording", "Look at the recording.")


@cache
def style() -> Html:
    """The style of this page."""
    return Html(f"<style>{STYLE.read_text('utf-8')}</style>")


def event_address(event: Row) -> str | None:
    """The clip that shows an event, at the event; None if there is none."""
    if not event["clip"]:
        return None
    return address("clip", clip=event["clip"], t=f"{max(0.0, event['clip_s']):.2f}")


def events_table(events: Sequence[Row]) -> Html:
    """Events with links to their clips."""
    rows = [
        element(
            "tr",
            element("td", _when(event), class_="short"),
            element("td", event["trigger"], title=event["trigger"]),
            element("td", words_of(event["outcome"]), title=words_of(event["outcome"])),
            element("td", event["vehicle"] or MISSING, title=f"drive {event['drive']}"),
        )
        for event in events
    ]
    head = ("Time (UTC)", "Trigger", "Outcome", "Vehicle")
    return _table(head, rows, "Events", look="facts lines")


def page_links(page: int, pages: int, events: int, link: Callable[[int], str]) -> Html:
    """Links to the pages before and after, and which page this is."""
    word = element("span", f"Page {page:,} of {pages:,}: {counted(events, 'event')} in all areas")
    before = element("a", "← newer", href=link(page - 1)) if page > 1 else element("span")
    after = element("a", "older →", href=link(page + 1)) if page < pages else element("span")
    return element("nav", before, word, after, class_="fleet pages", aria_label="Pages")


def _when(event: Row) -> Html | str:
    time = when(event["time_ns"], seconds=True)
    href = event_address(event)
    if href is None:
        return time
    spoken = f"{event['trigger']} at {time}: open its clip"
    return element("a", time, href=href, aria_label=spoken)


def quarantine_table(found: Quarantine) -> Html:
    """What could not be used, why, how often, and what to do."""
    rows = []
    for row in found.rows:
        what, advice = KINDS.get(row["kind"], UNKNOWN_KIND)
        more = row["paths"] - len(row["examples"])
        places = ", ".join(row["examples"]) + (f", and {more:,} more" if more else "")
        rows.append(
            element(
                "tr",
                element("td", f"{row['count']:,}", class_="number"),
                element("td", what, class_="short"),
                element("td", row["reason"]),
                element("td", places),
                element("td", advice),
            )
        )
    head = ("Count", "What", "Why", "Where", "What to do")
    return _table(head, rows, "Quarantine", numbers=1)


def ingests_table(rows: Sequence[Row]) -> Html:
    """The last commits of ingest."""
    counts = ("planned", "done", "quarantined", "failed", "drives", "clips")
    lines = [
        element(
            "tr",
            *(element("td", f"{row[name]:,}", class_="number") for name in counts),
            element("td", f"{row['time']:%Y-%m-%d %H:%M:%S}", class_="short"),
        )
        for row in rows
    ]
    head = ("Planned", "Done", "Quarantined", "Failed", "New drives", "New clips", "Time (UTC)")
    return _table(head, lines, "Last ingests", numbers=6)


def _table(
    head: Sequence[str],
    rows: Sequence[Html],
    label: str,
    numbers: int = 0,
    look: str = "fleet facts",
) -> Html:
    cells = (
        element("th", name, scope="col", class_="number" if place < numbers else None)
        for place, name in enumerate(head)
    )
    body = element("tbody", *rows)
    return element(
        "table",
        element("thead", element("tr", *cells)),
        body,
        class_=f"fleet {look}",
        aria_label=label,
    )
