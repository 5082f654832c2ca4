"""Folders whose files are parts of one table, by what programs call such files and folders.

Spark, Dask and DuckDB number the parts, and Hive folders are named ``key=value``.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

PART = re.compile(r"(part|data)[-_.]?[0-9].*", re.IGNORECASE)
# What may be beside the parts of a table: checksums, remarks, descriptions.
NO_LOG = frozenset({"", ".crc", ".md", ".txt", ".json", ".yaml", ".yml"})
SEPARATOR = "_"


@dataclass(frozen=True)
class Inside:
    """What a folder holds: tables, Hive folders, and what may be another log."""

    tables: list[Path]
    hive: list[Path]
    others: list[Path]


def look_into(folder: Path, is_table: Callable[[Path], bool]) -> Inside:
    """What a folder holds, without what is hidden; nothing if it cannot be read."""
    found = Inside([], [], [])
    try:
        entries = [entry for entry in folder.iterdir() if not entry.name.startswith((".", "_"))]
    except OSError:
        return found  # whoever reads it says why it cannot
    for entry in entries:
        is_folder = entry.is_dir()
        if is_folder and "=" in entry.name:
            found.hive.append(entry)
        elif not is_folder and is_table(entry):
            found.tables.append(entry)
        elif is_folder or entry.suffix.lower() not in NO_LOG:
            found.others.append(entry)
    return found


def are_parts(files: Collection[Path]) -> bool:
    """Whether files of one folder are parts of one table."""
    return bool(files) and all(PART.fullmatch(f.name) or "=" in f.parent.name for f in files)


def hive_name(folder: Path, root: Path) -> str:
    """What the Hive folders from ``root`` on say: ``vehicle=7_day=3``; empty without any."""
    return SEPARATOR.join(part for part in folder.relative_to(root).parts if "=" in part)


def hive_values(path: Path) -> dict[str, str]:
    """What the folders above a file say: ``vehicle=7/day=3/part-0`` → vehicle 7, day 3."""
    return dict(part.split("=", 1) for part in path.parent.parts if "=" in part)
