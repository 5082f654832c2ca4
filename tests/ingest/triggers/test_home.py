"""The triggers of a home: saved, activated, paused; nobody's change is lost unseen."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ingest.schemas import EVENTS, TRIGGERS
from ingest.triggers.home import (
    Origin,
    State,
    _add,
    active_specs,
    find_trigger,
    home_triggers,
    save_trigger,
    set_state,
    text_sha256,
)
from ingest.triggers.spec import LIBRARY
from ridealong.errors import RidealongError
from ridealong.lake import Lake

Write = Callable[[str], Path]


@pytest.fixture
def lake(home: Path) -> Lake:
    return Lake.create(home)


def now(lake: Lake, name: str) -> Any:
    return find_trigger(home_triggers(lake.snapshot()), name)


def test_without_a_home_there_are_those_that_ship() -> None:
    names = [trigger.name for trigger in home_triggers(None)]
    assert names == sorted(path.stem for path in LIBRARY.glob("*.yaml"))
    assert all(trigger.is_active for trigger in home_triggers(None))


def test_a_saved_trigger_replaces_the_shipped_one_of_its_name(lake: Lake) -> None:
    shipped = now(lake, "weather")
    text = shipped.text.replace("pre: 5 s", "pre: 6 s")
    before, after = save_trigger(lake, text, where="weather.yaml", who="ann")
    assert before == shipped and after.origin is Origin.SAVED and after.replaces_shipped
    assert (after.text, after.who, after.sha256) == (text, "ann", text_sha256(text))
    assert next(s for s in active_specs(home_triggers(lake.snapshot())) if s.name == "weather").pre
    assert save_trigger(lake, text, where="again") == (after, after)
    assert lake.snapshot().read(TRIGGERS).num_rows == 1


def test_the_second_of_two_editors_is_told(lake: Lake, brake: str) -> None:
    _, first = save_trigger(lake, brake, where="one", who="ann")
    theirs = brake.replace("pre: 2 s", "pre: 3 s")
    _, second = save_trigger(lake, theirs, where="two", replaces=first.sha256, who="bob")
    mine = brake.replace("pre: 2 s", "pre: 4 s")
    for replaces in (first.sha256, None):
        with pytest.raises(RidealongError, match=f"by bob: it has version {second.sha256[:8]}"):
            save_trigger(lake, mine, where="three", replaces=replaces)
    assert now(lake, "brake").text == theirs
    _, third = save_trigger(lake, mine, where="three", replaces=second.sha256[:8])
    assert third.text == mine
    with pytest.raises(RidealongError, match="too short"):
        save_trigger(lake, brake, where="four", replaces=third.sha256[:4])
    with pytest.raises(RidealongError, match="no trigger 'other' to replace"):
        save_trigger(lake, brake.replace("brake", "other"), where="x", replaces=third.sha256)


def test_two_changes_at_one_moment(lake: Lake, brake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    save_trigger(lake, brake, where="one")
    old = lake.snapshot()
    set_state(lake, "brake", State.PAUSED)
    monkeypatch.setattr(Lake, "snapshot", lambda self: old)  # as the other process saw it
    with pytest.raises(RidealongError, match="at the same time"):
        save_trigger(
            lake, brake.replace("pre: 2", "pre: 4"), where="two", replaces=text_sha256(brake)
        )


def test_states(lake: Lake, brake: str) -> None:
    save_trigger(lake, brake, where="one")
    before, after = set_state(lake, "brake", State.PAUSED, "ann")
    assert (before.state, after.state, after.who) == (State.ACTIVE, State.PAUSED, "ann")
    edited = brake.replace("pre: 2 s", "pre: 3 s")
    _, saved = save_trigger(lake, edited, where="two", replaces=after.sha256)
    assert saved.state is State.PAUSED and saved.text == edited
    set_state(lake, "weather", State.PAUSED)
    assert now(lake, "weather").origin is Origin.SHIPPED
    names = [spec.name for spec in active_specs(home_triggers(lake.snapshot()))]
    assert "brake" not in names and "weather" not in names and "hard_brake" in names
    set_state(lake, "weather", State.ACTIVE)
    assert now(lake, "weather").is_active
    assert set_state(lake, "weather", State.ACTIVE)[1].number == 2  # nothing to do
    with pytest.raises(RidealongError, match="did you mean 'weather'"):
        set_state(lake, "wether", State.PAUSED)


def test_mistakes_in_a_text_are_all_told(lake: Lake) -> None:
    with pytest.raises(RidealongError) as told:
        save_trigger(lake, "name: a\nwhen: Vehicle.Sped > 3\npree: 1 s\n", where="a.yaml")
    assert all(part in str(told.value) for part in ("Vehicle.Sped", "pree", "description"))
    assert not lake.snapshot().tables()


def test_the_commands(home: Path, brake: str, trigger_file: Write, ask: Any, program: Any) -> None:
    saved = ask("triggers", "save", trigger_file(brake), "--by", "ann", "--home", home)
    assert (saved["name"], saved["state"], saved["origin"]) == ("brake", "active", "saved")
    ask("triggers", "pause", "weather", "--home", home)
    listed = {row["name"]: row for row in ask("triggers", "list", "--home", home)}
    assert listed["weather"]["state"] == "paused" and listed["weather"]["origin"] == "shipped"
    assert listed["brake"]["changed_by"] == "ann" and listed["brake"]["when"]
    edited = trigger_file(brake.replace("pre: 2 s", "pre: 5 s"))
    done = program("triggers", "save", edited, "--home", home)
    assert done.returncode == 2 and f"--replaces {saved['sha256'][:8]}" in done.stderr
    ask("triggers", "save", edited, "--replaces", saved["sha256"], "--home", home)
    assert ask("triggers", "activate", "weather", "--home", home)["state"] == "active"
    assert "saved active" in program("triggers", "list", "--home", home).stdout


def test_ingest_uses_those_of_the_home(
    home: Path, braking_logs: Path, brake: str, trigger_file: Write, program: Any, ask: Any
) -> None:
    ask("triggers", "save", trigger_file(brake), "--home", home)
    for name in ("severe_brake", "weather"):
        ask("triggers", "pause", name, "--home", home)
    done = program("ingest", braking_logs, "--home", home)
    assert done.returncode == 0, done.stderr
    assert "with 1 saved trigger: brake" in done.stderr
    assert "without 2 paused triggers: severe_brake, weather" in done.stderr
    events = Lake.open(home).snapshot().read(EVENTS)["trigger"].to_pylist()
    assert events.count("brake") == 30 and "severe_brake" not in events
    again = ask("ingest", braking_logs, "--home", home)
    assert "brake" in again["triggers"] and "weather" not in again["triggers"]
    assert again["commit"] is None


def test_a_saved_text_that_is_no_longer_accepted(
    lake: Lake, brake: str, program: Any, ask: Any, braking_logs: Path
) -> None:
    _add(lake, "triggers save", "odd", 1, brake + "was_a_key: 1\n", State.ACTIVE, None)
    listed = {row["name"]: row for row in ask("triggers", "list", "--home", lake.home)}
    assert "was_a_key" in listed["odd"]["error"] and listed["weather"]["error"] is None
    done = program("ingest", braking_logs, "--home", lake.home)
    assert done.returncode == 2 and "saved trigger odd:" in done.stderr
    ask("triggers", "pause", "odd", "--home", lake.home)
    assert program("ingest", braking_logs, "--home", lake.home).returncode == 0
