"""Budgets: how many events of a trigger a UTC day may keep, drawn by hash.

A draw by hash is a sample of known probability, and always the same. So statistics of all events
can be estimated from those that were kept. The budget of each vehicle's day is applied first, then
that of the day.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from ingest.rows import EventRow, event_rows, table_of
from ingest.schemas import EVENTS
from ingest.triggers.firing import Reason
from ingest.triggers.spec import TriggerSpec

DAY_NS = 86_400 * 1_000_000_000

Group = tuple[str, int]  # a vehicle ("" for all vehicles) and a UTC day


def apply_budgets(
    events: pa.Table, triggers: Sequence[TriggerSpec], already_kept: pa.Table | None = None
) -> pa.Table:
    """Suppress kept events beyond a trigger's budget.

    Args:
        events: Rows of the table events; suppressed ones stay unchanged.
        triggers: Their specs.
        already_kept: Earlier events (``trigger``, ``vehicle_id``, ``time_ns``, ``kept``); kept ones
            use up the budget of their day.

    The ``inclusion_probability`` of every candidate is multiplied by the share of candidates that
    its day has room for, also if the draw leaves it out.
    """
    rows = event_rows(events)
    earlier = already_kept.to_pylist() if already_kept is not None else []
    for trigger in triggers:
        used = [row for row in earlier if row["trigger"] == trigger.name and row["kept"]]
        used_up = [(str(row["vehicle_id"]), int(row["time_ns"])) for row in used]
        budget = trigger.budget
        _limit(rows, trigger.name, used_up, budget.per_vehicle_per_day, Reason.BUDGET_VEHICLE_DAY)
        _limit(rows, trigger.name, used_up, budget.per_day, Reason.BUDGET_DAY)
    return table_of(rows, EVENTS)


def _limit(
    rows: list[EventRow],
    trigger: str,
    used_up: Sequence[tuple[str, int]],
    limit: int | None,
    why: Reason,
) -> None:
    """Keep at most ``limit`` events of a trigger in each group; replaces the others in ``rows``.

    ``used_up``: vehicle and time of the earlier events that the trigger kept.
    """
    if limit is None:
        return
    spent = Counter(_group(vehicle_id, time_ns, why) for vehicle_id, time_ns in used_up)
    groups: dict[Group, list[int]] = {}
    for at, row in enumerate(rows):
        if row.trigger == trigger and row.kept:
            groups.setdefault(_group(row.vehicle_id, row.time_ns, why), []).append(at)
    for group, candidates in groups.items():
        _draw(rows, candidates, max(limit - spent[group], 0), why)


def _draw(rows: list[EventRow], candidates: Sequence[int], room: int, why: Reason) -> None:
    """Draw as many candidates (positions in ``rows``) as there is room for."""
    share = min(room / len(candidates), 1.0)
    # Each stage draws by another hash: otherwise the first draw would decide the second.
    for place, at in enumerate(sorted(candidates, key=lambda at: _rank(why, rows[at]))):
        event = replace(rows[at], inclusion_probability=rows[at].inclusion_probability * share)
        rows[at] = event if place < room else replace(event, kept=False, reason=str(why))


def _group(vehicle_id: str, time_ns: int, why: Reason) -> Group:
    return (vehicle_id if why is Reason.BUDGET_VEHICLE_DAY else "", time_ns // DAY_NS)


def _rank(why: Reason, row: EventRow) -> str:
    return hashlib.sha256(f"{why}:{row.event_id}".encode()).hexdigest()
