"""What a trigger is: one YAML file, checked whole when it is read."""

import hashlib
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from ingest.annotations import Camera
from ingest.errors import RidealongError
from ingest.specs import Spec, load_spec
from ingest.triggers.expressions import Node, variables
from ingest.triggers.language import parse_drive_filter, parse_when
from ingest.triggers.quantities import DURATION_EXAMPLE, duration_ns

LIBRARY = Path(__file__).parent / "library"
SHORTEST_INTERVAL_NS = 100_000_000


def _in_quotes(value: object) -> object:
    if isinstance(value, int | float):
        raise ValueError(f"{value} has no unit; expected {DURATION_EXAMPLE}")
    return value


def _interval_ns(text: str) -> int:
    """A duration long enough to fire at: a shorter one would fire without end."""
    length = duration_ns(text)
    if length < SHORTEST_INTERVAL_NS:
        raise RidealongError(f"{text!r} is too short", expected="at least '0.1 s'")
    return length


def _checked(parse: Callable[[str], object]) -> Callable[[str], str]:
    """A validator that keeps the text when ``parse`` takes it."""

    def check(text: str) -> str:
        try:
            parse(text)
        except RidealongError as error:
            raise ValueError(str(error)) from error
        return text

    return check


Duration = Annotated[
    str,
    BeforeValidator(_in_quotes),
    AfterValidator(_checked(duration_ns)),
    Field(examples=["15 s", "100 ms", "2 h"]),
]
Interval = Annotated[
    str,
    BeforeValidator(_in_quotes),
    AfterValidator(_checked(_interval_ns)),
    Field(examples=["1 s", "2 h"]),
]
Condition = Annotated[
    str,
    AfterValidator(_checked(parse_when)),
    Field(examples=["Vehicle.Speed > '10 km/h'"]),
]
DriveFilter = Annotated[
    str,
    AfterValidator(_checked(parse_drive_filter)),
    Field(examples=["country in ('DE', 'US') and software >= '2026.4'"]),
]


class Budget(Spec):
    """How many events of one trigger a UTC day may keep; the rest is drawn out by hash."""

    per_vehicle_per_day: int | None = Field(default=None, ge=1)
    per_day: int | None = Field(default=None, ge=1)


class Random(Spec):
    """Moments at random, at a mean distance: the unbiased control."""

    every: Interval
    seed: int = Field(default=0, ge=0)

    @property
    def every_ns(self) -> int:
        """Mean distance, nanoseconds."""
        return duration_ns(self.every)


class TriggerSpec(Spec):
    """Which moments of which drives are kept, and how much around them."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$", description="Lower case, as the file.")
    description: str = Field(min_length=1, description="One sentence: what it finds.")
    when: Condition | None = Field(
        default=None, description="Fires as this condition over signals becomes true."
    )
    random: Random | None = Field(
        default=None, description="Instead of `when`: fires at random moments."
    )
    rearm: Condition | None = Field(
        default=None,
        description="Must have been true before it may fire again; by default, `when` known false.",
    )
    every: Interval | None = Field(
        default=None, description="Fires again this often while `when` stays true."
    )
    pre: Duration = Field(default="10 s", description="Kept before the firing.")
    post: Duration = Field(default="5 s", description="Kept after the firing.")
    cooldown: Duration | None = Field(
        default=None, description="Firings this soon after one that counted are suppressed."
    )
    where: DriveFilter | None = Field(
        default=None, description="Only drives for which this is true; by default, all."
    )
    sample: float = Field(default=1.0, gt=0, le=1, description="Share kept, drawn by hash.")
    budget: Budget = Field(default=Budget())
    priority: int = Field(default=0, description="Larger is more important.")
    cameras: Literal["all"] | tuple[Camera, ...] = Field(default="all")
    expires: date | None = Field(default=None, description="Last UTC day whose drives it looks at.")

    @field_validator("cameras")
    @classmethod
    def _some_cameras(cls, value: object) -> object:
        if not value:
            raise ValueError("no cameras; expected 'all' or a list of cameras")
        return value

    @model_validator(mode="after")
    def _one_kind(self) -> "TriggerSpec":
        if (self.when is None) == (self.random is None):
            raise ValueError("needs either 'when' or 'random', not both")
        for key in ("rearm", "every"):
            if self.random is not None and getattr(self, key) is not None:
                raise ValueError(f"{key!r} goes with 'when', not with 'random'")
        return self

    @property
    def condition(self) -> Node | None:
        """The typed tree of `when`; None for a random trigger."""
        return None if self.when is None else parse_when(self.when)

    @property
    def rearm_condition(self) -> Node | None:
        """The typed tree of `rearm`; None where `when` known false is what re-arms."""
        return None if self.rearm is None else parse_when(self.rearm)

    @property
    def signals(self) -> frozenset[str]:
        """The signals that it reads."""
        nodes = [node for node in (self.condition, self.rearm_condition) if node is not None]
        return frozenset(name for node in nodes for name in variables(node))

    @property
    def by_disagreement(self) -> bool:
        """Whether it looks at what two networks disagree on."""
        return any(name.startswith("Shadow.") for name in self.signals)

    @property
    def pre_ns(self) -> int:
        """Kept before the firing, nanoseconds."""
        return duration_ns(self.pre)

    @property
    def post_ns(self) -> int:
        """Kept after the firing, nanoseconds."""
        return duration_ns(self.post)

    @property
    def cooldown_ns(self) -> int:
        """Length of the cooldown, nanoseconds; 0 for none."""
        return duration_ns(self.cooldown) if self.cooldown else 0

    @property
    def every_ns(self) -> int | None:
        """Distance of repeated firings, nanoseconds; None for none."""
        return duration_ns(self.every) if self.every else None


def trigger_sha256(spec: TriggerSpec) -> str:
    """Hash of everything in the spec but its description."""
    content = spec.model_dump(mode="json", exclude={"description"})
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def load_triggers(path: Path) -> list[TriggerSpec]:
    """Read one trigger, or every ``*.yaml`` of a folder, by file name.

    Raises:
        RidealongError: None there, one is wrong (with line and column), or a name is taken twice.
    """
    if not path.is_dir():
        return [load_spec(path, TriggerSpec)]
    files = sorted([*path.glob("*.yaml"), *path.glob("*.yml")])
    if not files:
        raise RidealongError("no triggers in this folder", where=path, expected="*.yaml files")
    by_name: dict[str, Path] = {}
    triggers = []
    for file in files:
        spec = load_spec(file, TriggerSpec)
        if spec.name in by_name:
            first = by_name[spec.name].name
            raise RidealongError(
                f"the name {spec.name!r} is taken", where=file, mend=f"see {first}"
            )
        by_name[spec.name] = file
        triggers.append(spec)
    return triggers


def shipped_triggers() -> list[TriggerSpec]:
    """The library that comes with ridealong."""
    return load_triggers(LIBRARY)
