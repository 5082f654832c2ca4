"""One ingest from plan to commits, in two stages.

1. Drives are read, and each shard is committed with its telemetry.
2. Budgets are applied to the events of all drives together, because one day may lie in several
   shards. Then clips are cut, and each shard is committed with the events that it shows.

So the tables do not depend on the size of a shard, and a kill costs at most the shard in progress.
If a drive has no clips because of a kill, the next run evaluates its triggers again.
"""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from ingest.cutting import cut_all
from ingest.flow import Flow
from ingest.planning import IngestPlan, plan_ingest
from ingest.reading import read_all
from ingest.report import IngestReport, Tally
from ingest.triggers.spec import TriggerSpec
from ridealong.execution.accounting import ItemsLostError
from ridealong.execution.loop import run_plans
from ridealong.execution.runner import cautions
from ridealong.lake import Lake
from ridealong.perception.recording import DriveFiles
from ridealong.terminal.console import Console

Plan = TypeVar("Plan")
RACES = 5  # how often another process may be first before we give up
LOST_RACE = "another process committed some of this input first; doing what is left"


def ingest(
    lake: Lake,
    found: Sequence[DriveFiles],
    triggers: Sequence[TriggerSpec],
    console: Console,
    beam_args: Sequence[str] = (),
    at_once: int | None = None,
) -> IngestReport:
    """Commit the drives that are new, and evaluate new triggers on all drives that were found.

    If another process commits some of the same input first, this one does what is left.

    Args:
        lake: Where to commit.
        found: The recordings; see `ingest.discovery.find_drives`.
        triggers: The triggers to evaluate.
        console: Where progress is reported.
        beam_args: Beam's options.
        at_once: How many drives, or clips, make a shard; by default a tenth of them, within bounds.

    Raises:
        ItemsLostError: The runner lost items, and nothing of their shard was committed; or other
            processes were first too often.
        RidealongError: The lake cannot be written, or the runner does not work.
    """
    started = time.monotonic()
    flow = Flow(lake, triggers, console, beam_args, at_once)
    tally = Tally()
    for line in cautions(beam_args):
        console.note(line)
    run_to_the_end(
        lambda: plan_ingest(lake.snapshot(), found, triggers),
        lambda plan: _run(plan, flow, tally),
        console,
    )
    return tally.report(time.monotonic() - started)


def run_to_the_end(
    plan: Callable[[], Plan], run: Callable[[Plan], object], console: Console
) -> None:
    """Plan and run; if another process commits some of it first, plan and run what is left.

    Raises:
        ItemsLostError: Other processes were first too often.
    """
    plans = (plan() for _ in range(RACES))
    if not run_plans(plans, run, lambda: console.note(LOST_RACE)):
        raise ItemsLostError(
            f"other processes committed the same input first {RACES} times; run the command again"
        )


def _run(plan: IngestPlan, flow: Flow, tally: Tally) -> None:
    tally.start([drive.item_id for drive in plan.drives], plan.known_unusable)
    waiting = read_all(flow, plan.drives, tally)
    cut_all(flow, waiting, plan.kept_before, tally)
