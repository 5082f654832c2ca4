"""Commands about the runs of a home: list, name, annotate, delete."""

from typing import Annotated

import typer

from ingest.console import Console, HomeOption, JsonOption, home_of

runs_app = typer.Typer(no_args_is_help=True, help="Runs: list, name, annotate, delete.")
RunArgument = Annotated[str, typer.Argument(help="Run id or its beginning, a name, or 'latest'.")]


@runs_app.command("list")
def runs_list(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the runs, the newest first, with their names, notes and verdicts.

    A run that compares a network with itself says so; it is never 'latest'.
    """
    from ingest.lake import Lake
    from shadow.runs import list_runs, run_row

    console = Console(as_json)
    rows = [run_row(run) for run in list_runs(Lake.open(home_of(home)).snapshot())]
    console.result(rows)
    shown = ["run", "name", "verdict", "deployed", "candidate", "clips", "created", "note"]
    console.table(shown, [[row[name] for name in shown] for row in rows])
    if any(row["against_itself"] for row in rows):
        console.text("where deployed and candidate are the same, the run is never 'latest'")


@runs_app.command("name")
def runs_name(
    run: RunArgument,
    name: Annotated[str, typer.Argument(help="Its name; '' takes the name away.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a run a name, by which every command then finds it.

    Example: ridealong shadow runs name latest "before the night fix"
    """
    from ingest.lake import Lake
    from shadow.runs import name_run, run_row

    console = Console(as_json)
    row = name_run(Lake.open(home_of(home)), run, name)
    console.result(run_row(row))
    said = f"has the name {row['name']!r}" if row["name"] else "has no name"
    console.text(f"run {row['run_id']} {said}")


@runs_app.command("note")
def runs_note(
    run: RunArgument,
    text: Annotated[str, typer.Argument(help="What to know about it; '' takes the note away.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a note on a run, in place of the one it had.

    Example: ridealong shadow runs note latest "main camera was dirty on two drives"
    """
    from ingest.lake import Lake
    from shadow.runs import note_run, run_row

    console = Console(as_json)
    row = note_run(Lake.open(home_of(home)), run, text)
    console.result(run_row(row))
    console.text(f"run {row['run_id']}: {row['note'] or 'no note'}")


@runs_app.command("delete")
def runs_delete(run: RunArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Delete a run and its verdicts. Scores stay: other runs use them.

    A run that a release was made with cannot be deleted.

    Example: ridealong shadow runs delete RUN
    """
    from ingest.lake import Lake
    from shadow.runs import delete_run

    console = Console(as_json)
    row = delete_run(Lake.open(home_of(home)), run)
    console.result({"deleted": row["run_id"]})
    console.text(f"run {row['run_id']} is deleted")
