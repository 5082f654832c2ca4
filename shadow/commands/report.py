"""The command that shows a run's verdict."""

from typing import Any

import typer

from ridealong.terminal.console import Console, HomeOption, JsonOption, WideOption, home_of
from ridealong.terminal.readable import counted, listed
from ridealong.terminal.tables import Column, Section
from shadow.commands.options import RunArgument

app = typer.Typer()


@app.command("report")
def shadow_report(
    run: RunArgument = "latest",
    wide: WideOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a run's verdict and its most important checks.

    Required predictions come first, then the clearest changes among the others. Numbers are rounded
    to what their interval supports. --json has all checks, unrounded. The exit code is 0 for PASS,
    1 for REGRESSED and INCONCLUSIVE.

    Example: ridealong shadow report latest
    """
    from metrics.gate.cells import Verdict
    from ridealong.lake import Lake
    from shadow.report import run_document

    console = Console(as_json, wide)
    document = run_document(Lake.open(home_of(home)).snapshot(), run)
    console.result(document)
    print_report(console, document)
    if document["verdict"] != Verdict.PASS:
        raise typer.Exit(1)


def cell_columns(clusters: str) -> tuple[Column, ...]:
    """The columns of cells; ``clusters`` is what their intervals count."""
    return (
        Column("prediction", 0),
        Column("metric", 1),
        Column("slice", 0),
        Column("deployed", 5, right=True),
        Column("candidate", 4, right=True),
        Column("delta", 2, right=True),
        Column("interval", 3, right=True),
        Column(clusters, 6, right=True),
        Column("verdict", 0),
    )


def print_report(console: Console, document: dict[str, Any]) -> None:
    """Print a run's document as tables and sentences."""
    from metrics.tasks.registry import known_metric
    from shadow.judged import Scope, metrics_in
    from shadow.report import (
        cell_texts,
        cells_that_matter,
        cells_without_data,
        direction_sentence,
        results_sentence,
        sentences,
        summary_rows,
    )

    if console.as_json:
        return
    name = f" ({document['name']})" if document["name"] else ""
    console.paragraph(
        f"run {document['run']}{name}: {document['candidate']} against {document['deployed']}"
    )
    if document["note"]:
        console.paragraph(f"note: {document['note']}")
    cells = cells_that_matter(document["cells"])
    sections = [
        Section([cell_texts(cell) for cell in cells if cell["required"] is required], title)
        for required, title in ((True, "required:"), (False, "watched:"))
    ]
    within = any(cell.get("scope") == Scope.WITHIN_DRIVE for cell in cells)
    console.sections(cell_columns("blocks" if within else "drives"), sections)
    left = sum(cell["delta"] is not None for cell in document["cells"]) - len(cells)
    if left:
        console.paragraph(f"and {counted(left, 'more check')}: --json, or the dashboard")
    missing = cells_without_data(document["cells"])
    if missing:
        console.paragraph(f"required, but without data: {listed(missing, 3)}")
    lookup = metrics_in(document) if "format" in document else known_metric
    console.paragraph(direction_sentence(cells, lookup))
    if "format" in document:
        if rows := summary_rows(document["metrics"]):
            console.table(("summary", "deployed", "candidate"), rows)
        console.paragraph(results_sentence(document))
    console.text()
    for sentence in sentences(document):
        console.paragraph(sentence)
    console.paragraph(f"{document['verdict']}: {document['reason']}")
