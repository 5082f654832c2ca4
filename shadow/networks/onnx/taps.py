"""From the graph's outputs to arrays with the axes that decoders want."""

from collections.abc import Mapping

import numpy as np

from ridealong.errors import RidealongError
from shadow.networks.onnx.outputs import Output, Tap
from shadow.networks.onnx.wire import Array


def tapped(output: Output, kind: str, found: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays of a decoder, by field, with the axes of `Output.AXES`.

    Raises:
        RidealongError: One has another number of axes, or fewer values than the tap takes.
    """
    return {
        name: arranged(tap, found[tap.output], output.AXES[name], f"{kind}.{name}")
        for name, tap in output.taps.items()
    }


def arranged(tap: Tap, array: Array, axes: str, where: str) -> Array:
    """An array with exactly these axes, in this order; those that the layout lacks have size 1.

    Args:
        tap: Which output, and its layout.
        array: The output.
        axes: The letters of the axes.
        where: The decoder and its field, for messages.

    Raises:
        RidealongError: The array has another number of axes, or fewer values than the tap takes.
    """
    sizes = dict(zip(tap.layout, array.shape, strict=False))
    if array.ndim != len(tap.layout):
        raise misfit(tap, where, f"has {array.ndim} axes {array.shape}", f"layout {tap.layout}")
    if tap.values is not None:
        first, end = tap.values
        if end > sizes["C"]:
            raise misfit(tap, where, f"has {sizes['C']} values along C", f"at least {end}")
        array = np.take(array, np.arange(first, end), axis=tap.layout.index("C"))
    extra = [at for at, letter in enumerate(tap.layout) if letter not in axes]
    for at in extra:
        if array.shape[at] != 1:
            what = f"has {array.shape[at]} values along {tap.layout[at]}"
            raise misfit(tap, where, what, "1")
    letters = [letter for letter in tap.layout if letter in axes]
    order = [letters.index(letter) for letter in axes if letter in letters]
    array = array.squeeze(tuple(extra)).transpose(order)
    return np.expand_dims(array, [at for at, letter in enumerate(axes) if letter not in letters])


def misfit(
    tap: Tap, where: str, what: str, expected: str, hint: str | None = None
) -> RidealongError:
    """An output that does not fit its decoder: which, what was found, what would fit."""
    said = f"output {tap.output!r} {what}"
    return RidealongError(said, expected=f"{expected}, for {where}", hint=hint)


def check_size(output: Output, name: str, letter: str, array: Array, size: int, of: str) -> None:
    """Check the size of an axis.

    Args:
        output: The decoder.
        name: The field of its tap.
        letter: The axis.
        array: With the axes of `Output.AXES`.
        size: What is expected.
        of: What that is the number of.

    Raises:
        RidealongError: It has another size.
    """
    found = array.shape[output.AXES[name].index(letter)]
    if found != size:
        tap: Tap = getattr(output, name)
        what = f"has {found} values along {letter}"
        kind: str = output.decoder  # type: ignore[attr-defined]
        raise misfit(tap, f"{kind}.{name}", what, f"{size} ({of})")
