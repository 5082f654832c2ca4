"""The user's own metrics: the sums of a statistics file, divided."""

import numpy as np
import pyarrow as pa

from metrics.evaluation.evaluation import DETECTION_ROWS, SCORE_ROWS, Evaluated
from metrics.tasks.metric import Better, Metric, Reference, over

TASK = "statistics"
SUMS = ("numerator", "denominator")
DEFINITION = "statistics-1"


def own_metric(name: str, higher_is_better: bool, share: bool) -> Metric:
    """A metric of a statistics file: the sum of its numerators over that of its denominators."""
    return Metric(
        name=name,
        task=TASK,
        better=Better.HIGHER if higher_is_better else Better.LOWER,
        unit="1",
        statistics=SUMS,
        reference=Reference.LABELS,
        description="numerator / denominator, summed over items",
        source="a statistics file",
        figure=over(*SUMS),
        share=share,
    )


def evaluated_sums(rows: pa.Table) -> Evaluated:
    """The sums of one network, and each prediction's metrics over all items.

    Args:
        rows: Columns ``frame``, ``prediction``, ``metric``, ``numerator``, ``denominator``.
    """
    scores = pa.concat_tables(_sums(rows, at) for at in range(len(SUMS)))  # copies nothing
    return Evaluated(scores, DETECTION_ROWS.empty_table(), _summary(rows))


def _sums(rows: pa.Table, at: int) -> pa.Table:
    """One of the two sums, as `SCORE_ROWS`."""
    code = pa.array(np.full(rows.num_rows, at, np.int32))
    statistic = pa.DictionaryArray.from_arrays(code, pa.array(SUMS))
    columns = [rows["frame"], rows["prediction"], rows["metric"], statistic, rows[SUMS[at]]]
    return pa.table(columns, schema=SCORE_ROWS)


def _summary(rows: pa.Table) -> dict[str, dict[str, float | None]]:
    plain = rows.select(["prediction", "metric", *SUMS])
    sums = plain.group_by(["prediction", "metric"], use_threads=False).aggregate(
        [(name, "sum") for name in SUMS]
    )
    found: dict[str, dict[str, float | None]] = {}
    for row in sums.to_pylist():
        bottom = row["denominator_sum"]
        value = row["numerator_sum"] / bottom if bottom else None
        found.setdefault(row["prediction"], {})[row["metric"]] = value
    return found
