"""Commands that run triggers over the drives in the lake: as a trial, and for good."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ridealong.terminal import readable
from ridealong.terminal.console import Console, HomeOption, JsonOption, WideOption, home_of
from ridealong.terminal.readable import counted
from ridealong.terminal.tables import Column

if TYPE_CHECKING:
    from ingest.dry_run import DryRun, Rates, TriggerDryRun
    from ingest.report import IngestReport

app = typer.Typer()

TriggersArgument = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="YAML file of a trigger, a folder of such files, or the name of a trigger that is "
        "included or saved.",
    ),
]
OverOption = Annotated[
    str | None,
    typer.Option(
        "--over",
        help="Use only drives for which this expression is true, e.g. \"light = 'night'\".",
        show_default="all drives",
    ),
]
SLICE_COLUMNS = (
    Column("slice", 0),
    Column("drives", 2, right=True),
    Column("hours", 3, right=True),
    Column("km", 4, right=True),
    Column("fires", 0, right=True),
    Column("per hour", 0, right=True),
    Column("per 1,000 km", 1, right=True),
)
CURVE_COLUMNS = (Column("stricter by", 0, right=True), Column("fires", 0, right=True))
CURVE_LINES = 8  # of the text; the JSON has the whole curve


@app.command("dry-run", short_help="Show what triggers would find and cut, without doing it.")
def triggers_dry_run(
    file: TriggersArgument,
    over: OverOption = None,
    wide: WideOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what triggers would find and cut, without doing it.

    This evaluates the triggers on the telemetry in the lake. It prints how often they fire per hour
    and per 1,000 km, overall and by slice. It also prints the number of clips, their estimated
    size, and how many events would remain if the threshold were stricter. Nothing is written, and
    no recording is read.

    Example: ridealong triggers dry-run my-triggers/hard_brake.yaml --over "light = 'night'"
    """
    from ingest.dry_run import dry_run
    from ingest.rehearsal import rehearse
    from ingest.triggers.home import triggers_at
    from ridealong.lake import Lake

    console = Console(as_json, wide)
    root = home_of(home)
    specs = triggers_at(file, root)
    snapshot = Lake.open(root).snapshot()
    found = dry_run(snapshot, rehearse(snapshot, specs, over, console=console))
    console.result(asdict(found))
    _print_dry_run(found, console)
    for note in found.notes:
        console.note(note)


def _print_dry_run(found: "DryRun", console: Console) -> None:
    console.paragraph(
        f"{_names(found)} would fire {counted(found.fires, 'time')}, about "
        f"{counted(found.clips, 'clip')}, {found.megabytes:,.1f} MB "
        f"({readable.duration(found.clip_seconds)}; {found.size_basis})"
    )
    console.paragraph(
        f"{counted(found.kept, 'event')} kept" + "".join(_suppressed(found.suppressed))
    )
    console.paragraph(
        f"over {counted(found.drives, 'drive')} with telemetry, {found.hours:,.1f} h, "
        f"{found.km:,.1f} km"
    )
    if found.recordings_gone:
        console.paragraph(
            f"{counted(found.clips_gone, 'clip')} cannot be cut: the recordings of "
            f"{counted(found.recordings_gone, 'drive')} are gone"
        )
    for trigger in found.triggers:
        _print_trigger(trigger, len(found.triggers) > 1, found.drives, console)


def _names(found: "DryRun") -> str:
    names = [trigger.trigger for trigger in found.triggers]
    return names[0] if len(names) == 1 else f"{len(names)} triggers"


def _suppressed(reasons: dict[str, int]) -> Iterable[str]:
    return (f", {count:,} suppressed ({reason})" for reason, count in reasons.items())


def _print_trigger(
    trigger: "TriggerDryRun", is_one_of_several: bool, drives: int, console: Console
) -> None:
    console.text()
    if is_one_of_several:
        console.paragraph(
            f"{trigger.trigger}: {counted(trigger.total.fires, 'event')}, "
            f"{counted(trigger.total.kept, 'event')} kept"
            + "".join(_suppressed(trigger.suppressed))
        )
    if trigger.applied_to:
        console.paragraph(
            f"exactly this trigger was applied to {trigger.applied_to:,} of "
            f"{counted(drives, 'drive')} before; only the others are new"
        )
    rates = (trigger.total, *trigger.slices)
    console.table(SLICE_COLUMNS, [_rate_cells(rate) for rate in rates])
    if trigger.curve:
        unit = " or ".join(trigger.units)
        console.text()
        console.paragraph(f"fires that would remain if the threshold were stricter, in {unit}:")
        points = trigger.curve[:: -(-len(trigger.curve) // CURVE_LINES)]
        console.table(CURVE_COLUMNS, [[f"{p.stricter_by:g}", p.fires] for p in points])


def _rate_cells(rate: "Rates") -> list[object]:
    return [
        "all" if rate.attribute is None else f"{rate.attribute}={rate.value}",
        rate.drives,
        f"{rate.hours:,.2f}",
        f"{rate.km:,.1f}",
        rate.fires,
        readable.number(rate.fires_per_hour, 2),
        readable.number(rate.fires_per_1000_km, 2),
    ]


@app.command("apply", short_help="Run triggers on the drives in the lake, and cut their clips.")
def triggers_apply(
    file: TriggersArgument,
    over: OverOption = None,
    keep_going: Annotated[
        bool,
        typer.Option("--keep-going", help="Exit with 0 even if a recording is gone or changed."),
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run triggers on the drives in the lake, and cut their clips.

    The telemetry is the lake's. Clips are cut from the recordings, which are found by the paths
    that they were ingested from. If a recording is gone or has changed, its drive is named and the
    others are done; the exit code is then 2. A second run does only what is left. After a kill or a
    full disk, run the command again to continue.

    Example: ridealong triggers apply my-triggers/hard_brake.yaml
    """
    from ingest.applying import apply_triggers
    from ingest.triggers.home import triggers_at
    from ridealong.lake import Lake

    console = Console(as_json)
    root = home_of(home)
    specs = triggers_at(file, root)
    report = apply_triggers(Lake.open(root), specs, console, over)
    console.result(asdict(report))
    _print_report(report, console)
    if report.failures and not keep_going:
        raise typer.Exit(2)


def _print_report(report: "IngestReport", console: Console) -> None:
    from ingest.report import problems

    if report.commit is None and not report.files:
        console.text("nothing new: these triggers were applied to all of these drives before")
    else:
        console.text(
            f"{counted(report.events, 'event')} and {counted(report.clips, 'clip')} on "
            f"{counted(report.files, 'drive')} in {readable.duration(report.seconds)}"
        )
    for line in (*report.notes, *problems(report)):
        console.note(line)
