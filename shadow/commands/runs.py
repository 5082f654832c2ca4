"""Commands about the runs of a home: list, name, annotate, delete."""

from typing import Annotated

import typer

from ridealong.terminal.console import Console, HomeOption, JsonOption, WideOption, home_of
from ridealong.terminal.tables import Column
from shadow.commands.options import RunArgument

app = typer.Typer(no_args_is_help=True, help="Runs: list, name, annotate, delete.")


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


@app.command("list", short_help="List the runs, the newest first, with verdicts.")
def runs_list(
    wide: WideOption = False, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """List the runs, the newest first, with their names, notes and verdicts.

    A run in which deployed and candidate are the same network is never 'latest'.

    Example: ridealong shadow runs list
    """
    from ridealong.lake import Lake
    from shadow.runs import list_runs, run_row

    console = Console(as_json, wide)
    rows = [run_row(run) for run in list_runs(Lake.open(home_of(home)).snapshot())]
    console.result(rows)
    console.rows(RUN_COLUMNS, (row | {"left out": row["clips_left_out"]} for row in rows))


@app.command("name")
def runs_name(
    run: RunArgument,
    name: Annotated[str, typer.Argument(help="The new name; '' removes the name.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a run a name, which every command then accepts.

    Example: ridealong shadow runs name latest "before the night fix"
    """
    from ridealong.lake import Lake
    from shadow.runs import name_run, run_row

    console = Console(as_json)
    row = name_run(Lake.open(home_of(home)), run, name)
    console.result(run_row(row))
    said = f"has the name {row['name']!r}" if row["name"] else "has no name"
    console.text(f"run {row['run_id']} {said}")


@app.command("note")
def runs_note(
    run: RunArgument,
    text: Annotated[str, typer.Argument(help="The note; '' removes it.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a note on a run, in place of the one it had.

    Example: ridealong shadow runs note latest "main camera was dirty on two drives"
    """
    from ridealong.lake import Lake
    from shadow.runs import note_run, run_row

    console = Console(as_json)
    row = note_run(Lake.open(home_of(home)), run, text)
    console.result(run_row(row))
    console.text(f"run {row['run_id']}: {row['note'] or 'no note'}")


@app.command("delete")
def runs_delete(run: RunArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Delete a run and its verdicts. Scores stay: other runs use them.

    A run that a release was made with cannot be deleted.

    Example: ridealong shadow runs delete RUN
    """
    from ridealong.lake import Lake
    from shadow.runs import delete_run

    console = Console(as_json)
    row = delete_run(Lake.open(home_of(home)), run)
    console.result({"deleted": row["run_id"]})
    console.text(f"run {row['run_id']} is deleted")
