"""One pass over a bag: numbers, camera frames, calibrations and transforms, and what is left."""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ingest.sources.bags import fields, pictures
from ingest.sources.bags.decoding import Decode, decoder, ros_name, ros_types
from ingest.sources.bags.fixed import numbers_of
from ingest.sources.bags.kinds import CAMERAS, Kind, kind_of
from ingest.sources.bags.mapping import value_at
from ingest.sources.bags.store import Message, Store, Topic
from ingest.sources.bags.transforms import Transforms
from ridealong.arrays import Floats, Ints
from ridealong.errors import RidealongError
from ridealong.units import NS_PER_S

TRIES = 20  # messages that must fail before a topic is given up


@dataclass
class TopicContent:
    """What one topic of a recognised type gave.

    Attributes:
        topic: The topic.
        kind: What it is used for; None if only its mapped fields are used.
        decode: Decodes its messages.
        log_ns: When each message that counts was recorded.
        stamps_ns: When each was measured; 0 if it does not say.
        rows: Its numbers.
        places: Where its messages are.
        starts: Whether decoding can start at it (video).
        frame_id: Its coordinate frame.
        codec: FFmpeg's name of its codec (video).
        first: Its first message (calibrations).
        picked: Values of its mapped fields, by their path.
        wrong: How many messages do not fit the schema, and why the first does not.
        damaged: How many pictures are damaged.
    """

    topic: Topic
    kind: Kind | None
    decode: Decode
    log_ns: list[int] = field(default_factory=list)
    stamps_ns: list[int] = field(default_factory=list)
    rows: list[fields.Row] = field(default_factory=list)
    places: list[Hashable] = field(default_factory=list)
    starts: list[bool] = field(default_factory=list)
    frame_id: str = ""
    codec: str = ""
    first: Any = None
    picked: dict[str, list[Any]] = field(default_factory=dict)
    wrong: int = 0
    why: str = ""
    damaged: int = 0

    @property
    def log_times(self) -> Ints:
        """``(N,)`` when its messages were recorded."""
        return np.array(self.log_ns, np.int64)

    @property
    def stamp_times(self) -> Ints | None:
        """``(N,)`` when its messages were measured; None if some do not say."""
        stamps = np.array(self.stamps_ns, np.int64)
        return stamps if len(stamps) and stamps.all() else None

    def columns(self) -> dict[str, Floats]:
        """``(N,)`` each of its numbers, by name."""
        assert self.kind is not None
        names, _ = fields.TAKEN[self.kind]
        numbers = np.array(self.rows, np.float64).reshape(-1, len(names))
        return dict(zip(names, numbers.T, strict=True))


@dataclass
class Contents:
    """What a bag contains.

    Attributes:
        counts: Messages of every topic.
        topics: The topics of recognised types that can be decoded.
        refused: Why a topic of a recognised type cannot be used, by topic.
        transforms: Between coordinate frames.
    """

    counts: Counter[Topic] = field(default_factory=Counter)
    topics: dict[Topic, TopicContent] = field(default_factory=dict)
    refused: dict[Topic, str] = field(default_factory=dict)
    transforms: Transforms = field(default_factory=Transforms)

    def of(self, *kinds: Kind) -> list[TopicContent]:
        """The topics of these kinds that gave something, those with the most messages first.

        Commands come last: what was asked for is not what was measured.
        """
        found = [one for one in self.topics.values() if one.kind in kinds and one.log_ns]
        return sorted(
            found, key=lambda one: ("cmd" in one.topic.name, -len(one.log_ns), one.topic.name)
        )


def read_contents(store: Store, mapped: Mapping[str, Sequence[str]] | None = None) -> Contents:
    """Read all messages of a store once.

    Args:
        store: The messages.
        mapped: Fields to pick, as paths, by the name of their topic.

    Raises:
        UnreadableError: It cannot be read at all.
    """
    contents = Contents()
    readers: dict[Topic, Callable[[Message], None] | None] = {}
    for message in store.scan():
        topic = message.topic
        contents.counts[topic] += 1
        if topic not in readers:
            paths = (mapped or {}).get(topic.name, ())
            readers[topic] = _reader(contents, topic, paths)
        reader = readers[topic]
        if reader is not None:
            reader(message)
    for one in list(contents.topics.values()):
        if one.wrong and not one.log_ns and one.kind is not Kind.TRANSFORMS:
            contents.refused[one.topic] = f"no message fits its schema ({one.why})"
            del contents.topics[one.topic]
    return contents


def _reader(
    contents: Contents, topic: Topic, paths: Sequence[str]
) -> Callable[[Message], None] | None:
    """What reads the messages of a topic; None if its type is not recognised, and not mapped."""
    kind = kind_of(topic.type)
    if kind is None and not paths:
        return None
    if any(topic.name == other.name for other in contents.topics):
        contents.refused[topic] = "a topic of another form has its name"
        return None
    try:
        content = TopicContent(topic, kind, decoder(topic), picked={path: [] for path in paths})
    except RidealongError as error:
        contents.refused[topic] = error.what
        return None
    contents.topics[topic] = content
    return _TopicReader(content, paths, contents.transforms).read


class _TopicReader:
    """Adds the messages of one topic to its content."""

    def __init__(self, content: TopicContent, paths: Sequence[str], transforms: Transforms) -> None:
        self._content, self._paths, self._transforms = content, paths, transforms
        self._by_place = None if paths else _by_place(content)
        self._take = _TAKERS.get(content.kind) if content.kind else None

    def read(self, message: Message) -> None:
        """Add what a message gives; one that does not fit the schema is counted."""
        content = self._content
        if content.wrong >= TRIES and not content.log_ns:
            content.wrong += 1
            return
        if content.kind is Kind.CALIBRATION and content.first is not None:
            return
        try:
            if self._by_place is None or not self._by_place(message):
                self._add(message)
        # A schema that does not fit raises the errors of its decoder, or lacks a field.
        except Exception as error:
            content.why = content.why or _misfit(error)
            content.wrong += 1

    def _add(self, message: Message) -> None:
        content = self._content
        decoded = content.decode(message.data)
        picked = [value_at(decoded, path) for path in self._paths]
        stamp_ns = fields.stamp_ns(decoded) or 0
        if content.kind is Kind.TRANSFORMS:
            self._transforms.add(fields.transforms(decoded))
        elif self._take is None or self._take(content, decoded, message):
            content.log_ns.append(message.log_ns)
            content.stamps_ns.append(stamp_ns)
            for values, value in zip(content.picked.values(), picked, strict=True):
                values.append(value)


def _misfit(error: Exception) -> str:
    """Why a message does not fit; a single word, like a missing key, needs the kind of error."""
    text = " ".join(str(error).split()).rstrip(".")
    return text if " " in text else f"{type(error).__name__} {text}".rstrip()


def _by_place(content: TopicContent) -> Callable[[Message], bool] | None:
    """What takes a message's numbers from their places; it returns whether it could.

    The first message is decoded, which tells the coordinate frame.
    """
    name = ros_name(content.topic.type)
    if content.topic.encoding != "cdr" or name not in fields.PATHS:
        return None
    paths, row_of = fields.PATHS[name]
    types = ros_types(content.topic).fielddefs
    read = numbers_of(types, name, [*fields.STAMP_PATHS, *paths], content.decode)

    def take(message: Message) -> bool:
        numbers = read(message.data) if content.rows else None
        if numbers is None:
            return False
        seconds, rest, *values = numbers
        content.rows.append(row_of(*values))
        content.log_ns.append(message.log_ns)
        content.stamps_ns.append(int(seconds) * NS_PER_S + int(rest))
        return True

    return take


def _take_row(content: TopicContent, decoded: Any, message: Message) -> bool:
    assert content.kind is not None
    _, take = fields.TAKEN[content.kind]
    content.rows.append(take(decoded))
    if not content.frame_id:
        content.frame_id = fields.frame_id(decoded)
    return True


def _take_calibration(content: TopicContent, decoded: Any, message: Message) -> bool:
    if content.first is None:
        content.first, content.frame_id = decoded, fields.frame_id(decoded)
    return True


def _take_compressed(content: TopicContent, decoded: Any, message: Message) -> bool:
    if pictures.DEPTH in str(decoded.format).lower():
        raise ValueError("its images contain depths, not colours")
    if not pictures.is_whole(pictures.content(decoded)):
        content.damaged += 1
        return False
    return _take_place(content, decoded, message)


def _take_video(content: TopicContent, decoded: Any, message: Message) -> bool:
    codec = pictures.CODECS.get(str(decoded.format).lower())
    if codec is None:
        raise ValueError(f"video of the format {decoded.format!r} is not decoded")
    content.codec = codec
    content.starts.append(pictures.starts_video(codec, pictures.content(decoded)))
    return _take_place(content, decoded, message)


def _take_place(content: TopicContent, decoded: Any, message: Message) -> bool:
    if not content.frame_id:
        content.frame_id = fields.frame_id(decoded)
    content.places.append(message.place)
    return True


_TAKERS: dict[Kind, Callable[[TopicContent, Any, Message], bool]] = {
    **dict.fromkeys(fields.TAKEN, _take_row),
    **dict.fromkeys(CAMERAS, _take_place),
    Kind.COMPRESSED: _take_compressed,
    Kind.VIDEO: _take_video,
    Kind.CALIBRATION: _take_calibration,
}
