"""Which clips fit a filter, in which order, and how many fit each value of a facet."""

from typing import Any

import pyarrow as pa
import pytest

from dashboard.filtering.address import Filter, Order, parse_filter
from dashboard.filtering.matching import find, with_losses

ROWS = [
    {"clip_id": "a", "trigger": ["brake", "cut_in"], "tag": ["wet"], "light": "day"},
    {"clip_id": "b", "trigger": ["brake"], "tag": [], "light": "night"},
    {"clip_id": "c", "trigger": ["swerve"], "tag": ["wet", "todo"], "light": "night"},
    {"clip_id": "d", "trigger": [], "tag": [], "light": "unknown"},
]
KINDS = {
    name: pa.string()
    for name in ("clip_id", "light", "weather", "road", "country", "source", "drive", "words")
}
SCHEMA = pa.schema(
    [
        *KINDS.items(),
        ("trigger", pa.list_(pa.string())),
        ("tag", pa.list_(pa.string())),
        ("start_ns", pa.int64()),
        ("seconds", pa.float64()),
    ]
)


@pytest.fixture
def clips() -> pa.Table:
    """Four clips, the last one the newest; the first and the third lost, the second did not."""
    rows = [
        {name: "x" for name in KINDS}
        | {"words": f"{row['clip_id']} drive-{place} {row['light']}"}
        | {"start_ns": place, "seconds": float((2, 9, 9, 1)[place])}
        | row
        for place, row in enumerate(ROWS)
    ]
    return with_losses(pa.Table.from_pylist(rows, SCHEMA), {"a": 0.2, "b": 0.0, "c": 0.8})


def names(clips: pa.Table, asked: Filter) -> str:
    return "".join(clips["clip_id"].take(pa.array(find(clips, asked).rows)).to_pylist())


@pytest.mark.parametrize(
    ("pairs", "found"),
    [
        ([], "dcba"),
        ([("trigger", "brake")], "ba"),
        ([("trigger", "brake"), ("trigger", "swerve")], "cba"),
        ([("trigger", "brake"), ("light", "night")], "b"),
        ([("tag", "todo")], "c"),
        ([("light", "unknown")], "d"),
        ([("light", "gone")], ""),
        ([("loss", "loss")], "ca"),
        ([("loss", "not in this run")], "d"),
        ([("words", "NIGHT drive")], "cb"),
        ([("words", "night drive-1")], "b"),
        ([("only", "a"), ("only", "d")], "da"),
        ([("sort", "longest")], "cbad"),
        ([("sort", "loss")], "cabd"),
    ],
)
def test_what_fits_in_order(clips: pa.Table, pairs: list[Any], found: str) -> None:
    assert names(clips, parse_filter(pairs)) == found


def test_counts_leave_a_facets_own_choice_out(clips: pa.Table) -> None:
    counts = find(clips, parse_filter([("light", "night"), ("trigger", "gone")])).counts
    assert counts["light"] == [("night", 0)]
    assert counts["trigger"] == [("brake", 1), ("swerve", 1), ("gone", 0)]
    counts = find(clips, parse_filter([("light", "night")])).counts
    assert counts["light"] == [("night", 2), ("day", 1), ("unknown", 1)]
    assert counts["tag"] == [("todo", 1), ("wet", 1)]
    assert counts["loss"] == [("loss", 1), ("no loss", 1)]


def test_no_clips_and_no_run() -> None:
    empty = with_losses(SCHEMA.empty_table(), None)
    found = find(empty, Filter(order=Order.LOSS, words="x"))
    assert len(found.rows) == 0 and found.counts["tag"] == []
