"""Options of the commands about label sets."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from shadow.commands.options import RUN_IDS


class ExportFormat(StrEnum):
    """File formats of an export."""

    COCO = "coco"
    MCAP = "mcap"
    CVAT = "cvat"
    LABEL_STUDIO = "label-studio"
    OPENLABEL = "openlabel"
    KITTI = "kitti"
    FIFTYONE = "fiftyone"


class ImportFormat(StrEnum):
    """File formats of labels that come back."""

    COCO = "coco"
    CVAT = "cvat"
    LABEL_STUDIO = "label-studio"
    OPENLABEL = "openlabel"
    KITTI = "kitti"


OutOption = Annotated[
    Path, typer.Option(help="Folder to write. It must be new, or an unchanged earlier export.")
]
RunOption = Annotated[
    str, typer.Option(help="Export the clips and outputs of this run.", autocompletion=RUN_IDS)
]
ExportFormatOption = Annotated[ExportFormat, typer.Option("--format", help="File format.")]
ImportFormatOption = Annotated[ImportFormat, typer.Option("--format", help="File format.")]
LimitOption = Annotated[
    int | None,
    typer.Option(
        min=1, help="Export at most this many clips, those with the largest share of the loss."
    ),
]
PredictionOption = Annotated[
    str | None, typer.Option(help="Order clips by this prediction's loss, e.g. objects/car@main.")
]
MetricOption = Annotated[
    str | None, typer.Option(help="Order clips by this metric's loss, e.g. f1.")
]
SliceOption = Annotated[
    str | None,
    typer.Option("--slice", help="Order clips by the loss on this slice, e.g. light=night."),
]
FramesOption = Annotated[
    str,
    typer.Option(help="Export these frames: every:N, labelled, or loss. mcap exports whole clips."),
]
CamerasOption = Annotated[
    str | None,
    typer.Option(help="Export only these cameras, e.g. main,wide. Not for mcap. [default: all]"),
]
FamiliesOption = Annotated[
    str,
    typer.Option(
        "--families",
        help="Families to label, e.g. objects,lanes. Not for mcap; coco holds boxes only.",
    ),
]
SizeOption = Annotated[
    int | None,
    typer.Option(
        min=16,
        help="Shrink images whose longest side has more pixels than this. Not for mcap.",
        show_default=False,
    ),
]
ImagesOption = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the images, to copy those of the exported frames. Only for runs of "
        "`shadow score`.",
        show_default=False,
    ),
]
QueuedOption = Annotated[
    bool, typer.Option("--queued", help="Export only the clips that wait in the queue.")
]
PreviewOption = Annotated[
    bool, typer.Option("--dry-run", "--preview", help="Print counts and size. Write nothing.")
]
LabelsArgument = Annotated[
    Path, typer.Argument(help="A file, a folder or a ZIP archive of labels.")
]
MatchOption = Annotated[
    Path | None,
    typer.Option(
        help="CSV file with file, clip_id, camera and timestamp_ns of each image. Needed if "
        "the names of the images do not contain them.",
        show_default=False,
    ),
]
ManifestOption = Annotated[
    Path | None,
    typer.Option(
        help="The export that the labels come from: its folder, or its "
        "ridealong-manifest.json. [default: the one beside the labels]",
        show_default=False,
    ),
]
ChangedFamiliesOption = Annotated[
    str | None,
    typer.Option(
        "--families",
        help="Change only these families, e.g. objects. [default: those of the manifest]",
        show_default=False,
    ),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Print what would change. Change nothing.")
]
