"""Label Studio: image tasks as its JSON export has them.

Of a task, the last annotation that was not cancelled counts. A task without one was not labelled.
Predictions are no labels.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ingest.labels.formats.label_studio import TASKS
from ingest.labels.reading.content import Key, ReadImage, ReadLabels, ReadShape
from ingest.labels.reading.documents import read_json
from ingest.labels.reading.numbers import checked_box, finite, known_attributes, whole
from ridealong.errors import RidealongError

Json = Mapping[str, Any]


def read_label_studio(path: Path) -> ReadLabels:
    """Labels of Label Studio's tasks for images.

    Raises:
        RidealongError: It is no export of Label Studio, an id occurs twice, or a task is a video.
    """
    file = path / TASKS if path.is_dir() else path
    if not file.exists():
        raise RidealongError(f"has no {TASKS}", where=path, hint="name the JSON file itself")
    tasks = read_json(file)
    if not isinstance(tasks, list) or not all(isinstance(t, dict) and "data" in t for t in tasks):
        raise RidealongError("is not a list of tasks", where=file, hint="export as JSON")
    images: list[ReadImage] = []
    shapes: list[ReadShape] = []
    seen: set[Any] = set()
    for task in tasks:
        if task.get("id") in seen:
            raise RidealongError(f"the id {task['id']} of tasks occurs twice", where=file)
        seen.add(task.get("id", len(seen)))
        if "video" in task["data"]:
            raise RidealongError(
                "has video tasks", where=file, expected="image tasks", hint="import those alone"
            )
        results = _results(task)
        if results is None:
            continue
        images.append(_image(task["data"], results))
        shapes += _shapes(results, len(images) - 1, task.get("id"), file)
    return ReadLabels(images, shapes)


def _results(task: Json) -> list[Json] | None:
    """The regions of a task; None if nobody labelled it."""
    given = [one for one in task.get("annotations") or () if not one.get("was_cancelled")]
    return list(given[-1].get("result") or ()) if given else None


def _image(data: Json, results: list[Json]) -> ReadImage:
    time = whole(data.get("timestamp_ns"))
    key: Key | None = None
    if data.get("clip_id") and data.get("camera") and time is not None:
        key = (str(data["clip_id"]), str(data["camera"]), time)
    sizes = {(one.get("original_width"), one.get("original_height")) for one in results}
    size = next(iter(sizes), (None, None))
    known = None if None in size else (int(size[0]), int(size[1]))  # type: ignore[arg-type]
    return ReadImage(Path(str(data.get("image", ""))).name, key, known)


def _shapes(results: list[Json], image: int, task: object, file: Path) -> Iterator[ReadShape]:
    seen: set[str] = set()
    for one in results:
        what = f"region {one.get('id')} of task {task}"
        if one.get("type") != "rectanglelabels":
            raise RidealongError(
                f"{what} is of the type {one.get('type')!r}", where=file, expected="rectanglelabels"
            )
        if one.get("id") in seen:
            raise RidealongError(f"{what}: the id occurs twice", where=file)
        seen.add(str(one.get("id")))
        value, labels = one.get("value", {}), one.get("value", {}).get("rectanglelabels", ())
        if len(labels) != 1:
            raise RidealongError(f"{what} has {len(labels)} labels", where=file, expected="one")
        width, height = (
            finite(one.get(f"original_{side}"), what, file) / 100 for side in ("width", "height")
        )
        x, y, w, h = (finite(value.get(n), what, file) for n in ("x", "y", "width", "height"))
        box = (x * width, y * height, (x + w) * width, (y + h) * height)
        given = dict(text.split("=", 1) for text in _texts(one) if "=" in text)
        yield ReadShape(
            image,
            str(labels[0]),
            checked_box(box, what, file),
            track=whole(given.get("track")),
            attributes=known_attributes(given, what, file),
        )


def _texts(region: Json) -> list[str]:
    texts = (region.get("meta") or {}).get("text") or ()
    return [texts] if isinstance(texts, str) else list(map(str, texts))
