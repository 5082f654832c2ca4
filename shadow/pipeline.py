"""The pipelines of a shadow run: clips in, what became of them out, one pipeline a batch."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import partial

from ridealong.execution.accounting import Status, outcomes_path, settle
from ridealong.execution.processes.ahead import Ahead
from ridealong.execution.processes.pool import ProcessDiedError, Processes, cores, offer
from ridealong.execution.runner import THREADS_A_CORE, Work, names_runner, run_work
from shadow.replay import Batch, ClipOutcome, ClipPlan, Replayer, ReplayPlan, clip_replayer

FEWEST_CLIPS = 6  # for processes of our own: to start one takes about as long as a clip


def run_replay(
    plan: ReplayPlan, beam_args: Sequence[str] = ()
) -> Generator[tuple[Batch, list[ClipOutcome]], None, None]:
    """Replay the plan batch by batch, and give each batch with one outcome a clip, in its order.

    On the embedded runner clips are replayed by workers that the batches share, and that go on
    with the next batch while one ends: processes of our own, a core each, if there are enough
    clips to be worth the start; threads otherwise, and on a GPU, where they share the networks'
    one copy.

    Raises:
        ItemsLostError: The runner lost a clip, or never ran the last step.
        RidealongError: The runner does not work, or a step failed.
    """
    # A worker needs no more than its clip.
    work = Work(plan.key, partial(clip_replayer, replace(plan, batches=())), died=_died)
    clips, done = plan.clips, 0
    with _workers(plan, beam_args) as ahead:
        for batch in plan.batches:
            done += len(batch.clips)
            if ahead:
                ahead.start(clips[: done + cores()])
            sheet = outcomes_path(plan.home, batch.commit_id)
            # One thread of Beam's, where all it does is wait; each costs 0.1 s a batch.
            outcomes = run_work(
                work, batch.clips, sheet, ClipOutcome, beam_args, 1, spread=ahead is None
            )
            yield batch, settle([clip.clip_id for clip in batch.clips], outcomes)


@contextmanager
def _workers(
    plan: ReplayPlan, beam_args: Sequence[str]
) -> Iterator[Ahead[ClipPlan, ClipOutcome] | None]:
    """Workers in this process for all batches; None where the runner that the user names has them.

    They close with the run, however it ends.
    """
    if names_runner(beam_args):
        yield None
        return
    bare = replace(plan, home=plan.home.absolute(), batches=())
    if plan.device != "cpu" or len(plan.clips) < FEWEST_CLIPS:
        with closing(Ahead(Replayer(bare).replay, THREADS_A_CORE * cores())) as ahead:
            offer(plan.key, ahead)
            yield ahead
        return
    processes = Processes(partial(clip_replayer, bare), cores())
    with closing(processes), closing(Ahead(partial(_do_twice, processes), cores())) as ahead:
        offer(plan.key, ahead)
        yield ahead


def _do_twice(processes: Processes[ClipPlan, ClipOutcome], clip: ClipPlan) -> ClipOutcome:
    """Try a clip once more whose process died: it may have been killed for another's memory."""
    with suppress(ProcessDiedError):
        return processes.do(clip)
    try:
        return processes.do(clip)
    except ProcessDiedError as error:
        raise ProcessDiedError(f"tried twice; {error}") from error


def _died(clip: ClipPlan, reason: str) -> ClipOutcome:
    return ClipOutcome(clip.clip_id, Status.FAILED, reason)
