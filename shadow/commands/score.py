"""The command that judges result files of other tools."""

from pathlib import Path
from typing import Annotated

import typer

from ridealong.terminal.console import Console, HomeOption, JsonOption, WideOption, home_of

app = typer.Typer()


@app.command("score", short_help="Judge two result files of any network against ground truth.")
def shadow_score(
    deployed: Annotated[Path, typer.Option(help="Results of the deployed network.")],
    candidate: Annotated[Path, typer.Option(help="Results of the candidate.")],
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
        typer.Option(help="Ground truth. Not for statistics.", show_default=False),
    ] = None,
    drive: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD",
            help="Field that names the drive of a frame, e.g. video_id.",
            show_default="the format's own",
        ),
    ] = None,
    slices: Annotated[
        str | None,
        typer.Option(
            metavar="FIELDS",
            help="Attributes to slice by, e.g. weather,city.",
            show_default="all with 2 to 20 values",
        ),
    ] = None,
    gate: Annotated[
        Path | None,
        typer.Option(
            help="YAML file that says what must pass.",
            show_default="the main metric of every prediction",
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
        typer.Option(
            help="Kind of the boxes: objects, tracks or boxes3d.",
            show_default="what the files suggest",
        ),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(help="Frames per second, if the files have no times.", show_default=False),
    ] = None,
    wide: WideOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge the result files of two networks. No network runs, and no image is read.

    Both files are evaluated against the ground truth, by class, over all frames and by slice.
    Statistics files have your own metrics, and need no ground truth.

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
