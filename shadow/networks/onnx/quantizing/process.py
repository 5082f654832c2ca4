"""A graph that is quantized, in a process of its own."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from shadow.networks.onnx.process import SECONDS_TO_OPEN, GraphProcess, Job


@dataclass(frozen=True)
class LayerLoss:
    """What a layer loses by being quantized.

    Attributes:
        layer: Its name in the graph.
        loss: The root mean square of the difference, as a share of that of the layer's numbers.
    """

    layer: str
    loss: float


@dataclass(frozen=True)
class Quantized:
    """A quantized graph.

    Attributes:
        content: The ONNX file.
        losses: By layer, the greatest first.
    """

    content: bytes
    losses: Sequence[LayerLoss]


class QuantizingProcess(GraphProcess):
    """A float graph that looks at the range of each tensor in every run.

    Args:
        job: The graph.
        images: Its inputs that are images.
    """

    PROGRAM: ClassVar[str] = "shadow.networks.onnx.quantizing.worker"

    def __init__(self, job: Job, images: Collection[str]) -> None:
        self._images = sorted(images)
        self._name = job.name
        super().__init__(job)

    def _place(self) -> str:
        return self._name  # the file is a copy that nobody has seen

    def _request(self) -> dict[str, Any]:
        return {**super()._request(), "images": self._images}

    def quantized(self) -> Quantized:
        """The quantized graph, by the ranges of all runs so far.

        Raises:
            RidealongError: It fails, or there was no run.
        """
        reply, arrays = self._reply({"quantize": True}, {}, SECONDS_TO_OPEN)
        losses = [LayerLoss(str(layer), float(loss)) for layer, loss in reply["losses"]]
        return Quantized(arrays["graph"].tobytes(), losses)
