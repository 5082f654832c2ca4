"""The replay of a run: clips without stored scores are replayed and committed batch by batch.

A kill, a full disk or a lost worker costs the batch in progress. Batches that were committed before
are not replayed again. A clip that cannot be replayed is reported as failed and is not committed,
so the next run tries it again.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from ridealong.errors import RidealongError
from ridealong.execution.accounting import Status
from ridealong.execution.loop import Contents, ShardResult, run_plans, run_shards
from ridealong.lake import Lake
from ridealong.terminal.console import Console
from ridealong.terminal.readable import counted
from shadow.networks.registry import NetworkEntry
from shadow.pipeline import ReplayBatch, replaying
from shadow.planning import longest_first, plan_replay, replay_sources
from shadow.replay_plan import Batch, ClipOutcome, ReplayPlan

# If this many clips fail before any clip worked, all for one reason or all in a network, the clips
# are not the cause.
SUSPECT = 5
LOST_RACE = "another process replayed some of these clips first; doing what is left"


@dataclass(frozen=True)
class Replayed:
    """Outcomes of the clips that were replayed and committed, and of those that failed."""

    done: list[ClipOutcome] = field(default_factory=list)
    failed: list[ClipOutcome] = field(default_factory=list)

    @property
    def failed_ids(self) -> list[str]:
        """The clips that failed."""
        return [outcome.item_id for outcome in self.failed]

    def count(self, outcomes: Sequence[ClipOutcome]) -> None:
        """Add the outcomes of a batch that was committed."""
        self.done.extend(o for o in outcomes if o.status is Status.DONE)
        self.failed.extend(o for o in outcomes if o.status is not Status.DONE)


def replay(
    lake: Lake,
    networks: Sequence[NetworkEntry],
    clips: pa.Table,
    device: str,
    console: Console,
    beam_args: Sequence[str] = (),
) -> Replayed:
    """Replay and commit the clips that have no stored scores yet, the long ones first.

    If another process commits the same clips first, this one continues from the other end. So two
    processes with the same work share it.

    Args:
        lake: Where scores and outputs are stored.
        networks: As for `shadow.planning.plan_replay`.
        clips: Rows of the table clips.
        device: Where the networks run, as torch names it.
        console: Shows the progress.
        beam_args: Beam's options.

    Raises:
        RidealongError: The disk is full, or clip after clip fails for one reason or in a network.
            Batches that were committed before that stay.
        ItemsLostError: The runner lost clips of the batch in progress.
    """
    found, clips = Replayed(), longest_first(clips)
    first = plan_replay(lake, networks, clips, device)
    has_stored = len(first.clips) < clips.num_rows

    def plans() -> Iterator[ReplayPlan]:
        plan, left = first, clips
        while plan.batches:
            yield plan
            left = _without(left, found.failed_ids)[::-1]
            plan = plan_replay(lake, networks, left, device)

    def run(plan: ReplayPlan) -> None:
        # Closing ends the workers, also if the loop fails.
        with closing(_results(lake, plan, console, beam_args)) as results:
            for result in results:
                found.count(result.outcomes or ())
                if result.hit_full_disk:
                    raise _full(found)
                if not has_stored:
                    _require_one_that_works(found)

    run_plans(plans(), run, lambda: console.note(LOST_RACE))
    return found


def _without(clips: pa.Table, clip_ids: Sequence[str]) -> pa.Table:
    return clips.filter(pc.invert(pc.is_in(clips["clip_id"], pa.array(clip_ids, pa.string()))))


def _results(
    lake: Lake, plan: ReplayPlan, console: Console, beam_args: Sequence[str]
) -> Generator[ShardResult[Batch, ClipOutcome], None, None]:
    """The result of each batch of a plan, after it is committed."""
    with (
        console.steps("clips", len(plan.clips)) as steps,
        replaying(plan, beam_args, steps) as replay_batch,
    ):
        yield from run_shards(lake, _Replaying(plan, replay_batch), plan.batches)


@dataclass(frozen=True)
class _Replaying:
    """The replay as a stage of `ridealong.execution.loop`."""

    plan: ReplayPlan
    replay_batch: ReplayBatch
    command: str = "shadow replay"

    def planned(self, batch: Batch) -> list[str]:
        return [clip.clip_id for clip in batch.clips]

    def run(self, batch: Batch) -> list[ClipOutcome]:
        return self.replay_batch(batch)

    def contents(self, batch: Batch, outcomes: Sequence[ClipOutcome]) -> Contents | None:
        """The finished clips; failed clips are left for the next run."""
        done = [outcome for outcome in outcomes if outcome.status is Status.DONE]
        if not done:
            return None
        files = [file for outcome in done for file in outcome.written]
        ids = {outcome.item_id for outcome in done}
        return Contents(files, replay_sources(self.plan, batch, ids))


def _require_one_that_works(found: Replayed) -> None:
    """Stop a replay whose failures are caused by the network or the machine, not by the clips."""
    if found.done or len(found.failed) < SUSPECT:
        return
    alike = len({outcome.reason for outcome in found.failed}) == 1
    if alike or all(outcome.by_network for outcome in found.failed):
        why = "all failed for the same reason" if alike else "a network failed on each; the first"
        raise RidealongError(
            f"no clip can be replayed; {len(found.failed)} were tried, and {why}: "
            f"{found.failed[0].reason}",
            hint="check the two networks, the device and the machine's memory; nothing was judged",
        )


def _full(found: Replayed) -> RidealongError:
    return RidealongError(
        f"the disk is full; replayed and kept: {counted(len(found.done), 'clip')}",
        hint="make room and run the command again",
    )
