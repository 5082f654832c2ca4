"""The pipeline of a replay: clips in, an outcome of each clip out, one pipeline a batch."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import partial

from ridealong.execution.accounting import Status, outcomes_path
from ridealong.execution.options import names_runner
from ridealong.execution.processes.pool import Processes, Retrying, cores
from ridealong.execution.processes.prefetch import Prefetcher
from ridealong.execution.runner import THREADS_A_CORE, Work, run_work
from ridealong.terminal.progress import Steps
from shadow.replay import Replayer, clip_replayer
from shadow.replay_plan import Batch, ClipOutcome, ClipPlan, ReplayPlan

FEWEST_CLIPS = 6  # for separate processes: starting one takes about as long as a clip

ReplayBatch = Callable[[Batch], list[ClipOutcome]]


@contextmanager
def replaying(
    plan: ReplayPlan, beam_args: Sequence[str] = (), steps: Steps | None = None
) -> Iterator[ReplayBatch]:
    """The function that replays one batch of the plan; call it in the plan's order.

    It returns the outcomes as the runner delivered them.

    On the embedded runner all batches share the same workers, which begin the next batch while one
    ends. Workers are separate processes, one per core. Threads are used instead if there are too
    few clips to be worth starting processes, and on a GPU, where they share one copy of the
    networks.

    Raises:
        ItemsLostError: The runner never ran the last step of a batch.
        RidealongError: The runner does not work, or a step failed.
    """
    # A worker needs no more than its clip.
    work = Work(partial(clip_replayer, replace(plan, batches=())), died=_not_replayed)
    ends = _ends(plan)
    with _workers(plan, beam_args) as workers:

        def replay_batch(batch: Batch) -> list[ClipOutcome]:
            if workers:
                workers.start(plan.clips[: ends[batch.commit_id] + cores()])
            return run_work(
                work,
                batch.clips,
                outcomes_path(plan.home, batch.commit_id),
                ClipOutcome,
                beam_args,
                steps=steps,
                workers=workers,
                threads=1,  # it only waits, and each thread costs 0.1 s a batch
                spread=workers is None,
            )

        yield replay_batch


def _ends(plan: ReplayPlan) -> dict[str, int]:
    """How many clips the batches have up to the end of each, by commit id."""
    ends, done = {}, 0
    for batch in plan.batches:
        done += len(batch.clips)
        ends[batch.commit_id] = done
    return ends


@contextmanager
def _workers(
    plan: ReplayPlan, beam_args: Sequence[str]
) -> Iterator[Prefetcher[ClipPlan, ClipOutcome] | None]:
    """Workers for all batches; None if the user names a runner, which has its own.

    They close when the run ends, also if it fails.
    """
    if names_runner(beam_args):
        yield None
        return
    bare = replace(plan, home=plan.home.absolute(), batches=())
    if plan.device != "cpu" or len(plan.clips) < FEWEST_CLIPS:
        with closing(Replayer(bare)) as replayer, ExitStack() as ending:
            threads = Prefetcher(replayer.replay, THREADS_A_CORE * cores())
            ending.callback(threads.close, wait=True)  # a clip in progress uses the networks
            yield threads
        return
    processes = Processes(partial(clip_replayer, bare), cores())
    with closing(processes), closing(Prefetcher(Retrying(processes).do, cores())) as workers:
        yield workers


def _not_replayed(clip: ClipPlan, reason: str) -> ClipOutcome:
    return ClipOutcome(clip.clip_id, Status.FAILED, reason)
