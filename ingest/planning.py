"""What an ingest has to do: which drives are new, and which triggers a drive has not met."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from ingest.drives import DrivePlan
from ingest.hashing import short_hash
from ingest.recording import DriveFiles
from ingest.triggers.spec import TriggerSpec, trigger_sha256


@dataclass(frozen=True)
class IngestPlan:
    """One ingest, small enough to be pickled into every worker.

    Attributes:
        home: The lake's folder.
        commit_id: Under which everything is written.
        drives: What to do with each drive; drives with nothing to do are left out.
        triggers: The triggers of this pass.
        kept_before: What earlier passes kept (trigger, vehicle_id, time_ns, kept): it counts
            against the budgets.
    """

    home: Path
    commit_id: str
    drives: tuple[DrivePlan, ...]
    triggers: tuple[TriggerSpec, ...]
    kept_before: pa.Table

    @property
    def item_ids(self) -> list[str]:
        """The planned items: one a drive."""
        return [drive.files.drive_id for drive in self.drives]

    @property
    def clips_key(self) -> str:
        """Under which progress of its clips is reported; that of drives is under the commit."""
        return f"{self.commit_id}/clips"


def drive_source(files: DriveFiles) -> str:
    """The key under which a drive's telemetry counts once."""
    return f"drive:{files.source}:{files.sha256}"


def trigger_source(files: DriveFiles, trigger: TriggerSpec) -> str:
    """The key under which one trigger's pass over one drive counts once."""
    return f"trigger:{short_hash(trigger_sha256(trigger), files.source, files.sha256)}"


def plan_drives(
    found: Sequence[DriveFiles], triggers: Sequence[TriggerSpec], committed: Set[str]
) -> tuple[DrivePlan, ...]:
    """What is left to do on the drives found, given the keys that are committed already.

    Two recordings with the same names and content are one drive: the first counts.
    """
    plans: dict[str, DrivePlan] = {}
    for files in found:
        new = drive_source(files) not in committed
        left = tuple(t.name for t in triggers if trigger_source(files, t) not in committed)
        if (new or left) and files.sha256 not in plans:
            plans[files.sha256] = DrivePlan(files, new, left)
    return tuple(plans.values())


def sources_of(plan: DrivePlan, triggers: Sequence[TriggerSpec]) -> list[str]:
    """The keys that doing this plan uses up."""
    passes = [trigger_source(plan.files, t) for t in triggers if t.name in plan.triggers]
    return [drive_source(plan.files), *passes] if plan.new else passes
