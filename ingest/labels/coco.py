"""COCO: images, their labels, and the outputs of networks as results and as pre-labels.

Datumaro (and CVAT through it) recognises the folder as COCO. Labelled images are listed in
``annotations/instances_default.json``, unlabelled ones in a separate file. So `pycocotools` with
the first file and a results file gives the same numbers as ridealong. The README.md in the folder
(`ingest.labels.readme`) describes each file. Only boxes in images are exported, because COCO cannot
store the other forms.

`pycocotools` 2.0.11 raises ``IndexError`` for an empty list of results. So a network that found
nothing gets one placeholder with the category 0, which does not exist. It loads and is not counted.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ingest.labels.coco_boxes import CocoCategories
from ingest.labels.coco_lists import LABELLED, UNLABELLED, CocoLists
from ingest.labels.content import LabelClip
from ingest.labels.entries import Entry, EntryLists, json_bytes
from ingest.labels.folder import check_replaceable, export_folder, size_of
from ingest.labels.lineage import ExportHead, Lineage
from ingest.labels.networks import THRESHOLDS_FILE
from ingest.labels.pictures import PictureFiles, PictureSizes
from ingest.labels.readme import coco_readme
from ingest.labels.summary import ExportSummary, megabytes
from ridealong.errors import RidealongError

SUBSET = "default"  # Datumaro's name for a data set without parts
LISTS = ".lists"  # where the documents are built; removed when the folder is complete
LACKS = ("lines and traffic lights", "labels without a box in an image")
_NO_CATEGORY = 0


@dataclass(frozen=True)
class CocoSummary(ExportSummary):
    """How much was exported, or would be.

    Attributes:
        results: Boxes on labelled images at any score, by network.
    """

    results: dict[str, int]


def write_coco(
    folder: Path,
    clips: Iterable[LabelClip],
    head: ExportHead,
) -> CocoSummary:
    """Write clips as a COCO data set; the folder appears when it is complete, or not at all.

    One camera set and one clip's boxes are in memory at a time. Ids count from 1 in the order
    given, so the same clips give the same bytes; those of images, annotations (labels and
    pre-labels) and tracks are unique over the export.

    Args:
        folder: New, empty, or an earlier export that was not changed since.
        clips: In the order in which they should be reviewed.
        head: Its networks, and its tasks, whose boxes are exported.

    Raises:
        RidealongError: The folder holds something else, or there is no image to export.
    """
    lineage, networks = Lineage(head, LACKS), head.networks
    with (
        export_folder(folder, "coco", lineage.document) as partial,
        EntryLists(partial / LISTS) as lists,
    ):
        pictures = PictureFiles(partial / "images" / SUBSET)
        categories = CocoCategories(head.tasks)
        empty = CocoLists(lists, pictures, tuple(networks.by_role), categories)
        content = _gathered(folder, clips, empty, lineage)
        _write_documents(partial, content)
        networks.write(partial / THRESHOLDS_FILE)
        (partial / "README.md").write_text(
            coco_readme(networks, content.first is not None), "utf-8"
        )
        return _summary(content, size_of(partial) - size_of(partial / LISTS))


def preview_coco(
    folder: Path,
    clips: Iterable[LabelClip],
    head: ExportHead,
) -> CocoSummary:
    """What `write_coco` would write: counts are exact, the size is an estimate.

    One camera set of each clip is decoded and compressed to estimate the size of its images.

    Raises:
        RidealongError: As for `write_coco`.
    """
    check_replaceable(folder)
    with EntryLists(None) as lists:
        sizes = PictureSizes()
        categories = CocoCategories(head.tasks)
        empty = CocoLists(lists, sizes, tuple(head.networks.by_role), categories)
        content = _gathered(folder, clips, empty, Lineage(head))
        return _summary(content, sizes.bytes + _size_of_documents(content))


def _gathered(
    folder: Path, clips: Iterable[LabelClip], content: CocoLists, lineage: Lineage
) -> CocoLists:
    for clip in clips:
        lineage.add(clip, content.add(clip))
    if not content.lists["images"].count:
        raise RidealongError(
            "nothing to export: these clips have none of the requested images",
            where=folder,
            hint="choose clips with cameras, or other --cameras or --frames",
        )
    return content


def _summary(content: CocoLists, size: int) -> CocoSummary:
    def count(name: str) -> int:
        return content.lists[name].count

    return CocoSummary(
        clips=len(content.clips),
        images=count("images"),
        labelled=count(LABELLED),
        unlabelled=count(UNLABELLED),
        annotations=count("annotations"),
        ignored=content.ignored,
        results={network: count(f"results-{network}") for network in content.networks},
        prelabels={network: count(f"prelabels-{network}") for network in content.networks},
        lacks=[*LACKS],
        megabytes=megabytes(size),
    )


def _documents(content: CocoLists) -> Iterator[tuple[str, dict[str, object], dict[str, str]]]:
    """Each COCO document: its file, its first keys, and its lists by key."""
    labels = {"images": LABELLED, "annotations": "annotations"}
    head = {"categories": content.categories.entries()}
    yield f"instances_{SUBSET}.json", _info("labels") | head | {"clips": content.clips}, labels
    # The other names have no underscore: Datumaro reads every *_*.json as labels of the data set.
    if content.lists[UNLABELLED].count:
        unlabelled = {"images": UNLABELLED, "annotations": "none"}
        yield "unlabelled.json", _info("images without labels") | head, unlabelled
    for network in content.networks:
        lists = {"images": "images", "annotations": f"prelabels-{network}"}
        info = _info(f"outputs of the {network} network")
        yield f"prelabels-{network}.json", info | head, lists


def _info(what: str) -> dict[str, object]:
    return {"info": {"description": f"exported by ridealong: {what}"}}


def _write_documents(folder: Path, content: CocoLists) -> None:
    annotations = folder / "annotations"
    annotations.mkdir()
    for name, head, lists in _documents(content):
        content.lists.write_document(annotations / name, head, lists)
    for network in content.networks:
        found, path = f"results-{network}", folder / f"{network}.json"
        if content.first is not None and not content.lists[found].count:
            path.write_bytes(json_bytes([_placeholder(content.first)]))
        else:
            content.lists.write_list(path, found)


def _size_of_documents(content: CocoLists) -> int:
    names = [name for _, _, lists in _documents(content) for name in lists.values()]
    names += [f"results-{network}" for network in content.networks]
    return sum(content.lists[name].bytes for name in names)


def _placeholder(image_id: int) -> Entry:
    box = [0.0, 0.0, 0.0, 0.0]
    return {"image_id": image_id, "category_id": _NO_CATEGORY, "bbox": box, "score": 0.0}
