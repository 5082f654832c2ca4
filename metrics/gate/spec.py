"""The gate's spec: which cells must pass, by which margin, and which are only watched."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from metrics.slices import ALL, format_slice, parse_slice
from metrics.tasks.registry import families, lookup, parse_prediction, require_families
from ridealong.errors import RidealongError
from ridealong.specs import Spec, load_spec, nearest

DEFAULT_GATE = Path(__file__).with_name("gate_default.yaml")
FEWEST_CLUSTERS = 8  # with fewer, intervals are too short to be trusted
MOST_CLUSTERS = 100_000  # more than any run has
MOST_MARGIN = 1.0  # of a share: with it, a network that lost everything would pass

Dimension = Literal["country", "hardware", "light", "road", "software", "weather"]


def _check_metrics(names: Iterable[str]) -> None:
    known = sorted({name for own in families().values() for name in own.metrics})
    for name in names:
        if name not in known:
            require_families()  # a family that cannot be loaded may have it
            raise ValueError(f"unknown metric {name!r}; {nearest(name, known)}")


Margin = Annotated[float, Field(gt=0)]  # in the metric's unit


def _check_margin(metric: str, margin: float, share: bool) -> None:
    """Refuse a margin with which everything passes.

    Raises:
        ValueError: The metric is a share, and the margin is 1 or more.
    """
    if share and margin >= MOST_MARGIN:
        raise ValueError(
            f"the margin of {metric} is {margin:g}; it is a share, expected less than 1"
        )


class RequiredCell(Spec):
    """A cell that must pass. Names are exact: a pattern that matches nothing would go unnoticed."""

    prediction: str = Field(description="the prediction, e.g. objects/pedestrian@main")
    metric: str = Field(description="the metric, e.g. f1")
    slice: str = Field(ALL, description="'all', or e.g. light=night&road=city")
    margin: Margin | None = Field(
        None, description="the largest loss that we accept; default: the metric's margin"
    )

    @field_validator("slice")
    @classmethod
    def _one_spelling(cls, text: str) -> str:
        try:
            return format_slice(parse_slice(text))
        except RidealongError as error:
            raise ValueError(str(error)) from error

    @model_validator(mode="after")
    def _known(self) -> Self:
        try:
            metric = lookup(parse_prediction(self.prediction).task, self.metric)
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

    by: tuple[Dimension, ...] = Field(
        ("light", "weather", "road", "country"), description="attributes of drives to slice by"
    )
    metrics: tuple[str, ...] | None = Field(None, description="metrics watched; default: all")
    fdr: float = Field(0.05, gt=0, lt=0.5, description="share of false alerts among all alerts")

    @field_validator("metrics")
    @classmethod
    def _known(cls, metrics: tuple[str, ...] | None) -> tuple[str, ...] | None:
        _check_metrics(metrics or ())
        return metrics


class GateSpec(Spec):
    """A release gate."""

    alpha: float = Field(0.05, gt=0, lt=0.5, description="level of the one-sided tests")
    level: float = Field(0.95, gt=0.5, lt=1, description="level of the two-sided intervals")
    beta: float = Field(
        0.1, gt=0, lt=0.5, description="share of cells that need more drives than planned at most"
    )
    min_clusters: int = Field(
        FEWEST_CLUSTERS,
        ge=FEWEST_CLUSTERS,
        le=MOST_CLUSTERS,
        description="fewer independent drives with something to judge decide nothing",
    )
    margins: dict[str, Margin] = Field(
        default_factory=dict, description="margin per metric, in the metric's own unit"
    )
    required: tuple[RequiredCell, ...] = Field(min_length=1, description="cells that must pass")
    watched: Watched = Field(default_factory=Watched, description="cells that only alert")

    @field_validator("margins")
    @classmethod
    def _sensible(cls, margins: dict[str, float]) -> dict[str, float]:
        _check_metrics(margins)
        for metric, margin in margins.items():
            named = (own.metrics.get(metric) for own in families().values())
            share = all(one.share for one in named if one is not None)
            _check_margin(metric, margin, share)
        return margins

    @model_validator(mode="after")
    def _whole(self) -> Self:
        seen: set[tuple[str, str, str]] = set()
        for cell in self.required:
            name = f"{cell.prediction} {cell.metric} at {cell.slice}"
            if cell.key in seen:
                raise ValueError(f"required twice: {name}")
            if self.margin_of(cell.metric, cell) is None:
                raise ValueError(f"{name} has no margin, and margins has none for {cell.metric}")
            seen.add(cell.key)
        return self

    def margin_of(self, metric: str, cell: RequiredCell | None = None) -> float | None:
        """The margin of a cell; None where neither it nor its metric has one."""
        own = cell.margin if cell else None
        return own if own is not None else self.margins.get(metric)


def load_gate(path: Path | None = None) -> GateSpec:
    """Read a gate; without a path, the one that comes with ridealong.

    Raises:
        RidealongError: The file cannot be read or does not fit the spec.
    """
    return load_spec(path or DEFAULT_GATE, GateSpec)
