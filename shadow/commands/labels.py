"""Commands about label sets."""

from dataclasses import replace

import typer

from ridealong.terminal.console import Console, HomeOption, JsonOption, WhereOption, home_of
from shadow.commands import label_options as options
from shadow.commands import label_queue
from shadow.commands.label_texts import print_export, print_import

app = typer.Typer(
    no_args_is_help=True, help="Queue and export clips for labeling, and import labels."
)
app.add_typer(label_queue.app, name="queue")


@app.command("export", short_help="Export the clips behind a run's regressions.")
def labels_export(
    out: options.OutOption,
    run: options.RunOption = "latest",
    kind: options.ExportFormatOption = options.ExportFormat.COCO,
    where: WhereOption = None,
    limit: options.LimitOption = None,
    prediction: options.PredictionOption = None,
    metric: options.MetricOption = None,
    where_lost: options.SliceOption = None,
    frames: options.FramesOption = "every:1",
    cameras: options.CamerasOption = None,
    chosen: options.FamiliesOption = "objects",
    size: options.SizeOption = None,
    images: options.ImagesOption = None,
    queued: options.QueuedOption = False,
    dry_run: options.PreviewOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Export the clips behind a run's regressions for labeling, the costliest first.

    The export contains the known labels, the outputs of both networks, and each clip's share of the
    loss. If no check has a loss, the clips are in the order of `clips list`. README.md in the
    folder describes each file.

    coco: images, labels, pre-labels, and each network's results for loadRes.
    mcap: the clips, with both networks' outputs as additional topics.
    cvat, label-studio, openlabel, kitti, fiftyone: images, labels, and pre-labels.

    Example: ridealong labels export --limit 50 --frames every:5 --out labels --dry-run
    """
    from ridealong.lake import Lake
    from shadow.export import ExportRequest, export_run
    from shadow.frames import parse_frames
    from shadow.losses import CellNames

    console = Console(as_json)
    cells, names = CellNames(prediction, metric, where_lost), _comma_separated(cameras)
    request = ExportRequest(run, where, limit, out, cells, parse_frames(frames), names)
    request = replace(
        request,
        images=images,
        size=size,
        queued=queued,
        dry_run=dry_run,
        families=_comma_separated(chosen),
    )
    report = export_run(Lake.open(home_of(home)), request, kind.value, console)
    console.result(report)
    print_export(console, report)


@app.command("import", short_help="Import labels as a new version of clips' labels.")
def labels_import(
    path: options.LabelsArgument,
    kind: options.ImportFormatOption,
    match: options.MatchOption = None,
    manifest: options.ManifestOption = None,
    families: options.ChangedFamiliesOption = None,
    dry_run: options.DryRunOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import labels that came back from a labeling tool.

    Each clip whose labels differ gets a new version of its labels. It changes only the frames and
    cameras that the file lists, and the families that the export's manifest lists. In a listed
    image, no shape means that there is no object. Pre-labels that nobody confirmed are not
    imported. New runs are judged on the new labels. Existing runs keep theirs.

    Example: ridealong labels import annotations.xml --format cvat --manifest labels
    """
    from ingest.labels.importing import import_labels
    from ingest.labels.incoming import ImportRequest, Rules
    from ingest.labels.neutral import DRAWN
    from ridealong.lake import Lake
    from shadow.export import ignored_labels, label_tasks
    from shadow.labeling.queue import mark
    from shadow.labeling.states import State

    console = Console(as_json)
    request = ImportRequest(path, kind.value, match, manifest, _comma_separated(families), dry_run)
    lake = Lake.open(home_of(home))
    report = import_labels(lake, request, Rules(label_tasks(DRAWN), ignored_labels), console)
    if not dry_run:
        mark(lake, report["clip_ids"], State.IMPORTED)
    console.result(report)
    print_import(console, report)


def _comma_separated(names: str | None) -> tuple[str, ...]:
    """``main,wide`` as names, each once; none for None."""
    parts = [part.strip() for part in names.split(",")] if names is not None else []
    return tuple(dict.fromkeys(parts))
