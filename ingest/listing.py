"""Clips with their drives' conditions, filtered by an expression, in a fixed order."""

import pyarrow as pa

from ingest.schemas import CLIPS, DRIVES
from ridealong.lake import Snapshot
from ridealong.lake.listing import condition_of
from ridealong.lake.tables import TableSpec

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
    pa.schema([*CLIPS.schema, *(DRIVES.schema.field(name) for name in DRIVE_CONDITIONS)]),
    order=CLIPS.order,
)


def list_clips(snapshot: Snapshot, where: str | None = None) -> pa.Table:
    """The clips in use with their drives' conditions (`CLIPS_OF_DRIVES`), filtered and in order.

    Raises:
        RidealongError: ``where`` is not an expression over those columns.
    """
    condition, parameters = condition_of(where, CLIPS_OF_DRIVES)
    conditions = ", ".join(f"d.{name}" for name in DRIVE_CONDITIONS)
    return snapshot.query(
        f"""select * from (
            select c.*, {conditions} from clips c left join drives d using (drive_id)
        ) where {condition} order by drive_id, start_ns""",
        CLIPS,
        DRIVES,
        params=parameters,
    )
