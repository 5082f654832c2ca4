"""Commands about the quarantine."""

import typer

from ridealong.terminal.console import (
    Console,
    HomeOption,
    JsonOption,
    WhereOption,
    WideOption,
    home_of,
)
from ridealong.terminal.tables import Column

app = typer.Typer(no_args_is_help=True, help="List the input that could not be used.")


QUARANTINE_COLUMNS = (
    Column("path", 0),
    Column("kind", 2),
    Column("row", 1, right=True),
    Column("reason", 0, fold=True),
)


@app.command("list", short_help="List the input that could not be used, with the reasons.")
def quarantine_list(
    where: WhereOption = None,
    wide: WideOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the input that could not be used, with the reasons.

    The list has whole files, and rows, frames and clips of ingested drives. A file stays in the
    list until it changes. Then the next run reads it again.

    Example: ridealong quarantine list --where "kind = 'file'"
    """
    from ingest.schemas import QUARANTINE
    from ridealong.lake import Lake
    from ridealong.lake.listing import list_rows

    console = Console(as_json, wide)
    rows = list_rows(Lake.open(home_of(home)).snapshot(), QUARANTINE, where).to_pylist()
    console.result(rows)
    # A reason begins with its file, which is a column here.
    shown = [row | {"reason": row["reason"].removeprefix(f"{row['path']}: ")} for row in rows]
    console.rows(QUARANTINE_COLUMNS, shown)
