"""A ROS 2 bag: a folder with ``metadata.yaml`` and one or more files of messages."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ingest.sources.bags.recognition import METADATA, ROOT
from ridealong.errors import UnreadableError


@dataclass(frozen=True)
class BagFolder:
    """What ``metadata.yaml`` says: the files that exist, those that are missing, compression."""

    folder: Path
    files: tuple[Path, ...]
    missing: tuple[str, ...]
    packed_messages: bool


def read_folder(folder: Path) -> BagFolder:
    """Read a bag's ``metadata.yaml``.

    Raises:
        UnreadableError: It is not the metadata of a bag, its files are missing, or they are
            compressed as a whole.
    """
    path = folder / METADATA
    try:
        root: Any = yaml.safe_load(path.read_text("utf-8"))
        about = root[ROOT]
        names = [str(name) for name in about["relative_file_paths"]]
        mode, packing = about.get("compression_mode") or "", about.get("compression_format") or ""
    except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError) as error:
        raise UnreadableError(
            f"is not the metadata of a ROS 2 bag ({type(error).__name__})",
            where=path,
            expected=f"{ROOT} with relative_file_paths",
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
