"""The Beam wiring of ingest: drives in, what became of them out.

::

    drives ─ ingest one ─┬─ events by day ─ budgets ─┬─ by drive ─ plan clips ─┬─ cut one ─┐
                         ├─ rows ────────────────────┘                         │           │
                         └─────────────────────────────────────────────────────┴───────────┴─ sheet

Only descriptors are shuffled; workers open files themselves and write their own. Nothing is
emitted in ``finish_bundle`` (some runners drop it), and every branch ends in the one last step
(some runners compute only the last collection). That step hands in one sheet; the launcher holds
it against the plan and commits, so a runner that loses an element commits nothing.
"""

import io
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext, redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions
from apache_beam.runners.portability.fn_api_runner.execution import BundleContextManager

from ingest.accounting import read_sheet, sheet_path, write_sheet
from ingest.clips.cut import (
    ClipCutter,
    ClipJob,
    ClipOutcome,
    PlannedClips,
    clip_cutter,
    clip_jobs,
    plan_clips,
)
from ingest.drives import DriveOutcome, DrivePlan, Row, ingest_drive
from ingest.errors import RidealongError
from ingest.planning import IngestPlan
from ingest.processes.pool import ProcessDiedError, cores, helped, helpers_of
from ingest.progress import expect, report
from ingest.recording import DriveFiles
from ingest.schemas import EVENTS
from ingest.triggers.budget import DAY_NS, apply_budgets

IngestOutcome = DriveOutcome | PlannedClips | ClipOutcome
# Why a sheet could not be written, where the last step runs in the launcher's process: Beam would
# print an error as a traceback.
_REFUSED: dict[Path, list[RidealongError]] = {}
DASK = "apache_beam.runners.dask.dask_runner.DaskRunner"  # Beam knows it by no shorter name
# Threads in this process: Arrow and numpy release the GIL, and Beam's own processes would take
# seconds to start; what is heavier is done by `ingest.processes`.
EMBEDDED = ["--runner=FnApiRunner", "--direct_running_mode=multi_threading"]
# Beam deals elements out to its threads beforehand. With two threads a core, one that drew short
# work leaves no core idle; memory is bounded by `_READING` and by the processes that cut clips.
THREADS_A_CORE = 2
_READING = threading.BoundedSemaphore(cores())


# Beam's embedded runner makes the buffer of a step's output in whichever thread first needs it, and
# looks whether it is there without a lock: two threads that finish at once made two, and what the
# first had written was gone (seen on 2.77: 323 of 3,822 clips lost, and noticed by the sheet).
_BUFFERS = threading.Lock()
_UNGUARDED_BUFFER = BundleContextManager.get_buffer


def _get_buffer(self: BundleContextManager, buffer_id: bytes, transform_id: str) -> Any:
    with _BUFFERS:
        return _UNGUARDED_BUFFER(self, buffer_id, transform_id)


BundleContextManager.get_buffer = _get_buffer  # type: ignore[method-assign]


def run_beam(
    define: Callable[[beam.Pipeline], object], beam_args: Sequence[str], workers: int = 2
) -> None:
    """Run a pipeline on the embedded runner, or on the one that ``beam_args`` name.

    Raises:
        RidealongError: There is no such runner.
    """
    logging.getLogger("apache_beam").setLevel(logging.ERROR)
    try:
        pipeline = beam.Pipeline(options=_options(_arguments(beam_args, workers)))
        define(pipeline)
        _run_aside(pipeline)
    except (ValueError, ImportError, RuntimeError) as error:
        if not beam_args:  # the embedded runner is ours, and so is what fails in it
            raise
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise RidealongError(
            f"Beam cannot run: {said[-1]}", where=" ".join(beam_args), mend="see docs/pipelines.md"
        ) from error


def _run_aside(pipeline: beam.Pipeline) -> None:
    """Run a pipeline in a thread of its own, so that Ctrl-C ends our waiting for it.

    Beam, interrupted itself, shuts down under its workers, and they say so by tracebacks.
    """
    failed: list[BaseException] = []

    def work() -> None:
        try:
            pipeline.run().wait_until_finish()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


def _options(arguments: list[str]) -> PipelineOptions:
    """Beam's options; what its parser prints before it leaves becomes one line of ours."""
    said = io.StringIO()
    try:
        with redirect_stdout(said), redirect_stderr(said):
            options = PipelineOptions(arguments)
            options.view_as(SetupOptions).save_main_session = False
            options.get_all_options()  # parses
    except SystemExit as error:
        lines = said.getvalue().strip().splitlines() or ["no usable options"]
        raise ValueError(lines[-1]) from error
    return options


def names_runner(beam_args: Sequence[str]) -> bool:
    """Whether the user chose a runner; else the embedded one runs."""
    return any(arg == "--runner" or arg.startswith("--runner=") for arg in beam_args)


def _arguments(beam_args: Sequence[str], workers: int) -> list[str]:
    """Beam's arguments: ours where the user names no runner."""
    if not names_runner(beam_args):
        return [*EMBEDDED, f"--direct_num_workers={workers}", *beam_args]
    names = {"DaskRunner": DASK, "--runner=DaskRunner": f"--runner={DASK}"}
    return [names.get(arg, arg) for arg in beam_args]


def run_to_sheet(
    define: Callable[[beam.Pipeline], object],
    sheet: Path,
    kind: Any,
    beam_args: Sequence[str] = (),
    workers: int = 2,
) -> list[Any]:
    """Run a pipeline that ends in `hand_in`, and give what was emitted, as the runner delivered it.

    Raises:
        ItemsLostError: The runner never ran the last step.
        RidealongError: The sheet could not be written, or there is no such runner.
    """
    refused = _REFUSED[sheet] = []
    try:
        run_beam(define, beam_args, workers)
    finally:
        del _REFUSED[sheet]
    if refused:
        raise refused[0]
    return read_sheet(sheet, kind)


class HandIn(beam.DoFn):
    """The last step of a pipeline: everything that was emitted, on one sheet."""

    def __init__(self, sheet: Path, kind: Any) -> None:
        self._sheet, self._kind = sheet, kind

    def process(self, group: tuple[None, Iterable[object]]) -> Iterator[str]:
        """Write the sheet (again, if the runner repeats work: the content is the same)."""
        try:
            write_sheet(self._sheet, self._kind, list(group[1]))
        except RidealongError as error:
            if self._sheet not in _REFUSED:
                raise
            _REFUSED[self._sheet].append(error)
        yield str(self._sheet)


def hand_in(collections: Sequence[Any], sheet: Path, kind: Any) -> Any:
    """Flatten every branch into the one last step that hands in the sheet."""
    return (
        tuple(collections)
        | "all branches" >> beam.Flatten()
        | "one group" >> beam.Map(lambda outcome: (None, outcome))
        # Shuffles outcomes: counts, paths and small rows.
        | "gather" >> beam.GroupByKey()
        | "hand in" >> beam.ParDo(HandIn(sheet, kind))
    )


class IngestDrive(beam.DoFn):
    """`ingest.drives.ingest_drive` for one drive at a time."""

    def __init__(self, plan: IngestPlan) -> None:
        self._plan = plan

    def process(self, drive: DrivePlan) -> Iterator[DriveOutcome]:
        """Emit what became of the drive."""
        plan = self._plan
        with _READING:
            outcome = ingest_drive(plan.home, plan.commit_id, drive, plan.triggers)
        report(plan.commit_id)
        yield outcome


class ApplyBudgets(beam.DoFn):
    """Budgets over all events of one UTC day."""

    def __init__(self, plan: IngestPlan) -> None:
        self._plan = plan

    def process(self, group: tuple[int, Iterable[Row]]) -> Iterator[tuple[str, Row]]:
        """Emit each event, kept or suppressed with the reason, by its drive."""
        # Shuffles have no order; the schema's order makes the pass repeatable.
        rows = sorted(group[1], key=lambda event: str(event["event_id"]))
        events = pa.Table.from_pylist(rows, schema=EVENTS.schema)
        for event in apply_budgets(events, self._plan.triggers, self._plan.kept_before).to_pylist():
            yield str(event["drive_id"]), event


class PlanClips(beam.DoFn):
    """`ingest.clips.cut.plan_clips` for one drive at a time."""

    def __init__(self, plan: IngestPlan) -> None:
        self._plan = plan

    def process(
        self, group: tuple[str, tuple[Iterable[Row], Iterable[Row]]]
    ) -> Iterator[tuple[Row, PlannedClips]]:
        """Emit the drive's row, its events and the clips that they ask for."""
        _, (drives, rows) = group
        events = sorted(rows, key=lambda event: (event["time_ns"], str(event["trigger"])))
        for drive in list(drives)[:1]:  # the same again, if the runner repeats work
            planned = plan_clips(drive, events, self._plan.triggers)
            expect(self._plan.clips_key, len(planned.windows))
            yield drive, planned


class CutClip(beam.DoFn):
    """One clip at a time: by the processes that the launcher has for it, elsewhere right here."""

    def __init__(self, plan: IngestPlan) -> None:
        self._plan = plan

    def setup(self) -> None:
        """Keep a drive open from one of its clips to the next."""
        self._cutter = ClipCutter(self._plan.home, self._plan.commit_id)

    def process(self, job: ClipJob) -> Iterator[ClipOutcome]:
        """Emit what became of the clip."""
        # Without cameras there is little to do.
        helpers = helpers_of(self._plan.commit_id) if job.drive["cameras"] else None
        try:
            outcome = helpers.do(job) if helpers else self._cutter.cut(job)
        except ProcessDiedError as error:
            outcome = ClipOutcome(job.window.clip_id, failure=str(error))
        report(self._plan.clips_key)
        yield outcome


def _by_day(outcome: DriveOutcome) -> Iterator[tuple[int, Row]]:
    for event in outcome.events:
        yield int(str(event["time_ns"])) // DAY_NS, event


def _by_drive(outcome: DriveOutcome) -> Iterator[tuple[str, Row]]:
    if outcome.drive is not None and outcome.events:
        yield outcome.item_id, outcome.drive


def define_pipeline(root: beam.Pipeline, plan: IngestPlan, sheet: Path) -> Any:
    """Wire one ingest; the last collection is the sheet's path."""
    outcomes = (
        root
        | "plan" >> beam.Create(list(plan.drives))
        # Shuffles descriptors, so that drives spread over the workers.
        | "spread" >> beam.Reshuffle()
        | "ingest a drive" >> beam.ParDo(IngestDrive(plan))
    )
    events = (
        outcomes
        | "events by day" >> beam.FlatMap(_by_day)
        # Shuffles events: a budget looks at a whole day.
        | "days" >> beam.GroupByKey()
        | "budgets" >> beam.ParDo(ApplyBudgets(plan))
    )
    rows = outcomes | "rows by drive" >> beam.FlatMap(_by_drive)
    # Shuffles events and the rows of drives: windows of one drive merge into clips.
    planned = (
        (rows, events)
        | "drives" >> beam.CoGroupByKey()
        | "plan clips" >> beam.ParDo(PlanClips(plan))
    )
    clips = (
        planned
        | "one by one"
        >> beam.FlatMap(_jobs_of, files={d.files.drive_id: d.files for d in plan.drives})
        # Shuffles jobs, so that clips spread over the workers, also those of one drive.
        | "spread clips" >> beam.Reshuffle()
        | "cut a clip" >> beam.ParDo(CutClip(plan))
    )
    told = planned | "events" >> beam.Map(lambda pair: pair[1])
    return hand_in([outcomes, told, clips], sheet, IngestOutcome)


def _jobs_of(pair: tuple[Row, PlannedClips], files: Mapping[str, DriveFiles]) -> list[ClipJob]:
    drive, planned = pair
    return clip_jobs(files[planned.drive_id], drive, planned)


def run_ingest(plan: IngestPlan, beam_args: Sequence[str] = ()) -> list[IngestOutcome]:
    """Run one planned ingest and give what every worker said, as the runner delivered it.

    On the embedded runner clips are cut by processes of our own, a core each.

    Raises:
        ItemsLostError: The runner never ran the last step.
        RidealongError: The sheet could not be written, or there is no such runner.
    """
    sheet = sheet_path(plan.home, plan.commit_id)
    make = partial(clip_cutter, plan.home.absolute(), plan.commit_id)
    with nullcontext() if names_runner(beam_args) else helped(plan.commit_id, make, cores()):
        define = partial(define_pipeline, plan=plan, sheet=sheet)
        return run_to_sheet(define, sheet, IngestOutcome, beam_args, THREADS_A_CORE * cores())
