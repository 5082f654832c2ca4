"""What files of messages have in common, whatever their format."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol


@dataclass(frozen=True, eq=False)
class Topic:
    """One stream of messages of one type.

    Attributes:
        name: Such as ``/camera/front/image_raw``.
        type: The type of its messages, as the file spells it.
        encoding: How messages are encoded: ``cdr``, ``protobuf``, ``json``.
        schema_encoding: How ``schema`` is written: ``ros2msg``, ``protobuf``; empty without one.
        schema: The definition of the type; empty if the file has none.
    """

    name: str
    type: str
    encoding: str
    schema_encoding: str
    schema: bytes


class Message(NamedTuple):
    """One message: its topic, when it was recorded, where it is, its encoded content."""

    topic: Topic
    log_ns: int
    place: Hashable
    data: bytes


Read = Callable[[Hashable], bytes]  # the content of the message at a place


class Store(Protocol):
    """Files of messages. A store keeps no file open between calls."""

    @property
    def faults(self) -> list[str]:
        """What `scan` could not read, as parts of sentences."""

    def topics(self) -> list[Topic]:
        """The topics that were found; complete after `scan`."""

    def scan(self) -> Iterator[Message]:
        """All messages, in the order of the files."""

    def reading(self) -> AbstractContextManager[Read]:
        """Read single messages by the place that `scan` gave."""
