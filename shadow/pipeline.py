"""The pipeline of a shadow run: clips in, what became of them out."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

from ingest.accounting import Status, sheet_path
from ingest.execution.runner import THREADS_A_CORE, Work, names_runner, run_work
from ingest.processes.pool import cores, helped
from shadow.replay import ClipOutcome, ClipPlan, ReplayPlan, clip_replayer

# Threads that wait for a process: the fewer clips Beam deals to each, the less is left at the end.
WAITING_A_CORE = 8
FEWEST_CLIPS = 6  # for processes of our own: to start one takes about as long as a clip


def run_replay(plan: ReplayPlan, beam_args: Sequence[str] = ()) -> list[ClipOutcome]:
    """Replay every clip of the plan and give what the workers said, as the runner delivered it.

    On the embedded runner and the CPU clips are replayed by processes of our own, a core each, if
    there are enough of them to be worth the start. On a GPU threads share the networks' one copy.

    Raises:
        ItemsLostError: The runner never ran the last step.
        RidealongError: The runner does not work, or a step failed.
    """
    few = len(plan.clips) < FEWEST_CLIPS
    alone = names_runner(beam_args) or plan.device != "cpu" or few
    make = partial(clip_replayer, replace(plan, home=plan.home.absolute(), clips=()))
    work = Work(plan.commit_id, make, died=_died)
    sheet = sheet_path(plan.home, plan.commit_id)
    with nullcontext() if alone else helped(plan.commit_id, make, cores()):
        threads = (THREADS_A_CORE if alone else WAITING_A_CORE) * cores()
        return run_work(work, plan.clips, sheet, ClipOutcome, beam_args, threads)


def _died(clip: ClipPlan, reason: str) -> ClipOutcome:
    return ClipOutcome(clip.clip_id, Status.FAILED, reason)
