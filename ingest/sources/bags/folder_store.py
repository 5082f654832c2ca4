"""The files of a ROS 2 bag as one store of messages."""

from collections.abc import Hashable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import zstandard

from ingest.sources.bags.folder import BagFolder
from ingest.sources.bags.mcap_file import McapFile
from ingest.sources.bags.recognition import MCAP, is_mcap
from ingest.sources.bags.sqlite_file import SqliteFile
from ingest.sources.bags.store import Message, Read, Store, Topic
from ridealong.errors import UnreadableError
from ridealong.terminal.readable import counted

LARGEST_MESSAGE = 1 << 30  # bytes, unpacked; a larger size is a damaged one


def file_store(path: Path) -> Store:
    """The store of one file, by its content."""
    return McapFile(path) if is_mcap(path) or path.suffix == MCAP else SqliteFile(path)


def bag_store(bag: BagFolder) -> Store:
    """The store of a bag; the store of its file if it is a single plain one, which is quicker."""
    if len(bag.files) == 1 and not bag.missing and not bag.packed_messages:
        return file_store(bag.files[0])
    return FolderStore(bag)


class FolderStore:
    """The files of a bag as one store. A topic that is in several files is one topic."""

    def __init__(self, bag: BagFolder) -> None:
        self._bag = bag
        self._files = [file_store(file) for file in bag.files]
        self._topics: dict[tuple[str, str, str], Topic] = {}
        self._unreadable: list[str] = []

    @property
    def faults(self) -> list[str]:
        """What could not be read."""
        own = [f"{name} is missing" for name in self._bag.missing] + self._unreadable
        for path, file in zip(self._bag.files, self._files, strict=True):
            own += [f"{path.name}: {fault}" for fault in file.faults]
        return own

    def topics(self) -> list[Topic]:
        """The topics of all files; complete after `scan`."""
        for file in self._files:
            for topic in file.topics():
                self._one(topic)
        return list(self._topics.values())

    def scan(self) -> Iterator[Message]:
        """All messages, file after file. A file that cannot be read does not stop the others."""
        errors: list[UnreadableError] = []
        damaged = 0
        for number, file in enumerate(self._files):
            try:
                for topic, log_ns, place, data in file.scan():
                    try:
                        content = self._unpacked(data)
                    except zstandard.ZstdError:
                        damaged += 1
                        continue
                    yield Message(self._one(topic), log_ns, (number, place), content)
            except UnreadableError as error:
                errors.append(error)
                self._unreadable.append(f"{self._bag.files[number].name} {error.what}")
        if damaged:
            verb = "was" if damaged == 1 else "were"
            self._unreadable.append(f"{counted(damaged, 'damaged message')} {verb} left out")
        if len(errors) == len(self._files):
            raise errors[0]

    @contextmanager
    def reading(self) -> Iterator[Read]:
        """Read single messages by their file and place."""
        with ExitStack() as stack:
            opened: dict[int, Read] = {}

            def read(place: Hashable) -> bytes:
                assert isinstance(place, tuple)
                number, inner = place
                if number not in opened:
                    opened[number] = stack.enter_context(self._files[number].reading())
                return self._unpacked(opened[number](inner))

            yield read

    def _one(self, topic: Topic) -> Topic:
        return self._topics.setdefault((topic.name, topic.type, topic.encoding), topic)

    def _unpacked(self, data: bytes) -> bytes:
        if not self._bag.packed_messages:
            return data
        # The stated size is allocated at once, whatever the most is that may come.
        if zstandard.frame_content_size(data) > LARGEST_MESSAGE:
            raise zstandard.ZstdError("the size of a message is damaged")
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=LARGEST_MESSAGE)
