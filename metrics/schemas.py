"""Arrow schemas of the tables of scores: the statistics of each prediction on each clip.

Both tables have sums and rows, never a ratio. So any slice and any new interval is a query.
"""

import pyarrow as pa

from ridealong.lake.tables import NUMBERS, TableSpec, column

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

DETECTIONS = TableSpec(
    "detections",
    pa.schema(
        [
            column("network_sha256", pa.string(), "hash of the result file"),
            column("reference", pa.string(), "'labels'"),
            column("clip_id", pa.string(), "the item: a frame of the data set"),
            column("drive_id", pa.string(), "its drive"),
            column("prediction", pa.string(), "class, as in objects/car"),
            column("score", pa.float64(), "the detection's score"),
            column("hits", pa.uint32(), "bit k: it found a label at the k-th level of matching"),
            column("ignored", pa.uint32(), "bit k: neither a hit nor an error at that level"),
            column("errors", NUMBERS, "errors of a hit, as its evaluation names them"),
            column("definition", pa.string(), "as in scores"),
            column("labels", pa.string(), "as in scores"),
        ]
    ),
    order=("clip_id", "prediction"),
)
