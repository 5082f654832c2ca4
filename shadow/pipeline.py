"""The Beam wiring of a shadow run: clips in, what became of them out.

::

    clips ─ replay one (decode, both networks, score) ─ all ─ sheet

As in `ingest.pipeline`, only descriptors are shuffled, and the launcher commits.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import apache_beam as beam

from ingest.accounting import sheet_path
from ingest.clips.workers import cores
from ingest.pipeline import THREADS_A_CORE, hand_in, run_to_sheet
from ingest.progress import report
from shadow.networks.inference import Network
from shadow.networks.loading import load_network
from shadow.networks.manifest import NetworkManifest
from shadow.replay import ClipOutcome, ClipPlan, Replayer


@dataclass(frozen=True)
class NetworkFile:
    """A network as workers find it: identity, manifest as JSON, weights relative to the home."""

    sha256: str
    manifest: str
    blob: str


@dataclass(frozen=True)
class ReplayPlan:
    """One replay, small enough to be pickled into every worker."""

    home: Path
    commit_id: str
    networks: tuple[NetworkFile, ...]
    clips: tuple[ClipPlan, ...]
    rate_hz: float
    definition: str
    device: str


@lru_cache(maxsize=4)
def _loaded(home: Path, file: NetworkFile, device: str) -> Network:
    """Load a network once a process, however many workers share it."""
    manifest = NetworkManifest.model_validate_json(file.manifest)
    return load_network(manifest, home / file.blob, device)


class ReplayClip(beam.DoFn):
    """`shadow.replay.Replayer` for one clip at a time."""

    def __init__(self, plan: ReplayPlan) -> None:
        self._plan = plan

    def setup(self) -> None:
        """Load both networks."""
        plan = self._plan
        networks = {file.sha256: _loaded(plan.home, file, plan.device) for file in plan.networks}
        self._replayer = Replayer(
            plan.home, plan.commit_id, networks, plan.rate_hz, plan.definition
        )

    def process(self, clip: ClipPlan) -> Iterator[ClipOutcome]:
        """Emit what became of the clip."""
        yield self._replayer.replay(clip)
        report(self._plan.commit_id)


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

    Raises:
        ItemsLostError: The runner never ran the last step.
    """
    sheet = sheet_path(plan.home, plan.commit_id)
    define = partial(define_pipeline, plan=plan, sheet=sheet)
    # One thread computes while another holds the interpreter: a tenth quicker than one a core.
    return run_to_sheet(define, sheet, ClipOutcome, beam_args, THREADS_A_CORE * cores())
