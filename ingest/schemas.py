"""Arrow schemas of the tables that ingest writes, with units and meanings in field metadata.

Times: ``*_ns`` are nanoseconds since the Unix epoch, UTC; ``*_s`` are seconds since the drive's
start. Identities (`drive_id`, `event_id`, `clip_id`) derive from content, never from a clock.
"""

import pyarrow as pa

from ingest.telemetry.signals import telemetry_fields
from ridealong.lake.tables import NUMBERS, STRINGS, TableSpec, column

DRIVES = TableSpec(
    "drives",
    pa.schema(
        [
            column("drive_id", pa.string(), "one recording of one vehicle"),
            column("vehicle_id", pa.string(), "the vehicle"),
            column("source", pa.string(), "kind of log it came from"),
            column("source_path", pa.string(), "folder or file it was read from"),
            column("source_sha256", pa.string(), "hash over the drive's files"),
            column("start_ns", pa.int64(), "first instant of the drive", "ns"),
            column("end_ns", pa.int64(), "last instant of the drive", "ns"),
            column("duration_s", pa.float64(), "length", "s"),
            column(
                "distance_m",
                pa.float64(),
                "distance driven, from the speed if the source has none",
                "m",
            ),
            column("country", pa.string(), "ISO 3166 code"),
            column("weather", pa.string(), "clear, rain, fog"),
            column("light", pa.string(), "day, dusk, night"),
            column("road", pa.string(), "city, highway, rural"),
            column("hardware", pa.string(), "the vehicle's computer"),
            column("software", pa.string(), "version, compared part by part"),
            column("features", STRINGS, "driver assistance that was engaged"),
            column(
                "cluster_id", pa.string(), "drives that are not independent of each other share one"
            ),
            column("cameras", STRINGS, "cameras recorded; the others are masked"),
            column("labelled", pa.bool_(), "reference labels are known"),
            column("telemetry_rows", pa.int64(), "rows of telemetry kept"),
            column("mapping", pa.string(), "the mapping file it was read with, as JSON"),
            column("assumed", STRINGS, "what the log did not say and was assumed"),
        ]
    ),
    order=("drive_id",),
)

TELEMETRY = TableSpec(
    "telemetry",
    pa.schema(
        [
            column("drive_id", pa.string(), "the drive"),
            column("timestamp_ns", pa.int64(), "instant of the row", "ns"),
            *telemetry_fields(),
        ]
    ),
    order=("drive_id", "timestamp_ns"),
)

EVENTS = TableSpec(
    "events",
    pa.schema(
        [
            column("event_id", pa.string(), "hash of trigger, drive and time"),
            column("drive_id", pa.string(), "the drive"),
            column("vehicle_id", pa.string(), "the vehicle"),
            column("trigger", pa.string(), "name of the trigger"),
            column("trigger_sha256", pa.string(), "hash of its spec"),
            column("onset_ns", pa.int64(), "when the condition, without its holds, became true"),
            column("time_ns", pa.int64(), "when the trigger fired: the end of the hold"),
            column("onset_s", pa.float64(), "onset, since the drive's start", "s"),
            column("time_s", pa.float64(), "firing, since the drive's start", "s"),
            column(
                "margin",
                pa.float64(),
                "how far the condition was exceeded: peak robustness, in the condition's unit",
            ),
            column("kept", pa.bool_(), "not suppressed: part of a clip"),
            column("reason", pa.string(), "why it was suppressed; null when kept"),
            column(
                "inclusion_probability",
                pa.float64(),
                "probability that it was kept, after random choice, sampling and budgets",
            ),
            column("clip_id", pa.string(), "the clip that shows it; null if there is none"),
        ]
    ),
    order=("drive_id", "time_ns", "trigger"),
)

CLIPS = TableSpec(
    "clips",
    pa.schema(
        [
            column("clip_id", pa.string(), "hash of drive, window and events"),
            column("drive_id", pa.string(), "the drive"),
            column("start_ns", pa.int64(), "start of the window, inclusive", "ns"),
            column("end_ns", pa.int64(), "end of the window, inclusive", "ns"),
            column("start_s", pa.float64(), "start, since the drive's start", "s"),
            column("end_s", pa.float64(), "end, since the drive's start", "s"),
            column("triggers", STRINGS, "triggers whose events it shows, by priority"),
            column("event_ids", STRINGS, "those events"),
            column(
                "by_disagreement",
                pa.bool_(),
                "chosen by network disagreement alone, so never gated",
            ),
            column("cameras", STRINGS, "cameras in it"),
            column("frames", pa.int64(), "frames of the camera with the most frames"),
            column("telemetry_rows", pa.int64(), "rows of telemetry in it"),
            column("labelled", pa.bool_(), "has reference labels"),
            column("bytes", pa.int64(), "size of the MCAP file", "B"),
            column("blob", pa.string(), "the MCAP file, relative to the home"),
        ]
    ),
    order=("drive_id", "start_ns"),
)

QUARANTINE = TableSpec(
    "quarantine",
    pa.schema(
        [
            column("source", pa.string(), "kind of log"),
            column("path", pa.string(), "the file with the problem"),
            column("drive_id", pa.string(), "the drive, if known"),
            column(
                "kind",
                pa.string(),
                "what is quarantined: 'file', or 'row', 'frames', 'topic', 'clip' or 'trigger' "
                "of a drive; 'values' and 'time' of a table say what was changed in its rows",
            ),
            column("row", pa.int64(), "row in the drive's telemetry, from 0; null for other kinds"),
            column("reason", pa.string(), "what is wrong, and what was expected"),
            column("content", pa.string(), "the row as JSON; null for other kinds"),
        ]
    ),
    order=("path", "row"),
)

TRIGGERS = TableSpec(
    "triggers",
    pa.schema(
        [
            column("name", pa.string(), "name of the trigger"),
            column(
                "number", pa.int64(), "place among the trigger's states, from 1; the last counts"
            ),
            column("text", pa.string(), "its file's text; null: the one that ridealong ships"),
            column("sha256", pa.string(), "hash of the text; null without one"),
            column("state", pa.string(), "active, or paused: ingest leaves it out"),
            column("time_ns", pa.int64(), "when it was set", "ns"),
            column("who", pa.string(), "who set it; null unknown"),
        ]
    ),
    order=("name", "number"),
)

ROADS = TableSpec(
    "roads",
    pa.schema(
        [
            column("map", pa.string(), "the road network, and its country"),
            column("road", pa.string(), "one direction of a road, or one path across a junction"),
            column("kind", pa.string(), "highway, street"),
            column("width_m", pa.float64(), "total width of its lanes for motor vehicles", "m"),
            column("latitude", NUMBERS, "along its middle", "degrees"),
            column("longitude", NUMBERS, "along its middle", "degrees"),
        ]
    ),
    order=("map", "road"),
)

CLIP_TAGS = TableSpec(
    "clip_tags",
    pa.schema(
        [
            column("clip_id", pa.string(), "the clip"),
            column("tag", pa.string(), "a word for people, and to find the clip by"),
            column("given", pa.bool_(), "true when it was added, false when it was removed"),
            column(
                "time_ns",
                pa.int64(),
                "when; the newest row of a clip and a tag counts",
                "ns",
            ),
        ]
    ),
    order=("time_ns", "clip_id", "tag"),
)

CLIP_LABELS = TableSpec(
    "clip_labels",
    pa.schema(
        [
            column("clip_id", pa.string(), "the clip"),
            column("drive_id", pa.string(), "its drive"),
            column("version", pa.string(), "this version of its labels"),
            column("before", pa.string(), "the version that was changed"),
            column("cells", pa.int64(), "frames of a camera whose labels were given anew"),
            column("labels", pa.int64(), "labels in them"),
            column("format", pa.string(), "the format that they came in"),
            column("source_path", pa.string(), "the file or folder that they came from"),
            column("time_ns", pa.int64(), "when; a clip's newest row counts", "ns"),
            column("blob", pa.string(), "the labels, relative to the home"),
        ]
    ),
    order=("time_ns", "clip_id"),
)

CLIP_NOTES = TableSpec(
    "clip_notes",
    pa.schema(
        [
            column("clip_id", pa.string(), "the clip"),
            column("note", pa.string(), "a note for colleagues; null for none"),
            column("time_ns", pa.int64(), "when; a clip's newest row counts", "ns"),
        ]
    ),
    order=("time_ns", "clip_id"),
)
