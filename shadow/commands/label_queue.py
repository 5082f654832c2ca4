"""Commands about the queue of clips to be labelled."""

from typing import Annotated, Any

import typer

from ridealong.terminal.clip_arguments import ClipsArgument
from ridealong.terminal.console import (
    Console,
    HomeOption,
    JsonOption,
    WhereOption,
    WideOption,
    home_of,
)
from ridealong.terminal.readable import counted
from ridealong.terminal.tables import Column
from shadow.commands.options import RUN_IDS
from shadow.labeling.states import FIGURES, State, added_sentence

app = typer.Typer(no_args_is_help=True, help="Add, list and remove clips to be labelled.")

COLUMNS = (
    Column("clip_id", rank=0, shorten=True),
    Column("state", rank=0),
    Column("worth", rank=1, right=True),
    *(Column(name, rank=2, right=True) for name in FIGURES),
    Column("run_id", rank=3, shorten=True),
)

SomeClipsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[CLIP]",
        help="Clip ids, or unique prefixes of them. [default: all clips of the run]",
        show_default=False,
    ),
]


@app.command("add")
def queue_add(
    clips: SomeClipsArgument = None,
    run: Annotated[
        str, typer.Option(help="Rank clips by this run.", autocompletion=RUN_IDS)
    ] = "latest",
    where: WhereOption = None,
    budget: Annotated[int, typer.Option(min=1, help="Add at most this many clips.")] = 20,
    prediction: Annotated[
        str | None, typer.Option(help="Rank by this prediction's loss, e.g. objects/car@main.")
    ] = None,
    metric: Annotated[str | None, typer.Option(help="Rank by this metric's loss, e.g. f1.")] = None,
    where_lost: Annotated[
        str | None,
        typer.Option("--slice", help="Rank by the loss on this slice, e.g. light=night."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be added. Change nothing.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add the most useful clips, without near-duplicates.

    A clip is ranked by its share of the loss, the disagreement of the networks, the uncertainty of
    the candidate and the rarity of its triggers and conditions. The four have equal weight. If you
    name a check, only clips with a share in its loss are added.

    Example: ridealong labels queue add --budget 10 --where "light = 'night'"
    """
    from ridealong.lake import Lake
    from shadow.labeling.queue import AddRequest, add_to_queue
    from shadow.losses import CellNames

    console = Console(as_json)
    names = CellNames(prediction, metric, where_lost)
    request = AddRequest(tuple(clips or ()), run, where, budget, names, dry_run)
    report = add_to_queue(Lake.open(home_of(home)), request, console)
    console.result(report)
    console.text(added_sentence(report))
    _print(console, report["added"])


@app.command("list")
def queue_list(
    state: Annotated[
        list[State] | None,
        typer.Option(
            help="Only clips in this state. Repeat for several. [default: all but removed]",
            show_default=False,
        ),
    ] = None,
    wide: WideOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the queue, the clips with the highest worth first.

    Example: ridealong labels queue list --state queued
    """
    from ridealong.lake import Lake
    from shadow.labeling.queue import queue_rows

    console = Console(as_json, wide)
    snapshot = Lake.open(home_of(home)).snapshot()
    rows = queue_rows(snapshot, state or ())
    console.result(rows)
    _print(console, rows)


@app.command("remove")
def queue_remove(
    clips: ClipsArgument,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove clips from the queue.

    Example: ridealong labels queue remove 3f2a
    """
    from ridealong.lake import Lake
    from shadow.labeling.queue import remove_from_queue

    console = Console(as_json)
    removed = remove_from_queue(Lake.open(home_of(home)), clips)
    console.result({"removed": removed})
    console.text(f"removed {counted(len(removed), 'clip')}")


def _print(console: Console, rows: list[dict[str, Any]]) -> None:
    if rows:
        console.rows(COLUMNS, [row | _rounded(row) for row in rows])


def _rounded(row: dict[str, Any]) -> dict[str, str]:
    """The figures with four decimals: they are parts of 1, so they read well in a column."""
    names = [name for name in ("worth", *FIGURES) if row[name] is not None]
    return {name: f"{row[name]:.4f}" for name in names}
