"""The pictures of the costliest frames of result files, from a folder of images.

The lake has no boxes of result files: they are read again, if the files are unchanged.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError

from dashboard.reports.content import Content
from dashboard.reports.pictures import Pictures, jpeg, none_because, resized
from ingest.clips.messages import LABEL_COLOUR, NETWORK_COLOURS, Colour
from ingest.results.format import ReadOptions, ResultPaths
from ingest.results.registry import FORMATS
from metrics.tasks.prediction import DEFAULT_THRESHOLD
from ridealong.errors import RidealongError
from ridealong.lake import Snapshot
from ridealong.perception.result_files import Boxes2D, BoxesInBoth, Comparison
from shadow.results.hashes import content_sha256
from shadow.runs import ROLES
from shadow.schemas import ITEMS

UNREADABLE = (OSError, ValueError, UnidentifiedImageError, Image.DecompressionBombError)
MOST_BOXES = 200  # drawn in one picture


def frame_pictures(snapshot: Snapshot, content: Content, folder: Path | None) -> list[Pictures]:
    """The pictures of each of the costliest frames, in their order.

    Args:
        snapshot: Where the frames are.
        content: A run of result files.
        folder: The folder of the images; None: unknown.

    Raises:
        RidealongError: No picture can be made.
    """
    named = _image_names(snapshot, content)
    if not any(named):
        raise RidealongError("the files name no images")
    if folder is None:
        raise RidealongError("--images names the folder of the images")
    if not folder.is_dir():
        raise RidealongError(f"{folder} is not a folder")
    try:
        seen, without = _read_again(json.loads(content.run["results"])), ""
    except RidealongError as error:
        seen, without = None, f"; without boxes: {error}"
    return [
        _pictures(content, one.item, folder, name, seen, without)
        for one, name in zip(content.costly, named, strict=True)
    ]


def _image_names(snapshot: Snapshot, content: Content) -> list[str | None]:
    """The path of each frame's image below the folder of images."""
    rows = snapshot.query(
        "select * from items where dataset = ? and list_contains(?, item_id)",
        ITEMS,
        params=[content.run["dataset"], [one.item for one in content.costly]],
    ).to_pylist()
    named = {row["item_id"]: row["image"] for row in rows}
    return [named.get(one.item) for one in content.costly]


def _pictures(
    content: Content, item: str, folder: Path, name: str | None, seen: "_Seen | None", without: str
) -> Pictures:
    if not name:
        return none_because("the files name no image of this frame")
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        return none_because(f"{name} is outside the folder of the images")
    try:
        with Image.open(path) as found:
            image = found.convert("RGB")
    except UNREADABLE as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "no image"
        return none_because(f"{path}: {why}")
    drawn = {f"{role}: {content.document[role]}": _drawn(image, item, role, seen) for role in ROLES}
    return Pictures(f"image {name}{without}", drawn)


def _drawn(image: Image.Image, item: str, role: str, seen: "_Seen | None") -> bytes:
    picture, scale = resized(image)
    if seen is not None:
        _draw(picture, seen.boxes(item, "truth"), LABEL_COLOUR, scale)
        _draw(picture, seen.boxes(item, role), NETWORK_COLOURS[role], scale)
    return jpeg(picture)


def _draw(
    image: Image.Image,
    boxes: Sequence[tuple[Sequence[float], str]],
    colour: Colour,
    scale: float,
) -> None:
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(11)
    for (left, top, width, height), caption in boxes[:MOST_BOXES]:
        corners = [left, top, left + max(width, 0), top + max(height, 0)]
        pen.rectangle([scale * value for value in corners], outline=colour, width=2)
        pen.text((scale * left + 3, scale * top + 1), caption, fill=colour, font=font)


class _Seen:
    """The boxes of result files, by frame."""

    def __init__(
        self, comparison: Comparison[Any], thresholds: Mapping[str, Mapping[str, float]]
    ) -> None:
        self._categories = list(comparison.categories)
        self._frames = {name: at for at, name in enumerate(comparison.frames.name.to_pylist())}
        self._sides = {role: _flat(getattr(comparison, role)) for role in ("truth", *ROLES)}
        self._thresholds = thresholds

    def boxes(self, item: str, role: str) -> list[tuple[list[float], str]]:
        """The boxes of a frame that count, the highest score first, with captions."""
        return list(self._boxes(item, role))

    def _boxes(self, item: str, role: str) -> Iterator[tuple[list[float], str]]:
        side = self._sides[role]
        rows = np.flatnonzero(side.frame == self._frames.get(item, -1))
        rows = rows[np.isfinite(side.xywh[rows]).all(axis=1) & (side.category[rows] >= 0)]
        own = self._thresholds.get(role, {})
        for row in rows[np.argsort(-side.score[rows], kind="stable")].tolist():
            name, score = self._categories[side.category[row]], float(side.score[row])
            if role == "truth":
                yield side.xywh[row].tolist(), ""  # its caption would cover the network's
            elif score >= own.get(name, DEFAULT_THRESHOLD):
                yield side.xywh[row].tolist(), f"{name} {score:.2f}"


def _flat(boxes: object) -> Boxes2D:
    if isinstance(boxes, BoxesInBoth):
        return boxes.image
    if isinstance(boxes, Boxes2D):
        return boxes
    raise RidealongError("boxes in space are not drawn in images")


def _read_again(results: Mapping[str, Any]) -> _Seen:
    """The boxes of a run's files.

    Raises:
        RidealongError: A file has moved or changed, or its boxes are in space.
    """
    paths = {}
    for role, file in results["files"].items():
        paths[role] = Path(file["path"])
        if not paths[role].exists() or content_sha256(paths[role]) != file["sha256"]:
            raise RidealongError(f"{file['path']} has moved or changed")
    own = FORMATS.find(results["format"])
    with FORMATS.running(own.name, "cannot read the files"):
        comparison = own.read(ResultPaths(**paths), ReadOptions(**results["options"]))
    return _Seen(comparison, results["threshold"])
