"""Commands about the files of the lake."""

from collections import Counter
from dataclasses import asdict
from typing import Annotated

import typer

from ridealong.terminal import readable
from ridealong.terminal.completion import completing
from ridealong.terminal.console import Console, HomeOption, JsonOption, home_of
from ridealong.terminal.readable import counted

app = typer.Typer(no_args_is_help=True, help="Check the stored files and clean them up.")


@app.command("check")
def lake_check(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Check every file of the lake for damage.

    This compares each file with the hash in its name. The exit code is 1 if a file is damaged.
    Remarks are not damage: they name files that no query reads and that `lake vacuum` removes.

    Example: ridealong lake check
    """
    from ridealong.lake import Lake

    console = Console(as_json)
    lake = Lake.open(home_of(home))
    with console.steps("files", 0) as steps:
        report = lake.check(steps)
    console.result({"sound": report.sound, **asdict(report)})
    parts = {"table": report.tables, "commit": report.commits, "file": report.files}
    held = ", ".join(counted(count, one) for one, count in (parts | {"blob": report.blobs}).items())
    console.text(f"{held}, {readable.size(report.bytes)}: {'sound' if report.sound else 'DAMAGED'}")
    for finding in report.errors:
        console.text(f"{finding.kind}: {finding.path}: {finding.what}")
    remarks = Counter((finding.kind, finding.what) for finding in report.remarks)
    for (kind, what), count in sorted(remarks.items()):
        console.text(f"{kind}: {counted(count, 'file')}: {what}")
    if not report.sound:
        raise typer.Exit(1)


@app.command("compact")
def lake_compact(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Merge small files into large ones. The rows stay the same.

    Other commands may run at the same time.

    Example: ridealong lake compact
    """
    from ridealong.lake import COMMITS, Lake

    console = Console(as_json)
    lake = Lake.open(home_of(home))
    names = [*lake.snapshot().tables(), COMMITS.name]
    merged: dict[str, tuple[int, int]] = {}
    with console.steps("tables", len(names)) as steps:
        for name in names:
            merged |= lake.compact([name]).tables
            steps.advance()
    console.result({"tables": merged})
    for table, (before, after) in merged.items():
        console.text(f"{table}: {counted(before, 'file')} merged into {after:,}")
    if not merged:
        console.text("nothing to merge")


@app.command("vacuum")
def lake_vacuum(
    older_than: Annotated[
        str,
        typer.Option(
            help="Remove only files older than this, e.g. '2 h'. With '0 s', run no other command."
        ),
    ] = "1 day",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove files that no query reads.

    These are files that were replaced or erased, and files of killed commands.

    Example: ridealong lake vacuum --older-than '7 days'
    """
    from ridealong.lake import Lake
    from ridealong.units import NS_PER_S, parse_duration_ns

    console = Console(as_json)
    age_s = parse_duration_ns(older_than) / NS_PER_S
    report = Lake.open(home_of(home)).vacuum(age_s)
    console.result(asdict(report))
    dead = len(report.abandoned)
    left = f"; {counted(dead, 'killed command')} had left some" if dead else ""
    console.text(f"removed {counted(report.files, 'file')} ({readable.size(report.bytes)}){left}")


@app.command("erase")
def lake_erase(
    vehicle: Annotated[
        str,
        typer.Argument(
            help="The complete id of the vehicle.",
            autocompletion=completing("drives", "vehicle_id"),
        ),
    ],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase one vehicle: its drives, events, clips, scores and outputs.

    No query finds the rows from then on. `ridealong lake vacuum --older-than '0 s'` removes the
    bytes.

    Example: ridealong lake erase vehicle-7
    """
    from ridealong.lake import Lake

    console = Console(as_json)
    commit = Lake.open(home_of(home)).erase_vehicle(vehicle)
    console.result({"vehicle": vehicle, "commit": commit.commit_id if commit else None})
    console.text(f"erased {vehicle}" if commit else f"nothing of {vehicle} is in the lake")
