"""``--source mcap`` and ``--source ros2``: one MCAP file, or one ROS 2 bag, is a drive."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ingest.sources.attributes import with_attributes
from ingest.sources.bags.recognition import (
    DATABASE,
    MCAP,
    METADATA,
    is_bag_database,
    is_bag_folder,
    is_mcap,
)
from ingest.sources.files import drive_identity, files_under, hash_files, is_hidden
from ridealong.errors import RidealongError, UnreadableError
from ridealong.hashing import full_hash
from ridealong.perception.recording import DriveFiles, Recording
from ridealong.specs import parse_spec

if TYPE_CHECKING:
    from ingest.sources.bags.mapping import BagMap


class _BagSource:
    """What both sources share: the mapping, and how a log becomes a drive."""

    needs_mapping = False

    def __init__(self, mapping: str | None = None) -> None:
        """``mapping``: a mapping file as JSON, for the drives that are found."""
        self._mapping = mapping

    def mapped(self, mapping: str, where: str) -> Self:
        """The source with a mapping; raises `RidealongError` if it is not one for bags."""
        from ingest.sources.bags.mapping import BagMap

        spec = parse_spec(mapping, BagMap, where)
        return type(self)(spec.model_dump_json(exclude_defaults=True))


class McapSource(_BagSource):
    """MCAP files, also clips of ridealong."""

    name = "mcap"

    def recognises(self, path: Path) -> bool:
        """Whether it starts as an MCAP file, or is named like one."""
        return path.is_file() and (path.suffix == MCAP or is_mcap(path))

    def discover(self, path: Path) -> list[DriveFiles]:
        """One drive per file, by path.

        Raises:
            RidealongError: No MCAP file.
        """
        files = files_under(path, {MCAP})
        if not files:
            raise RidealongError("no MCAP file in this folder", where=path)
        return [
            _drive_files(self.name, file, file.parent, with_attributes(file), self._mapping)
            for file in files
        ]

    def open(self, files: DriveFiles) -> Recording:
        """Open one file; raises `UnreadableError` if it gives no telemetry and no camera."""
        from ingest.sources.bags.clip import ClipRecording, is_clip
        from ingest.sources.bags.mcap_file import McapFile
        from ingest.sources.bags.recording import BagRecording

        path = Path(files.path)
        if is_clip(path):
            return ClipRecording(path)
        return BagRecording(McapFile(path), path, path, _mapping_of(files))


class Ros2Source(_BagSource):
    """ROS 2 bags: a folder with ``metadata.yaml``, or one ``.db3`` file."""

    name = "ros2"

    def recognises(self, path: Path) -> bool:
        """Whether it has the metadata of a bag, or is a bag's database."""
        if path.is_dir():
            return is_bag_folder(path)
        return path.is_file() and (path.suffix == DATABASE or is_bag_database(path))

    def discover(self, path: Path) -> list[DriveFiles]:
        """One drive per bag, by path.

        Raises:
            RidealongError: No bag.
        """
        bags = _bags_under(path)
        if not bags:
            raise RidealongError(
                "no ROS 2 bag in this folder", where=path, expected=f"{METADATA}, or .db3 files"
            )
        return [self._found(bag) for bag in bags]

    def open(self, files: DriveFiles) -> Recording:
        """Open one bag; raises `UnreadableError` if it gives no telemetry and no camera."""
        from ingest.sources.bags.folder import read_folder
        from ingest.sources.bags.folder_store import bag_store, file_store
        from ingest.sources.bags.recording import BagRecording

        path = Path(files.path)
        if path.is_dir():
            store = bag_store(read_folder(path))
            return BagRecording(store, path, path / METADATA, _mapping_of(files))
        return BagRecording(file_store(path), path, path, _mapping_of(files))

    def _found(self, bag: Path) -> DriveFiles:
        if not bag.is_dir():
            return _drive_files(self.name, bag, bag.parent, with_attributes(bag), self._mapping)
        from ingest.sources.bags.folder import read_folder

        files = with_attributes(bag / METADATA)
        # A bag with bad metadata is found anyway: opening it reports why, and it is quarantined.
        with suppress(UnreadableError):
            files += read_folder(bag).files
        return _drive_files(self.name, bag, bag, files, self._mapping)


def _bags_under(path: Path) -> list[Path]:
    if not path.is_dir() or is_bag_folder(path):
        return [path]
    folders = [
        file.parent
        for file in path.rglob(METADATA)
        if not is_hidden(file, path) and is_bag_folder(file.parent)
    ]
    loose = [file for file in files_under(path, {DATABASE}) if file.parent not in folders]
    return sorted([*folders, *loose])


def _mapping_of(files: DriveFiles) -> "BagMap":
    from ingest.sources.bags.mapping import BagMap

    return parse_spec(files.mapping or "{}", BagMap, files.path)


def _drive_files(
    source: str, path: Path, root: Path, files: list[Path], mapping: str | None
) -> DriveFiles:
    sha256, size = hash_files(root, files)
    if mapping is not None:  # another mapping gives other telemetry, so another drive
        sha256 = full_hash(sha256, mapping)
    name = path.name if path.is_dir() else path.stem
    return DriveFiles(
        source,
        drive_identity(name, sha256),
        str(path.absolute()),
        sha256,
        size,
        mapping=mapping,
    )
