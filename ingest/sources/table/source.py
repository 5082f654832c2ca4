"""``--source table --map MAP.yaml``: any CSV or Parquet table, by a mapping file."""

from dataclasses import dataclass
from pathlib import Path

from ingest.sources.table.drives import COMPRESSED, SOURCE, SUFFIXES, discover, is_one_log
from ingest.sources.table.spec import TableMapping, parse_mapping, stored_mapping
from ridealong.errors import RidealongError
from ridealong.perception.recording import DriveFiles, Recording, Source


@dataclass
class TableSource:
    """Tables: a drive per file, per folder of parts, or per value of the columns that name it.

    Without a mapping it recognises nothing, because a table does not say what it means.
    """

    mapping: TableMapping | None = None
    name: str = SOURCE
    needs_mapping: bool = True

    def mapped(self, mapping: str, where: str) -> Source:
        """The source with a mapping; raises `RidealongError` with the line of what is wrong."""
        return TableSource(parse_mapping(mapping, where))

    def recognises(self, path: Path) -> bool:
        """With a mapping: whether it has the suffix of a table, or is a folder of one table."""
        if self.mapping is None:
            return False
        if path.is_dir():
            return is_one_log(path, self.mapping)
        return path.suffix.lower() in SUFFIXES | COMPRESSED

    def discover(self, path: Path) -> list[DriveFiles]:
        """The drives below a path, by path, or by the columns that name them.

        Raises:
            RidealongError: There is no table, or no mapping.
        """
        if self.mapping is None:
            raise RidealongError("a table is read with a mapping", where=path)
        return discover(path, self.mapping)

    def open(self, files: DriveFiles) -> Recording:
        """Open one drive; raises `UnreadableError` if a file is not what the mapping says."""
        from ingest.sources.table.recording import TableRecording  # it loads DuckDB

        assert files.mapping is not None
        return TableRecording(files, stored_mapping(files.mapping))
