"""Commands about triggers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ingest.commands import trigger_runs
from ridealong.errors import RidealongError
from ridealong.terminal.console import Console, HomeOption, JsonOption, WideOption, home_of
from ridealong.terminal.tables import Column

if TYPE_CHECKING:
    from ingest.triggers.home import HomeTrigger, State
    from ingest.triggers.spec import TriggerSpec

app = typer.Typer(no_args_is_help=True, help="List, check, try, save and apply triggers.")
app.add_typer(trigger_runs.app)


TRIGGER_COLUMNS = (
    Column("trigger", 0),
    Column("state", 3),
    Column("pre", 1, right=True),
    Column("post", 2, right=True),
    Column("description", 0, fold=True),
    Column("when", 4, fold=True),
)
NameArgument = Annotated[str, typer.Argument(help="Name of a trigger, included or saved.")]
ByOption = Annotated[
    str | None,
    typer.Option("--by", help="Who does it, for colleagues.", show_default=False),
]


@app.command("list")
def triggers_list(
    path: Annotated[
        Path | None,
        typer.Argument(
            help="YAML file of a trigger, or a folder of such files.",
            show_default="the included triggers and those saved in the home",
        ),
    ] = None,
    wide: WideOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List triggers with their conditions and time windows.

    Without a path, these are the triggers of `ingest`: those that are included, replaced by those
    of the same name that were saved in the home.

    Example: ridealong triggers list my-triggers/ --wide
    """
    console = Console(as_json, wide)
    rows = _of_files(path) if path else _of_home(home_of(home))
    console.result(rows)
    for row in rows:
        row["trigger"], row["when"] = row["name"], row["error"] or row["when"] or _rate_of(row)
        row["state"] = " ".join(filter(None, (row["origin"], row["state"])))
    console.rows(TRIGGER_COLUMNS, rows)


def _of_files(path: Path) -> list[dict[str, Any]]:
    from ingest.triggers.spec import load_triggers

    return [_row(spec) | _stored("file") for spec in load_triggers(path)]


def _of_home(home: Path) -> list[dict[str, Any]]:
    from ingest.triggers.home import home_triggers
    from ridealong.lake import Lake

    known = home_triggers(Lake.open(home).snapshot() if home.exists() else None)
    return [_home_row(trigger) for trigger in known]


def _row(spec: "TriggerSpec") -> dict[str, Any]:
    return spec.model_dump(mode="json") | {"error": None}


def _stored(origin: str, trigger: "HomeTrigger | None" = None) -> dict[str, Any]:
    """What a home knows about a trigger; null for one of a file."""
    return {
        "origin": origin,
        "state": str(trigger.state) if trigger else None,
        "sha256": trigger.sha256 if trigger else None,
        "changed_ns": trigger.time_ns if trigger else None,
        "changed_by": trigger.who if trigger else None,
        "replaces_included": trigger.replaces_shipped if trigger else False,
    }


def _home_row(trigger: "HomeTrigger") -> dict[str, Any]:
    from ingest.triggers.spec import TriggerSpec

    try:
        row = _row(trigger.spec())
    except RidealongError as error:  # saved with another version: listed with what is wrong
        unknown = dict.fromkeys(TriggerSpec.model_fields)
        row = unknown | {"name": trigger.name, "error": str(error)}
    return row | _stored(str(trigger.origin), trigger)


def _rate_of(row: dict[str, Any]) -> str:
    """How often a trigger without a condition fires."""
    random = row["random"]
    if not random:
        return ""
    return f"at random, once per {random['every']} on average (seed {random['seed']})"


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


@app.command("save", short_help="Save a trigger in the home, so that ingest uses it.")
def triggers_save(
    file: Annotated[Path, typer.Argument(help="YAML file of a trigger.")],
    replaces: Annotated[
        str | None,
        typer.Option(
            "--replaces",
            metavar="SHA",
            help="Hash of the saved version that this one replaces, or its first digits; "
            "`triggers list --json` prints it.",
            show_default=False,
        ),
    ] = None,
    by: ByOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Save a trigger in the home, so that ingest uses it.

    `ingest` without --triggers evaluates the saved triggers and those that are included. A saved
    trigger replaces the included one of its name. A version that somebody has saved is replaced
    only if --replaces names it, so no change of a colleague is lost unseen.

    Example: ridealong triggers save my-triggers/hard_brake.yaml
    """
    from ingest.triggers.home import save_trigger
    from ridealong.documents import read_text
    from ridealong.lake import Lake

    console = Console(as_json)
    text = read_text(file)
    lake = Lake.create(home_of(home))
    before, after = save_trigger(lake, text, where=file, replaces=replaces, who=by)
    console.result(_home_row(after))
    done = "saved" if after != before else "saved before, nothing to do"
    console.text(f"{after.name}: {done}; {after.state}, version {after.sha256[:8]}")


@app.command("activate")
def triggers_activate(
    name: NameArgument,
    by: ByOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make ingest evaluate a trigger again that was paused.

    Example: ridealong triggers activate weather
    """
    from ingest.triggers.home import State

    _set(name, State.ACTIVE, by, home_of(home), Console(as_json))


@app.command("pause")
def triggers_pause(
    name: NameArgument,
    by: ByOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make ingest leave a trigger out, until it is activated again.

    It may be an included trigger or a saved one. Its events and clips stay. `ingest --triggers`
    evaluates what it names, paused or not.

    Example: ridealong triggers pause weather
    """
    from ingest.triggers.home import State

    _set(name, State.PAUSED, by, home_of(home), Console(as_json))


def _set(name: str, state: "State", by: str | None, home: Path, console: Console) -> None:
    from ingest.triggers.home import set_state
    from ridealong.lake import Lake

    _, after = set_state(Lake.create(home), name, state, by)
    console.result(_home_row(after))
    console.text(f"{after.name}: {after.state}")
