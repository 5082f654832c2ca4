"""Opens what a labeling tool gave: a file, a folder, or a ZIP archive, unpacked safely."""

import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from tempfile import TemporaryDirectory

from ridealong.errors import RidealongError
from ridealong.execution.failures import is_full
from ridealong.regular_files import require_regular

MOST_RATIO = 100  # an archive that unpacks to more than this many times its size is refused
SMALL = 1 << 20  # bytes that any archive may unpack to
MOST_FILES = 200_000
_CHUNK = 1 << 20
# What damaged bytes raise; an archive with a password raises RuntimeError.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
)


@contextmanager
def opened(path: Path) -> Iterator[Path]:
    """The file or folder inside a ``with`` block; of an archive, a folder with its content.

    Raises:
        RidealongError: It is missing, or an archive that is damaged, has paths that leave its
            folder, or unpacks to more than `MOST_RATIO` times its size.
    """
    if not path.exists():
        raise RidealongError("there is no such file or folder", where=path)
    if path.is_dir():
        yield path
        return
    require_regular(path)
    if not zipfile.is_zipfile(path):
        if path.suffix.lower() == ".zip":
            raise RidealongError("is not a whole ZIP archive", where=path, hint="export it again")
        yield path
        return
    with TemporaryDirectory() as scratch:
        _unpack(path, Path(scratch))
        yield Path(scratch)


def _unpack(path: Path, folder: Path) -> None:
    most = max(path.stat().st_size * MOST_RATIO, SMALL)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len(entries) > MOST_FILES:
                raise _bomb(path, f"holds {len(entries)} files")
            names = set[str]()
            for entry in entries:
                _check_name(path, entry)
                if entry.filename in names:
                    raise RidealongError(f"holds {entry.filename!r} twice", where=path)
                names.add(entry.filename)
            left = most
            for entry in entries:
                if not entry.is_dir():
                    left = _copy(path, archive, entry, folder, left)
    except _DAMAGED as error:
        if is_full(error):
            raise
        raise RidealongError(
            f"is a damaged or unsupported archive ({error})", where=path, hint="export it again"
        ) from error


def _check_name(path: Path, entry: zipfile.ZipInfo) -> None:
    name = PurePosixPath(entry.filename.replace("\\", "/"))
    is_link = stat.S_ISLNK(entry.external_attr >> 16)
    drive = PureWindowsPath(entry.filename).drive
    if name.is_absolute() or ".." in name.parts or drive or is_link:
        raise RidealongError(
            f"holds {entry.filename!r}, which leaves the archive's folder",
            where=path,
            expected="files inside the archive alone",
        )


def _copy(
    path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path, left: int
) -> int:
    """Unpack a file; gives the bytes that may still be unpacked."""
    target = folder / entry.filename
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(entry) as source, target.open("wb") as out:
        # The archive may lie about sizes, so bytes are counted as they come.
        while data := source.read(_CHUNK):
            left -= len(data)
            if left < 0:
                raise _bomb(path, f"unpacks to more than {MOST_RATIO} times its size")
            out.write(data)
    return left


def _bomb(path: Path, what: str) -> RidealongError:
    return RidealongError(f"{what}, which no export of labels does", where=path)
