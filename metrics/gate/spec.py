"""The gate's spec: which cells must pass, by which margin, and which are only watched."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from metrics.gate.names import Names
from metrics.slices import ALL, attributes_in, check_attributes, format_slice, parse_slice
from metrics.tasks.metric import Metric
from ridealong.errors import NotInstalledError, RidealongError
from ridealong.specs import Spec, load_spec

INCLUDED = Path(__file__).parent  # the folder of the gates that come with ridealong
DEFAULT_GATE = INCLUDED / "gate_default.yaml"
FEWEST_CLUSTERS = 8  # with fewer, intervals are too short to be trusted
MOST_CLUSTERS = 100_000  # more than any run has
MOST_MARGIN = 1.0  # of a share: with it, a network that lost everything would pass

Name = Annotated[str, Field(min_length=1)]
Margin = Annotated[float, Field(gt=0)]  # in the metric's unit


def _known(info: ValidationInfo) -> Names | None:
    """What the gate may name; None where only its syntax is checked."""
    return info.context if isinstance(info.context, Names) else None


def _check_margin(metric: str, margin: float, share: bool) -> None:
    """Refuse a margin with which everything passes.

    Raises:
        ValueError: The metric is a share, and the margin is 1 or more.
    """
    if share and margin >= MOST_MARGIN:
        raise ValueError(
            f"the margin of {metric} is {margin:g}; it is a share, expected less than 1"
        )


def _metrics_named(metric: str, info: ValidationInfo) -> Sequence[Metric]:
    """The metrics of that name; none where only the syntax is checked.

    Raises:
        ValueError: There is none, and names are checked.
    """
    names = _known(info)
    try:
        return names.metrics_named(metric) if names else ()
    except NotInstalledError:
        raise
    except RidealongError as error:
        raise ValueError(str(error)) from error


class RequiredCell(Spec):
    """A cell that must pass. Names are exact: a pattern that matches nothing would go unnoticed."""

    prediction: Name = Field(description="the prediction, e.g. objects/pedestrian@main")
    metric: Name = Field(description="the metric, e.g. f1")
    slice: str = Field(ALL, description="'all', or e.g. light=night&road=city")
    margin: Margin | None = Field(
        None, description="the largest loss that we accept; default: the metric's margin"
    )

    @field_validator("slice")
    @classmethod
    def _one_spelling(cls, text: str, info: ValidationInfo) -> str:
        try:
            if names := _known(info):
                check_attributes(attributes_in([text]), names.attributes)
            return format_slice(parse_slice(text))
        except RidealongError as error:
            raise ValueError(str(error)) from error

    @model_validator(mode="after")
    def _is_known(self, info: ValidationInfo) -> Self:
        names = _known(info)
        if names is None:
            return self
        try:
            metric = names.metric_of(self.prediction, self.metric)
        except RidealongError as error:
            raise ValueError(str(error)) from error
        if self.margin is not None:
            _check_margin(self.metric, self.margin, metric.share)
        return self

    @property
    def key(self) -> tuple[str, str, str]:
        """Prediction, metric and slice."""
        return self.prediction, self.metric, self.slice


class Watched(Spec):
    """Cells that raise an alert and never block: every prediction, overall and by attributes."""

    by: tuple[Name, ...] = Field(
        ("light", "weather", "road", "country"),
        description="attributes to slice by; default of result files: all their slices",
    )
    metrics: tuple[Name, ...] | None = Field(None, description="metrics watched; default: all")
    fdr: float = Field(0.05, gt=0, lt=0.5, description="share of false alerts among all alerts")

    @field_validator("by")
    @classmethod
    def _attributes(cls, by: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if names := _known(info):
            try:
                check_attributes(by, names.attributes)
            except RidealongError as error:
                raise ValueError(str(error)) from error
        return by

    @field_validator("metrics")
    @classmethod
    def _metrics(
        cls, metrics: tuple[str, ...] | None, info: ValidationInfo
    ) -> tuple[str, ...] | None:
        for metric in metrics or ():
            _metrics_named(metric, info)
        return metrics


class GateSpec(Spec):
    """A release gate."""

    alpha: float = Field(0.05, gt=0, lt=0.5, description="level of the one-sided tests")
    level: float = Field(0.95, gt=0.5, lt=1, description="level of the two-sided intervals")
    beta: float = Field(
        0.1, gt=0, lt=0.5, description="share of checks that need more drives than planned at most"
    )
    min_clusters: int = Field(
        FEWEST_CLUSTERS,
        ge=FEWEST_CLUSTERS,
        le=MOST_CLUSTERS,
        description="fewer independent drives with something to judge decide nothing",
    )
    margins: dict[Name, Margin] = Field(
        default_factory=dict, description="margin per metric, in the metric's own unit"
    )
    required: tuple[RequiredCell, ...] = Field(min_length=1, description="checks that must pass")
    watched: Watched = Field(default_factory=Watched, description="checks that only alert")

    @field_validator("margins")
    @classmethod
    def _sensible(cls, margins: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        for metric, margin in margins.items():
            named = _metrics_named(metric, info)
            _check_margin(metric, margin, bool(named) and all(one.share for one in named))
        return margins

    @model_validator(mode="after")
    def _whole(self) -> Self:
        seen: set[tuple[str, str, str]] = set()
        for cell in self.required:
            where = "" if cell.slice == "all" else f" at {cell.slice}"
            name = f"{cell.prediction} {cell.metric}{where}"
            if cell.key in seen:
                raise ValueError(f"required twice: {name}")
            if self.margin_of(cell.metric, cell) is None:
                raise ValueError(f"{name} has no margin; add one to it, or to margins")
            seen.add(cell.key)
        return self

    @property
    def attributes(self) -> set[str]:
        """The attributes that its slices name."""
        return {*self.watched.by, *attributes_in(cell.slice for cell in self.required)}

    def watching(self, attributes: Sequence[str]) -> Self:
        """The gate, watching slices by these attributes unless it names its own."""
        if "by" in self.watched.model_fields_set:
            return self
        watched = self.watched.model_copy(update={"by": tuple(attributes)})
        return self.model_copy(update={"watched": watched})

    def margin_of(self, metric: str, cell: RequiredCell | None = None) -> float | None:
        """The margin of a cell; None where neither it nor its metric has one."""
        own = cell.margin if cell else None
        return own if own is not None else self.margins.get(metric)


def load_gate(path: Path | None = None, names: Names | None = None) -> GateSpec:
    """Read a gate; without a path, the one that comes with ridealong.

    Args:
        path: A YAML file, or the name of one that comes with ridealong.
        names: What it may name; without them only its syntax is checked.

    Raises:
        RidealongError: The file cannot be read, does not fit the spec, or names what is not known.
    """
    return load_spec(_included(path) if path else DEFAULT_GATE, GateSpec, names)


def _included(path: Path) -> Path:
    """The gate of this name that comes with ridealong, if the path is a bare name of no file.

    Raises:
        RidealongError: There is neither a file nor an included gate of this name.
    """
    if path.parent != Path() or path.exists():
        return path
    names = sorted(gate.name for gate in INCLUDED.glob("*.yaml"))
    if path.name not in names:
        expected = f"a YAML file, or the name of an included gate: {', '.join(names)}"
        raise RidealongError("no such file", where=path, expected=expected)
    return INCLUDED / path.name
