"""Commands about label sets."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ridealong.terminal.console import Console, HomeOption, JsonOption, WhereOption, home_of
from ridealong.terminal.readable import counted
from shadow.commands import label_queue
from shadow.commands.options import RUN_IDS

app = typer.Typer(
    no_args_is_help=True, help="Queue and export clips for labeling, and import labels."
)
app.add_typer(label_queue.app, name="queue")


class ExportFormat(StrEnum):
    """File formats of an export."""

    COCO = "coco"
    MCAP = "mcap"
    CVAT = "cvat"
    LABEL_STUDIO = "label-studio"
    OPENLABEL = "openlabel"
    KITTI = "kitti"
    FIFTYONE = "fiftyone"


@app.command("export", short_help="Export the clips behind a run's regressions.")
def labels_export(
    out: Annotated[
        Path, typer.Option(help="Folder to write. It must be new, or an unchanged earlier export.")
    ],
    run: Annotated[
        str,
        typer.Option(help="Export the clips and outputs of this run.", autocompletion=RUN_IDS),
    ] = "latest",
    kind: Annotated[
        ExportFormat, typer.Option("--format", help="File format.")
    ] = ExportFormat.COCO,
    where: WhereOption = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1, help="Export at most this many clips, those with the largest share of the loss."
        ),
    ] = None,
    prediction: Annotated[
        str | None,
        typer.Option(help="Order clips by this prediction's loss, e.g. objects/car@main."),
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="Order clips by this metric's loss, e.g. f1.")
    ] = None,
    where_lost: Annotated[
        str | None,
        typer.Option("--slice", help="Order clips by the loss on this slice, e.g. light=night."),
    ] = None,
    frames: Annotated[
        str,
        typer.Option(help="Export these frames: every:N, labelled, or loss. Not for mcap."),
    ] = "every:1",
    cameras: Annotated[
        str | None,
        typer.Option(
            help="Export only these cameras, e.g. main,wide. Not for mcap. [default: all]"
        ),
    ] = None,
    chosen: Annotated[
        str,
        typer.Option(
            "--families",
            help="Families to label, e.g. objects,lanes. Not for mcap; coco holds boxes only.",
        ),
    ] = "objects",
    size: Annotated[
        int | None,
        typer.Option(
            min=16,
            help="Shrink images whose longest side has more pixels than this. Not for mcap.",
            show_default=False,
        ),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the images, to copy those of the exported frames. Only for runs of "
            "`shadow score`.",
            show_default=False,
        ),
    ] = None,
    queued: Annotated[
        bool, typer.Option("--queued", help="Export only the clips that wait in the queue.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "--preview", help="Print counts and size. Write nothing.")
    ] = False,
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
    request = ExportRequest(
        run,
        where,
        limit,
        out,
        CellNames(prediction, metric, where_lost),
        parse_frames(frames),
        _comma_separated(cameras),
        dry_run,
        images,
        size,
        _comma_separated(chosen),
        queued,
    )
    report = export_run(Lake.open(home_of(home)), request, kind.value, console)
    console.result(report)
    _print_export(console, report)


class ImportFormat(StrEnum):
    """File formats of labels that come back."""

    COCO = "coco"
    CVAT = "cvat"
    LABEL_STUDIO = "label-studio"
    OPENLABEL = "openlabel"
    KITTI = "kitti"


@app.command("import", short_help="Import labels as a new version of clips' labels.")
def labels_import(
    path: Annotated[Path, typer.Argument(help="A file, a folder or a ZIP archive of labels.")],
    kind: Annotated[ImportFormat, typer.Option("--format", help="File format.")],
    match: Annotated[
        Path | None,
        typer.Option(
            help="CSV file with file, clip_id, camera and timestamp_ns of each image. Needed if "
            "the names of the images do not contain them.",
            show_default=False,
        ),
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(
            help="The export that the labels come from: its folder, or its "
            "ridealong-manifest.json. [default: the one beside the labels]",
            show_default=False,
        ),
    ] = None,
    families: Annotated[
        str | None,
        typer.Option(
            help="Change only these families, e.g. objects. [default: those of the manifest]",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would change. Change nothing.")
    ] = False,
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
    rules = Rules(label_tasks(DRAWN), ignored_labels)
    lake = Lake.open(home_of(home))
    report = import_labels(lake, request, rules, console)
    if not dry_run:
        mark(lake, report["clip_ids"], State.IMPORTED)
    console.result(report)
    _print_import(console, report)


def _print_import(console: Console, report: dict[str, Any]) -> None:
    from ridealong.terminal.readable import value

    changed = report["versions"]
    done = "would change" if report["dry_run"] else "changed"
    console.record(
        [
            (done, f"the labels of {value(len(changed))} of {counted(report['clips'], 'clip')}"),
            ("images", value(report["images"])),
            ("labels", value(report["labels"])),
            ("unconfirmed", f"{counted(report['unconfirmed'], 'pre-label')}, left out"),
        ]
    )
    if report["relabelled"]:
        one = len(report["relabelled"]) == 1
        console.paragraph(
            f"{counted(len(report['relabelled']), 'clip')} {'has' if one else 'have'} newer labels "
            "than the export: in its frames they are replaced"
        )
    if not report["manifest"]:
        console.paragraph("found no manifest of an export: images were matched by their names")


def _comma_separated(names: str | None) -> tuple[str, ...]:
    """``main,wide`` as names, each once; none for None."""
    parts = [part.strip() for part in names.split(",")] if names is not None else []
    return tuple(dict.fromkeys(parts))


def _print_export(console: Console, report: dict[str, Any]) -> None:
    from ridealong.terminal.readable import value

    if "items" in report:
        done = "would write" if report["dry_run"] else "wrote"
        pictures = counted(report["pictures"], "picture")
        pairs = [
            (done, f"{counted(report['items'], 'item')}, {pictures}"),
            ("folder", report["out"]),
        ]
        console.record(pairs)
        console.paragraph(f"in the order of the {report['order']}: {report['reason']}")
        return
    done, about = ("would write", "about ") if report["dry_run"] else ("wrote", "")
    clips, megabytes = counted(report["clips"], "clip"), value(report["megabytes"])
    pairs = [(done, f"{clips}, {about}{megabytes} MB"), ("folder", report["out"])]
    if "images" in report:
        labelled, unlabelled = value(report["labelled"]), value(report["unlabelled"])
        labels, ignored = value(report["annotations"]), value(report["ignored"])
        pairs += [
            ("images", f"{labelled} labelled, {unlabelled} unlabelled"),
            ("labels", f"{labels}, of which {ignored} are ignored"),
        ]
        for role, count in report["prelabels"].items():
            said = counted(count, "pre-label")
            if "results" in report:
                said += f"; {value(report['results'][role])} boxes at any score on labelled images"
            pairs.append((role, said))
        pairs += [("not held", one) for one in report.get("lacks", ())]
    console.record(pairs)
    console.paragraph(f"in the order of the {report['order']}: {report['reason']}")
