"""The command that brings recordings into the lake."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ridealong.terminal.console import Console, HomeOption, JsonOption, home_of
from ridealong.terminal.readable import counted

if TYPE_CHECKING:
    from ingest.report import IngestReport

app = typer.Typer()
TriggersOption = Annotated[
    Path | None,
    typer.Option(
        "--triggers",
        help="A trigger's YAML file, or a folder of them.",
        show_default="the shipped library",
    ),
]


@app.command(short_help="Bring recordings into the lake, with their events and clips.")
def ingest(
    path: Annotated[Path, typer.Argument(help="Folder or file of the recordings.")],
    source: Annotated[
        str | None,
        typer.Option(
            help="Read only this kind of log.", show_default="all kinds, detected automatically"
        ),
    ] = None,
    triggers: TriggersOption = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Exit with 0 even if a file gave no drive.")
    ] = False,
    beam_args: Annotated[
        list[str] | None, typer.Argument(metavar="[-- BEAM OPTIONS]", help="Passed to Beam.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring recordings into the lake: telemetry, the events of triggers, and their clips.

    Only what is new is read: a second run over the same files does nothing, and a new trigger is
    evaluated on all drives. A folder may contain several kinds of logs. Unusable files and bad rows
    are quarantined with the reason, and the rest is ingested. Exits with 2 if a file gave no drive.
    Work is committed in parts: after a kill or a full disk, run the command again to continue.

    Example: ridealong ingest logs/ --triggers my-triggers/
    """
    from ingest.discovery import find_drives
    from ingest.run import ingest as run
    from ingest.triggers.cameras import camera_warnings
    from ingest.triggers.spec import load_triggers, shipped_triggers
    from ridealong.lake import Lake

    console = Console(as_json)
    found = find_drives(path, source)
    specs = load_triggers(triggers) if triggers else shipped_triggers()
    for note in found.notes():
        console.note(note)
    lake = Lake.create(home_of(home))
    report = run(lake, found.drives, specs, console, beam_args or [])
    console.result(asdict(report))
    _tell(report, console)
    for warnings in camera_warnings(specs, lake.home).values():
        for warning in warnings:
            console.note(f"warning: {warning}")
    if (report.quarantined or report.failures) and not keep_going:
        raise typer.Exit(2)


def _tell(report: "IngestReport", console: Console) -> None:
    from ingest.report import problems, summary

    console.text(summary(report))
    for line in (*report.notes, *problems(report)):
        console.note(line)
    if report.files_known_unusable:
        files = counted(report.files_known_unusable, "file")
        console.note(f"{files} known as unusable: ridealong quarantine list")
