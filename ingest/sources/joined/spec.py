"""The file ``drive.yaml``: the telemetry and the cameras of one drive, and when videos begin."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field

from ingest.sources.attributes import AttributesSpec
from ingest.sources.table.spec import known_zone
from ridealong.errors import RidealongError
from ridealong.perception.cameras import CameraName
from ridealong.specs import Spec
from ridealong.units import parse_duration_ns

DRIVE_FILE = "drive.yaml"


def _offset_ns(text: str) -> int:
    sign = -1 if text.startswith("-") else 1
    return sign * parse_duration_ns(text.removeprefix("-").removeprefix("+").strip())


def _offset(text: object) -> object:
    if not isinstance(text, str):
        raise ValueError("expected a duration like '0.4 s' or '-2 s'")
    try:
        _offset_ns(text)
    except RidealongError as error:
        raise ValueError(str(error)) from error
    return text


def _instant(text: object) -> object:
    try:
        datetime.fromisoformat(str(text))
    except ValueError as error:
        raise ValueError(
            f"{text!r} is not a time; expected one like 2026-03-01T10:00:00Z"
        ) from error
    return text


class Timing(Spec):
    """When the frames of a video were taken; what is not said is read from the file."""

    start: Annotated[str, BeforeValidator(_instant)] | None = Field(
        None, description="of the first frame; default: the time in the file, else the telemetry's"
    )
    zone: Annotated[str, AfterValidator(known_zone)] | None = Field(
        None, description="of a start without a zone, like Europe/Berlin"
    )
    offset: Annotated[str, BeforeValidator(_offset)] | None = Field(
        None, description="added to the time of every frame, like '-0.4 s'"
    )
    fps: float | None = Field(
        None, gt=0, le=1000, description="frames a second, in place of the times in the file"
    )


class CameraFile(Timing):
    """One camera: a track of a video."""

    file: str = Field(description="video, in the same folder or below it")
    track: int = Field(1, ge=1, le=64, description="which of the video tracks, from 1")


class JoinedSpec(Timing):
    """The file ``drive.yaml``; its own times are those of cameras that say nothing else."""

    cameras: dict[CameraName, CameraFile] = Field(min_length=1)
    telemetry: str | None = Field(None, description="Parquet, or any table with a map")
    map: str | None = Field(None, description="mapping file of the telemetry")
    attributes: AttributesSpec = AttributesSpec()

    def timing_of(self, camera: CameraFile) -> Timing:
        """What a camera says of its times, else what the drive says."""
        own = {key: getattr(camera, key) for key in Timing.model_fields}
        common = {key: getattr(self, key) for key in Timing.model_fields}
        return Timing(**{key: common[key] if own[key] is None else own[key] for key in own})


def start_ns(timing: Timing) -> int | None:
    """The start that is stated, in nanoseconds since 1970 UTC; None if none is.

    Raises:
        RidealongError: It has no zone, and no zone is stated.
    """
    if timing.start is None:
        return None
    start = datetime.fromisoformat(timing.start)
    if start.tzinfo is None and timing.zone is None:
        raise RidealongError(
            f"start {timing.start!r} has no zone", hint="add Z, or say it, like zone: Europe/Berlin"
        )
    if start.tzinfo is None and timing.zone is not None:
        start = start.replace(tzinfo=ZoneInfo(timing.zone))
    since = (start - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return since * 1000


def offset_ns(timing: Timing) -> int:
    """The offset in nanoseconds."""
    return _offset_ns(timing.offset) if timing.offset else 0
