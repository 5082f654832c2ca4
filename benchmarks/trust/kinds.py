"""The kinds of cells that the study judges one by one."""

from dataclasses import dataclass
from itertools import product

from benchmarks.trust import data_sets, evaluated, replayed
from benchmarks.trust.drawn import Draw
from benchmarks.trust.tables import REPLAYED, Judging

CELLS = 48  # judged in one call, each with separate drives
CAMERAS = (
    "main", "narrow", "rear", "wide", "left_pillar", "right_pillar", "left_repeater",
    "right_repeater",
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """One metric.

    Attributes:
        metric: Its name.
        judging: What it is judged by.
        predictions: `CELLS` names of predictions that have it.
        draw: Draws a prediction with a true loss of the metric.
    """

    metric: str
    judging: Judging
    predictions: tuple[str, ...]
    draw: Draw


def _on_cameras(task: str, categories: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{task}/{c}@{camera}" for camera, c in product(CAMERAS, categories))


def _numbered(task: str) -> tuple[str, ...]:
    return tuple(f"{task}/{index}" for index in range(CELLS))


OBJECTS = _on_cameras("objects", ("car", "truck", "bus", "pedestrian", "bicycle", "motorcycle"))
SURFACES = _on_cameras(
    "segmentation", ("road", "sidewalk", "terrain", "building", "vegetation", "person")
)
KINDS = {
    kind.metric: kind
    for kind in (
        Kind("f1", REPLAYED, OBJECTS, replayed.counts),
        Kind("iou", REPLAYED, SURFACES, replayed.areas),
        Kind("ap50", REPLAYED, OBJECTS, replayed.detections),
        Kind("ap", data_sets.COCO.judging, _numbered("objects"), evaluated.boxes2d),
        Kind("mota", data_sets.TRACKS.judging, _numbered("tracks"), evaluated.mota_tracks),
        Kind("idf1", data_sets.TRACKS.judging, _numbered("tracks"), evaluated.idf1_tracks),
        Kind("hota", data_sets.TRACKS.judging, _numbered("tracks"), evaluated.hota_tracks),
        Kind("nds", data_sets.NUSCENES.judging, _numbered("boxes3d"), evaluated.boxes3d),
    )
}
