"""Whether a file or a folder is a bag, by its content; loads no library of any format."""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

MCAP, DATABASE = ".mcap", ".db3"  # suffixes
METADATA = "metadata.yaml"
ROOT = "rosbag2_bagfile_information"  # the key of a bag's metadata
MCAP_MAGIC = b"\x89MCAP0\r\n"
SQLITE_MAGIC = b"SQLite format 3\0"
_TABLES = {"topics", "messages"}


def is_mcap(path: Path) -> bool:
    """Whether a regular file starts as an MCAP file."""
    try:
        with path.open("rb") as stream:
            return stream.read(len(MCAP_MAGIC)) == MCAP_MAGIC
    except OSError:
        return False


def is_bag_database(path: Path) -> bool:
    """Whether a regular file is an SQLite database with the tables of a bag."""
    try:
        with path.open("rb") as stream:
            if stream.read(len(SQLITE_MAGIC)) != SQLITE_MAGIC:
                return False
        with closing(connect(path)) as database:
            found = database.execute("select name from sqlite_master where type = 'table'")
            return {name for (name,) in found} >= _TABLES
    except (OSError, sqlite3.Error):
        return False


def is_bag_folder(path: Path) -> bool:
    """Whether a folder holds the ``metadata.yaml`` of a bag."""
    try:
        with (path / METADATA).open("rb") as stream:
            return ROOT.encode() in stream.read(4096)
    except OSError:
        return False


def connect(path: Path) -> sqlite3.Connection:
    """Open a bag's database to read it."""
    # A recorder that was killed leaves its last messages in a file beside the database, which
    # SQLite reads only if the database may change.
    fixed = "" if path.with_name(path.name + "-wal").exists() else "&immutable=1"
    return sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro{fixed}", uri=True)
