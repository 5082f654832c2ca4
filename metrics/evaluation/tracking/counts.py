"""What tracking counts, per cell (one class in one frame), and the rows of scores made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa

from metrics.evaluation.evaluation import SCORE_ROWS
from metrics.evaluation.tracking import hota
from metrics.evaluation.tracking.clear import Lives, follow, lives
from metrics.evaluation.tracking.hota import align
from metrics.evaluation.tracking.identity import identified
from metrics.evaluation.tracking.tracks import Tracks, overlaps
from ridealong.arrays import Floats, Ints


@dataclass(frozen=True)
class Counts:
    """Statistics of all cells that have any.

    Attributes:
        cell: ``(C,)`` ascending.
        values: Statistics, ``(C,)`` each.
        life: How each labelled object was tracked.
        life_block: ``(T,)`` block of each labelled object.
    """

    cell: Ints
    values: Mapping[str, Floats]
    life: Lives
    life_block: Ints


def count(labels: Tracks, results: Tracks) -> Counts:
    """Match labels and results in all three ways, and count."""
    pairs = overlaps(labels, results)
    matches = follow(labels, results, pairs)
    same = identified(labels, results, pairs)
    cell = np.union1d(labels.cell, results.cell)

    def at(cells: Ints, weight: Floats | None = None) -> Floats:
        place = np.searchsorted(cell, cells)
        return np.bincount(place, weight, minlength=len(cell)).astype(np.float64)

    matched = labels.cell[matches.pairs.left]
    values = {
        "labels": at(labels.cell),
        "results": at(results.cell),
        "tp": at(matched),
        "iou": at(matched, matches.pairs.iou),
        "idsw": at(matched[matches.switch]),
        "idtp": at(labels.cell[same.left]),
    }
    values["fn"] = values["labels"] - values["tp"]
    values["fp"] = values["results"] - values["tp"]
    values["idfn"] = values["labels"] - values["idtp"]
    values["idfp"] = values["results"] - values["idtp"]
    aligned = align(labels, results, pairs)
    cells = labels.cell[aligned.pairs.left]
    for alpha, tp, association in zip(hota.ALPHAS, hota.TP, hota.ASSOCIATION, strict=True):
        hits = aligned.hits(alpha)
        values[tp] = at(cells[hits])
        values[association] = at(cells[hits], aligned.association(hits))
    return Counts(cell, values, lives(labels, matches), labels.block)


def together(parts: Sequence[Counts]) -> Counts:
    """The counts of different drives, in the order of their cells."""
    cell, life_block = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("cell", "life_block")
    )
    order = np.argsort(cell, kind="stable")
    values = {
        name: np.concatenate([part.values[name] for part in parts])[order]
        for name in parts[0].values
    }
    life = Lives(
        *(
            np.concatenate([getattr(part.life, field.name) for part in parts])
            for field in fields(Lives)
        )
    )
    return Counts(cell[order], values, life, life_block)


def score_rows(
    counts: Counts, statistics: Mapping[str, tuple[str, ...]], predictions: tuple[str, ...]
) -> pa.Table:
    """Rows of `SCORE_ROWS`, those of 0 left out.

    Args:
        counts: The statistics.
        statistics: Of each metric.
        predictions: Names, one for each class.
    """
    named = sorted({name for names in statistics.values() for name in names})
    frame, prediction = np.divmod(counts.cell, len(predictions))
    batches = []  # one a statistic: joined in numpy, rows would take several times the memory
    for metric, names in enumerate(statistics.values()):
        for name in names:
            there = np.flatnonzero(counts.values[name])
            columns = [
                pa.array(frame[there], pa.int32()),
                _coded(prediction[there], predictions),
                _coded(np.full(len(there), metric), tuple(statistics)),
                _coded(np.full(len(there), named.index(name)), named),
                pa.array(counts.values[name][there]),
            ]
            batches.append(pa.RecordBatch.from_arrays(columns, schema=SCORE_ROWS))
    return pa.Table.from_batches(batches, SCORE_ROWS)


def _coded(codes: Ints, names: Sequence[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(names, pa.string()))
