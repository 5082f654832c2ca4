"""What a mapping file says about one field of a log: a column of a table, a field of a message.

```yaml
signals:
  speed_mps: {signal: Vehicle.Speed, unit: m/s}
  brake: {signal: Vehicle.ADAS.ABS.IsEngaged, values: {on: true, off: false}}
```
"""

from collections.abc import Container, Iterator
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ingest.telemetry.signals import Signal, lookup
from ridealong.errors import RidealongError
from ridealong.specs import Spec
from ridealong.units import NS_PER_S, check_unit, conversion, parse_duration_ns

LONGEST_HOLD_NS = 3600 * NS_PER_S
Scalar = bool | int | float | str


def _recorded(name: str) -> str:
    try:
        return lookup(name).name
    except RidealongError as error:
        raise ValueError(str(error)) from error


def _known_unit(unit: str) -> str:
    try:
        check_unit(unit)
    except RidealongError as error:
        raise ValueError(str(error)) from error
    return unit


def _hold(text: object) -> object:
    if not isinstance(text, str):
        raise ValueError("expected a duration like '2 s'")
    try:
        length_ns = parse_duration_ns(text)
    except RidealongError as error:
        raise ValueError(str(error)) from error
    if not 0 < length_ns <= LONGEST_HOLD_NS:
        raise ValueError(f"{text!r} is not more than 0 s and at most 1 h")
    return text


class FieldSpec(Spec):
    """What one field of a log means.

    A number of the log, times ``scale``, plus ``offset``, is in ``unit``; by default that is the
    signal's own unit.
    """

    signal: Annotated[str, AfterValidator(_recorded)]
    unit: Annotated[str, AfterValidator(_known_unit)] | None = Field(
        None, description="unit of the log, like 'm/s'; default: the signal's"
    )
    scale: float | None = Field(None, description="the number is multiplied by it")
    offset: float | None = Field(None, description="then added")
    values: dict[str, Scalar | None] | None = Field(
        None, min_length=1, description="what texts or numbers of the log mean; null is unknown"
    )
    unknown: tuple[Scalar, ...] | None = Field(
        None, description="values that the log writes when it does not know, like 0 or -999"
    )
    hold: Annotated[str, BeforeValidator(_hold)] | None = Field(
        None, description="how long a value lasts if no other follows, like '2 s'"
    )

    @classmethod
    def clashes(cls, keys: Container[str]) -> Iterator[str]:
        """`values` says what each value means, so there is nothing to scale."""
        for key in ("unit", "scale", "offset"):
            if "values" in keys and key in keys:
                yield f"'values' and '{key}' exclude each other"

    @model_validator(mode="after")
    def _fits_its_signal(self) -> Self:
        of_signal = self.of_signal
        is_number = of_signal.datatype not in ("boolean", "string")
        if not is_number and any(k is not None for k in (self.unit, self.scale, self.offset)):
            raise ValueError(
                f"{self.signal} is {of_signal.datatype}: it has no unit and cannot be scaled"
            )
        if self.scale == 0:
            raise ValueError("scale is 0: every value would be the same")
        if is_number:
            self.factor_and_offset()
        for value in (self.values or {}).values():
            _check_value(value, of_signal)
        return self

    @property
    def of_signal(self) -> Signal:
        """The signal in the catalogue."""
        return lookup(self.signal)

    @property
    def hold_ns(self) -> int:
        """How long a value lasts, in nanoseconds; 0 if it is valid at its own instant alone."""
        return parse_duration_ns(self.hold) if self.hold else 0

    def factor_and_offset(self) -> tuple[float, float]:
        """What turns a number of the log into the signal's unit: times the one, plus the other.

        Raises:
            ValueError: The unit does not convert to the signal's.
        """
        scale = 1.0 if self.scale is None else self.scale
        offset = self.offset or 0.0
        own = self.of_signal.unit
        if self.unit is None or self.unit == own:
            return scale, offset
        try:
            factor, zero = conversion(self.unit, own)
        except Exception:  # pint raises its own errors for logarithmic units
            hint = "; 'g' is gram: standard gravity is 'g_0'" if self.unit == "g" else ""
            raise ValueError(
                f"unit {self.unit!r} does not convert to {own!r}, the unit of {self.signal}{hint}"
                if own
                else f"{self.signal} has no unit, so {self.unit!r} does not convert to it"
            ) from None
        return scale * factor, offset * factor + zero


def _check_value(value: Scalar | None, signal: Signal) -> None:
    if value is None:
        return
    if signal.datatype == "boolean" and not isinstance(value, bool):
        raise ValueError(f"{value!r} in 'values'; {signal.name} is true, false or null")
    if signal.allowed and value not in signal.allowed:
        raise ValueError(f"{value!r} in 'values'; expected one of {', '.join(signal.allowed)}")
    if signal.datatype == "string" and not isinstance(value, str):
        raise ValueError(f"{value!r} in 'values'; {signal.name} is text")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if signal.datatype not in ("boolean", "string") and not is_number:
        raise ValueError(f"{value!r} in 'values'; {signal.name} is a number")


def _each_signal_once(fields: dict[str, Any]) -> dict[str, Any]:
    taken: dict[str, str] = {}
    for name, field in fields.items():
        if field.signal in taken:
            raise ValueError(f"{taken[field.signal]!r} and {name!r} both give {field.signal}")
        taken[field.signal] = name
    return fields


# The key ``signals`` of a mapping file: what each field of the log means, by its name there.
Fields = Annotated[dict[str, FieldSpec], Field(min_length=1), AfterValidator(_each_signal_once)]
