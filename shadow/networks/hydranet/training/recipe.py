"""The recipe: everything that determines a trained network, in one YAML file."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from ingest.simulation.fleet import FleetSpec
from ridealong.errors import RidealongError
from ridealong.specs import Spec, load_spec, nearest
from ridealong.units import NS_PER_S, parse_duration_ns
from shadow.networks.hydranet.config import HydraNetConfig
from shadow.networks.hydranet.manifest import HydraNetInputs
from shadow.networks.manifest import NetworkName, NetworkVersion

HEADS = ("objects", "lights", "lanes", "depth", "segmentation", "bev")
Positive = Annotated[float, Field(gt=0)]


class DataSpec(Spec):
    """Simulated drives, and the instants of them to learn from."""

    fleet: FleetSpec
    every: str = Field("3 s", description="Interval between two camera sets of a drive.")
    every_yellow: str = Field(
        "0.5 s", description="The same while our light is yellow, which is rare: 3 s per minute."
    )

    @field_validator("every", "every_yellow")
    @classmethod
    def _in_steps(cls, text: str) -> str:
        try:
            duration_ns = parse_duration_ns(text)
        except RidealongError as error:
            raise ValueError(str(error)) from error
        if duration_ns < NS_PER_S // 10 or duration_ns % (NS_PER_S // 10):
            raise ValueError(f"{text!r} is not a multiple of '0.1 s'")
        return text

    @property
    def steps(self) -> tuple[int, int]:
        """The two durations in simulated steps of 0.1 s."""
        usual, yellow = (parse_duration_ns(text) for text in (self.every, self.every_yellow))
        return usual * 10 // NS_PER_S, yellow * 10 // NS_PER_S


class FitSpec(Spec):
    """The fit: AdamW, a one-cycle learning rate, and a moving average of the weights."""

    seed: int = Field(
        1,
        ge=0,
        le=2**31 - 1,
        description="Seed of the first weights and of the order of the camera sets.",
    )
    epochs: int = Field(ge=1, le=1000)
    threads: int = Field(
        2, ge=1, le=256, description="Threads on a CPU; another number rounds differently."
    )
    batch: int = Field(8, ge=1, le=256, description="Camera sets per step.")
    learning_rate: Positive = Field(3e-3, description="The highest learning rate.")
    warm_up: float = Field(
        0.1, ge=0, lt=1, description="Share of the steps before the highest rate."
    )
    weight_decay: float = Field(0.02, ge=0)
    clip: Positive = Field(5.0, description="The largest norm of a gradient.")
    average: float = Field(
        0.995, ge=0, lt=1, description="Share of the averaged weights that a step keeps."
    )
    gain: float = Field(0.1, ge=0, lt=1, description="How much the exposure varies, up or down.")
    weights: dict[str, Positive] = Field(
        default_factory=lambda: dict.fromkeys(HEADS, 1.0),
        description="Weight of the loss of each head; every head needs one.",
    )


class Recipe(Spec):
    """A network to train: what it is, what it learns from, and how."""

    name: NetworkName
    version: NetworkVersion
    description: str = Field(description="What it is, in a sentence or two.")
    licence: str = "Apache-2.0"
    config: HydraNetConfig = HydraNetConfig()
    inputs: HydraNetInputs
    train: DataSpec = Field(description="The data that the weights are fitted to.")
    calibrate: DataSpec = Field(
        description="The data that the thresholds are chosen on; another map."
    )
    fit: FitSpec

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        heads = heads_of(self.config)
        for name in self.fit.weights:
            if name not in heads:
                raise ValueError(
                    f"fit.weights: the network has no head {name!r}; {nearest(name, heads)}"
                )
        missing = [name for name in heads if name not in self.fit.weights]
        if missing:
            raise ValueError(
                f"fit.weights: no weight for the head {missing[0]!r}: it would learn nothing; "
                "give it one, or leave the head out of config"
            )
        self._check_maps()
        return self

    def _check_maps(self) -> None:
        if self.train.fleet.map == self.calibrate.fleet.map:
            raise ValueError(
                f"calibrate.fleet.map is {self.train.fleet.map!r}, as train's: thresholds chosen "
                "on known streets are too sure of themselves; take another map"
            )
        for name, data in (("train", self.train), ("calibrate", self.calibrate)):
            rig, wanted = data.fleet.rig, (self.inputs.width, self.inputs.height)
            if (rig.width, rig.height) != wanted:
                raise ValueError(
                    f"{name}.fleet.rig: images of {rig.width} x {rig.height} pixels; "
                    f"the network looks at {wanted[0]} x {wanted[1]}"
                )

    @property
    def id(self) -> str:
        """The network's name and version."""
        return f"{self.name}-{self.version}"


def heads_of(config: HydraNetConfig) -> list[str]:
    """The heads that a network of this config has, by name."""
    has = (config.objects, config.lights, config.lanes, config.depth, config.segmentation)
    return [name for name, there in zip(HEADS, (*has, config.bev), strict=True) if there]


def load_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        RidealongError: No such file, or not a recipe; names the key and its line.
    """
    return load_spec(path, Recipe)
