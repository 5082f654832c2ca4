"""Queries for the page Triggers: a snapshot in, plain rows out. No Streamlit."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field

from ingest.cameras import camera_warnings
from ingest.dry_run import DryRun, dry_run
from ingest.rehearsal import rehearse
from ingest.schemas import CLIPS, DRIVES, EVENTS
from ingest.telemetry.signals import recorded
from ingest.triggers.home import HomeTrigger, home_triggers
from ingest.triggers.spec import TriggerSpec
from ridealong.errors import RidealongError, each
from ridealong.lake import Snapshot
from ridealong.specs import parse_spec

MOST_ROWS = 5_000_000  # of telemetry that the page tries a trigger on
TEMPLATE = """name: my_trigger
description: One sentence that says what it finds.
when: held(Vehicle.Acceleration.Longitudinal <= -4, '0.1 s') and Vehicle.Speed > '10 km/h'
pre: 10 s
post: 5 s
cooldown: 30 s
budget: {per_vehicle_per_day: 5, per_day: 1000}
cameras: all
"""


@dataclass(frozen=True)
class Listed:
    """One trigger as the list shows it.

    Attributes:
        name: Its name.
        trigger: The home's; None if only its events and clips are here.
        spec: Its parsed text; None if it is not the home's, or has a mistake.
        mistake: What is wrong with its text.
        events, kept, clips: How many there are.
        suppressed: Events by the reason why they are not kept.
    """

    name: str
    trigger: HomeTrigger | None
    spec: TriggerSpec | None = None
    mistake: str | None = None
    events: int = 0
    kept: int = 0
    clips: int = 0
    suppressed: dict[str, int] = field(default_factory=dict)

    @property
    def condition(self) -> str:
        """When it fires, in one line."""
        if self.spec is None:
            return self.mistake or ""
        if self.spec.random is not None:
            return f"at random, once per {self.spec.random.every} on average"
        return " ".join(str(self.spec.when).split())


@dataclass(frozen=True)
class Mistake:
    """One mistake in a trigger's text; ``line`` is from 1, None if it concerns all of it."""

    line: int | None
    text: str


@dataclass(frozen=True)
class Checked:
    """A trigger's text after parsing: a spec, or the mistakes."""

    spec: TriggerSpec | None
    mistakes: tuple[Mistake, ...] = ()


def listed(snapshot: Snapshot) -> list[Listed]:
    """The home's triggers, then others that have events or clips here; each group by name."""
    events = snapshot.query(
        """select trigger, case when kept then null else coalesce(reason, 'unknown') end as reason,
            count(*) as events
        from events group by all order by events desc, reason""",
        EVENTS,
    ).to_pylist()
    clips = snapshot.query(
        "select trigger, count(*) as clips from (select unnest(triggers) as trigger from clips) "
        "group by trigger",
        CLIPS,
    ).to_pylist()
    clips_of = {row["trigger"]: row["clips"] for row in clips}
    ends_of: dict[str, dict[str | None, int]] = {}
    for row in events:
        ends_of.setdefault(row["trigger"], {})[row["reason"]] = row["events"]
    known = {trigger.name: trigger for trigger in home_triggers(snapshot)}
    others = sorted((ends_of.keys() | clips_of.keys()) - known.keys())
    return [
        Listed(
            name,
            known.get(name),
            *_parsed(known.get(name)),
            events=sum(ends_of.get(name, {}).values()),
            kept=ends_of.get(name, {}).get(None, 0),
            clips=clips_of.get(name, 0),
            suppressed={why: n for why, n in ends_of.get(name, {}).items() if why is not None},
        )
        for name in (*known, *others)
    ]


def _parsed(trigger: HomeTrigger | None) -> tuple[TriggerSpec | None, str | None]:
    if trigger is None:
        return None, None
    try:
        return trigger.spec(), None
    except RidealongError as error:
        return None, str(error)


def checked(text: str) -> Checked:
    """Parse a trigger's text; all mistakes at once, by line."""
    try:
        return Checked(parse_spec(text, TriggerSpec, ""))
    except RidealongError as error:
        return Checked(None, tuple(_mistake(one) for one in each(error)))


def _mistake(error: RidealongError) -> Mistake:
    line = str(error.where or "").rpartition(":")[2]
    said = RidealongError(error.what, expected=error.expected, hint=error.hint)
    return Mistake(int(line) if line.isdecimal() else None, str(said))


def warnings(spec: TriggerSpec, snapshot: Snapshot) -> list[str]:
    """What may be a spelling mistake."""
    return camera_warnings([spec], snapshot.home)[spec.name]


def signals() -> list[dict[str, str]]:
    """The signals that a condition may use: name, unit, values or range, and meaning."""
    return [
        {
            "name": signal.name,
            "unit": signal.unit,
            "values": ", ".join(signal.allowed),
            "meaning": signal.description,
        }
        for signal in recorded()
    ]


def telemetry_drives(snapshot: Snapshot) -> int:
    """How many drives have telemetry."""
    query = "select count(*) from drives where telemetry_rows > 0"
    return int(snapshot.query(query, DRIVES)[0][0].as_py())


def is_big(snapshot: Snapshot) -> bool:
    """Whether a dry run over all drives is too much for a page."""
    query = "select coalesce(sum(telemetry_rows), 0) from drives"
    return int(snapshot.query(query, DRIVES)[0][0].as_py()) > MOST_ROWS


def tried(
    snapshot: Snapshot, spec: TriggerSpec, over: str | None, *, only_new: bool = False
) -> DryRun:
    """A dry run of one trigger, on at most `MOST_ROWS` rows of telemetry unless only what is new.

    Raises:
        RidealongError: There are no drives, or ``over`` is not a condition or matches none.
    """
    most = None if only_new else MOST_ROWS
    found = rehearse(snapshot, [spec], over, only_new=only_new, most_rows=most)
    return dry_run(snapshot, found)


def difference(mine: str, theirs: str) -> Sequence[str]:
    """The lines in which two texts differ, as in a patch."""
    lines = difflib.unified_diff(
        theirs.splitlines(), mine.splitlines(), "theirs", "yours", lineterm="", n=1
    )
    return list(lines)
