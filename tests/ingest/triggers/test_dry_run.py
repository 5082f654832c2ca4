"""A dry run finds what a real run records; its figures are those of the events and the clips."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ingest.dry_run import dry_run, threshold_curve
from ingest.rehearsal import Rehearsal, rehearse
from ingest.rows import columns
from ingest.schemas import CLIPS, EVENTS
from ingest.triggers.conditions import parse_when
from ingest.triggers.spec import TriggerSpec
from ingest.triggers.units import margin_units
from ridealong.lake import Lake
from ridealong.specs import parse_spec

Write = Callable[[str], Path]


def spec_of(text: str) -> TriggerSpec:
    return parse_spec(text, TriggerSpec, "tried.yaml")


def rehearsal_of(home: Path, *texts: str, over: str | None = None, **how: Any) -> Rehearsal:
    specs = [spec_of(text) for text in texts]
    return rehearse(Lake.open(home).snapshot(), specs, over, **how)


def recorded(home: Path, *names: str) -> list[dict[str, Any]]:
    rows = Lake.open(home).snapshot().read(EVENTS).to_pylist()
    return sorted((r for r in rows if r["trigger"] in names), key=lambda r: r["event_id"])


def foreseen(found: Rehearsal) -> list[dict[str, Any]]:
    return sorted(map(columns, found.events), key=lambda row: str(row["event_id"]))


def test_it_finds_what_ingest_records(
    braking_home: Path, braking_logs: Path, brake: str, fast: str, program: Any, tmp_path: Path
) -> None:
    found = rehearsal_of(braking_home, brake, fast)
    folder = tmp_path / "both"
    folder.mkdir()
    for name, text in (("brake", brake), ("fast", fast)):
        (folder / f"{name}.yaml").write_text(text)
    done = program("ingest", braking_logs, "--triggers", folder, "--home", braking_home)
    assert done.returncode == 0, done.stderr
    assert foreseen(found) == recorded(braking_home, "brake", "fast")
    reasons = {event.reason for event in found.events}
    assert {"cooldown", "budget_day", "budget_vehicle_day", None} <= reasons
    clips = Lake.open(braking_home).snapshot().read(CLIPS).to_pylist()
    windows = [window for drive in found.budgeted for window in drive.planned.windows]
    assert {w.clip_id: (w.start_ns, w.end_ns, w.triggers) for w in windows} == {
        row["clip_id"]: (row["start_ns"], row["end_ns"], tuple(row["triggers"])) for row in clips
    }
    assert any(len(window.triggers) > 1 for window in windows)  # of two triggers, merged
    # The same spec again: what it kept itself does not use up its budgets.
    assert foreseen(rehearsal_of(braking_home, brake, fast)) == foreseen(found)
    assert not rehearsal_of(braking_home, brake, fast, only_new=True).events


def test_another_version_finds_the_budget_used_up(
    braking_home: Path, brake: str, trigger_file: Write, program: Any
) -> None:
    done = program("triggers", "apply", trigger_file(brake), "--home", braking_home)
    assert done.returncode == 0, done.stderr
    edited = brake.replace("pre: 2 s", "pre: 3 s")
    found = rehearsal_of(braking_home, edited)
    assert found.events and not any(event.kept for event in found.events)
    program("triggers", "apply", trigger_file(edited), "--home", braking_home)
    sha = found.events[0].trigger_sha256
    now = [row for row in recorded(braking_home, "brake") if row["trigger_sha256"] == sha]
    assert now == foreseen(found)


def test_its_figures(braking_home: Path, brake: str) -> None:
    snapshot = Lake.open(braking_home).snapshot()
    found = rehearsal_of(braking_home, brake)
    figures = dry_run(snapshot, found)
    assert (figures.drives, figures.fires) == (12, 30) == (12, len(found.events))
    assert figures.kept == sum(event.kept for event in found.events)
    assert figures.fires == figures.kept + sum(figures.suppressed.values())
    assert figures.hours == pytest.approx(12 * 59.9 / 3600)
    assert figures.fires_per_hour == pytest.approx(30 / figures.hours)
    assert figures.fires_per_1000_km == pytest.approx(30 / figures.km * 1000)
    night = next(one for one in figures.slices if one.value == "night")
    assert (night.attribute, night.drives, night.fires) == ("light", 3, 12)
    for attribute in ("light", "weather", "road", "country", "software"):
        parts = [one for one in figures.slices if one.attribute == attribute]
        assert sum(one.fires for one in parts) == 30 and sum(one.drives for one in parts) == 12
    (mine,) = figures.triggers
    assert (mine.units, mine.applied_to, mine.without_margin) == (("m/s^2",), 0, 0)
    margins = [event.margin for event in found.events if event.margin is not None]
    assert mine.curve[0].fires == 30 and mine.curve[-1].fires == 0
    for point in mine.curve:
        assert point.fires == sum(margin >= point.stricter_by - 1e-9 for margin in margins)
    assert figures.megabytes == pytest.approx(figures.clip_seconds * 10_000 / 1e6)
    assert "assumed" in figures.size_basis and not figures.notes


def test_over_some_drives_and_over_a_sample(braking_home: Path, brake: str) -> None:
    found = rehearsal_of(braking_home, brake, over="light = 'night'")
    assert len(found.drives) == 3 and len(found.events) == 12
    few = rehearsal_of(braking_home, brake, most_rows=2000)
    assert (len(few.drives), few.not_drawn) == (3, 9) and few.drives == rehearsal_of(
        braking_home, brake, most_rows=2000
    ).drives


def test_a_signal_that_nobody_has_is_said(
    braking_home: Path, program: Any, trigger_file: Write
) -> None:
    text = "name: near\ndescription: Near.\nwhen: Perception.Lead.TimeToCollision < 1\n"
    found = dry_run(Lake.open(braking_home).snapshot(), rehearsal_of(braking_home, text))
    (note,) = found.notes
    assert "Perception.Lead.TimeToCollision" in note and "none of 12 drives" in note
    assert found.fires == 0 and found.triggers[0].curve == ()
    done = program("triggers", "dry-run", trigger_file(text), "--home", braking_home)
    assert done.returncode == 0 and note in done.stderr


def test_the_command(braking_home: Path, brake: str, trigger_file: Write, ask: Any) -> None:
    found = ask("triggers", "dry-run", trigger_file(brake), "--home", braking_home)
    assert found["fires"] == 30 and found["triggers"][0]["trigger"] == "brake"
    assert found["clips"] == 8 and found["megabytes"] > 0
    assert {"fires_per_hour", "fires_per_1000_km", "slices", "suppressed"} <= set(found)
    night = ("--over", "light = 'night'")
    assert (
        ask("triggers", "dry-run", trigger_file(brake), *night, "--home", braking_home)["triggers"][
            0
        ]["total"]["drives"]
        == 3
    )


@pytest.mark.parametrize(
    "words, said",
    [
        (["bad.yaml"], "bad.yaml:3: when"),
        (["bad.yaml"], "unknown key 'prioritty'"),
        (["brakes"], "unknown trigger 'brakes'"),
        (["gone.yaml"], "gone.yaml"),
        (["hard_brake", "--over", "light = 'dusk'"], "--over: no drive matches"),
        (["hard_brake", "--over", "lihgt = 'day'"], "--over: "),
    ],
)
def test_bad_input_is_a_line_each(
    braking_home: Path, tmp_path: Path, program: Any, words: list[str], said: str
) -> None:
    (tmp_path / "bad.yaml").write_text(
        "name: bad\ndescription: d\nwhen: Vehicle.Sped > 3\nprioritty: 1\n"
    )
    file, *rest = [tmp_path / words[0] if words[0].endswith("yaml") else words[0], *words[1:]]
    done = program("triggers", "dry-run", file, *rest, "--home", braking_home)
    assert done.returncode == 2 and not done.stdout
    assert said in done.stderr and all(
        line.startswith("error: ") for line in done.stderr.splitlines()
    )


def test_an_empty_lake_says_what_to_do(home: Path, program: Any) -> None:
    Lake.create(home)
    for command in ("dry-run", "apply"):
        done = program("triggers", command, "hard_brake", "--home", home)
        assert done.returncode == 2 and "there are no drives yet" in done.stderr
        assert "ridealong ingest" in done.stderr


def test_a_curve_by_hand() -> None:
    assert threshold_curve([]) == ()
    points = threshold_curve([0.3, 1.0, 1.0, 2.0])
    assert [point.stricter_by for point in points][:4] == [0.0, 0.1, 0.2, 0.3]
    by = {point.stricter_by: point.fires for point in points}
    assert (by[0.0], by[0.3], by[0.4], by[1.0], by[1.1], by[2.0]) == (4, 4, 3, 3, 1, 1)
    assert threshold_curve([0.0])[0].fires == 1


@pytest.mark.parametrize(
    "when, units",
    [
        ("Vehicle.Speed > 3", ("km/h",)),
        (
            "held(abs(Vehicle.Acceleration.Lateral) >= 5, '1 s') and Vehicle.Speed > 3",
            ("m/s^2", "km/h"),
        ),
        ("rate(Vehicle.Speed) > 3", ("km/h/s",)),
        ("count_over(Vehicle.Speed > 3, '1 s') >= 2", ("samples",)),
        ("since(Vehicle.Speed > 3) > '10 s'", ("s",)),
        ("max_over(Vehicle.Speed, '1 s') - min_over(Vehicle.Speed, '1 s') > 3", ("km/h",)),
        ("Vehicle.ADAS.EBA.IsEngaged", ()),
        ("Vehicle.Speed * Vehicle.Speed > 3", ("the condition's own unit",)),
    ],
)
def test_units_of_margins(when: str, units: tuple[str, ...]) -> None:
    assert margin_units(parse_when(when)) == units


def test_reasons_are_counted(braking_home: Path, brake: str) -> None:
    found = rehearsal_of(braking_home, brake)
    counted = Counter(event.reason for event in found.events if event.reason)
    assert dry_run(Lake.open(braking_home).snapshot(), found).suppressed == dict(counted)
