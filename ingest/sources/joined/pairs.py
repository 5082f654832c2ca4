"""Which files belong together: those of one name in one folder, if their times overlap."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ingest.sources.files import drive_identity, hash_files
from ingest.sources.parquet import SUFFIXES as PARQUET
from ingest.sources.parquet import ParquetSource
from ingest.sources.table.drives import COMPRESSED, stem_of
from ingest.sources.table.drives import SUFFIXES as TABLE
from ingest.sources.table.source import TableSource
from ingest.sources.video.source import SUFFIXES as VIDEO
from ridealong.errors import RidealongError, UnreadableError
from ridealong.extras import missing_extra
from ridealong.hashing import short_hash
from ridealong.perception.recording import DriveFiles, Source

SOURCE = "joined"


class ApartError(UnreadableError):
    """The times of a video and of its telemetry do not overlap."""


@dataclass(frozen=True)
class Pair:
    """Files of one name: a drive's telemetry, and its videos."""

    telemetry: Path
    videos: tuple[Path, ...]


@dataclass(frozen=True)
class Judged:
    """What a pair is: one drive, or the telemetry's alone and why."""

    joined: DriveFiles | None
    why: str | None = None


def pair_of(path: Path, mapping: str | None) -> Pair | None:
    """The pair that a file is part of; None if no other file has its name."""
    suffixes = PARQUET if mapping is None else _with_compressed(TABLE)
    if path.suffix.lower() in VIDEO:
        telemetry = next(_there(path, path.stem, suffixes), None)
    else:
        telemetry = path if path.name.lower().endswith(tuple(suffixes)) else None
    if telemetry is None:
        return None
    videos = tuple(_there(telemetry, stem_of(telemetry), VIDEO))
    return Pair(telemetry, videos) if videos else None


def _with_compressed(suffixes: frozenset[str]) -> frozenset[str]:
    return suffixes | {inner + outer for inner in suffixes for outer in COMPRESSED}


def _there(path: Path, stem: str, suffixes: frozenset[str]) -> Iterator[Path]:
    for suffix in sorted(suffixes):
        for spelt in (suffix, suffix.upper()):
            file = path.with_name(stem + spelt)
            if file.is_file():
                yield file


def telemetry_source(mapping: str | None) -> Source:
    """The source that reads the telemetry."""
    return ParquetSource() if mapping is None else TableSource().mapped(mapping, "mapping")


def judge(pair: Pair, mapping: str | None) -> Judged:
    """Whether a pair is one drive.

    Raises:
        UnreadableError: The telemetry's own source refuses it.
    """
    versions = tuple(
        (status.st_mtime_ns, status.st_size)
        for status in (file.stat() for file in (pair.telemetry, *pair.videos))
    )
    return _judged(pair, mapping, versions)


@lru_cache(maxsize=1024)
def _judged(pair: Pair, mapping: str | None, versions: object) -> Judged:
    drives = telemetry_source(mapping).discover(pair.telemetry)
    if len(drives) != 1 or drives[0].trouble is not None:
        return Judged(None)
    joined = _joined(pair, drives[0])
    from ingest.sources.joined.opening import open_pair  # it loads PyAV

    try:
        open_pair(joined, pair)
    except ApartError as error:
        return Judged(None, error.what)
    except RidealongError:  # each file alone is reported with what is wrong with it
        return Judged(None)
    except Exception as error:
        if missing_extra(error):
            return Judged(None)
        raise
    return Judged(joined)


def _joined(pair: Pair, telemetry: DriveFiles) -> DriveFiles:
    digest, size = hash_files(pair.telemetry.parent, pair.videos)
    sha256 = short_hash(SOURCE, telemetry.sha256, digest)
    return DriveFiles(
        SOURCE,
        drive_identity(stem_of(pair.telemetry), sha256),
        str(pair.telemetry.absolute()),
        sha256,
        telemetry.bytes + size,
        mapping=telemetry.mapping,
    )
