"""What both stages of an ingest share: its settings, and what a shard puts into the lake."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import pyarrow as pa

from ingest.rows import ClipRow, DriveRow, EventRow, TableRow, table_of
from ingest.schemas import CLIPS, DRIVES, EVENTS, QUARANTINE
from ingest.triggers.spec import TriggerSpec
from ridealong.execution.loop import Contents
from ridealong.execution.shards import Shard, shard_size, shards
from ridealong.lake import DataFile, Lake
from ridealong.lake.tables import TableSpec
from ridealong.terminal.console import Console

Part = TypeVar("Part")


@dataclass(frozen=True)
class Flow:
    """The settings of one ingest, or of triggers that are applied to the lake's drives.

    Attributes:
        lake, triggers, console, beam_args: As given.
        at_once: Size of a shard; None for `ridealong.execution.shards.shard_size`.
        command: The name under which commits are logged.
    """

    lake: Lake
    triggers: Sequence[TriggerSpec]
    console: Console
    beam_args: Sequence[str]
    at_once: int | None = None
    command: str = "ingest"

    def shards(
        self, parts: Sequence[Part], weight: Callable[[Part], int] = lambda part: 1
    ) -> Iterator[Shard[Part]]:
        """The parts, cut; ``weight`` is how many items a part has."""
        items = sum(map(weight, parts))
        size = self.at_once or shard_size(items, self.beam_args)
        for some in shards(parts, size, weight):
            yield Shard(self.lake.new_commit_id(), some)


def contents(
    files: Sequence[DataFile],
    sources: Sequence[str],
    *,
    drives: Sequence[DriveRow] = (),
    events: Sequence[EventRow] = (),
    clips: Sequence[ClipRow] = (),
    quarantine: Sequence[pa.Table] = (),
) -> Contents:
    """What a shard puts into the lake: the files of its workers, and the rows of small tables."""
    rows: dict[TableSpec, Sequence[TableRow]] = {DRIVES: drives, EVENTS: events, CLIPS: clips}
    tables = {spec: table_of(some, spec) for spec, some in rows.items()}
    tables[QUARANTINE] = pa.concat_tables([QUARANTINE.schema.empty_table(), *quarantine])
    return Contents(files, sources, tables)
