"""Drives that a ``drive.yaml`` states: a folder, its telemetry and its cameras."""

from pathlib import Path

from ingest.sources.files import drive_identity, hash_files
from ingest.sources.joined.pairs import SOURCE, telemetry_source
from ingest.sources.joined.spec import DRIVE_FILE, JoinedSpec, start_ns
from ingest.sources.parquet import SUFFIXES as PARQUET
from ingest.sources.table.spec import mapping_text, parse_mapping
from ridealong.documents import read_text
from ridealong.errors import RidealongError, UnreadableError
from ridealong.perception.recording import DriveFiles
from ridealong.specs import load_spec


def read_spec(folder: Path) -> JoinedSpec:
    """The ``drive.yaml`` of a folder.

    Raises:
        RidealongError: It is none; the message names the line.
    """
    return load_spec(folder / DRIVE_FILE, JoinedSpec)


def inside(folder: Path, name: str) -> Path:
    """A file that ``drive.yaml`` names.

    Raises:
        UnreadableError: It is not there, or is not in the folder.
    """
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UnreadableError(
            f"{name!r} is in another folder",
            where=folder / DRIVE_FILE,
            expected="a file in its folder",
        )
    if not path.is_file():
        raise UnreadableError(f"there is no file {name!r}", where=folder / DRIVE_FILE)
    return path


def stated_drive(folder: Path) -> DriveFiles:
    """The drive of a folder with a ``drive.yaml``.

    Raises:
        RidealongError: A file is not there, or ``drive.yaml`` is none.
    """
    spec = read_spec(folder)
    names = {camera.file for camera in spec.cameras.values()}
    names |= {name for name in (spec.telemetry, spec.map) if name is not None}
    paths = [inside(folder, name) for name in sorted(names)]
    for name in spec.cameras:
        _check_start(folder, spec, name)
    stated_telemetry(folder, spec)
    sha256, size = hash_files(folder, [folder / DRIVE_FILE, *paths])
    drive_id = drive_identity(folder.name, sha256)
    return DriveFiles(SOURCE, drive_id, str(folder.absolute()), sha256, size)


def _check_start(folder: Path, spec: JoinedSpec, camera: str) -> None:
    try:
        start_ns(spec.timing_of(spec.cameras[camera]))
    except RidealongError as error:
        raise RidealongError(
            f"camera {camera}: {error.what}", where=folder / DRIVE_FILE, hint=error.hint
        ) from error


def stated_telemetry(folder: Path, spec: JoinedSpec) -> DriveFiles | None:
    """The telemetry that ``drive.yaml`` names; None if it names none.

    Raises:
        RidealongError: It is not one drive, or its mapping is wrong or missing.
    """
    if spec.telemetry is None:
        return None
    path = inside(folder, spec.telemetry)
    mapping = None
    if spec.map is not None:
        file = inside(folder, spec.map)
        mapping = mapping_text(parse_mapping(read_text(file), str(file)))
    elif path.suffix.lower() not in PARQUET:
        raise RidealongError(
            f"telemetry {spec.telemetry!r} needs a mapping: which column is which signal",
            where=folder / DRIVE_FILE,
            hint="propose one with `ridealong sources map`, and name it, like map: map.yaml",
        )
    drives = telemetry_source(mapping).discover(path)
    if len(drives) != 1:
        raise RidealongError(
            f"telemetry {spec.telemetry!r} has {len(drives)} drives",
            where=folder / DRIVE_FILE,
            expected="one",
        )
    return drives[0]
