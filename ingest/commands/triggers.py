"""Commands about triggers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ridealong.terminal.console import Console, HomeOption, JsonOption, WideOption, home_of
from ridealong.terminal.tables import Column

if TYPE_CHECKING:
    from ingest.triggers.spec import Random

app = typer.Typer(no_args_is_help=True, help="List and check triggers.")


TRIGGER_COLUMNS = (
    Column("trigger", 0),
    Column("pre", 1, right=True),
    Column("post", 2, right=True),
    Column("description", 0, fold=True),
    Column("when", 3, fold=True),
)


@app.command("list")
def triggers_list(
    path: Annotated[
        Path | None,
        typer.Argument(
            help="YAML file of a trigger, or a folder of such files.",
            show_default="the included triggers",
        ),
    ] = None,
    wide: WideOption = False,
    as_json: JsonOption = False,
) -> None:
    """List triggers with their conditions and time windows.

    Example: ridealong triggers list my-triggers/ --wide
    """
    from ingest.triggers.spec import load_triggers, shipped_triggers

    console = Console(as_json, wide)
    specs = load_triggers(path) if path else shipped_triggers()
    console.result([spec.model_dump(mode="json") for spec in specs])
    rows = [[s.name, s.pre, s.post, s.description, s.when or _rate_of(s.random)] for s in specs]
    console.table(TRIGGER_COLUMNS, rows)


def _rate_of(random: "Random | None") -> str:
    """How often a trigger without a condition fires."""
    return f"at random, once per {random.every} on average (seed {random.seed})" if random else ""


@app.command("check")
def triggers_check(
    path: Annotated[
        Path, typer.Argument(help="YAML file of a trigger, or a folder of such files.")
    ],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check triggers and print every mistake with line and column.

    This checks keys, signals, units and types. It does not run the triggers. A camera that neither
    the simulator nor a drive in the lake has gives a warning.

    Example: ridealong triggers check my-triggers/
    """
    from ingest.cameras import camera_warnings
    from ingest.triggers.spec import load_triggers

    console = Console(as_json)
    specs = load_triggers(path)
    warnings = camera_warnings(specs, home_of(home))
    console.result(
        [{"trigger": spec.name, "ok": True, "warnings": warnings[spec.name]} for spec in specs]
    )
    for spec in specs:
        console.text(f"{spec.name}: ok")
        for warning in warnings[spec.name]:
            console.note(f"warning: {warning}")
