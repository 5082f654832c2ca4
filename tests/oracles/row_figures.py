"""The value of an `OfRows` metric from an evaluation's own rows, as the gate computes it."""

import numpy as np
import pyarrow.compute as pc

from metrics.tasks.metric import DetectionRows


def rows_of(evaluation, category, evaluated):
    """Rows of one class in descending order of score."""
    table = evaluated.detections
    table = table.filter(pc.equal(table["prediction"].cast("string"), f"boxes3d/{category}"))
    order = np.argsort(-table["score"].to_numpy(), kind="stable")
    width = len(evaluation.errors)
    errors = np.array([e or [np.nan] * width for e in table["errors"].to_pylist()], np.float64)
    hits, ignored = (table[name].to_numpy().astype(np.int64) for name in ("hits", "ignored"))
    errors = errors.reshape(-1, width)[order]
    return DetectionRows(table["score"].to_numpy()[order], hits[order], ignored[order], errors)


def labels_of(metric, category, evaluated):
    rows = evaluated.scores.to_pylist()
    here = [r for r in rows if r["prediction"] == f"boxes3d/{category}" and r["metric"] == metric]
    return sum(r["value"] for r in here if r["statistic"] == "labels")


def value_of(evaluation, metric, category, evaluated):
    rows = rows_of(evaluation, category, evaluated)
    figure = next(m.figure for m in evaluation.metrics if m.name == metric)
    labels = np.array([labels_of(metric, category, evaluated)], np.float64)
    return figure.value(rows, np.ones((1, len(rows.score)), np.bool_), labels)[0]
