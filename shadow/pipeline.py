"""The Beam wiring of a shadow run: clips in, what became of them out, one pipeline a batch.

::

    clips of a batch ─ replay one (decode, both networks, score) ─ all ─ sheet

As in `ingest.pipeline`, only descriptors are shuffled, and the launcher commits each batch.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import apache_beam as beam

from ingest.accounting import Status, settle, sheet_path
from ingest.pipeline import THREADS_A_CORE, hand_in, names_runner, run_to_sheet
from ingest.processes.ahead import Ahead
from ingest.processes.pool import ProcessDiedError, Processes, cores, helpers_of, offer
from ingest.progress import report
from shadow.replay import Batch, ClipOutcome, ClipPlan, Replayer, ReplayPlan, clip_replayer

FEWEST_CLIPS = 6  # for processes of our own: to start one takes about as long as a clip


class ReplayClip(beam.DoFn):
    """One clip at a time: by the workers that the launcher has for it, elsewhere right here."""

    def __init__(self, plan: ReplayPlan) -> None:
        self._plan = replace(plan, batches=())  # a worker needs no more than its clip

    def setup(self) -> None:
        """Keep the networks, once loaded, from one clip to the next."""
        self._replayer = Replayer(self._plan)

    def process(self, clip: ClipPlan) -> Iterator[ClipOutcome]:
        """Emit what became of the clip."""
        helpers = helpers_of(self._plan.key)
        try:
            outcome = helpers.do(clip) if helpers else self._replayer.replay(clip)
        except ProcessDiedError as error:
            outcome = ClipOutcome(clip.clip_id, Status.FAILED, str(error))
        report(self._plan.key)
        yield outcome


def define_pipeline(
    root: beam.Pipeline, plan: ReplayPlan, batch: Batch, sheet: Path, spread: bool = True
) -> Any:
    """Wire the replay of one batch; the last collection is the sheet's path.

    ``spread`` has the runner deal the clips out to its workers; without it they are asked for one
    after the other, in the batch's order.
    """
    clips = root | "plan" >> beam.Create(list(batch.clips))
    if spread:
        clips = clips | "spread" >> beam.Reshuffle()  # shuffles descriptors alone
    outcomes = clips | "replay a clip" >> beam.ParDo(ReplayClip(plan))
    return hand_in([outcomes], sheet, ClipOutcome)


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
    """
    clips, done = plan.clips, 0
    with _workers(plan, beam_args) as ahead:
        for batch in plan.batches:
            done += len(batch.clips)
            if ahead:
                ahead.start(clips[: done + cores()])
            sheet = sheet_path(plan.home, batch.commit_id)
            define = partial(
                define_pipeline, plan=plan, batch=batch, sheet=sheet, spread=ahead is None
            )
            # One thread of Beam's, where all it does is wait; each costs 0.1 s a batch.
            outcomes = run_to_sheet(define, sheet, ClipOutcome, beam_args, workers=1)
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
