"""What both stages of an ingest share: what stays the same throughout, and one shard's commit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from ingest.planning import shard_size
from ingest.rows import ClipRow, DriveRow, EventRow, TableRow, table_of
from ingest.schemas import CLIPS, DRIVES, EVENTS, QUARANTINE
from ingest.triggers.spec import TriggerSpec
from ridealong.execution.accounting import Outcome
from ridealong.lake import DataFile, Lake, Reserve, write_data_file
from ridealong.lake.tables import TableSpec
from ridealong.terminal.console import Console


@dataclass(frozen=True)
class Flow:
    """What stays the same throughout one ingest.

    Attributes:
        lake, triggers, console, beam_args: As given.
        key: Under which drives report their progress.
        at_once: Size of a shard; None for what `ingest.planning.shard_size` says.
    """

    lake: Lake
    triggers: Sequence[TriggerSpec]
    console: Console
    beam_args: Sequence[str]
    key: str
    at_once: int | None = None

    @property
    def clips_key(self) -> str:
        """Under which clips report their progress."""
        return f"{self.key}/clips"

    def shard_size(self, items: int) -> int:
        """How many of so many items are done and committed together."""
        return self.at_once or shard_size(items, self.beam_args)


@dataclass(frozen=True)
class ShardCommit:
    """What a shard puts into the lake: the files of its workers, and small rows, a file a table."""

    commit_id: str
    files: Sequence[DataFile]
    sources: Sequence[str]
    drives: Sequence[DriveRow] = ()
    events: Sequence[EventRow] = ()
    clips: Sequence[ClipRow] = ()
    quarantine: Sequence[pa.Table] = ()

    def write(self, lake: Lake, outcomes: Sequence[Outcome], reserve: Reserve) -> None:
        """Commit it, with how many items ended how, in the room that was reserved for that.

        Raises:
            AlreadyCommittedError: Another process committed some of the sources first.
            RidealongError: The lake cannot be written.
        """
        statuses = [outcome.status for outcome in outcomes]
        counts: dict[str, object] = {"planned": len(statuses)}
        counts |= {status.value: statuses.count(status) for status in set(statuses)}
        reserve.release()
        files = [*self.files, *self._small_files(lake)]
        lake.commit(self.commit_id, "ingest", files, self.sources, counts)

    def _small_files(self, lake: Lake) -> Iterable[DataFile]:
        rows: dict[TableSpec, Sequence[TableRow]] = {
            DRIVES: self.drives,
            EVENTS: self.events,
            CLIPS: self.clips,
        }
        tables = {spec: table_of(some, spec) for spec, some in rows.items()}
        tables[QUARANTINE] = pa.concat_tables([QUARANTINE.schema.empty_table(), *self.quarantine])
        for spec, table in tables.items():
            if written := write_data_file(lake.home, self.commit_id, spec, table):
                yield written
