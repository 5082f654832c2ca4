"""Clips with drives' conditions, tags and notes, filtered by an expression, in a fixed order."""

from collections.abc import Sequence

import pyarrow as pa

from ingest.clips.label_versions import LABELS_BY_CLIP
from ingest.clips.notes import NOTE_BY_CLIP
from ingest.clips.tags import TAGS_BY_CLIP
from ingest.schemas import CLIP_LABELS, CLIP_NOTES, CLIP_TAGS, CLIPS, DRIVES
from ridealong.lake import Snapshot
from ridealong.lake.listing import condition_of
from ridealong.lake.tables import STRINGS, TableSpec, column

# Columns that a clip gets from its drive, so that an expression can use both.
DRIVE_CONDITIONS = (
    "vehicle_id",
    "source",
    "country",
    "weather",
    "light",
    "road",
    "hardware",
    "software",
)
CLIPS_OF_DRIVES = TableSpec(
    "clips",
    pa.schema(
        [
            *CLIPS.schema,
            *(DRIVES.schema.field(name) for name in DRIVE_CONDITIONS),
            column("tags", STRINGS, "words that people gave it"),
            column("note", pa.string(), "a note for colleagues; null for none"),
            column(
                "labels_blob",
                pa.string(),
                "its labels, relative to the home; null: those that it was cut with",
            ),
        ]
    ),
    order=CLIPS.order,
)


def list_clips(snapshot: Snapshot, where: str | None = None, tags: Sequence[str] = ()) -> pa.Table:
    """The clips in use (`CLIPS_OF_DRIVES`), filtered and in order.

    Args:
        snapshot: The lake.
        where: An expression over those columns; all clips by default.
        tags: Only clips with all of these tags.

    Raises:
        RidealongError: ``where`` is not an expression over those columns.
    """
    condition, parameters = condition_of(where, CLIPS_OF_DRIVES)
    conditions = ", ".join(f"d.{name}" for name in DRIVE_CONDITIONS)
    return snapshot.query(
        f"""select * from (
            select c.* replace (c.labelled or l.labels_blob is not null as labelled),
                {conditions}, coalesce(t.tags, []) as tags, n.note, l.labels_blob
            from clips c left join drives d using (drive_id)
            left join ({TAGS_BY_CLIP}) t using (clip_id)
            left join ({NOTE_BY_CLIP}) n using (clip_id)
            left join ({LABELS_BY_CLIP}) l using (clip_id)
        ) where {condition} and list_has_all(tags, $tags::varchar[]) order by drive_id, start_ns""",
        CLIPS,
        DRIVES,
        CLIP_TAGS,
        CLIP_NOTES,
        CLIP_LABELS,
        params={**parameters, "tags": list(tags)},
    )
