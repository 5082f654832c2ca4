"""The gate of a run from result files."""

from collections.abc import Sequence
from pathlib import Path

from metrics.gate.spec import GateSpec, RequiredCell, Watched, load_gate
from ridealong.errors import RidealongError
from shadow.results.material import Material


def gate_of(material: Material, path: Path | None, slices: Sequence[str]) -> GateSpec:
    """The gate of a file, or the default: every prediction's main metric is required.

    Both watch all slices; a gate that names attributes to watch has its own.

    Raises:
        RidealongError: The gate cannot be read, or names what the run lacks.
    """
    if path is not None:
        return load_gate(path, material.names).watching(slices)
    if not material.required:
        raise RidealongError("there is nothing to judge: the ground truth has no labels")
    required = tuple(
        RequiredCell(
            prediction=prediction,
            metric=metric,
            margin=material.own_margins.get((prediction, metric)),
        )
        for prediction, metric in material.required
    )
    return GateSpec(
        margins=dict(material.margins), required=required, watched=Watched(by=tuple(slices))
    )


def margins_used(gate: GateSpec) -> dict[str, float]:
    """The margins of a gate: by metric, and by cell where a cell has its own."""
    own = {
        " ".join([cell.prediction, cell.metric, *([cell.slice] if cell.slice != "all" else [])]):
            cell.margin
        for cell in gate.required
        if cell.margin is not None
    }  # fmt: skip
    return {**gate.margins, **own}
