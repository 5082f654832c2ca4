"""The lineage of an export, which its manifest keeps: what an import may change, and of what.

An import changes only the frames, cameras and families that the manifest lists. There an empty
frame means that nothing is there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ingest.labels.content import LabelClip, LabelTask
from ingest.labels.networks import LabelNetworks


@dataclass(frozen=True)
class ExportHead:
    """What all clips of an export share.

    Attributes:
        tasks: The tasks whose labels are exported.
        networks: The networks whose pre-labels are exported.
        run: The run that chose the clips.
        choice: The options that chose them, for people.
    """

    tasks: Sequence[LabelTask]
    networks: LabelNetworks
    run: str | None = None
    choice: Mapping[str, object] = field(default_factory=dict)


class Lineage:
    """Collects the lineage of an export, clip by clip."""

    def __init__(self, head: ExportHead, lacks: Iterable[str] = ()) -> None:
        self._head, self._lacks = head, list(lacks)
        self._clips: list[dict[str, Any]] = []

    def add(self, clip: LabelClip, tracks: Mapping[int, int]) -> None:
        """Add a clip with its images, and the id in the clip of each track, by its number."""
        cameras: dict[str, dict[str, Any]] = {}
        judged = clip.judged([task.name for task in self._head.tasks])
        for image in clip.images:
            known = cameras.setdefault(
                image.camera,
                {
                    "width": image.width,
                    "height": image.height,
                    "timestamps_ns": [],
                    "unlabelled_ns": [],
                },
            )
            known["timestamps_ns"].append(image.timestamp_ns)
            if image.timestamp_ns not in judged:
                known["unlabelled_ns"].append(image.timestamp_ns)
        given = {"clip_id": clip.clip_id} | dict(clip.lineage) | dict(clip.about)
        named = {str(number): track for number, track in tracks.items()}
        self._clips.append(given | {"cameras": cameras, "tracks": named})

    def document(self) -> dict[str, Any]:
        """The lineage as JSON values."""
        head = self._head
        return {
            "run": head.run,
            "choice": dict(head.choice),
            "families": [task.name for task in head.tasks],
            "lacks": self._lacks,
            "networks": head.networks.document(),
            "clips": self._clips,
        }
