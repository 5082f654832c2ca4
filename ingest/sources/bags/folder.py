"""A ROS 2 bag: a folder with ``metadata.yaml`` and one or more files of messages."""

from collections.abc import Hashable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
import zstandard

from ingest.sources.bags.mcap_file import McapFile, is_mcap
from ingest.sources.bags.sqlite_file import SqliteFile
from ingest.sources.bags.store import Message, Read, Store, Topic
from ridealong.errors import UnreadableError

METADATA = "metadata.yaml"
_ROOT = "rosbag2_bagfile_information"


@dataclass(frozen=True)
class BagFolder:
    """What ``metadata.yaml`` says: the files that exist, those that are missing, compression."""

    folder: Path
    files: tuple[Path, ...]
    missing: tuple[str, ...]
    packed_messages: bool


def is_bag_folder(path: Path) -> bool:
    """Whether a folder holds the ``metadata.yaml`` of a bag."""
    try:
        with (path / METADATA).open("rb") as stream:
            return _ROOT.encode() in stream.read(4096)
    except OSError:
        return False


def read_folder(folder: Path) -> BagFolder:
    """Read a bag's ``metadata.yaml``.

    Raises:
        UnreadableError: It is not the metadata of a bag, its files are missing, or they are
            compressed as a whole.
    """
    path = folder / METADATA
    try:
        root: Any = yaml.safe_load(path.read_text("utf-8"))
        about = root[_ROOT]
        names = [str(name) for name in about["relative_file_paths"]]
        mode, packing = about.get("compression_mode") or "", about.get("compression_format") or ""
    except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError) as error:
        raise UnreadableError(
            f"is not the metadata of a ROS 2 bag ({type(error).__name__})",
            where=path,
            expected=f"{_ROOT} with relative_file_paths",
        ) from error
    # Some recorders write the path from the folder above.
    files = [folder / Path(name).name for name in names]
    there = tuple(file for file in files if file.is_file())
    missing = tuple(file.name for file in files if file not in there)
    if not there:
        raise UnreadableError(
            f"the files of the bag are missing: {', '.join(missing) or 'none is listed'}",
            where=path,
        )
    if mode.upper() == "FILE" or (mode and packing not in ("zstd", "")):
        raise UnreadableError(
            f"its files are compressed ({packing})",
            where=path,
            hint="unpack them first, for instance with `zstd -d`, and correct metadata.yaml",
        )
    return BagFolder(folder, there, missing, mode.upper() == "MESSAGE")


def file_store(path: Path) -> Store:
    """The store of one file, by its content."""
    return McapFile(path) if is_mcap(path) or path.suffix == ".mcap" else SqliteFile(path)


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
        for number, file in enumerate(self._files):
            try:
                for topic, log_ns, place, data in file.scan():
                    yield Message(self._one(topic), log_ns, (number, place), self._unpacked(data))
            except UnreadableError as error:
                errors.append(error)
                self._unreadable.append(f"{self._bag.files[number].name} {error.what}")
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
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=1 << 30)
