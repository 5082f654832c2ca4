"""The spec of a trigger: one YAML file, fully checked when it is read."""

import hashlib
import json
from collections.abc import Callable, Container, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, field_validator

from ingest.triggers.conditions import parse_drive_filter, parse_when
from ridealong.errors import RidealongError, together
from ridealong.expressions.nodes import Node, variables
from ridealong.expressions.quantities import duration_ns
from ridealong.expressions.syntax import LONGEST_TEXT
from ridealong.perception.cameras import CameraName
from ridealong.specs import Day, Spec, load_spec
from ridealong.units import DURATION_EXAMPLE

LIBRARY = Path(__file__).parent / "library"
SHORTEST_INTERVAL_NS = 100_000_000
MOST_EVENTS = 1_000_000_000  # of a budget: more than any day has


def _in_quotes(value: object) -> object:
    if isinstance(value, int | float):
        raise ValueError(f"{value} has no unit; expected {DURATION_EXAMPLE}")
    return value


def _interval_ns(text: str) -> int:
    """A duration between firings; too short a one would fire endlessly."""
    length = duration_ns(text)
    if length < SHORTEST_INTERVAL_NS:
        raise RidealongError(f"{text!r} is too short", expected="at least '0.1 s'")
    return length


def _checked(parse: Callable[[str], object]) -> Callable[[str], str]:
    """A validator that returns the text if ``parse`` accepts it."""

    def check(text: str) -> str:
        try:
            parse(text)
        except RidealongError as error:
            raise ValueError(str(error)) from error  # pydantic collects only ValueError
        return text

    return check


# What editors can check; `triggers check` reports the rest.
_DURATION = {
    "pattern": r"^\s*\+?[0-9.]+([eE][-+]?[0-9]+)?\s*[A-Za-z\u00b5\u03bc]+\s*$",
    "maxLength": 1000,
}
_EXPRESSION = {"minLength": 1, "maxLength": LONGEST_TEXT}

Duration = Annotated[
    str,
    BeforeValidator(_in_quotes),
    AfterValidator(_checked(duration_ns)),
    Field(examples=["15 s", "100ms", "2 h"], json_schema_extra=_DURATION),
]
Interval = Annotated[
    str,
    BeforeValidator(_in_quotes),
    AfterValidator(_checked(_interval_ns)),
    Field(examples=["1 s", "2 h"], json_schema_extra=_DURATION),
]
Condition = Annotated[
    str,
    AfterValidator(_checked(parse_when)),
    Field(examples=["Vehicle.Speed > '10 km/h'"], json_schema_extra=_EXPRESSION),
]
DriveFilter = Annotated[
    str,
    AfterValidator(_checked(parse_drive_filter)),
    Field(
        examples=["country in ('DE', 'US') and software >= '2026.4'"],
        json_schema_extra=_EXPRESSION,
    ),
]
Cameras = Annotated[
    Annotated[Literal["all"], Tag("all")] | Annotated[tuple[CameraName, ...], Tag("list")],
    Discriminator(lambda value: "list" if isinstance(value, list | tuple) else "all"),
]
Count = Annotated[int, Field(ge=1, le=MOST_EVENTS)]


class Budget(Spec):
    """How many events of one trigger a UTC day may keep; the rest is suppressed, chosen by hash."""

    per_vehicle_per_day: Count | None = None
    per_day: Count | None = None


class Random(Spec):
    """Moments at random, at a mean distance: the unbiased control."""

    every: Interval
    seed: int = Field(default=0, ge=0, le=2**31 - 1)

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
    priority: int = Field(
        default=0, ge=-1_000_000, le=1_000_000, description="Larger is more important."
    )
    cameras: Cameras = Field(default="all", description="Which of them a clip has.")
    expires: Day | None = Field(default=None, description="Last UTC day whose drives it looks at.")

    @field_validator("cameras")
    @classmethod
    def _some_cameras(cls, value: object) -> object:
        if not value:
            raise ValueError("no cameras; expected 'all' or a list of cameras")
        return value

    @classmethod
    def clashes(cls, keys: Container[str]) -> Iterator[str]:
        """A trigger has a condition or is random; some keys go with the one alone."""
        if "when" in keys and "random" in keys:
            yield "has both 'when' and 'random'; expected one of them"
        if "when" not in keys and "random" not in keys:
            yield "needs 'when' or 'random'"
        for key in ("rearm", "every"):
            if "random" in keys and key in keys:
                yield f"{key!r} goes with 'when', not with 'random'"

    @property
    def condition(self) -> Node | None:
        """The typed tree of `when`; None for a random trigger."""
        return None if self.when is None else parse_when(self.when)

    @property
    def rearm_condition(self) -> Node | None:
        """The typed tree of `rearm`; None if `when` known to be false re-arms."""
        return None if self.rearm is None else parse_when(self.rearm)

    @property
    def signals(self) -> frozenset[str]:
        """The signals that it reads."""
        nodes = [node for node in (self.condition, self.rearm_condition) if node is not None]
        return frozenset(name for node in nodes for name in variables(node))

    @property
    def by_disagreement(self) -> bool:
        """Whether it reads signals of disagreement between two networks."""
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
        """Time between repeated firings, nanoseconds; None for none."""
        return duration_ns(self.every) if self.every else None


def trigger_sha256(spec: TriggerSpec) -> str:
    """Hash of the spec without its description."""
    content = spec.model_dump(mode="json", exclude={"description"})
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def load_triggers(path: Path) -> list[TriggerSpec]:
    """Read one trigger, or every ``*.yaml`` of a folder, by file name.

    Raises:
        RidealongError: There is none, some are invalid, or two have one name. The message has every
            mistake of every file, with line and column.
    """
    triggers: dict[Path, TriggerSpec] = {}
    faults: list[RidealongError] = []
    for file in _trigger_files(path):
        try:
            triggers[file] = load_spec(file, TriggerSpec)
        except RidealongError as error:
            faults.append(error)
    faults += _taken_names(triggers)
    if faults:
        raise together(faults)
    return list(triggers.values())


def _trigger_files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted([*path.glob("*.yaml"), *path.glob("*.yml")])
    if not files:
        raise RidealongError("no triggers in this folder", where=path, expected="*.yaml files")
    return files


def _taken_names(triggers: Mapping[Path, TriggerSpec]) -> Iterator[RidealongError]:
    first: dict[str, Path] = {}
    for file, spec in triggers.items():
        if spec.name in first:
            hint = f"see {first[spec.name].name}"
            yield RidealongError(f"the name {spec.name!r} is taken", where=file, hint=hint)
        first.setdefault(spec.name, file)


def shipped_triggers() -> list[TriggerSpec]:
    """The library that comes with ridealong."""
    return load_triggers(LIBRARY)
