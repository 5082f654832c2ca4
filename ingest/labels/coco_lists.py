"""The lists of a COCO export: images, labels, results and pre-labels of clips."""

import itertools
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from ingest.labels.coco_boxes import (
    CocoCategories,
    ImageIds,
    annotation,
    boxes_in,
    image_entry,
    label_attributes,
    score_of,
)
from ingest.labels.content import LabelClip
from ingest.labels.entries import Entry, EntryLists
from ingest.labels.pictures import Encoder

LABELLED, UNLABELLED = "labelled", "unlabelled"

_ImageKey = tuple[int, str]  # timestamp_ns and camera of a clip's image


class CocoLists:
    """Adds clips to the lists of the documents, and counts ids.

    Lists: ``images``, the ``labelled`` and the ``unlabelled`` ones, ``annotations``, and for each
    network ``results-NETWORK`` and ``prelabels-NETWORK``.

    Attributes:
        lists: The lists by name.
        networks: Roles of the networks.
        categories: The categories whose boxes are listed.
        clips: Information about each clip, in order.
        first: Id of the first labelled image; None if there is none.
        ignored: Number of ignored labels.
    """

    def __init__(
        self,
        lists: EntryLists,
        pictures: Encoder,
        networks: Sequence[str],
        categories: CocoCategories,
    ) -> None:
        self.lists, self.networks, self.categories = lists, networks, categories
        self.clips: list[Entry] = []
        self.first: int | None = None
        self._pictures = pictures
        self.ignored = 0
        self._image_ids, self._annotation_ids, self._track_ids = (
            itertools.count(1) for _ in range(3)
        )

    def add(self, clip: LabelClip) -> dict[int, int]:
        """Add a clip; gives the id in the clip of each track, by its number in the export.

        Raises:
            RidealongError: A box cannot be written as COCO.
        """
        self.clips.append({"clip_id": clip.clip_id} | dict(clip.about))
        judged = clip.judged(self.categories.names)
        ids: dict[_ImageKey, int] = {}
        names: dict[_ImageKey, str] = {}
        for image in clip.images:
            key = (image.timestamp_ns, image.camera)
            ids[key] = next(self._image_ids)
            names[key] = f"{clip.clip_id}-{image.camera}-{image.timestamp_ns}.png"
            labelled = image.timestamp_ns in judged
            entry = image_entry(clip, image, ids[key], names[key], labelled)
            self.lists["images"].add(entry)
            self.lists[LABELLED if labelled else UNLABELLED].add(entry)
        self._pictures.add(names, clip.pixels)
        evaluated = {key: at for key, at in ids.items() if key[0] in judged}
        self.first = self.first or next(iter(evaluated.values()), None)
        tracks = self._add_labels(clip, evaluated)
        for network in self.networks:
            self._add_outputs(clip, network, evaluated, ids)
        return {number: track for track, number in tracks.items()}

    def _add_labels(self, clip: LabelClip, ids: ImageIds) -> dict[int, int]:
        if clip.labels is None:
            return {}
        tracks: dict[int, int] = {}
        rows = clip.labels.sparse.append_column("ignored", pa.array(clip.ignored))
        for row, box in boxes_in(rows, ids, self.categories):
            attributes, track = label_attributes(row), row["track_id"]
            if track is not None:
                if track not in tracks:
                    tracks[track] = next(self._track_ids)
                attributes |= {"track_id": tracks[track], "track_id_in_clip": track}
            ignored = row["ignored"]
            self.ignored += ignored
            attributes["ignored"] = ignored
            self._annotate("annotations", box, attributes, ignored)
        return tracks

    def _add_outputs(
        self, clip: LabelClip, network: str, labelled: ImageIds, ids: ImageIds
    ) -> None:
        if network not in clip.outputs:
            return
        for row, box in boxes_in(clip.outputs[network].sparse, labelled, self.categories):
            self.lists[f"results-{network}"].add(box | {"score": score_of(row)})
        for row, box in boxes_in(clip.reported[network], ids, self.categories):
            self._annotate(f"prelabels-{network}", box, {"score": score_of(row)})

    def _annotate(
        self, name: str, box: dict[str, Any], attributes: Entry, ignored: bool = False
    ) -> None:
        # Ids start at 1: COCOeval treats an annotation with id 0 as unmatched.
        at = next(self._annotation_ids)
        self.lists[name].add(annotation(at, box, attributes, ignored))
