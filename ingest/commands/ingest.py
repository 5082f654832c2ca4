"""The command that reads recordings into the lake."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ridealong.terminal.console import Console, HomeOption, JsonOption, home_of
from ridealong.terminal.readable import counted

if TYPE_CHECKING:
    from ingest.report import IngestReport
    from ingest.triggers.spec import TriggerSpec
    from ridealong.lake import Lake

app = typer.Typer()
TriggersOption = Annotated[
    Path | None,
    typer.Option(
        "--triggers",
        help="YAML file of a trigger, or a folder of such files.",
        show_default="the included triggers and those saved in the home",
    ),
]


@app.command(short_help="Read recordings into the lake, run the triggers, and cut clips.")
def ingest(
    path: Annotated[Path, typer.Argument(help="Recording, or folder of recordings.")],
    source: Annotated[
        str | None,
        typer.Option(
            help="Read only this kind of log.", show_default="all kinds, detected automatically"
        ),
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(
            "--map",
            help="Mapping file (YAML): which column or field is which signal. Needs --source.",
            show_default=False,
        ),
    ] = None,
    triggers: TriggersOption = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Exit with 0 even if a file did not give a drive.")
    ] = False,
    beam_args: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- BEAM OPTIONS]", help="Options for Apache Beam."),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read recordings into the lake, run the triggers, and cut clips.

    A folder may contain several kinds of logs. A second run reads only new files. A new trigger
    runs on all drives. Bad files and rows are quarantined with the reason, and the rest is
    ingested. The exit code is 2 if a file did not give a drive. After a kill or a full disk, run
    the command again to continue.

    Example: ridealong ingest logs/ --triggers my-triggers/
    """
    from ingest.cameras import camera_warnings
    from ingest.discovery import find_drives
    from ingest.run import ingest as run
    from ingest.triggers.spec import load_triggers
    from ridealong.lake import Lake

    console = Console(as_json)
    found = find_drives(path, source, mapping)
    given = load_triggers(triggers) if triggers else None
    for note in found.notes():
        console.note(note)
    lake = Lake.create(home_of(home))
    specs = _of_home(lake, console) if given is None else given
    report = run(lake, found.drives, specs, console, beam_args or [])
    console.result(asdict(report) | {"triggers": [spec.name for spec in specs]})
    _print_report(report, console)
    for warnings in camera_warnings(specs, lake.home).values():
        for warning in warnings:
            console.note(f"warning: {warning}")
    if (report.quarantined or report.failures) and not keep_going:
        raise typer.Exit(2)


def _of_home(lake: "Lake", console: Console) -> "list[TriggerSpec]":
    """The active triggers of the home; says which are not those that come with ridealong."""
    from ingest.triggers.home import Origin, active_specs, home_triggers

    known = home_triggers(lake.snapshot())
    saved = [t.name for t in known if t.is_active and t.origin is Origin.SAVED]
    paused = [t.name for t in known if not t.is_active]
    if saved:
        console.note(f"with {counted(len(saved), 'saved trigger')}: {', '.join(saved)}")
    if paused:
        console.note(f"without {counted(len(paused), 'paused trigger')}: {', '.join(paused)}")
    return active_specs(known)


def _print_report(report: "IngestReport", console: Console) -> None:
    from ingest.report import problems, summary

    console.text(summary(report))
    for line in (*report.notes, *problems(report)):
        console.note(line)
    if report.files_known_unusable:
        files = counted(report.files_known_unusable, "file")
        console.note(f"{files} known as unusable: ridealong quarantine list")
