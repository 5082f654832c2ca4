"""COCO: the images of ``instances_default.json`` as ridealong, CVAT and others write it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ingest.labels.reading.content import ReadImage, ReadLabels, ReadShape
from ingest.labels.reading.documents import read_json
from ingest.labels.reading.numbers import checked_box, finite, known_attributes, whole
from ridealong.errors import RidealongError

# Files of our exports that hold no labels.
_OTHERS = ("prelabels-", "unlabelled")


def read_coco(path: Path) -> ReadLabels:
    """Labels in COCO's form.

    Raises:
        RidealongError: It is no COCO file, or an id is unknown or occurs twice.
    """
    file = _file(path)
    document = read_json(file)
    if not isinstance(document, dict) or not {"images", "annotations"} <= document.keys():
        raise RidealongError("is not a COCO file", where=file, expected="images and annotations")
    names = {one["id"]: one["name"] for one in _entries(document, "categories", file)}
    images = _entries(document, "images", file)
    at = {image["id"]: index for index, image in enumerate(images)}
    shapes = [_shape(entry, names, at, file) for entry in _entries(document, "annotations", file)]
    return ReadLabels([_image(image, file) for image in images], shapes)


def _file(path: Path) -> Path:
    if path.is_file():
        return path
    found = [p for p in sorted(path.rglob("annotations/*.json")) if not p.name.startswith(_OTHERS)]
    if len(found) != 1:
        many = ", ".join(p.name for p in found[:3]) or "none"
        raise RidealongError(
            f"has {len(found)} files of COCO annotations ({many})",
            where=path,
            expected="one JSON file in a folder `annotations`",
            hint="name the file",
        )
    return found[0]


def _entries(document: Mapping[str, Any], key: str, file: Path) -> list[dict[str, Any]]:
    found = document.get(key, [])
    if not isinstance(found, list) or not all(isinstance(e, dict) and "id" in e for e in found):
        raise RidealongError(f"{key} is not a list of entries with ids", where=file)
    seen = set()
    for entry in found:
        if entry["id"] in seen:
            raise RidealongError(f"the id {entry['id']} of {key} occurs twice", where=file)
        seen.add(entry["id"])
    return found


def _image(entry: Mapping[str, Any], file: Path) -> ReadImage:
    name = Path(str(entry.get("file_name", ""))).name
    if not name:
        raise RidealongError(f"image {entry['id']} has no file_name", where=file)
    size = entry.get("width"), entry.get("height")
    known = None if None in size else (int(size[0]), int(size[1]))  # type: ignore[arg-type]
    return ReadImage(name, size=known)


def _shape(
    entry: Mapping[str, Any], names: Mapping[Any, str], at: Mapping[Any, int], file: Path
) -> ReadShape:
    what = f"annotation {entry['id']}"
    image, category = entry.get("image_id"), entry.get("category_id")
    if image not in at:
        raise RidealongError(f"{what} is of image {image}, which is not listed", where=file)
    if category not in names:
        raise RidealongError(f"{what} has the category {category}, which is not listed", where=file)
    numbers = entry.get("bbox")
    if not isinstance(numbers, list) or len(numbers) != 4:
        raise RidealongError(f"{what} has no bbox", where=file, expected="[x, y, width, height]")
    x, y, width, height = (finite(value, what, file) for value in numbers)
    given = entry.get("attributes") or {}
    return ReadShape(
        at[image],
        str(names[category]),
        checked_box((x, y, x + width, y + height), what, file),
        track=whole(given.get("track_id")),
        attributes=known_attributes(given, what, file),
    )
