"""One ingest from plan to commits: what is new comes in, shard by shard.

First drives are read, and each shard of them is committed with its telemetry. Budgets are drawn
over the events of all of them together, since a day may lie in several shards. Then clips are cut,
and each shard of them is committed with the events that it shows. So the tables do not depend on
the size of a shard, and a kill loses what is in hand at most: a drive without its clips is one that
the next run passes its triggers over.
"""

import time
from collections.abc import Sequence

from ingest.cutting import cut_all
from ingest.flow import Flow
from ingest.planning import plan_ingest
from ingest.reading import read_all
from ingest.report import IngestReport, Tally
from ingest.triggers.spec import TriggerSpec
from ridealong.execution.accounting import ItemsLostError
from ridealong.execution.runner import cautions
from ridealong.lake import AlreadyCommittedError, Lake
from ridealong.perception.recording import DriveFiles
from ridealong.terminal.console import Console

RACES = 5  # how often another process may have been first before we give up


def ingest(
    lake: Lake,
    found: Sequence[DriveFiles],
    triggers: Sequence[TriggerSpec],
    console: Console,
    beam_args: Sequence[str] = (),
    at_once: int | None = None,
) -> IngestReport:
    """Bring the drives that are new into the lake, and pass new triggers over all that were found.

    Another process that commits the same input first wins; this one then does what is left.

    Args:
        lake: Where to.
        found: The recordings; see `ingest.discovery.find_drives`.
        triggers: What to look for.
        console: Where progress goes.
        beam_args: Beam's options.
        at_once: How many drives, or clips, make a shard; by default a tenth of them, within bounds.

    Raises:
        ItemsLostError: The runner lost items; nothing of their shard was committed.
        RidealongError: The lake cannot be written, or the runner does not work.
    """
    started = time.monotonic()
    flow = Flow(lake, triggers, console, beam_args, lake.new_commit_id(), at_once)
    tally = Tally()
    for line in cautions(beam_args):
        console.note(line)
    for _ in range(RACES):
        plan = plan_ingest(lake.snapshot(), found, triggers)
        tally.start([drive.item_id for drive in plan.drives], plan.known_unusable)
        try:
            cut_all(flow, read_all(flow, plan.drives, tally), plan.kept_before, tally)
            return tally.report(time.monotonic() - started)
        except AlreadyCommittedError:
            console.note("another process committed some of this input first; doing what is left")
    raise ItemsLostError(f"lost the race for the same input {RACES} times; run the command again")
