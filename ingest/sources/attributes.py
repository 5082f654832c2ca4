"""What a log does not say of its drive, told in a file beside it: ``<name>.drive.yaml``."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from ridealong.errors import RidealongError, UnreadableError
from ridealong.perception.cameras import CameraName
from ridealong.specs import Spec, load_spec

ATTRIBUTES = ".drive.yaml"
CameraNames = tuple[CameraName | None, ...]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class DriveAttributes(Spec):
    """Attributes of a drive; whatever is left out is unknown (null)."""

    vehicle_id: Name | None = Field(None, description="the vehicle; default: a vehicle of its own")
    cluster_id: Name | None = Field(None, description="drives that are not independent share one")
    country: str | None = Field(None, pattern=r"^[A-Z]{2}$", description="ISO 3166 code, like 'DE'")
    weather: Literal["clear", "rain", "fog"] | None = None
    light: Literal["day", "dusk", "night"] | None = None
    road: Literal["city", "highway", "rural"] | None = None
    hardware: Name | None = Field(None, description="the vehicle's computer")
    software: Name | None = Field(None, description="version, like '2026.4.1'")
    features: tuple[Name, ...] | None = Field(None, description="driver assistance engaged")
    cameras: CameraNames | None = Field(
        None, description="the camera of each video track; null leaves a track out"
    )

    @field_validator("cameras")
    @classmethod
    def _each_once(cls, cameras: CameraNames | None) -> CameraNames | None:
        named = [camera for camera in cameras or () if camera]
        twice = next((name for name in named if named.count(name) > 1), None)
        if twice:
            raise ValueError(f"{twice!r} is named for two tracks")
        return cameras


def attributes_file(recording: Path) -> Path:
    """Where the attributes of a recorded file stand: ``trip.mp4`` → ``trip.drive.yaml``."""
    return recording.with_name(recording.stem + ATTRIBUTES)


def with_attributes(recording: Path) -> list[Path]:
    """The recorded file, and its attributes' file where there is one."""
    beside = attributes_file(recording)
    return [recording, beside] if beside.exists() else [recording]


def drive_attributes(recording: Path, drive_id: str) -> dict[str, object]:
    """Columns of the table drives that stand beside a recorded file; unknown ones are null.

    A vehicle that is not named is one of its own, and so is the cluster, the vehicle's.

    Raises:
        UnreadableError: The file beside it is no such mapping; the message names the line.
    """
    spec = _attributes(recording)
    columns: dict[str, object] = spec.model_dump(exclude={"cameras"})
    columns["features"] = None if spec.features is None else list(spec.features)
    columns["vehicle_id"] = spec.vehicle_id or drive_id
    columns["cluster_id"] = spec.cluster_id or drive_id
    return columns


def camera_names(recording: Path) -> CameraNames | None:
    """The camera of each video track, as named beside a recorded file; None where none is named.

    Raises:
        UnreadableError: As for `drive_attributes`.
    """
    return _attributes(recording).cameras


def _attributes(recording: Path) -> DriveAttributes:
    beside = attributes_file(recording)
    try:
        return load_spec(beside, DriveAttributes) if beside.exists() else DriveAttributes()
    except RidealongError as error:
        raise UnreadableError(
            error.what, where=error.where, expected=error.expected, hint=error.hint
        ) from error
