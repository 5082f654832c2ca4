"""The Beam wiring that ingest and replay share: items in, what became of each out.

::

    items ─ spread ─ do one ─ all ─ sheet

Only descriptors are shuffled; workers open files themselves and write their own. Nothing is
emitted in ``finish_bundle`` (some runners drop it), and the last step is the only one with an
output that counts (some runners compute only the last collection). It hands in one sheet; the
launcher compares the sheet with the plan and commits, so a runner that loses an item commits
nothing of it.
"""

import io
import logging
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions

from ridealong.errors import RidealongError
from ridealong.execution import embedded
from ridealong.execution.accounting import read_outcomes, write_outcomes
from ridealong.execution.failures import told
from ridealong.execution.processes.pool import ProcessDiedError, cores, helpers_of
from ridealong.execution.reachability import PATIENCE_S, require_reachable, values_of
from ridealong.terminal.progress import report

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

# Beam deals items out to its threads beforehand. With two threads a core, one that drew short
# work leaves no core idle.
THREADS_A_CORE = 2
DASK = "apache_beam.runners.dask.dask_runner.DaskRunner"  # Beam knows it by no shorter name
# How long we wait for a job to be cancelled after Ctrl-C.
CANCEL_S = 5.0
# Where the last step runs in the launcher's process, what it hands in needs no file: a full disk
# must not stand between finished work and its commit.
_IN_HAND: dict[Path, list[list[Any]]] = {}
_LIBRARIES = ("apache_beam", "distributed", "tornado", "asyncio")


@dataclass(frozen=True)
class Work(Generic[Item, Outcome]):
    """What is done to each item: small enough to be pickled into every worker.

    Attributes:
        key: Under which progress is reported and helping processes are found.
        make: Called once in each worker; gives the function that turns an item into its outcome.
        died: The outcome of an item whose process died, with the reason.
        tries: How many processes may die of an item before that is its outcome.
        is_heavy: Whether an item is worth a process of its own, where there are any.
    """

    key: str
    make: Callable[[], Callable[[Item], Outcome]]
    died: Callable[[Item, str], Outcome]
    tries: int = 1
    is_heavy: Callable[[Item], bool] = lambda item: True


@dataclass(frozen=True)
class Mishap:
    """An error in a step of ours: emitted, so that its message is the same on every runner."""

    mishap: str


class Do(beam.DoFn):
    """One item at a time: by the processes that the launcher has for it, elsewhere right here."""

    def __init__(self, work: Work[Any, Any]) -> None:
        self._work = work

    def setup(self) -> None:
        """What an item is done by is made when the first item comes."""
        self._do: Callable[[Any], Any] | None = None

    def process(self, item: Any) -> Iterator[Any]:
        """Emit what became of the item."""
        try:
            outcome = self._outcome(item)
        except Exception as error:
            outcome = Mishap(told(error))
        report(self._work.key)
        yield outcome

    def _outcome(self, item: Any) -> Any:
        work = self._work
        helpers = helpers_of(work.key) if work.is_heavy(item) else None
        if helpers is None:
            self._do = self._do or work.make()
            return self._do(item)
        said = ""
        for _ in range(work.tries):
            try:
                return helpers.do(item)
            except ProcessDiedError as error:
                said = str(error)
        return work.died(item, said)


class HandIn(beam.DoFn):
    """The last step: everything that was emitted, on one sheet."""

    def __init__(self, sheet: Path, kind: Any) -> None:
        self._sheet, self._kind = sheet, kind

    def process(self, group: tuple[None, Iterable[object]]) -> Iterator[str]:
        """Hand in (again, if the runner repeats work: the content is the same)."""
        if self._sheet in _IN_HAND:
            _IN_HAND[self._sheet].append(list(group[1]))
        else:
            write_outcomes(self._sheet, self._kind, list(group[1]))
        yield str(self._sheet)


def run_work(
    work: Work[Item, Outcome],
    items: Sequence[Item],
    sheet: Path,
    kind: Any,
    beam_args: Sequence[str] = (),
    workers: int | None = None,
    spread: bool = True,
) -> list[Outcome]:
    """Do every item and give what was emitted, as the runner delivered it.

    Args:
        work: What is done to an item.
        items: The items.
        sheet: Where the last step hands in what it got, on runners elsewhere.
        kind: Type of the outcomes, or a union of types, for reading them back.
        beam_args: Beam's options; without a runner among them the embedded one runs.
        workers: Threads of the embedded runner; by default two a core.
        spread: Have the runner deal the items out to its workers; else they are asked for one
            after the other, in their order.

    Raises:
        ItemsLostError: The runner never ran the last step.
        RidealongError: The runner cannot be reached or does not exist, or a step failed.
    """
    if not items:
        return []
    # Each thread costs a tenth of a second.
    workers = min(workers or THREADS_A_CORE * cores(), len(items))
    handed = _IN_HAND[sheet] = []
    try:
        _run(lambda root: _define(root, work, items, sheet, kind, spread), beam_args, workers)
    finally:
        del _IN_HAND[sheet]
    emitted = handed[-1] if handed else read_outcomes(sheet, kind | Mishap)
    mishaps = [outcome for outcome in emitted if isinstance(outcome, Mishap)]
    if mishaps:
        raise RidealongError(mishaps[0].mishap)
    return emitted


def names_runner(beam_args: Sequence[str]) -> bool:
    """Whether the user chose a runner; else the embedded one runs."""
    return any(name == "--runner" for name, _ in values_of(beam_args))


def cautions(beam_args: Sequence[str]) -> list[str]:
    """What to tell a user before the work starts."""
    said = None if names_runner(beam_args) else embedded.caution()
    return [said] if said else []


def _define(
    root: beam.Pipeline,
    work: Work[Any, Any],
    items: Sequence[Any],
    sheet: Path,
    kind: Any,
    spread: bool,
) -> Any:
    planned = root | "items" >> beam.Create(list(items))
    if spread:
        # Shuffles descriptors, so that items spread over the workers.
        planned = planned | "spread" >> beam.Reshuffle()
    return (
        planned
        | "do one" >> beam.ParDo(Do(work))
        | "one group" >> beam.Map(lambda outcome: (None, outcome))
        # Shuffles outcomes: counts, paths and small rows.
        | "gather" >> beam.GroupByKey()
        | "hand in" >> beam.ParDo(HandIn(sheet, kind | Mishap))
    )


def _run(define: Callable[[beam.Pipeline], object], beam_args: Sequence[str], workers: int) -> None:
    options = _options(_arguments(beam_args, workers))
    if not names_runner(beam_args):
        logging.getLogger("apache_beam").setLevel(logging.ERROR)
        with embedded.guarded():
            _run_aside(_built(define, options, beam_args))
        return
    for library in _LIBRARIES:  # what they have to say, we say in one line
        logging.getLogger(library).setLevel(logging.CRITICAL)
    require_reachable(beam_args)
    pipeline = _built(define, options, beam_args)
    try:
        _run_aside(pipeline)
    except RidealongError:
        raise
    except Exception as error:
        raise _refused(f"the runner failed: {_last_words(error)}", beam_args) from error


def _built(
    define: Callable[[beam.Pipeline], object], options: PipelineOptions, beam_args: Sequence[str]
) -> beam.Pipeline:
    try:
        pipeline = beam.Pipeline(options=options)
        define(pipeline)
    except (ValueError, ImportError, RuntimeError) as error:
        if not beam_args:
            raise
        raise _refused(f"Beam cannot run: {_last_words(error)}", beam_args) from error
    return pipeline


def _refused(what: str, beam_args: Sequence[str]) -> RidealongError:
    return RidealongError(what, where=" ".join(beam_args), hint="see docs/pipelines.md")


def _last_words(error: BaseException) -> str:
    """What an error says in the end: ours as we wrote it, others by the last line of their text."""
    details = getattr(error, "details", None)  # gRPC's errors
    text = str(details() if callable(details) else error).strip() or type(error).__name__
    ours = re.findall(r"RidealongError: (.*)", text)
    last = ours[-1] if ours else [line for line in text.splitlines() if line.strip()][-1]
    return re.sub(r" \[while running '.*'\]$", "", last.strip())


def _run_aside(pipeline: beam.Pipeline) -> None:
    """Run a pipeline in a thread of its own, so that Ctrl-C ends our waiting and the job.

    Beam, interrupted itself, shuts down under its workers, and they say so by tracebacks.
    """
    started: list[Any] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            started.append(pipeline.run())
            started[0].wait_until_finish()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        thread.join()
    except BaseException:
        _cancel(started)
        raise
    if failed:
        raise failed[0]


def _cancel(started: list[Any]) -> None:
    """Cancel the job, where the runner has told of one (the embedded runner never does)."""

    def cancel() -> None:
        with suppress(Exception):
            started[0].cancel()

    if started:
        thread = threading.Thread(target=cancel, daemon=True)
        thread.start()
        thread.join(CANCEL_S)


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
        raise _refused(f"Beam cannot run: {lines[-1]}", arguments) from error
    return options


def _arguments(beam_args: Sequence[str], workers: int) -> list[str]:
    """Beam's arguments: ours where the user names no runner."""
    if not names_runner(beam_args):
        return [*embedded.arguments(workers), *beam_args]
    names = {"DaskRunner": DASK, "--runner=DaskRunner": f"--runner={DASK}"}
    words = [names.get(arg, arg) for arg in beam_args]
    given = {name for name, _ in values_of(beam_args)}
    is_elsewhere = given & {"--dask_client_address", "--dask_scheduler_file"}
    if is_elsewhere and "--dask_connection_timeout" not in given:
        words.append(f"--dask_connection_timeout={PATIENCE_S:.0f}")
    return words
