"""Whether a graph is the one that its manifest describes."""

import math
from collections.abc import Iterator, Sequence

from ridealong.errors import RidealongError, together
from ridealong.specs import nearest
from shadow.networks.onnx.graph import Graph, Port
from shadow.networks.onnx.inputs import ConstantInput, GraphInput, ImageInput, StateInput
from shadow.networks.onnx.manifest import OnnxManifest

INTEGERS = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
MOST_NUMBERS = 2**28  # of an input, a GiB of float32: constants and states are made in our process
NUMBERS = frozenset({"bool", "float16", "float32", "float64", *INTEGERS})


def check_match(manifest: OnnxManifest, graph: Graph, where: str) -> None:
    """Check names, types and fixed sizes.

    Raises:
        RidealongError: Something does not fit; each mistake has its own line.
    """
    faults = [
        RidealongError(what, where=where, expected=expected, hint=hint)
        for what, expected, hint in (*_inputs(manifest, graph), *_outputs(manifest, graph))
    ]
    if faults:
        raise together(faults)


_Fault = tuple[str, str | None, str | None]


def _inputs(manifest: OnnxManifest, graph: Graph) -> Iterator[_Fault]:
    given = manifest.inputs.graph
    for name in sorted(given.keys() - graph.inputs.keys()):
        yield f"the graph has no input {name!r}", None, nearest(name, list(graph.inputs))
    for name, port in graph.inputs.items():
        if math.prod(size or 1 for size in port.shape) > MOST_NUMBERS:
            yield f"the input {name!r} is {port}", f"at most {MOST_NUMBERS} numbers", None
        elif name not in given:
            yield f"the manifest does not say how to fill the input {name!r}, {port}", None, None
        else:
            yield from _input(given[name], port, manifest.inputs.batch, graph)


def _input(spec: GraphInput, port: Port, batch: int, graph: Graph) -> Iterator[_Fault]:
    if isinstance(spec, ImageInput):
        yield from _image(spec, port, batch)
    elif isinstance(spec, ConstantInput):
        yield from _constant(spec, port)
    elif not isinstance(spec, StateInput):
        yield from _rank(f"input {port.name!r}", port, spec.layout)
    elif spec.output not in graph.outputs:
        yield (
            f"the graph has no output {spec.output!r} for the state {port.name!r}",
            None,
            nearest(spec.output, list(graph.outputs)),
        )


def _image(spec: ImageInput, port: Port, batch: int) -> Iterator[_Fault]:
    channels = 1 if spec.colour == "grey" else 3
    sizes = {"N": batch, "K": len(spec.cameras), "C": channels, "H": spec.height, "W": spec.width}
    wanted = [sizes[letter] for letter in spec.layout]
    fits = len(port.shape) == len(wanted) and all(
        size in (None, want) for size, want in zip(port.shape, wanted, strict=True)
    )
    if port.dtype != spec.dtype or not fits:
        yield (
            f"the input {port.name!r} is {port}",
            f"{spec.dtype.value} ({', '.join(map(str, wanted))}), which is layout {spec.layout}"
            " with the sizes in the manifest",
            None,
        )


def _constant(spec: ConstantInput, port: Port) -> Iterator[_Fault]:
    sizes = port.shape if spec.shape is None else spec.shape
    fits = len(sizes) == len(port.shape) and all(
        size in (None, given) for size, given in zip(port.shape, sizes, strict=True)
    )
    if not fits:
        yield f"the input {port.name!r} is {port}", f"the shape {sizes}, as in the manifest", None
    count = len(spec.value) if isinstance(spec.value, tuple) else 1
    if count > 1 and None not in sizes and math.prod(s or 1 for s in sizes[-1:]) != count:
        what = f"the input {port.name!r} is {port}"
        yield what, f"{count} values along its last axis, as in the manifest", None


def _outputs(manifest: OnnxManifest, graph: Graph) -> Iterator[_Fault]:
    for output in manifest.outputs:
        for name, tap in output.taps.items():
            if tap.output not in graph.outputs:
                yield (
                    f"{output.decoder}.{name}: the graph has no output {tap.output!r}",
                    None,
                    nearest(tap.output, list(graph.outputs)),
                )
                continue
            port = graph.outputs[tap.output]
            if port.dtype not in NUMBERS:
                yield f"the output {tap.output!r} is {port.dtype}", "a tensor of numbers", None
                continue
            yield from _rank(f"output {tap.output!r}", port, tap.layout)


def _rank(what: str, port: Port, layout: Sequence[str]) -> Iterator[_Fault]:
    # A graph may leave even the number of axes open; then it is checked when it runs.
    if port.shape and len(port.shape) != len(layout):
        yield f"the {what} is {port}", f"{len(layout)} axes, as in layout {layout}", None
