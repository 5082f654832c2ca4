"""All formats that labels are read from, by name."""

from collections.abc import Callable, Mapping
from pathlib import Path

from ingest.labels.reading.coco import read_coco
from ingest.labels.reading.content import ReadLabels
from ingest.labels.reading.cvat import read_cvat
from ingest.labels.reading.kitti import read_kitti
from ingest.labels.reading.label_studio import read_label_studio
from ingest.labels.reading.openlabel import read_openlabel
from ridealong.errors import RidealongError

READERS: Mapping[str, Callable[[Path], ReadLabels]] = {
    "coco": read_coco,
    "cvat": read_cvat,
    "label-studio": read_label_studio,
    "openlabel": read_openlabel,
    "kitti": read_kitti,
}


def read_labels(kind: str, path: Path) -> ReadLabels:
    """Labels in a format, by its name.

    Raises:
        RidealongError: They are not in this format.
    """
    try:
        return READERS[kind](path)
    # Readers take parts of a document for what they should be; where they are not, Python says so.
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise RidealongError(
            f"is not of the format {kind} ({type(error).__name__}: {error})",
            where=path,
            hint="check --format",
        ) from error
