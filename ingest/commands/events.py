"""Commands about events."""

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

app = typer.Typer(no_args_is_help=True, help="List the events of triggers.")


EVENT_COLUMNS = (
    Column("trigger", 0),
    Column("drive_id", 0, shorten=True),
    Column("onset", 5, right=True),
    Column("time", 0, right=True),
    Column("margin", 4, right=True),
    Column("kept", 1),
    Column("reason", 3),
    Column("clip_id", 2),
)


@app.command("list")
def events_list(
    where: WhereOption = None,
    wide: WideOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the events of triggers, with the reason if one was not kept.

    Times are from the start of the drive. The margin is in the unit of the trigger's condition.

    Example: ridealong events list --where "trigger = 'hard_brake' and not kept"
    """
    from ingest.schemas import EVENTS
    from ridealong.lake import Lake
    from ridealong.lake.listing import list_rows

    console = Console(as_json, wide)
    rows = list_rows(Lake.open(home_of(home)).snapshot(), EVENTS, where).to_pylist()
    names = {"trigger": "trigger", "drive": "drive_id", "onset_s": "onset_s", "time_s": "time_s"}
    names |= {"margin": "margin", "kept": "kept", "reason": "reason"}
    console.result([{key: row[name] for key, name in names.items()} for row in rows])
    for row in rows:
        row["onset"], row["time"] = map(readable.moment, (row["onset_s"], row["time_s"]))
    console.rows(EVENT_COLUMNS, rows)
