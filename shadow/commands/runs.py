"""Commands about the runs of a home: list, name, annotate, archive, delete."""

from typing import Annotated

import typer

from ridealong.terminal.console import Console, HomeOption, JsonOption, WideOption, home_of
from ridealong.terminal.tables import Column
from shadow.commands.options import RunArgument

app = typer.Typer(no_args_is_help=True, help="List, name, annotate, archive and delete runs.")


RUN_COLUMNS = (
    Column("run", rank=0, shorten=True),
    Column("name", rank=1),
    Column("verdict", rank=0),
    Column("deployed", rank=2),
    Column("candidate", rank=2),
    Column("clips", rank=4, right=True),
    Column("left out", rank=5, right=True),
    Column("created", rank=3),
    Column("note", rank=6, fold=True),
)


@app.command("list", short_help="List the runs with their verdicts, the newest first.")
def runs_list(
    archived: Annotated[
        bool, typer.Option("--archived", help="List the archived runs as well.")
    ] = False,
    wide: WideOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the runs with their names, notes and verdicts, the newest first.

    A run in which deployed and candidate are the same network is never 'latest', and neither is an
    archived run.

    Example: ridealong shadow runs list
    """
    from ridealong.lake import Lake
    from shadow.runs import list_runs, run_row

    console = Console(as_json, wide)
    runs = list_runs(Lake.open(home_of(home)).snapshot())
    rows = [run_row(run) for run in runs if archived or not run["archived"]]
    console.result(rows)
    console.rows(RUN_COLUMNS, (row | {"left out": row["clips_left_out"]} for row in rows))


@app.command("name")
def runs_name(
    run: RunArgument,
    name: Annotated[str, typer.Argument(help="The new name. '' removes the name.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a run a name. Every command accepts it in place of the id.

    Example: ridealong shadow runs name latest "before the night fix"
    """
    from ridealong.lake import Lake
    from shadow.runs import name_run, run_row

    console = Console(as_json)
    row = name_run(Lake.open(home_of(home)), run, name)
    console.result(run_row(row))
    state = f"has the name {row['name']!r}" if row["name"] else "has no name"
    console.text(f"run {row['run_id']} {state}")


@app.command("note")
def runs_note(
    run: RunArgument,
    text: Annotated[str, typer.Argument(help="The note. '' removes it.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a note to a run. It replaces an earlier note.

    Example: ridealong shadow runs note latest "main camera was dirty on two drives"
    """
    from ridealong.lake import Lake
    from shadow.runs import note_run, run_row

    console = Console(as_json)
    row = note_run(Lake.open(home_of(home)), run, text)
    console.result(run_row(row))
    console.text(f"run {row['run_id']}: {row['note'] or 'no note'}")


@app.command("archive")
def runs_archive(
    run: RunArgument,
    undo: Annotated[bool, typer.Option("--undo", help="Take it out of the archive.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Archive a run: lists hide it, and it is never 'latest' or 'newest'. Nothing of it is deleted.

    Example: ridealong shadow runs archive RUN
    """
    from ridealong.lake import Lake
    from shadow.runs import archive_run, run_row

    console = Console(as_json)
    row = archive_run(Lake.open(home_of(home)), run, not undo)
    console.result(run_row(row))
    console.text(f"run {row['run_id']} {'is no longer' if undo else 'is'} archived")


@app.command("delete")
def runs_delete(run: RunArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Delete a run and its verdicts.

    Scores are kept, because other runs use them. A run that led to a release cannot be deleted.

    Example: ridealong shadow runs delete RUN
    """
    from ridealong.lake import Lake
    from shadow.runs import delete_run

    console = Console(as_json)
    row = delete_run(Lake.open(home_of(home)), run)
    console.result({"deleted": row["run_id"]})
    console.text(f"run {row['run_id']} is deleted")
