"""CVAT: XML for images 1.1 and for video 1.1.

A shape with the source ``auto`` and a score is a pre-label that nobody confirmed.
"""

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from ingest.labels.formats.cvat import AUTO, HIDDEN, SCORE, TRACK, VIDEO
from ingest.labels.reading.content import ReadImage, ReadLabels, ReadShape
from ingest.labels.reading.documents import files_named, read_xml
from ingest.labels.reading.numbers import checked_box, finite, known_attributes, whole
from ingest.labels.reading.regions import require_upright
from ridealong.errors import RidealongError

MOST_FRAMES = 1_000_000  # of one video: its size is a number in the file, which may be wrong
_EDGES = ("xtl", "ytl", "xbr", "ybr")


def read_cvat(path: Path) -> ReadLabels:
    """Labels in CVAT's XML; a folder of ours has those of images and, again, those of videos.

    Raises:
        RidealongError: It is no XML of CVAT, or an image or frame occurs twice.
    """
    files = files_named(path, "*.xml")
    if path.is_dir() and (path / "annotations.xml").is_file():
        files = [path / "annotations.xml"]
    if not files:
        raise RidealongError("has no XML file", where=path, expected="an export of CVAT")
    images: list[ReadImage] = []
    shapes: list[ReadShape] = []
    for file in files:
        root = read_xml(file)
        if root.tag != "annotations" or root.find("meta") is None:
            raise RidealongError("is not an XML file of CVAT", where=file, hint="check --format")
        read = _read_video if root.find("image") is None else _read_images
        read(root, file, images, shapes)
    return ReadLabels(images, shapes)


def _read_images(
    root: Element, file: Path, images: list[ReadImage], shapes: list[ReadShape]
) -> None:
    seen: set[str] = set()
    for element in root.iter("image"):
        name = Path(_given(element, "name", file)).name
        number = _given(element, "id", file)
        if number in seen:
            raise RidealongError(f"the id {number} of images occurs twice", where=file)
        seen.add(number)
        size = int(element.get("width", 0)), int(element.get("height", 0))
        images.append(ReadImage(name, size=size if all(size) else None))
        for one in element:
            if one.tag in ("box", "polyline"):
                label, source = _given(one, "label", file), one.get("source")
                shapes.append(_shape(one, len(images) - 1, label, source, file))
            elif one.tag not in ("tag", "attribute"):
                raise _unknown(one, file)


def _read_video(
    root: Element, file: Path, images: list[ReadImage], shapes: list[ReadShape]
) -> None:
    name = root.findtext("meta//task/name") or root.findtext("meta//job/name") or file.parent.name
    if file.parent.parent.name == VIDEO:
        name = file.parent.name
    frames = int(root.findtext("meta//size") or 0)
    if frames > MOST_FRAMES:
        raise RidealongError(
            f"has a video of {frames} frames", where=file, expected=f"at most {MOST_FRAMES}"
        )
    size = tuple(
        int(root.findtext(f"meta//original_size/{side}") or 0) for side in ("width", "height")
    )
    first = len(images)
    for frame in range(frames):
        known = (size[0], size[1]) if all(size) else None
        images.append(ReadImage(f"{name} frame {frame}", size=known, sequence=(name, frame)))
    for track in root.iter("track"):
        label, source = _given(track, "label", file), track.get("source")
        there = [one for one in track if one.get("outside") != "1"]
        # One shape alone is no track.
        new = f"{name} {track.get('id')}" if len(there) > 1 else None
        for one in there:
            if one.tag not in ("box", "polyline"):
                raise _unknown(one, file)
            frame = int(_given(one, "frame", file))
            if not 0 <= frame < frames:
                raise RidealongError(
                    f"a shape is in frame {frame}", where=file, expected=f"0 to {frames - 1}"
                )
            shapes.append(_shape(one, first + frame, label, source, file, new))


def _shape(
    element: Element,
    image: int,
    label: str,
    source: str | None,
    file: Path,
    new_track: str | None = None,
) -> ReadShape:
    given = dict(_attributes(element))
    what = f"a {label}"
    track = whole(given.get(TRACK))
    common = {
        "track": track,
        "new_track": new_track if track is None and source != AUTO else None,
        "attributes": known_attributes(given, what, file),
        "hidden": HIDDEN.get(element.get("occluded", "")),
        "confirmed": not (source == AUTO and given.get(SCORE)),
    }
    if element.tag == "box":
        require_upright(element.get("rotation"), what, file)
        x1, y1, x2, y2 = (finite(element.get(edge), f"{what}: {edge}", file) for edge in _EDGES)
        return ReadShape(image, label, checked_box((x1, y1, x2, y2), what, file), **common)  # type: ignore[arg-type]
    pairs = [pair.split(",") for pair in _given(element, "points", file).split(";")]
    points = tuple(finite(value, what, file) for pair in pairs for value in pair)
    if len(points) < 4 or len(points) % 2:
        raise RidealongError(f"{what} has {len(pairs)} points", where=file, expected="at least 2")
    return ReadShape(image, label, None, points, **common)  # type: ignore[arg-type]


def _attributes(element: Element) -> Iterator[tuple[str, str]]:
    for one in element.iter("attribute"):
        yield str(one.get("name")), one.text or ""


def _given(element: Element, name: str, file: Path) -> str:
    value = element.get(name)
    if value is None:
        raise RidealongError(f"a <{element.tag}> has no {name}", where=file)
    return value


def _unknown(element: Element, file: Path) -> RidealongError:
    return RidealongError(
        f"has a shape of the kind {element.tag!r}", where=file, expected="boxes and polylines"
    )
