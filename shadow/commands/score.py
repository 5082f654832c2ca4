"""The command that judges result files of other tools."""

from pathlib import Path
from typing import Annotated

import typer

from ridealong.terminal.console import Console, HomeOption, JsonOption, WideOption, home_of

app = typer.Typer()


@app.command("score", short_help="Judge two result files of any network against ground truth.")
def shadow_score(
    deployed: Annotated[Path, typer.Option(help="Results of the network that the fleet runs.")],
    candidate: Annotated[Path, typer.Option(help="Results of the network to judge.")],
    kind: Annotated[
        str,
        typer.Option(
            "--format",
            help="Format of the files: coco, bdd100k, kitti, mot, nuscenes, argoverse2, or "
            "statistics for your own metrics.",
        ),
    ],
    truth: Annotated[
        Path | None,
        typer.Option(help="Ground truth. Only statistics have none.", show_default=False),
    ] = None,
    drive: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD",
            help="Field of a frame that names its drive.",
            show_default="the format's own",
        ),
    ] = None,
    slices: Annotated[
        str | None,
        typer.Option(
            metavar="FIELDS",
            help="Fields to slice by, e.g. weather,city.",
            show_default="all that suit",
        ),
    ] = None,
    gate: Annotated[
        Path | None,
        typer.Option(
            help="YAML file of the gate.", show_default="the main metric of every prediction"
        ),
    ] = None,
    threshold: Annotated[
        str | None,
        typer.Option(
            help="Lowest score that counts in F1, precision and recall: a number, or a YAML file "
            "by class and network.",
            show_default="0.5",
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(help="objects, tracks or boxes3d.", show_default="what the files suggest"),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(help="Frames per second, if the files do not say.", show_default=False),
    ] = None,
    wide: WideOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge a candidate's result file against the deployed network's, without running a network.

    The run is stored in the lake like any other: `shadow report`, the dashboard and `labels export`
    show it. The exit code is 0 for PASS, 1 for REGRESSED and INCONCLUSIVE, 2 for bad input.

    Example: ridealong shadow score --format coco --truth val.json --deployed a.json --candidate
    b.json

    Example: ridealong shadow score --format statistics --deployed a.csv --candidate b.csv
    """
    from ingest.results.format import ReadOptions
    from metrics.gate.cells import Verdict
    from ridealong.lake import Lake
    from shadow.commands.report import print_report
    from shadow.report import run_document
    from shadow.results.request import ScoreRequest
    from shadow.results.score import score_results

    console = Console(as_json, wide)
    request = ScoreRequest(
        kind,
        truth,
        deployed,
        candidate,
        _fields(slices),
        gate,
        threshold,
        ReadOptions(drive, fps, task),
    )
    lake = Lake.create(home_of(home))
    run = score_results(lake, request, console)
    document = run_document(lake.snapshot(), run)
    console.result(document)
    print_report(console, document)
    if document["verdict"] != Verdict.PASS:
        raise typer.Exit(1)


def _fields(names: str | None) -> tuple[str, ...] | None:
    """``weather,city`` as names; None if none are given."""
    if names is None:
        return None
    return tuple(dict.fromkeys(part.strip() for part in names.split(",") if part.strip()))
