"""Commands that judge a stored run by any gate, and plan the drives that a gate still needs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ridealong.terminal.console import Console, HomeOption, JsonOption, WideOption, home_of
from ridealong.terminal.readable import counted
from ridealong.terminal.tables import Column
from shadow.commands.options import RunArgument
from shadow.commands.report import print_report

if TYPE_CHECKING:
    from metrics.gate.planning import GatePlan, PlannedCell

app = typer.Typer(no_args_is_help=True, help="Judge a stored run by a gate, or plan what it needs.")

GateArgument = Annotated[
    Path,
    typer.Argument(
        help="YAML file with the gate, or the name of an included one.", show_default=False
    ),
]


@app.command("check", short_help="Judge a stored run by a gate.")
def gate_check(
    gate: GateArgument,
    run: RunArgument = "latest",
    wide: WideOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge a run's stored scores by a gate, and print the verdict like `shadow report`.

    Nothing is stored: the run keeps its verdict. The exit code is 0 for PASS, 1 for REGRESSED and
    INCONCLUSIVE, and 2 if the gate names what the run does not have.

    Example: ridealong gate check gate.yaml latest
    """
    from metrics.gate.cells import Verdict
    from ridealong.lake import Lake
    from shadow.gate import check_document, rejudged

    console = Console(as_json, wide)
    snapshot = Lake.open(home_of(home)).snapshot()
    document = check_document(snapshot, rejudged(snapshot, run, gate))
    console.result(document | {"gate": str(gate)})
    print_report(console, document)
    if document["verdict"] != Verdict.PASS:
        raise typer.Exit(1)


@app.command("plan", short_help="Print how many more drives a gate needs.")
def gate_plan(
    gate: GateArgument,
    run: RunArgument = "latest",
    wide: WideOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print how many more drives the undecided required checks of a run need.

    A number counts drives that have something to judge on the check's slice, and are as varied as
    those so far. The last line is for the whole gate. Nothing is stored.

    Example: ridealong gate plan gate.yaml latest
    """
    from metrics.gate.planning import of_drives
    from ridealong.lake import Lake
    from shadow.gate import plan_document, plan_of, rejudged

    console = Console(as_json, wide)
    found = rejudged(Lake.open(home_of(home)).snapshot(), run, gate)
    plan = plan_of(found)
    console.result(plan_document(found, plan) | {"gate": str(gate)})
    if plan.decided or all(map(of_drives, found.cells)):
        _print_plan(console, plan, found.verdict.reason)
        return
    console.paragraph(
        "whole gate: one drive tells nothing about others, and not how many are needed: judge at "
        f"least {found.gate.min_clusters} drives, then plan again"
    )


def _print_plan(console: Console, plan: "GatePlan", reason: str) -> None:
    from metrics.gate.planning import of_drives

    if plan.cells:
        console.table(_columns(plan), [_row(one) for one in plan.cells])
        console.paragraph(
            "drives: those so far with something to judge on the slice; half of such checks are "
            "decided with fewer additional drives than the first number, "
            f"{plan.chance:.0%} with fewer than the second"
        )
    for one in plan.cells:
        if one.needed_at_most is None and of_drives(one.cell):
            name = f"{one.cell['prediction']} {one.cell['metric']} at {one.cell['slice']}"
            console.paragraph(f"no number of drives decides {name}: {one.cell['reason']}")
    console.text()
    console.paragraph(_whole(plan, reason))


def _columns(plan: "GatePlan") -> list[Column]:
    return [
        Column("prediction", 0),
        Column("metric", 1),
        Column("slice", 0),
        Column("drives", 1, right=True),
        Column("more (half)", 0, right=True),
        Column(f"more ({plan.chance:.0%})", 0, right=True),
    ]


def _row(one: "PlannedCell") -> list[object]:
    cell = one.cell
    names = [cell["prediction"], cell["metric"], cell["slice"], cell["clusters"]]
    return [*names, one.needed, one.needed_at_most]


def _whole(plan: "GatePlan", reason: str) -> str:
    """The line for the whole gate; ``reason`` is that of its verdict."""
    if plan.decided:
        return f"the gate is decided ({plan.verdict}): nothing is needed"
    if plan.needed is None:
        return f"whole gate: no number of drives like these decides it: {reason}"
    more = counted(plan.needed, "more drive")
    each = f" for each of the {len(plan.cells)} undecided checks" if len(plan.cells) > 1 else ""
    return f"whole gate: {more}{each} decide it with a chance of {plan.chance:.0%}"
