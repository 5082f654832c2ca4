"""The replay of a run: what no commit holds yet, replayed and committed batch by batch.

A kill, a full disk or a lost worker costs the batch in hand; what was committed before it is not
replayed again. A clip that cannot be replayed is given back as failed and is not committed, so the
next run tries it again.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from ridealong.errors import RidealongError
from ridealong.execution.accounting import Status
from ridealong.execution.failures import DISK_FULL, is_full
from ridealong.lake import AlreadyCommittedError, Lake
from ridealong.terminal.console import Console
from ridealong.terminal.progress import watching
from ridealong.terminal.readable import counted
from shadow.networks.registry import NetworkEntry
from shadow.pipeline import run_replay
from shadow.planning import plan_replay, replay_sources
from shadow.replay import Batch, ClipOutcome, ReplayPlan

# So many clips that all fail for one reason, before any clip worked, are not to blame themselves.
SUSPECT = 5


@dataclass(frozen=True)
class Replayed:
    """Outcomes of the clips that were replayed and committed, and of those that failed."""

    done: list[ClipOutcome] = field(default_factory=list)
    failed: list[ClipOutcome] = field(default_factory=list)

    @property
    def failed_ids(self) -> list[str]:
        """The clips that failed."""
        return [outcome.item_id for outcome in self.failed]


def replay(
    lake: Lake,
    networks: Sequence[NetworkEntry],
    clips: pa.Table,
    device: str,
    console: Console,
    beam_args: Sequence[str] = (),
) -> Replayed:
    """Replay and commit what no commit holds yet of these clips.

    Another process may commit the same clips first; this one then goes on from the other end, so
    that two processes with the same work share it.

    Raises:
        RidealongError: The disk is full, or clip after clip fails for one reason. Batches that
            were committed before that stay.
        ItemsLostError: The runner lost clips of the batch in hand.
    """
    found = Replayed()
    plan = plan_replay(lake, networks, clips, device)
    stored = clips.num_rows - len(plan.clips)
    while plan.batches:
        try:
            _run_batches(lake, plan, found, stored, console, beam_args)
            break
        except AlreadyCommittedError:  # each time, there is less left to do
            console.note("another process replayed some of these clips first; doing what is left")
        left = pc.invert(pc.is_in(clips["clip_id"], pa.array(found.failed_ids, pa.string())))
        clips = clips.filter(left)[::-1]
        plan = plan_replay(lake, networks, clips, device)
    return found


def _run_batches(
    lake: Lake,
    plan: ReplayPlan,
    found: Replayed,
    stored: int,
    console: Console,
    beam_args: Sequence[str],
) -> None:
    """Replay a plan, commit each batch, and add to ``found`` what became of its clips."""
    with (
        console.steps("clips", len(plan.clips)) as steps,
        watching(plan.key, steps),
        closing(run_replay(plan, beam_args)) as batches,
        _telling_full_disk(found),
    ):
        for batch, outcomes in _keeping_room(lake, batches):
            done = [outcome for outcome in outcomes if outcome.status is Status.DONE]
            _commit(lake, plan, batch, done)
            found.done.extend(done)
            found.failed.extend(o for o in outcomes if o.status is not Status.DONE)
            if any(outcome.reason == DISK_FULL for outcome in outcomes):
                raise _full(found)
            if not stored:
                _require_one_that_works(found)


def _require_one_that_works(found: Replayed) -> None:
    """Stop a replay in which the network or the machine is at fault, and not the clips."""
    reasons = {outcome.reason for outcome in found.failed}
    if not found.done and len(found.failed) >= SUSPECT and len(reasons) == 1:
        raise RidealongError(
            f"no clip can be replayed; {len(found.failed)} were tried, and all failed for the same "
            f"reason: {found.failed[0].reason}",
            hint="check the two networks, the device and the machine's memory; nothing was judged",
        )


def _keeping_room(
    lake: Lake, batches: Iterator[tuple[Batch, list[ClipOutcome]]]
) -> Iterator[tuple[Batch, list[ClipOutcome]]]:
    """The batches; while each of them is worked on, the disk keeps room for its commit."""
    while True:
        with lake.reserve():
            batch = next(batches, None)
        if batch is None:
            return
        yield batch


@contextmanager
def _telling_full_disk(found: Replayed) -> Iterator[None]:
    try:
        yield
    except RidealongError as error:
        if is_full(error):
            raise _full(found) from error
        raise


def _full(found: Replayed) -> RidealongError:
    return RidealongError(
        f"the disk is full; replayed and kept: {counted(len(found.done), 'clip')}",
        hint="make room and run the command again",
    )


def _commit(lake: Lake, plan: ReplayPlan, batch: Batch, done: Sequence[ClipOutcome]) -> None:
    """Commit what was done of a batch; what failed stays to be done."""
    if done:
        files = [file for outcome in done for file in outcome.written]
        counts = {"planned": len(batch.clips), "done": len(done)}
        sources = replay_sources(plan, batch, {outcome.item_id for outcome in done})
        lake.commit(batch.commit_id, "shadow replay", files, sources, counts)
