"""Commands about the drives in the lake."""

import typer

from ridealong.terminal import readable
from ridealong.terminal.console import (
    Console,
    HomeOption,
    JsonOption,
    WhereOption,
    WideOption,
    home_of,
)
from ridealong.terminal.tables import Column

app = typer.Typer(no_args_is_help=True, help="List the drives in the lake.")


DRIVE_COLUMNS = (
    Column("drive_id", 0, shorten=True),
    Column("source", 5),
    Column("length", 1, right=True),
    Column("distance", 3, right=True),
    Column("country", 6),
    Column("weather", 4),
    Column("light", 2),
    Column("road", 7),
    Column("telemetry_rows", 8, right=True),
    Column("cameras", 9, fold=True),
)


@app.command("list")
def drives_list(
    where: WhereOption = None,
    wide: WideOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the drives with length, distance, conditions and cameras.

    Example: ridealong drives list --where "light = 'night' and duration_s > 60"
    """
    from ingest.schemas import DRIVES
    from ridealong.lake import Lake
    from ridealong.lake.listing import list_rows

    console = Console(as_json, wide)
    rows = list_rows(Lake.open(home_of(home)).snapshot(), DRIVES, where).to_pylist()
    console.result(rows)
    shown = [
        {"length": readable.duration(row["duration_s"])}
        | {"distance": readable.distance(row["distance_m"])}
        | row
        for row in rows
    ]
    console.rows(DRIVE_COLUMNS, shown)
