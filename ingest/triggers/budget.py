"""Budgets: how many events of a trigger a UTC day may keep, drawn by hash.

A draw by hash is a sample of known probability, and the same whenever it is repeated: what is
said of all events can rest on those that were kept. The vehicle's day comes first, then the day.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa

from ingest.schemas import EVENTS
from ingest.triggers.firing import Reason
from ingest.triggers.spec import TriggerSpec

DAY_NS = 86_400 * 1_000_000_000

Row = dict[str, object]
Group = tuple[object, ...]


def apply_budgets(
    events: pa.Table, triggers: Sequence[TriggerSpec], already_kept: pa.Table | None = None
) -> pa.Table:
    """Suppress kept events that a trigger's budget has no room for.

    Args:
        events: Rows of the table events; those that are suppressed already stay as they are.
        triggers: Their specs.
        already_kept: Earlier events, kept ones of which use up the budget of their day.

    A kept event's ``inclusion_probability`` is multiplied by the share of candidates that its day
    had room for; so is that of an event which the draw left out.
    """
    specs = {trigger.name: trigger for trigger in triggers}
    rows = events.to_pylist()
    spent = already_kept.to_pylist() if already_kept is not None else []
    for name in sorted({str(row["trigger"]) for row in rows} & specs.keys()):
        budget = specs[name].budget
        own = [row for row in rows if row["trigger"] == name]
        used = [row for row in spent if row["trigger"] == name and row["kept"]]
        _limit(own, used, budget.per_vehicle_per_day, _vehicle_day, Reason.BUDGET_VEHICLE_DAY)
        _limit(own, used, budget.per_day, _day, Reason.BUDGET_DAY)
    return pa.Table.from_pylist(rows, schema=EVENTS.schema)


def _limit(
    rows: list[Row], used: list[Row], limit: int | None, group: Callable[[Row], Group], why: Reason
) -> None:
    """Keep the first ``limit`` of every group, in the order of a hash."""
    if limit is None:
        return
    spent = Counter(group(row) for row in used)
    for key, candidates in _grouped(rows, group):
        room = max(limit - spent[key], 0)
        share = min(room / len(candidates), 1.0)
        # Each stage draws by a hash of its own: else the first draw would decide the second.
        order = sorted(candidates, key=lambda row: _rank(why, row))
        for place, row in enumerate(order):
            row["inclusion_probability"] = _probability(row) * share
            if place >= room:
                row["kept"], row["reason"] = False, str(why)


def _grouped(rows: list[Row], group: Callable[[Row], Group]) -> Iterator[tuple[Group, list[Row]]]:
    groups: dict[Group, list[Row]] = {}
    for row in rows:
        if row["kept"]:
            groups.setdefault(group(row), []).append(row)
    yield from groups.items()


def _probability(row: Row) -> float:
    value = row["inclusion_probability"]
    return float(value) if isinstance(value, float) else 1.0


def _rank(why: Reason, row: Row) -> str:
    return hashlib.sha256(f"{why}:{row['event_id']}".encode()).hexdigest()


def _day(row: Row) -> Group:
    time_ns = row["time_ns"]
    assert isinstance(time_ns, int)
    return (time_ns // DAY_NS,)


def _vehicle_day(row: Row) -> Group:
    return (row["vehicle_id"], *_day(row))
