"""What an ingest has to do: the new drives, and the triggers to evaluate on each drive."""

from collections.abc import Sequence, Set
from dataclasses import dataclass

import pyarrow as pa

from ingest.clashes import without_clashes
from ingest.drives import DrivePlan
from ingest.schemas import DRIVES, EVENTS
from ingest.triggers.spec import TriggerSpec, trigger_sha256
from ridealong.hashing import short_hash
from ridealong.lake import Snapshot
from ridealong.perception.recording import DriveFiles

BUDGETED = ["trigger", "vehicle_id", "time_ns", "kept"]


@dataclass(frozen=True)
class IngestPlan:
    """What is left to do.

    Attributes:
        drives: What to do with each drive; drives with nothing to do are left out.
        known_unusable: How many of the recordings are in the quarantine already.
        kept_before: The events that earlier runs kept (trigger, vehicle_id, time_ns, kept), which
            count against the budgets.
    """

    drives: tuple[DrivePlan, ...]
    known_unusable: int
    kept_before: pa.Table


def plan_ingest(
    snapshot: Snapshot, found: Sequence[DriveFiles], triggers: Sequence[TriggerSpec]
) -> IngestPlan:
    """Compare the recordings with the lake."""
    committed = snapshot.sources()
    rows = snapshot.read(DRIVES, columns=["drive_id", "source_sha256"]).to_pylist()
    in_lake = {str(row["drive_id"]): str(row["source_sha256"]) for row in rows}
    found = without_clashes(found, in_lake)
    unusable = {files.sha256 for files in found if unusable_source(files) in committed}
    return IngestPlan(
        drives=plan_drives(found, triggers, committed),
        known_unusable=len(unusable),
        kept_before=snapshot.read(EVENTS, columns=BUDGETED, where="kept"),
    )


def drive_source(files: DriveFiles) -> str:
    """The key under which a drive's telemetry counts once."""
    return f"drive:{files.source}:{files.sha256}"


def unusable_source(files: DriveFiles) -> str:
    """The key under which a recording is known to be unusable, so it is not tried again."""
    return f"unusable:{files.source}:{files.sha256}"


def trigger_source(files: DriveFiles, trigger: TriggerSpec) -> str:
    """The key under which evaluating one trigger on one drive counts once."""
    return f"trigger:{short_hash(trigger_sha256(trigger), files.source, files.sha256)}"


def plan_drives(
    found: Sequence[DriveFiles], triggers: Sequence[TriggerSpec], committed: Set[str]
) -> tuple[DrivePlan, ...]:
    """What is left to do on these drives, given the keys that are committed already.

    Two recordings with the same names and content are one drive; the first counts.
    """
    plans: dict[str, DrivePlan] = {}
    for files in found:
        if unusable_source(files) in committed:
            continue
        new = drive_source(files) not in committed
        left = tuple(t.name for t in triggers if trigger_source(files, t) not in committed)
        if (new or left) and files.sha256 not in plans:
            plans[files.sha256] = DrivePlan(files, new, left)
    return tuple(plans.values())


def pass_sources(plan: DrivePlan, triggers: Sequence[TriggerSpec]) -> list[str]:
    """The keys that are used up by evaluating the plan's triggers on its drive."""
    return [trigger_source(plan.files, t) for t in triggers if t.name in plan.triggers]
