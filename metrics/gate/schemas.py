"""The table of verdicts: one row per run and cell."""

import pyarrow as pa

from ridealong.lake.tables import TableSpec, column

CELLS = pa.schema(
    [
        column("prediction", pa.string(), "output, class and camera, e.g. objects/car@main"),
        column("metric", pa.string(), "name of the metric"),
        column("slice", pa.string(), "'all', or conditions on the drive, sorted"),
        column("deployed", pa.float64(), "the deployed network's value; null unknown"),
        column("candidate", pa.float64(), "the candidate's value; null unknown"),
        column("delta", pa.float64(), "improvement: positive is better, for every metric"),
        column("low", pa.float64(), "lower end of delta's two-sided interval"),
        column("high", pa.float64(), "upper end"),
        column("level", pa.float64(), "the interval's level"),
        column("margin", pa.float64(), "the largest loss that we accept; null: none is set"),
        column("clips", pa.int64(), "clips with something to count"),
        column("clusters", pa.int64(), "independent drives with something to judge"),
        column(
            "clusters_effective", pa.float64(), "this many equal drives have as much information"
        ),
        column("reference", pa.string(), "labels, self, or the other network's sha256"),
        column("required", pa.bool_(), "must pass; the others are watched"),
        column("verdict", pa.string(), "PASS, REGRESSED, INCONCLUSIVE"),
        column("reason", pa.string(), "why, in a sentence"),
        column("bound", pa.float64(), "one-sided lower bound of delta, compared with -margin"),
        column("p_value", pa.float64(), "p-value of 'delta is zero or more'; null: not tested"),
        column("p_adjusted", pa.float64(), "p_value corrected over required or watched checks"),
        column("worse_within_margin", pa.bool_(), "passes, and is significantly worse"),
        column("better", pa.bool_(), "significantly better (false-discovery controlled)"),
        column(
            "alert",
            pa.bool_(),
            "watched, and significantly worse or lacked by the candidate; never blocks",
        ),
        column(
            "drives_needed",
            pa.int64(),
            "more drives to decide, half of such checks need fewer; null: decided or unknown",
        ),
        column("clips_unpaired", pa.int64(), "clips that only one network has a score on"),
        column("worse_than_baseline", pa.bool_(), "regressed against the frozen baseline"),
        column(
            "because_of",
            pa.string(),
            "the slice outside which there is no loss; null if there is none",
        ),
        column(
            "scope",
            pa.string(),
            "what the interval is about: drives, or within-drive (blocks of one drive's time)",
        ),
    ]
)

VERDICTS = TableSpec(
    "verdicts",
    pa.schema([column("run_id", pa.string(), "the run"), *CELLS]),
    order=("run_id", "prediction", "metric", "slice", "reference"),
)
