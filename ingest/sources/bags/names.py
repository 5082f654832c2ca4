"""Which topics belong to one camera, and the camera's name.

A camera's topics differ in their last parts: ``/sensors/front/image_raw/compressed`` and
``/sensors/front/camera_info`` are both ``front``.
"""

import re
from collections.abc import Sequence

from ridealong.perception.cameras import LONGEST_NAME

# Parts of a topic's name that say what is sent, and not which camera sends it.
_CONTENT = re.compile(
    r"(image|images|video|compressed|raw|rect|color|colour|mono|rgb|bgr|h264|h265|hevc|jpeg|jpg|png|"
    r"info|camera_info|calibration|annotations|debayered|resized|theora|ffmpeg)"
    r"(_(image|images|video|compressed|raw|rect|color|colour|mono|rgb|info|h264|h265))*",
    re.IGNORECASE,
)
_GENERIC = re.compile(r"(camera|cameras|cam|sensor|sensors|sensing|drivers?|vehicle|data)", re.I)


def camera_path(topic: str) -> tuple[str, ...]:
    """The parts of a topic's name that are the same for all topics of its camera."""
    parts = [part for part in topic.split("/") if part]
    kept = list(parts)
    while len(kept) > 1 and _CONTENT.fullmatch(kept[-1]):
        kept.pop()
    return tuple(kept)


def camera_names(
    paths: Sequence[tuple[str, ...]], given: Sequence[str | None] | None = None
) -> list[str]:
    """A name for each camera, no two the same: the last part that says which one it is.

    Args:
        paths: `camera_path` of a topic of each camera.
        given: The name of each camera that has one already.
    """
    given = given or [None] * len(paths)
    short = [_valid(_telling(path)) for path in paths]
    long = [_valid("_".join(path)) for path in paths]
    taken = {name for name in given if name}
    names: list[str] = []
    for own, whole, mine in zip(short, long, given, strict=True):
        name = own if short.count(own) == 1 else whole
        number = 2
        while mine is None and name in taken:
            name, number = f"{whole[: LONGEST_NAME - 4]}_{number}", number + 1
        names.append(mine or name)
        taken.add(names[-1])
    return names


def _telling(path: tuple[str, ...]) -> str:
    """The last part that is not just ``camera``; the last one if all are."""
    own = [part for part in path if not _GENERIC.fullmatch(part)]
    return own[-1] if own else path[-1]


def _valid(name: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).lstrip(".-")[:LONGEST_NAME]
    return plain if plain and plain != "all" else f"camera_{plain}".rstrip("_")
