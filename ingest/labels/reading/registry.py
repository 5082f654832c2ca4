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


# The first character of a file, and what such a file is.
_STARTS = {
    "coco": (b"{", "JSON"),
    "cvat": (b"<", "XML"),
    "label-studio": (b"[", "a list in JSON"),
    "openlabel": (b"{", "JSON"),
}
_BOM = b"\xef\xbb\xbf"
_HEAD_BYTES = 1000


def read_labels(kind: str, path: Path) -> ReadLabels:
    """Labels in a format, by its name.

    Raises:
        RidealongError: They are not in this format.
    """
    _require_start(kind, path)
    try:
        return READERS[kind](path)
    # Readers take parts of a document for what they should be; where they are not, Python says so.
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise RidealongError(
            f"is not of the format {kind} ({type(error).__name__}: {error})",
            where=path,
            hint="check --format",
        ) from error


def _require_start(kind: str, path: Path) -> None:
    """Refuse a file that another format begins like; folders say it by their files."""
    if kind not in _STARTS or not path.is_file():
        return
    start, what = _STARTS[kind]
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES).removeprefix(_BOM).lstrip()
    if not head.startswith(start):
        raise RidealongError(
            f"is not of the format {kind}" if head else "is empty",
            where=path,
            expected=what,
            hint="check --format",
        )
