"""The command that lists what was changed on the dashboard."""

import typer

from ridealong.terminal.console import Console, HomeOption, JsonOption, WideOption, home_of
from ridealong.terminal.readable import instant
from ridealong.terminal.tables import Column

app = typer.Typer()

COLUMNS = (
    Column("time", rank=0),
    Column("who", rank=2),
    Column("address", rank=5),
    Column("action", rank=0),
    Column("subject", rank=1, fold=True),
    Column("before", rank=4, fold=True),
    Column("after", rank=3, fold=True),
    Column("refused", rank=2, fold=True),
)


@app.command("audit")
def audit(wide: WideOption = False, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List what was changed or refused on the dashboard.

    Who did it is known behind a proxy that names the person (`ridealong dashboard --user-header`).
    What commands change is not listed here.

    Example: ridealong audit
    """
    from dashboard.actions.audit import entries
    from ridealong.lake import Lake

    console = Console(as_json, wide)
    rows = [
        {"time": instant(row["time_ns"])} | {name: row[name] for name in row if name != "time_ns"}
        for row in entries(Lake.open(home_of(home)).snapshot())
    ]
    console.result(rows)
    console.rows(COLUMNS, rows)
