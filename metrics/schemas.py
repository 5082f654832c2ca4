"""Arrow schemas of the tables of scores: the statistics of each prediction on each clip.

Both tables have sums and rows, never a ratio. So any slice and any new interval is a query.
"""

import pyarrow as pa

from ridealong.lake.tables import TableSpec, column

SCORES = TableSpec(
    "scores",
    pa.schema(
        [
            column("network_sha256", pa.string(), "the network that was scored"),
            column("reference", pa.string(), "'labels', 'self', or the other network's sha256"),
            column("clip_id", pa.string(), "the clip"),
            column("drive_id", pa.string(), "the clip's drive"),
            column("prediction", pa.string(), "output, class and camera, as in lights/red@narrow"),
            column("metric", pa.string(), "name of the metric, known per task"),
            column("statistic", pa.string(), "one of the metric's summable statistics"),
            column("value", pa.float64(), "its sum over the clip"),
            column("definition", pa.string(), "definition of the family, and frames per second"),
            column("labels", pa.string(), "version of the labels compared with; null: no labels"),
        ]
    ),
    order=("clip_id", "prediction", "metric", "statistic"),
)

MATCHES = TableSpec(
    "matches",
    pa.schema(
        [
            column("network_sha256", pa.string(), "the network that was scored"),
            column("reference", pa.string(), "'labels'"),
            column("clip_id", pa.string(), "the clip"),
            column("drive_id", pa.string(), "the clip's drive"),
            column("prediction", pa.string(), "class and camera, as in objects/car@main"),
            column("timestamp_ns", pa.int64(), "the frame", "ns"),
            column("score", pa.float32(), "the detection's score"),
            column("matched", pa.bool_(), "it found a label that no better detection found"),
            column("iou", pa.float32(), "overlap with that label; null when not matched"),
            column("definition", pa.string(), "as in scores"),
            column("labels", pa.string(), "as in scores"),
        ]
    ),
    order=("clip_id", "prediction", "timestamp_ns"),
)
