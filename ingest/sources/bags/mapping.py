"""A mapping file for bags: fields of messages to signals, and topics to names of cameras.

```yaml
signals:
  /vehicle/speed.data: {signal: Vehicle.Speed, unit: m/s}
  /odom.twist.twist.linear.y: {signal: Vehicle.Speed, unit: m/s}
cameras:
  /camera/front/image_raw: main
```

A field is named by its topic, a dot, and its path in the message; ``values.3`` is the fourth of a
list.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from ingest.sources.bags.telemetry import Stream, at_times
from ingest.sources.mapping.fields import Fields, FieldSpec
from ingest.sources.mapping.joining import Samples, samples
from ingest.telemetry.resample import latest
from ridealong.arrays import Ints
from ridealong.errors import RidealongError, UnreadableError
from ridealong.perception.cameras import CameraName
from ridealong.specs import Spec
from ridealong.terminal.readable import listed
from ridealong.units import NS_PER_S


class BagMap(Spec):
    """A mapping file for bags. Recognised topics come in as well; a mapped signal comes first."""

    signals: Fields | None = Field(None, description="by topic and field: '/speed.data'")
    cameras: dict[str, CameraName] | None = Field(
        None, min_length=1, description="the camera's name, by the topic of its frames"
    )

    @model_validator(mode="after")
    def _is_usable(self) -> "BagMap":
        for name in self.signals or {}:
            if not all(split_field(name)):
                raise ValueError(f"{name!r} is not a topic and a field, like '/speed.data'")
        named = list((self.cameras or {}).values())
        twice = next((name for name in named if named.count(name) > 1), None)
        if twice:
            raise ValueError(f"{twice!r} is the name of two cameras")
        return self

    def paths(self) -> dict[str, list[str]]:
        """The mapped fields of each topic."""
        found: dict[str, list[str]] = {}
        for name in self.signals or {}:
            topic, path = split_field(name)
            found.setdefault(topic, []).append(path)
        return found


def split_field(name: str) -> tuple[str, str]:
    """Topic and path: ``/vehicle/speed.data.0`` is ``/vehicle/speed`` and ``data.0``."""
    slash = name.rfind("/")
    dot = name.find(".", slash + 1)
    return (name, "") if dot < 0 else (name[:dot], name[dot + 1 :])


def value_at(message: Any, path: str) -> Any:
    """A field of a message, as a plain value.

    Raises:
        RidealongError: There is no such field; the message lists those that there are.
        IndexError: The list is shorter.
    """
    for part in path.split("."):
        if part.isdigit():
            message = message[int(part)]
        elif hasattr(message, part):
            message = getattr(message, part)
        else:
            names = _field_names(message)
            raise RidealongError(f"no field {part!r}", expected=listed(names, 20) or "a value")
    return message.item() if isinstance(message, np.generic) else message


def _field_names(message: Any) -> list[str]:
    """The fields of a message of ROS, protobuf or JSON."""
    descriptor = getattr(message, "DESCRIPTOR", None)
    if descriptor is not None:
        return [field.name for field in descriptor.fields]
    own = getattr(message, "__dataclass_fields__", None) or getattr(message, "__dict__", {})
    return [name for name in own if not name.startswith("__")]


def mapped_samples(
    values: Sequence[Any], times_ns: Ints, spec: FieldSpec, name: str, where: object
) -> Samples:
    """One mapped field by time.

    Raises:
        UnreadableError: Its values are not numbers, flags or text, or cannot be the signal's.
    """
    try:
        column = pa.array(values)
    except (pa.ArrowException, TypeError, OverflowError) as error:
        raise UnreadableError(
            f"{name} is not a number, a flag or a text",
            where=str(where),
            hint="map a field in it, like '/topic.field.x'",
        ) from error
    try:
        return samples(times_ns, column, spec, name)
    except UnreadableError as error:
        raise UnreadableError(
            error.what, where=str(where), expected=error.expected, hint=error.hint
        ) from error


def mapped_signals(at_ns: Ints, parts: Sequence[Samples]) -> dict[str, pa.Array]:
    """The mapped signals at the times of the rows, by name.

    Numbers are interpolated or averaged, as those of recognised topics. Flags, texts, and what has
    a ``hold`` are the latest value, as long as it lasts.
    """
    return {part.signal: _at(at_ns, part) for part in parts}


def as_streams(parts: Sequence[Samples]) -> list[Stream]:
    """The times of the samples, for the grid."""
    return [Stream(part.times_ns, {}, part.hold_ns) for part in parts if len(part.times_ns)]


def _at(at_ns: Ints, part: Samples) -> pa.Array:
    stream = Stream(part.times_ns, {}, part.hold_ns)
    if pa.types.is_floating(part.values.type) and not part.hold_ns:
        known: Mapping[str, Any] = {"value": np.asarray(part.values.to_numpy(), np.float64)}
        return pa.array(at_times(at_ns, Stream(part.times_ns, known), "value"))
    origin = part.times_ns[0] if len(part.times_ns) else 0
    lasting_s = part.hold_ns / NS_PER_S if part.hold_ns else stream.gap_s
    index = latest((at_ns - origin) / NS_PER_S, (part.times_ns - origin) / NS_PER_S, lasting_s)
    return part.values.take(pa.array(np.maximum(index, 0), mask=index < 0))
