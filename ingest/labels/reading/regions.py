"""Regions of Label Studio's tasks: what images and videos share."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ingest.labels.reading.numbers import finite, whole
from ridealong.errors import RidealongError

Json = Mapping[str, Any]


def regions(
    results: Sequence[Json], kind: str, task: object, file: Path
) -> Iterator[tuple[Json, str]]:
    """The regions of a task, each with what it is called in errors.

    Raises:
        RidealongError: One is of another type or turned, or an id occurs twice.
    """
    seen: set[object] = set()
    for one in results:
        what = f"region {one.get('id')} of task {task}"
        if one.get("type") != kind:
            raise RidealongError(
                f"{what} is of the type {one.get('type')!r}", where=file, expected=kind
            )
        if one.get("id") in seen:
            raise RidealongError(f"{what}: the id occurs twice", where=file)
        seen.add(one.get("id"))
        require_upright(one.get("value", {}).get("rotation"), what, file)
        yield one, what


def require_upright(rotation: object, what: str, file: Path) -> None:
    """Refuse a box that is turned: labels have none.

    Raises:
        RidealongError: It is turned, or not a number.
    """
    if rotation is not None and finite(rotation, f"{what}: rotation", file) != 0:
        raise RidealongError(
            f"{what} is turned by {rotation} degrees", where=file, expected="an upright box"
        )


def label_of(value: Json, key: str, what: str, file: Path) -> str:
    """The only label of a region.

    Raises:
        RidealongError: It has none, or several.
    """
    labels = value.get(key, ())
    if len(labels) != 1:
        raise RidealongError(f"{what} has {len(labels)} labels", where=file, expected="one")
    return str(labels[0])


def texts_of(region: Json) -> dict[str, str]:
    """The lines ``name=value`` beside a region."""
    texts = (region.get("meta") or {}).get("text") or ()
    lines = [texts] if isinstance(texts, str) else list(map(str, texts))
    return dict(line.split("=", 1) for line in lines if "=" in line)


def size_of(width: object, height: object) -> tuple[int, int] | None:
    """A size in whole pixels; None if it is unknown."""
    sides = whole(width), whole(height)
    return None if sides[0] is None or sides[1] is None else (sides[0], sides[1])
