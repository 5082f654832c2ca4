"""How much was exported."""

from dataclasses import dataclass

_BYTES_PER_MB = 1_000_000


@dataclass(frozen=True)
class ExportSummary:
    """How much was exported, or would be.

    Attributes:
        clips: Clips.
        images: Images, ``labelled`` and ``unlabelled`` together.
        labelled, unlabelled: Images with labels of any exported family, and without.
        annotations: Labels, including ``ignored`` ones.
        ignored: Labels that do not count.
        prelabels: Pre-labels that the format has, by network: outputs at or above thresholds.
        lacks: What of a label the format cannot hold.
        megabytes: Size of the folder, in 10^6 bytes; an estimate if it was not written.
    """

    clips: int
    images: int
    labelled: int
    unlabelled: int
    annotations: int
    ignored: int
    prelabels: dict[str, int]
    lacks: list[str]
    megabytes: float


def megabytes(size: int) -> float:
    """A size in bytes, in 10^6 bytes to one decimal."""
    return round(size / _BYTES_PER_MB, 1)
