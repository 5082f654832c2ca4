"""A ``.db3`` file: the messages of a ROS 2 bag in an SQLite database."""

import sqlite3
from collections.abc import Hashable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ingest.sources.bags.recognition import connect
from ingest.sources.bags.store import Message, Read, Topic
from ridealong.errors import UnreadableError


class SqliteFile:
    """One ``.db3`` file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._faults: list[str] = []
        self._topics: dict[int, Topic] = {}

    @property
    def faults(self) -> list[str]:
        """What `scan` could not read."""
        return self._faults

    def topics(self) -> list[Topic]:
        """The topics of the file; none before `scan`."""
        return list(self._topics.values())

    def scan(self) -> Iterator[Message]:
        """All messages, in the order of the file; what cannot be read is added to `faults`.

        Raises:
            UnreadableError: It is not a bag's database.
        """
        try:
            with closing(connect(self.path)) as database:
                self._topics = _topics(database)
                yield from self._messages(database)
        except sqlite3.DatabaseError as error:
            raise UnreadableError(
                f"cannot be read as a ROS 2 bag ({error})",
                where=self.path,
                expected="an SQLite database with the tables topics and messages",
            ) from error

    def _messages(self, database: sqlite3.Connection) -> Iterator[Message]:
        rows = database.execute("select id, topic_id, timestamp, data from messages")
        while True:
            try:
                row = next(rows, None)
            except sqlite3.DatabaseError as error:
                self._faults.append(f"the file breaks off ({error})")
                return
            if row is None:
                return
            number, topic, log_ns, data = row
            if topic in self._topics and isinstance(data, bytes):
                yield Message(self._topics[topic], log_ns, number, data)

    @contextmanager
    def reading(self) -> Iterator[Read]:
        """Read single messages by their row."""
        with closing(connect(self.path)) as database:

            def read(place: Hashable) -> bytes:
                row = database.execute("select data from messages where id = ?", [place]).fetchone()
                return bytes(row[0])

            yield read


def _topics(database: sqlite3.Connection) -> dict[int, Topic]:
    definitions = _definitions(database)
    rows = database.execute("select id, name, type, serialization_format from topics")
    return {
        number: Topic(name, kind, encoding, *definitions.get(kind, ("", b"")))
        for number, name, kind, encoding in rows
    }


def _definitions(database: sqlite3.Connection) -> dict[str, tuple[str, bytes]]:
    """How the types are defined; older recorders did not store it."""
    try:
        rows = database.execute(
            "select topic_type, encoding, encoded_message_definition from message_definitions"
        )
        return {kind: (encoding, text.encode()) for kind, encoding, text in rows if text}
    except sqlite3.DatabaseError:
        return {}
