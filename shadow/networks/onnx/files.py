"""The files of an ONNX network: beside each other in a folder, or as one archive in the lake."""

import shutil
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import IO

from ridealong.errors import RidealongError
from ridealong.regular_files import require_regular
from shadow.networks.hashes import check_hash
from shadow.networks.onnx.manifest import OnnxManifest

ARCHIVE = ".tar"


@dataclass(frozen=True)
class Part:
    """A file, or a part of one."""

    path: Path
    start: int
    size: int


@dataclass(frozen=True)
class GraphFiles:
    """The ONNX file, and the files with weights that it may name."""

    graph: Part
    data: Mapping[str, Part]


def names_of(manifest: OnnxManifest) -> tuple[str, ...]:
    """The names of its files: the ONNX file first."""
    return (manifest.artifact, *manifest.data)


def files_of(manifest: OnnxManifest, path: Path) -> GraphFiles:
    """The files of a network.

    Args:
        manifest: The network.
        path: The ONNX file, whose other files are beside it, or the archive with all of them.

    Raises:
        RidealongError: A file is missing, lies elsewhere, or is not the one in the manifest.
    """
    hashes = {manifest.artifact: manifest.sha256} | manifest.data
    try:
        archived = bool(manifest.data) and path.suffix == ARCHIVE
        found = _in_archive(path) if archived else _beside(path, manifest)
        for name, sha256 in hashes.items():
            if name not in found:
                raise RidealongError(f"has no file {name!r}", where=path)
            where = path if archived else path.parent / name
            check_hash(_sha256_of(found[name]), sha256, where)
    except OSError as error:
        raise RidealongError(error.strerror or str(error), where=error.filename or path) from error
    return GraphFiles(found[manifest.artifact], {name: found[name] for name in manifest.data})


def copy_files(manifest: OnnxManifest, path: Path, folder: Path) -> None:
    """Copy the files of a network into a folder, under the names of its manifest.

    Raises:
        RidealongError: As for `files_of`, or the folder cannot be written.
    """
    files = files_of(manifest, path)
    for name, part in {manifest.artifact: files.graph, **files.data}.items():
        try:
            with part.path.open("rb") as source, (folder / name).open("xb") as target:
                source.seek(part.start)
                shutil.copyfileobj(_Limited(source, part.size), target)
        except OSError as error:
            raise RidealongError(error.strerror or str(error), where=folder / name) from error


def folder_files(path: Path) -> GraphFiles:
    """An ONNX file whose manifest is not yet written: it may name any file of its folder.

    Raises:
        OSError: The file is missing.
    """
    near = (each for each in path.absolute().parent.iterdir() if each != path.absolute())
    data = {each.name: _whole(each) for each in near if each.is_file() and not each.is_symlink()}
    return GraphFiles(_whole(path), data)


def _beside(path: Path, manifest: OnnxManifest) -> dict[str, Part]:
    folder = path.parent
    for name in manifest.data:
        if (folder / name).resolve().parent != folder.resolve():
            raise RidealongError(
                "is a link to another folder", where=folder / name, hint="copy the file"
            )
    return {manifest.artifact: _whole(path)} | {n: _whole(folder / n) for n in manifest.data}


def _whole(path: Path) -> Part:
    require_regular(path)
    return Part(path, 0, path.stat().st_size)


def _in_archive(path: Path) -> dict[str, Part]:
    try:
        with tarfile.open(path, "r:") as archive:
            return {m.name: Part(path, m.offset_data, m.size) for m in archive if m.isreg()}
    except tarfile.TarError as error:
        raise RidealongError(f"is not an archive ({error})", where=path) from error


def _sha256_of(part: Part) -> str:
    with part.path.open("rb") as file:
        file.seek(part.start)
        return file_digest(_Limited(file, part.size), "sha256").hexdigest()


class _Limited:
    """The next bytes of a file, as `hashlib.file_digest` and `shutil.copyfileobj` read them."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._left = file, size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        found = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(found)
        return found

    def readinto(self, buffer: bytearray) -> int:
        view = memoryview(buffer)[: self._left]
        into: Callable[[memoryview], int] = self._file.readinto  # type: ignore[attr-defined]
        read = into(view)
        self._left -= read
        return read
