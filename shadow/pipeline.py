"""The Beam wiring of a shadow run: clips in, what became of them out.

::

    clips ─ replay one (decode, both networks, score) ─ all ─ sheet

As in `ingest.pipeline`, only descriptors are shuffled, and the launcher commits.
"""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import apache_beam as beam

from ingest.accounting import Status, sheet_path
from ingest.pipeline import THREADS_A_CORE, hand_in, names_runner, run_to_sheet
from ingest.processes.pool import ProcessDiedError, cores, helped, helpers_of
from ingest.progress import report
from shadow.replay import ClipOutcome, ClipPlan, Replayer, ReplayPlan, clip_replayer

# Threads that wait for a process: the fewer clips Beam deals to each, the less is left at the end.
WAITING_A_CORE = 8
FEWEST_CLIPS = 6  # for processes of our own: to start one takes about as long as a clip


class ReplayClip(beam.DoFn):
    """One clip at a time: by the processes that the launcher has for it, elsewhere right here."""

    def __init__(self, plan: ReplayPlan) -> None:
        self._plan = plan

    def setup(self) -> None:
        """Keep the networks, once loaded, from one clip to the next."""
        self._replayer = Replayer(self._plan)

    def process(self, clip: ClipPlan) -> Iterator[ClipOutcome]:
        """Emit what became of the clip."""
        helpers = helpers_of(self._plan.commit_id)
        try:
            outcome = helpers.do(clip) if helpers else self._replayer.replay(clip)
        except ProcessDiedError as error:
            outcome = ClipOutcome(clip.clip_id, Status.FAILED, str(error))
        report(self._plan.commit_id)
        yield outcome


def define_pipeline(root: beam.Pipeline, plan: ReplayPlan, sheet: Path) -> Any:
    """Wire one replay; the last collection is the sheet's path."""
    outcomes = (
        root
        | "plan" >> beam.Create(list(plan.clips))
        # Shuffles descriptors, so that clips spread over the workers.
        | "spread" >> beam.Reshuffle()
        | "replay a clip" >> beam.ParDo(ReplayClip(plan))
    )
    return hand_in([outcomes], sheet, ClipOutcome)


def run_replay(plan: ReplayPlan, beam_args: Sequence[str] = ()) -> list[ClipOutcome]:
    """Replay every clip of the plan and give what the workers said, as the runner delivered it.

    On the embedded runner and the CPU clips are replayed by processes of our own, a core each, if
    there are enough of them to be worth the start. On a GPU threads share the networks' one copy.

    Raises:
        ItemsLostError: The runner never ran the last step.
    """
    sheet = sheet_path(plan.home, plan.commit_id)
    define = partial(define_pipeline, plan=plan, sheet=sheet)
    few = len(plan.clips) < FEWEST_CLIPS
    alone = names_runner(beam_args) or plan.device != "cpu" or few
    make = partial(clip_replayer, replace(plan, home=plan.home.absolute(), clips=()))
    with nullcontext() if alone else helped(plan.commit_id, make, cores()):
        threads = (THREADS_A_CORE if alone else WAITING_A_CORE) * cores()
        return run_to_sheet(define, sheet, ClipOutcome, beam_args, threads)
