"""Arrow schemas of the tables that shadow writes: networks, releases, outputs, runs, names."""

import pyarrow as pa

from ridealong.lake.tables import STRINGS, TableSpec, column
from ridealong.perception.annotations import ANNOTATIONS

NETWORKS = TableSpec(
    "networks",
    pa.schema(
        [
            column("network", pa.string(), "name and version, as in hydra-1.0"),
            column("name", pa.string(), "the network, without its version"),
            column("version", pa.string(), "this version"),
            column("network_sha256", pa.string(), "hash of the manifest, and so of the weights"),
            column("weights_sha256", pa.string(), "hash of the weights alone"),
            column("manifest", pa.string(), "the manifest as JSON"),
            column("predictions", pa.int64(), "number of its predictions"),
            column("parameters", pa.int64(), "number of its parameters"),
            column("added_ns", pa.int64(), "when it was registered", "ns"),
            column("blob", pa.string(), "the weights, relative to the home"),
        ]
    ),
    order=("network",),
)

RELEASES = TableSpec(
    "releases",
    pa.schema(
        [
            column("release", pa.int64(), "number of the release, from 1"),
            column("network", pa.string(), "network that the fleet runs from this release on"),
            column("network_sha256", pa.string(), "its hash"),
            column("replaced", pa.string(), "the network before; null for the first release"),
            column("run_id", pa.string(), "the run it is based on; null with a waiver alone"),
            column("verdict", pa.string(), "that run's verdict"),
            column("waiver_reason", pa.string(), "why it was deployed without a PASS"),
            column("waiver_by", pa.string(), "who signed the waiver"),
            column("time_ns", pa.int64(), "when", "ns"),
        ]
    ),
    order=("release",),
)

OUTPUTS = TableSpec(
    "outputs",
    pa.schema(
        [
            column("network_sha256", pa.string(), "the network"),
            column("clip_id", pa.string(), "the clip"),
            column("drive_id", pa.string(), "the clip's drive"),
            column("definition", pa.string(), "frames judged per second, as in @5"),
            *ANNOTATIONS,
        ]
    ),
    order=("network_sha256", "clip_id", "timestamp_ns", "camera"),
)

_LEFT_OUT = pa.list_(
    pa.field("element", pa.struct([("clip_id", pa.string()), ("reason", pa.string())]))
)

_ATTRIBUTES = pa.map_(pa.string(), pa.string())

RUNS = TableSpec(
    "runs",
    pa.schema(
        [
            column("run_id", pa.string(), "id of the run"),
            column("deployed", pa.string(), "network that the fleet runs"),
            column("candidate", pa.string(), "network that may replace it"),
            column("deployed_sha256", pa.string(), "hash of the deployed network"),
            column(
                "candidate_sha256",
                pa.string(),
                "the candidate's; equal: compared with itself",
            ),
            column("gate", pa.string(), "the gate's spec as JSON"),
            column(
                "definition", pa.string(), "keys under which its scores are stored, one per family"
            ),
            column("clip_ids", STRINGS, "the clips that were judged"),
            column("verdict", pa.string(), "PASS, REGRESSED or INCONCLUSIVE"),
            column("reason", pa.string(), "the verdict in a sentence"),
            column("created_ns", pa.int64(), "when it was judged", "ns"),
            column("seconds", pa.float64(), "how long it took", "s"),
            column("deployed_ms", pa.float64(), "median per camera set, on this machine", "ms"),
            column("candidate_ms", pa.float64(), "the same for the candidate", "ms"),
            column("latency_ratio", pa.float64(), "median of candidate over deployed", "1"),
            column("clips_left_out", _LEFT_OUT, "clips that could not be replayed, and why"),
            column("clip_labels", STRINGS, "the version of the labels of each of clip_ids"),
            column("baseline", pa.string(), "the frozen release it was compared with; null: none"),
            column("baseline_sha256", pa.string(), "hash of that network"),
            column("dataset", pa.string(), "the items that were judged; null: clips"),
            column("results", pa.string(), "of result files: options, notes and summary as JSON"),
            column("calibration_clips", STRINGS, "not judged: their drives calibrated a network"),
        ]
    ),
    order=("created_ns", "run_id"),
)

ITEMS = TableSpec(
    "items",
    pa.schema(
        [
            column("dataset", pa.string(), "hash of the ground truth, and of how it was read"),
            column("item_id", pa.string(), "a frame's name, or an item of a statistics file"),
            column("drive_id", pa.string(), "its drive, as the files name it"),
            column("cluster_id", pa.string(), "items that depend on each other share one"),
            column("time_s", pa.float64(), "when, by the files' clock; null unknown", "s"),
            column("image", pa.string(), "path of its image below the folder of images"),
            column("attributes", _ATTRIBUTES, "attributes of the frame or its drive"),
        ]
    ),
    order=("dataset", "drive_id", "time_s", "item_id"),
)

LABEL_QUEUE = TableSpec(
    "label_queue",
    pa.schema(
        [
            column("clip_id", pa.string(), "the clip"),
            column("drive_id", pa.string(), "its drive"),
            column("state", pa.string(), "queued, exported, imported or removed"),
            column("worth", pa.float64(), "what labelling it is worth, 0 to 1", "1"),
            column("loss", pa.float64(), "its share of the run's loss; null: none", "1"),
            column("disagreement", pa.float64(), "of the two networks, a mean", "1"),
            column("uncertainty", pa.float64(), "of the candidate's scores, a mean", "1"),
            column("rarity", pa.float64(), "of its triggers and conditions, a mean", "bit"),
            column("run_id", pa.string(), "the run that it was ranked by"),
            column("looks", pa.string(), "perceptual hash of its middle; null: no frame"),
            column("time_ns", pa.int64(), "when; a clip's newest row counts", "ns"),
        ]
    ),
    order=("time_ns", "clip_id"),
)

RUN_NAMES = TableSpec(
    "run_names",
    pa.schema(
        [
            column("run_id", pa.string(), "the run"),
            column("name", pa.string(), "its name; null for none"),
            column("note", pa.string(), "a note for colleagues; null for none"),
            column("time_ns", pa.int64(), "when it was given; a run's newest row counts", "ns"),
            column("archived", pa.bool_(), "whether lists hide it; null: no"),
        ]
    ),
    order=("time_ns", "run_id"),
)
