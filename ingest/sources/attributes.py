"""Attributes of a drive that its log lacks, in a file beside it: ``<name>.drive.yaml``."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from ridealong.errors import RidealongError, UnreadableError
from ridealong.perception.cameras import CameraName
from ridealong.perception.recording import DriveAttributes
from ridealong.specs import Spec, load_spec

ATTRIBUTES = ".drive.yaml"
CameraNames = tuple[CameraName | None, ...]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class AttributesSpec(Spec):
    """The file ``<name>.drive.yaml``; missing keys are unknown (null)."""

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
    """The path of the attributes of a recorded file: ``trip.mp4`` → ``trip.drive.yaml``."""
    return recording.with_name(recording.stem + ATTRIBUTES)


def with_attributes(recording: Path) -> list[Path]:
    """The recorded file, and the file with its attributes if there is one."""
    beside = attributes_file(recording)
    return [recording, beside] if beside.exists() else [recording]


def drive_attributes(recording: Path) -> DriveAttributes:
    """The attributes of a drive that are in the file beside a recorded file.

    Raises:
        UnreadableError: The file beside it is not such a mapping; the message names the line.
    """
    return DriveAttributes(**_attributes(recording).model_dump(exclude={"cameras"}))


def camera_names(recording: Path) -> CameraNames | None:
    """The camera of each video track, from the file beside a recorded file; None if it has none.

    Raises:
        UnreadableError: As for `drive_attributes`.
    """
    return _attributes(recording).cameras


def _attributes(recording: Path) -> AttributesSpec:
    beside = attributes_file(recording)
    try:
        return load_spec(beside, AttributesSpec) if beside.exists() else AttributesSpec()
    except RidealongError as error:
        raise UnreadableError(
            error.what, where=error.where, expected=error.expected, hint=error.hint
        ) from error
