"""What a graph takes and gives, as the runtime reports it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Port:
    """An input or an output: its type, and its sizes, None where a size is free."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        sizes = ", ".join("?" if size is None else str(size) for size in self.shape)
        return f"{self.dtype} ({sizes})"


@dataclass(frozen=True)
class Graph:
    """A graph.

    Attributes:
        inputs, outputs: By name, in their order.
        parameters: The number of its weights.
        opset: The version of ONNX's own operators.
        metadata: What its exporter wrote into it.
        files: The names of other files with its weights.
    """

    inputs: dict[str, Port]
    outputs: dict[str, Port]
    parameters: int
    opset: int
    metadata: dict[str, str]
    files: tuple[str, ...]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The graph that `shadow.networks.onnx.worker` described."""

        def ports(rows: list[list[Any]]) -> dict[str, Port]:
            return {name: Port(name, dtype, tuple(shape)) for name, dtype, shape in rows}

        return cls(
            inputs=ports(document["inputs"]),
            outputs=ports(document["outputs"]),
            parameters=int(document["parameters"]),
            opset=int(document["opset"]),
            metadata=dict(document["metadata"]),
            files=tuple(document["files"]),
        )
