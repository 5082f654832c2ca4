"""The manifest of an ONNX network: its graph's inputs, and the decoders of its outputs."""

from typing import Literal, Self

from pydantic import Field, model_validator

from ridealong.specs import Spec, nearest
from shadow.networks.manifest import FileName, NetworkManifest, Sha256
from shadow.networks.onnx.inputs import OnnxInputs
from shadow.networks.onnx.outputs import GraphOutput


class Limits(Spec):
    """What the process that runs the graph may use."""

    memory_gb: float = Field(4.0, gt=0, le=1024, description="Memory, in gigabytes.")
    seconds: float = Field(60.0, gt=0, le=3600, description="Time for one run of the graph.")


class Calibration(Spec):
    """What the ranges of a quantized network were measured on."""

    network: str = Field(description="The network that was quantized.")
    network_sha256: Sha256 = Field(description="Hash of that network.")
    drives: tuple[str, ...] = Field(description="Drives; no verdict on the network uses them.")
    clips: tuple[str, ...] = Field(description="Their clips that went through the network.")
    seed: int = Field(description="Seed by which drives and clips were drawn.")


class OnnxManifest(NetworkManifest):
    """One version of one network that is an ONNX graph."""

    artifact: FileName = Field(description="The ONNX file, beside the manifest.")
    sha256: Sha256 = Field(description="SHA-256 of the ONNX file.")
    data: dict[FileName, Sha256] = Field(
        default_factory=dict,
        description="SHA-256 of each file with weights that the ONNX file names, by its name.",
    )
    kind: Literal["onnx"] = Field(description="An ONNX graph, run by ONNX Runtime.")
    inputs: OnnxInputs = Field(description="What the graph is given.")
    outputs: tuple[GraphOutput, ...] = Field(
        min_length=1, description="The graph's outputs, and how they are decoded."
    )
    limits: Limits = Field(default_factory=Limits, description="What it may use.")
    calibration: Calibration | None = Field(
        None, description="What a quantized network was calibrated on; written by the command."
    )

    @property
    def cameras(self) -> tuple[str, ...]:
        """The cameras that it uses, by name."""
        return self.inputs.cameras

    @property
    def rate_hz(self) -> float:
        """Frames a second that it is made for."""
        return self.inputs.rate_hz

    @property
    def calibration_drives(self) -> frozenset[str]:
        """The drives that its ranges come from."""
        return frozenset(self.calibration.drives) if self.calibration else frozenset()

    @model_validator(mode="after")
    def _can_give_what_it_lists(self) -> Self:
        for output in self.outputs:
            self._check_axes(output)
        possible = list(dict.fromkeys(p for each in self.outputs for p in each.gives(self.cameras)))
        for name in self.predictions:
            if name not in possible:
                raise ValueError(
                    f"no output gives the prediction {name!r}; {nearest(name, possible)}"
                )
        return self

    def _check_axes(self, output: GraphOutput) -> None:
        unknown = [name for name in output.cameras or () if name not in self.cameras]
        if unknown:
            raise ValueError(f"{output.decoder}: no input has the camera {unknown[0]!r}")
        for name, tap in output.taps.items():
            axes = output.AXES[name]
            odd = sorted(set(tap.layout) - set(axes) - {"C"})
            if odd:
                raise ValueError(
                    f"{output.decoder}.{name}: layout {tap.layout!r} has {odd[0]!r};"
                    f" expected letters of {axes}"
                )
            if self.inputs.batch > 1 and "N" not in tap.layout:
                raise ValueError(
                    f"{output.decoder}.{name} has no axis N, so expected inputs.batch: 1"
                )
            joint = self.inputs.together and "K" in axes and "K" not in tap.layout
            if joint and len(output.cameras or self.cameras) > 1:
                raise ValueError(
                    f"{output.decoder}.{name} has no axis K: expected cameras with one camera"
                )
            if "K" in tap.layout and not self.inputs.together:
                raise ValueError(
                    f"{output.decoder}.{name} has an axis K, but no image input has one"
                )
