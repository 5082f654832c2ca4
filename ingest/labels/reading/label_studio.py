"""Label Studio: tasks for images and for videos, as its JSON export has them.

Of a task, the last annotation that was not cancelled counts. A task without one was not labelled.
Predictions are no labels. `ingest.labels.reading.label_studio_video` reads regions of videos.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ingest.labels.formats.label_studio import TASKS
from ingest.labels.reading.content import Key, ReadImage, ReadLabels, ReadShape
from ingest.labels.reading.documents import read_json
from ingest.labels.reading.label_studio_video import read_video
from ingest.labels.reading.numbers import checked_box, finite, known_attributes, whole
from ingest.labels.reading.regions import Json, label_of, regions, size_of, texts_of
from ridealong.errors import RidealongError


def read_label_studio(path: Path) -> ReadLabels:
    """Labels of Label Studio's tasks; of a folder of ours, those for images.

    Raises:
        RidealongError: It is no export of Label Studio, or an id occurs twice.
    """
    file = path / TASKS if path.is_dir() else path
    if not file.exists():
        raise RidealongError(f"has no {TASKS}", where=path, hint="name the JSON file itself")
    tasks = read_json(file)
    if not isinstance(tasks, list) or not all(_is_task(one) for one in tasks):
        raise RidealongError("is not a list of tasks", where=file, hint="export as JSON")
    images: list[ReadImage] = []
    shapes: list[ReadShape] = []
    seen: set[Any] = set()
    for task in tasks:
        if task.get("id") in seen:
            raise RidealongError(f"the id {task['id']} of tasks occurs twice", where=file)
        seen.add(task.get("id", len(seen)))
        results = _results(task)
        if results is None:
            continue
        if "video" in task["data"]:
            found, inside = read_video(task, results, len(images), file)
            images += found
            shapes += inside
        else:
            images.append(_image(task["data"], results))
            shapes += _shapes(results, len(images) - 1, task.get("id"), file)
    return ReadLabels(images, shapes)


def _is_task(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("data"), dict)


def _results(task: Json) -> list[Json] | None:
    """The regions of a task; None if nobody labelled it."""
    given = [one for one in task.get("annotations") or () if not one.get("was_cancelled")]
    return list(given[-1].get("result") or ()) if given else None


def _image(data: Json, results: list[Json]) -> ReadImage:
    time = whole(data.get("timestamp_ns"))
    key: Key | None = None
    if data.get("clip_id") and data.get("camera") and time is not None:
        key = (str(data["clip_id"]), str(data["camera"]), time)
    first: Mapping[str, Any] = results[0] if results else {}
    size = size_of(first.get("original_width"), first.get("original_height"))
    return ReadImage(Path(str(data.get("image", ""))).name, key, size)


def _shapes(results: list[Json], image: int, task: object, file: Path) -> Iterator[ReadShape]:
    for one, what in regions(results, "rectanglelabels", task, file):
        value = one.get("value", {})
        width, height = (
            finite(one.get(f"original_{side}"), what, file) / 100 for side in ("width", "height")
        )
        x, y, w, h = (finite(value.get(n), what, file) for n in ("x", "y", "width", "height"))
        box = (x * width, y * height, (x + w) * width, (y + h) * height)
        given = texts_of(one)
        yield ReadShape(
            image,
            label_of(value, "rectanglelabels", what, file),
            checked_box(box, what, file),
            track=whole(given.get("track")),
            attributes=known_attributes(given, what, file),
        )
