"""The gate of a run from result files."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from metrics.gate.names import RunNames
from metrics.gate.spec import GateSpec, RequiredCell, Watched, load_gate
from metrics.slices import in_slice, parse_slice
from ridealong.errors import RidealongError
from ridealong.specs import nearest
from shadow.results.material import Criteria


def gate_of(
    criteria: Criteria, attributes: Sequence[str], path: Path | None, slices: Sequence[str]
) -> GateSpec:
    """The gate of a file, or the default: every prediction's main metric is required.

    Both watch all slices; a gate that names attributes to watch has its own.

    Args:
        criteria: By what the networks are judged.
        attributes: The attributes that a gate may name.
        path: The file, if any.
        slices: The attributes to slice by.

    Raises:
        RidealongError: The gate cannot be read, or names what the run lacks.
    """
    if path is not None:
        metrics = {name: {one.name: one for one in own} for name, own in criteria.judged.items()}
        return load_gate(path, RunNames(metrics, attributes)).watching(slices)
    if not criteria.required:
        raise RidealongError("there is nothing to judge: the ground truth has no labels")
    required = tuple(
        RequiredCell(
            prediction=prediction,
            metric=metric,
            margin=criteria.own_margins.get((prediction, metric)),
        )
        for prediction, metric in criteria.required
    )
    return GateSpec(
        margins=dict(criteria.margins), required=required, watched=Watched(by=tuple(slices))
    )


def empty_slices(gate: GateSpec, attributes: pa.Table) -> list[str]:
    """Warnings about required slices with no frame or item; such a check stays undecided.

    Args:
        gate: The gate.
        attributes: Of the frames or items, a column each.
    """
    warnings = []
    for where in dict.fromkeys(cell.slice for cell in gate.required):
        conditions = parse_slice(where)
        # Without conditions it is the slice of all, and attributes may have no column and no row.
        if not conditions or in_slice(attributes, conditions).any():
            continue
        why = f"nothing is in the required slice {where}"
        for name, value in conditions:
            known = pc.unique(attributes[name].cast(pa.string())).drop_null().to_pylist()
            if known and value not in known:
                why = f"nothing has {name}={value}; {nearest(value, known)}"
                break
        warnings.append(why)
    return list(dict.fromkeys(warnings))


def margins_used(gate: GateSpec) -> dict[str, float]:
    """The margins of a gate: by metric, and by cell where a cell has its own."""
    own = {
        " ".join([cell.prediction, cell.metric, *([cell.slice] if cell.slice != "all" else [])]):
            cell.margin
        for cell in gate.required
        if cell.margin is not None
    }  # fmt: skip
    return {**gate.margins, **own}
