"""Writes an export from its neutral form, in any format of `ingest.labels.formats.registry`."""

from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from ingest.labels.content import LabelClip
from ingest.labels.folder import check_replaceable, export_folder, size_of
from ingest.labels.formats.format import Format
from ingest.labels.lineage import ExportHead, Lineage
from ingest.labels.networks import THRESHOLDS_FILE
from ingest.labels.neutral import ExportClip, Exported, LabelNames
from ingest.labels.pictures import Encoder, PictureFiles, PictureSizes
from ingest.labels.readme import format_readme
from ingest.labels.summary import ExportSummary, megabytes
from ridealong.errors import RidealongError


def write_export(
    folder: Path, kind: Format, clips: Iterable[LabelClip], head: ExportHead
) -> ExportSummary:
    """Write clips; the folder appears when it is complete, or not at all.

    One clip's labels and one camera set are in memory at a time.

    Args:
        folder: New, empty, or an earlier export that was not changed since.
        kind: The format.
        clips: In the order in which they should be reviewed.
        head: What they share.

    Raises:
        RidealongError: The folder holds something else, or there is no image to export.
    """
    lineage = Lineage(head, kind.lacks)
    with export_folder(folder, kind.name, lineage.document) as partial:
        pictures = PictureFiles(partial / kind.images)
        counts = _write(partial, kind, clips, head, lineage, pictures)
        _require_images(folder, counts)
        head.networks.write(partial / THRESHOLDS_FILE)
        readme = format_readme(kind.name, head.networks)
        (partial / "README.md").write_text(readme, "utf-8")
        return _summary(counts, kind, head, size_of(partial))


def preview_export(
    folder: Path, kind: Format, clips: Iterable[LabelClip], head: ExportHead
) -> ExportSummary:
    """What `write_export` would write: counts are exact, the size of images is an estimate.

    Raises:
        RidealongError: As for `write_export`.
    """
    check_replaceable(folder)
    with TemporaryDirectory() as scratch:
        partial, sizes = Path(scratch), PictureSizes()
        counts = _write(partial, kind, clips, head, Lineage(head), sizes)
        _require_images(folder, counts)
        return _summary(counts, kind, head, sizes.bytes + size_of(partial))


def _write(
    folder: Path,
    kind: Format,
    clips: Iterable[LabelClip],
    head: ExportHead,
    lineage: Lineage,
    pictures: Encoder,
) -> Counter[str]:
    names = LabelNames([task for task in head.tasks if task.form in kind.forms])
    exported, counts = Exported(names), Counter[str]()
    with closing(kind.writer(folder, names, head)) as writer:
        for clip in clips:
            neutral = exported.clip(clip)
            files = {(one.timestamp_ns, one.camera): one.file_name for one in neutral.images}
            pictures.add(files, clip.pixels)
            writer.add(neutral)
            tracks = {shape.track: shape.row["track_id"] for shape in neutral.labels if shape.track}
            lineage.add(clip, tracks)
            counts += _counted(kind, neutral)
        writer.finish()
    return counts


def _counted(kind: Format, clip: ExportClip) -> Counter[str]:
    labelled = sum(bool(image.labelled) for image in clip.images)
    prelabels = {f"prelabels {role}": len(found) for role, found in kind.prelabels(clip).items()}
    return Counter(
        clips=1,
        images=len(clip.images),
        labelled=labelled,
        unlabelled=len(clip.images) - labelled,
        annotations=len(clip.labels),
        ignored=sum(shape.ignored for shape in clip.labels),
        **prelabels,
    )


def _require_images(folder: Path, counts: Counter[str]) -> None:
    if not counts["images"]:
        raise RidealongError(
            "nothing to export: these clips have none of the requested images",
            where=folder,
            hint="choose clips with cameras, or other --cameras or --frames",
        )


def _summary(counts: Counter[str], kind: Format, head: ExportHead, size: int) -> ExportSummary:
    return ExportSummary(
        **{
            name: counts[name]
            for name in ("clips", "images", "labelled", "unlabelled", "annotations", "ignored")
        },
        prelabels={role: counts[f"prelabels {role}"] for role in head.networks.by_role},
        lacks=[*kind.lacks],
        megabytes=megabytes(size),
    )
