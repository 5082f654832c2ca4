"""The triggers of a home: those that ridealong ships, overlaid by those that were saved in it.

A trigger has a history of states: its text, and whether it is active. A state is never changed; the
newest counts. A saved trigger replaces the shipped one of its name.
"""

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from ingest.schemas import TRIGGERS
from ingest.triggers.spec import LIBRARY, TriggerSpec, load_triggers
from ridealong.documents import read_text
from ridealong.errors import RidealongError, together
from ridealong.lake import AlreadyCommittedError, Lake, Snapshot, write_data_file
from ridealong.specs import nearest, parse_spec

SHORTEST_SHA = 8  # digits of a version's hash that are enough to name it


class State(StrEnum):
    """Whether ingest evaluates a trigger."""

    ACTIVE = "active"
    PAUSED = "paused"


class Origin(StrEnum):
    """Where a trigger's text is from."""

    SHIPPED = "shipped"  # it comes with ridealong
    SAVED = "saved"  # somebody saved it in the home


@dataclass(frozen=True)
class HomeTrigger:
    """One trigger of a home as it is now.

    Attributes:
        name: Its name.
        text: Its file's text.
        origin: Where the text is from.
        state: Whether ingest evaluates it.
        number: How many states it has had in this home; 0 for one that was never changed.
        time_ns: When it was saved, activated or paused last; None for never.
        who: Who did that, if known.
        replaces_shipped: It is saved, and ridealong ships one of its name.
    """

    name: str
    text: str
    origin: Origin
    state: State = State.ACTIVE
    number: int = 0
    time_ns: int | None = None
    who: str | None = None
    replaces_shipped: bool = False

    @cached_property
    def sha256(self) -> str:
        """The hash of the text: names the version."""
        return text_sha256(self.text)

    @property
    def is_active(self) -> bool:
        """Whether ingest evaluates it."""
        return self.state is State.ACTIVE

    def spec(self) -> TriggerSpec:
        """The parsed text.

        Raises:
            RidealongError: This version of ridealong does not accept a text that was saved.
        """
        return parse_spec(self.text, TriggerSpec, f"{self.origin} trigger {self.name}")


def text_sha256(text: str) -> str:
    """The hash that names one version of a trigger's text."""
    return hashlib.sha256(text.encode()).hexdigest()


def home_triggers(snapshot: Snapshot | None) -> list[HomeTrigger]:
    """The shipped and the saved triggers, by name; only the shipped ones without a home."""
    shipped = {path.stem: read_text(path) for path in sorted(LIBRARY.glob("*.yaml"))}
    found = {name: HomeTrigger(name, text, Origin.SHIPPED) for name, text in shipped.items()}
    rows = snapshot.read(TRIGGERS).to_pylist() if snapshot is not None else []
    for row in rows:  # the newest is the last of its name
        text = row["text"] if row["text"] is not None else shipped.get(row["name"])
        if text is None:
            continue  # it was paused, and is no longer shipped
        found[row["name"]] = HomeTrigger(
            name=row["name"],
            text=text,
            origin=Origin.SHIPPED if row["text"] is None else Origin.SAVED,
            state=State(row["state"]),
            number=row["number"],
            time_ns=row["time_ns"],
            who=row["who"],
            replaces_shipped=row["text"] is not None and row["name"] in shipped,
        )
    return [found[name] for name in sorted(found)]


def active_specs(triggers: Iterable[HomeTrigger]) -> list[TriggerSpec]:
    """The specs of those that are active.

    Raises:
        RidealongError: Some of them are not accepted any more; the message has every mistake.
    """
    specs, faults = [], []
    for trigger in triggers:
        if trigger.is_active:
            try:
                specs.append(trigger.spec())
            except RidealongError as error:
                faults.append(error)
    if faults:
        raise together(faults)
    return specs


def triggers_at(path: Path, home: Path) -> list[TriggerSpec]:
    """The home's trigger of that name, or the triggers of a file or a folder.

    A name has no folder and no suffix; ``./name`` is a path.

    Raises:
        RidealongError: There is neither, or some of them have mistakes.
    """
    if len(path.parts) != 1 or path.suffix:
        return load_triggers(path)
    known = home_triggers(Lake.open(home).snapshot() if home.exists() else None)
    if path.exists() and path.name not in {trigger.name for trigger in known}:
        return load_triggers(path)
    return [find_trigger(known, path.name).spec()]


def find_trigger(triggers: Sequence[HomeTrigger], name: str) -> HomeTrigger:
    """The trigger of that name.

    Raises:
        RidealongError: There is none; the message suggests the nearest.
    """
    named = {trigger.name: trigger for trigger in triggers}
    if name not in named:
        raise RidealongError(f"unknown trigger {name!r}", hint=nearest(name, list(named)))
    return named[name]


def save_trigger(
    lake: Lake,
    text: str,
    *,
    where: str | Path,
    replaces: str | None = None,
    who: str | None = None,
) -> tuple[HomeTrigger | None, HomeTrigger]:
    """Save a trigger's text in the home; saving the text that it has changes nothing.

    A new trigger is active. One that was paused stays paused.

    Args:
        lake: The home.
        text: The text of a trigger file.
        where: Names the text in errors.
        replaces: The hash of the version that was edited, or its first eight digits or more. It may
            be left out for a name that nobody has saved yet.
        who: Who saves it.

    Returns:
        The trigger before, None for a new one, and after.

    Raises:
        RidealongError: The text has mistakes (all of them are reported), or the trigger has another
            version than the one that was edited, so that saving would undo somebody's change.
    """
    spec = parse_spec(text, TriggerSpec, where)
    before = _known(home_triggers(lake.snapshot())).get(spec.name)
    if before is not None and before.text == text:
        return before, before
    _require_version(before, spec.name, replaces)
    state = before.state if before is not None else State.ACTIVE
    number = before.number if before is not None else 0
    _add(lake, "triggers save", spec.name, number + 1, text, state, who)
    return before, find_trigger(home_triggers(lake.snapshot()), spec.name)


def set_state(
    lake: Lake, name: str, state: State, who: str | None = None
) -> tuple[HomeTrigger, HomeTrigger]:
    """Activate or pause a trigger, shipped or saved; returns it before and after.

    Raises:
        RidealongError: There is no such trigger, or somebody changed it at the same moment.
    """
    before = find_trigger(home_triggers(lake.snapshot()), name)
    if before.state is state:
        return before, before
    command = "triggers activate" if state is State.ACTIVE else "triggers pause"
    text = before.text if before.origin is Origin.SAVED else None
    _add(lake, command, name, before.number + 1, text, state, who)
    return before, find_trigger(home_triggers(lake.snapshot()), name)


def _known(triggers: Iterable[HomeTrigger]) -> Mapping[str, HomeTrigger]:
    return {trigger.name: trigger for trigger in triggers}


def _require_version(now: HomeTrigger | None, name: str, replaces: str | None) -> None:
    """Refuse to overwrite a version that the editor has not seen."""
    if replaces is not None and len(replaces) < SHORTEST_SHA:
        raise RidealongError(
            f"{replaces!r} is too short to name a version",
            expected=f"at least {SHORTEST_SHA} digits of its hash",
        )
    if now is None:
        if replaces is not None:
            raise RidealongError(f"there is no trigger {name!r} to replace")
        return
    unseen = now.origin is Origin.SAVED if replaces is None else not now.sha256.startswith(replaces)
    if unseen:
        by = f" by {now.who}" if now.who else ""
        what = "was saved before" if replaces is None else "was changed since"
        raise RidealongError(
            f"trigger {name!r} {what}{by}: it has version {now.sha256[:SHORTEST_SHA]} now",
            hint=f"look at it, then replace it with --replaces {now.sha256[:SHORTEST_SHA]}",
        )


def _add(
    lake: Lake,
    command: str,
    name: str,
    number: int,
    text: str | None,
    state: State,
    who: str | None,
) -> None:
    row = _Row(
        name=name,
        number=number,
        text=text,
        sha256=text_sha256(text) if text is not None else None,
        state=str(state),
        time_ns=time.time_ns(),
        who=who,
    )
    commit_id = lake.new_commit_id()
    table = pa.Table.from_pylist([asdict(row)], schema=TRIGGERS.schema)
    file = write_data_file(lake.home, commit_id, TRIGGERS, table)
    assert file is not None
    try:
        # The number is taken once, so of two changes at one moment the second is refused.
        lake.commit(commit_id, command, [file], [f"trigger state:{name}:{number}"], {"triggers": 1})
    except AlreadyCommittedError as error:
        raise RidealongError(
            f"trigger {name!r} was changed by another process at the same time",
            hint="look at `ridealong triggers list` and decide again",
        ) from error


@dataclass(frozen=True)
class _Row:
    """A row of the table triggers."""

    name: str
    number: int
    text: str | None
    sha256: str | None
    state: str
    time_ns: int
    who: str | None
