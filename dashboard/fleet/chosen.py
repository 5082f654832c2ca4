"""Which part of the fleet is looked at: vehicles, days, triggers, kept or suppressed."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from ridealong.units import NS_PER_S


class Outcome(StrEnum):
    """What became of an event."""

    KEPT = "kept"
    SUPPRESSED = "suppressed"


# SQL over drives, and over events; their parameters are those of `Chosen`.
_VEHICLES = "(len($vehicles::varchar[]) = 0 or list_contains($vehicles::varchar[], vehicle_id))"
_TRIGGERS = "(len($triggers::varchar[]) = 0 or list_contains($triggers::varchar[], trigger))"
DRIVES_CHOSEN = f"{_VEHICLES} and start_ns < $until_ns and end_ns >= $since_ns"
EVENTS_CHOSEN = f"""{_VEHICLES} and {_TRIGGERS} and time_ns < $until_ns and time_ns >= $since_ns
    and (not $kept or kept) and (not $suppressed or not kept)"""
EVER_NS = 2**62


@dataclass(frozen=True)
class Chosen:
    """The part that is looked at; by default everything.

    Attributes:
        vehicles, triggers: Their names; all if empty.
        outcome: What became of the events; None for any.
        since_ns, until_ns: The time, without its end.
    """

    vehicles: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    outcome: Outcome | None = None
    since_ns: int = -EVER_NS
    until_ns: int = EVER_NS

    def of_drives(self) -> dict[str, Any]:
        """The parameters of `DRIVES_CHOSEN`."""
        return {
            "vehicles": list(self.vehicles),
            "since_ns": self.since_ns,
            "until_ns": self.until_ns,
        }

    def of_events(self) -> dict[str, Any]:
        """The parameters of `EVENTS_CHOSEN`."""
        return self.of_drives() | {
            "triggers": list(self.triggers),
            "kept": self.outcome == Outcome.KEPT,
            "suppressed": self.outcome == Outcome.SUPPRESSED,
        }


EVERYTHING = Chosen()


def start_of(day: date) -> int:
    """The start of a day, UTC, in ns."""
    return int(datetime.combine(day, time(), UTC).timestamp()) * NS_PER_S


def end_of(day: date) -> int:
    """The start of the next day, UTC, in ns."""
    return start_of(day + timedelta(days=1))


def day_of(time_ns: int) -> date:
    """The day of an instant, UTC."""
    return datetime.fromtimestamp(time_ns // NS_PER_S, UTC).date()
