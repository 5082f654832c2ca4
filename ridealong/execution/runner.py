"""The Beam wiring that ingest and replay share: items go in, an outcome of each comes out.

::

    items -> do one -> gather -> deliver

Only descriptors are shuffled: workers open and write files themselves. Nothing is emitted in
``finish_bundle``, because some runners drop it. Only the last step's output counts, because some
runners compute nothing but the last collection. That step delivers all outcomes together. The
launcher compares them with the plan before it commits, so nothing is committed if a runner loses
an item.
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
from ridealong.execution.failures import described
from ridealong.execution.options import names_runner, values_of
from ridealong.execution.processes.pool import ProcessDiedError, Workers, cores
from ridealong.execution.reachability import PATIENCE_S, require_reachable
from ridealong.execution.running import Key, find_running, running
from ridealong.terminal.progress import Steps

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

# Beam assigns items to its threads beforehand. With two threads a core, no core is idle when one
# thread has finished early.
THREADS_A_CORE = 2
DASK = "apache_beam.runners.dask.dask_runner.DaskRunner"  # Beam has no shorter name for it
CANCEL_S = 5.0  # how long to wait, after Ctrl-C, until a job is cancelled
_LIBRARIES = ("apache_beam", "distributed", "tornado", "asyncio")


@dataclass(frozen=True)
class Work(Generic[Item, Outcome]):
    """What is done to each item: small enough to be pickled into every worker.

    Attributes:
        make: Called once in each worker; gives the function that turns an item into its outcome.
        died: The outcome of an item whose process died, with the reason.
        is_heavy: Whether an item is worth passing to `run_work`'s workers, if there are any.
    """

    make: Callable[[], Callable[[Item], Outcome]]
    died: Callable[[Item, str], Outcome]
    is_heavy: Callable[[Item], bool] = lambda item: True


@dataclass(frozen=True)
class Mishap:
    """An error in one of our steps: emitted, so that its message is the same on every runner."""

    mishap: str


class Do(beam.DoFn):
    """One item at a time: by the launcher's workers if there are any, otherwise right here."""

    def __init__(self, work: Work[Any, Any], key: Key) -> None:
        self._work, self._key = work, key

    def setup(self) -> None:
        """Start without a function: it is made when the first item comes."""
        self._do: Callable[[Any], Any] | None = None

    def process(self, item: Any) -> Iterator[Any]:
        """Emit the item's outcome; the key None puts all outcomes into one group."""
        try:
            run = find_running(self._key)
        except ProcessDiedError as error:
            yield None, self._work.died(item, str(error))
            return
        try:
            outcome = self._outcome(item, run.workers if run else None)
        except Exception as error:
            outcome = Mishap(described(error))
        if run:
            run.advance()
        yield None, outcome

    def _outcome(self, item: Any, workers: Workers | None) -> Any:
        work = self._work
        if workers is None or not work.is_heavy(item):
            self._do = self._do or work.make()
            return self._do(item)
        try:
            return workers.do(item)
        except ProcessDiedError as error:
            return work.died(item, str(error))


class Deliver(beam.DoFn):
    """The last step: gives all outcomes to the launcher.

    In the launcher's own process that needs no file: a full disk must not come between finished
    work and its commit.
    """

    def __init__(self, path: Path, kind: Any, key: Key) -> None:
        self._path, self._kind, self._key = path, kind, key

    def process(self, group: tuple[None, Iterable[object]]) -> Iterator[str]:
        """Deliver, and deliver the same again if the runner repeats work."""
        outcomes = list(group[1])
        with suppress(ProcessDiedError):
            if run := find_running(self._key):
                run.outcomes = outcomes
            else:
                write_outcomes(self._path, self._kind, outcomes)
        yield str(self._path)


def run_work(
    work: Work[Item, Outcome],
    items: Sequence[Item],
    path: Path,
    kind: Any,
    beam_args: Sequence[str] = (),
    *,
    steps: Steps | None = None,
    workers: Workers | None = None,
    threads: int | None = None,
    spread: bool = True,
) -> list[Outcome]:
    """Do every item, and give the outcomes as the runner delivered them.

    Args:
        work: What is done to an item.
        items: The items.
        path: File for the outcomes, if the last step runs in another process.
        kind: Type of the outcomes, or a union of types, for reading them back.
        beam_args: Beam's options; if they name no runner, the embedded one runs.
        steps: Progress: one step an item. Items that other processes do are not reported.
        workers: Who does the heavy items, on runners that run in this process.
        threads: Threads of the embedded runner; two a core by default.
        spread: Let the runner distribute the items to its workers; otherwise they are done one
            after the other, in their order.

    Raises:
        ItemsLostError: The runner never ran the last step.
        RidealongError: The runner cannot be reached or does not exist, or a step failed.
    """
    if not items:
        return []
    # Each thread costs a tenth of a second.
    threads = min(threads or THREADS_A_CORE * cores(), len(items))
    with running(steps, workers) as (key, run):
        _run(lambda root: _define(root, work, key, items, path, kind, spread), beam_args, threads)
    emitted = run.outcomes
    if emitted is None:
        emitted = read_outcomes(path, kind | Mishap)
    mishaps = [outcome for outcome in emitted if isinstance(outcome, Mishap)]
    if mishaps:
        raise RidealongError(mishaps[0].mishap)
    return list(emitted)


def cautions(beam_args: Sequence[str]) -> list[str]:
    """Notes for the user before the work starts."""
    caution = None if names_runner(beam_args) else embedded.caution()
    return [caution] if caution else []


def _define(
    root: beam.Pipeline,
    work: Work[Any, Any],
    key: Key,
    items: Sequence[Any],
    path: Path,
    kind: Any,
    spread: bool,
) -> Any:
    return (
        root
        # If asked to, it shuffles descriptors, to distribute the items to the workers.
        | "items" >> beam.Create(list(items), reshuffle=spread)
        | "do one" >> beam.ParDo(Do(work, key))
        # Shuffles outcomes: counts, paths and small rows.
        | "gather" >> beam.GroupByKey()
        | "deliver" >> beam.ParDo(Deliver(path, kind | Mishap, key))
    )


def _run(define: Callable[[beam.Pipeline], object], beam_args: Sequence[str], threads: int) -> None:
    options = _options(_arguments(beam_args, threads))
    if not names_runner(beam_args):
        logging.getLogger("apache_beam").setLevel(logging.ERROR)
        with embedded.guarded():
            _run_aside(_built(define, options, beam_args))
        return
    for library in _LIBRARIES:  # we report their errors, in one line
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
    """The message of our own error inside another one's text; otherwise the text's last line."""
    details = getattr(error, "details", None)  # gRPC's errors
    text = str(details() if callable(details) else error).strip() or type(error).__name__
    ours = re.findall(r"RidealongError: (.*)", text)
    last = ours[-1] if ours else [line for line in text.splitlines() if line.strip()][-1]
    return re.sub(r" \[while running '.*'\]$", "", last.strip())


def _run_aside(pipeline: beam.Pipeline) -> None:
    """Run a pipeline in a separate thread, so that Ctrl-C ends the wait and the job.

    If Beam itself is interrupted, it shuts down while its workers run, and they print tracebacks.
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
    """Cancel the job, if the runner has given one (the embedded runner never does)."""

    def cancel() -> None:
        with suppress(Exception):
            started[0].cancel()

    if started:
        thread = threading.Thread(target=cancel, daemon=True)
        thread.start()
        thread.join(CANCEL_S)


def _options(arguments: list[str]) -> PipelineOptions:
    """Beam's options; if its parser prints a message and exits, that becomes one line of ours."""
    printed = io.StringIO()
    try:
        with redirect_stdout(printed), redirect_stderr(printed):
            options = PipelineOptions(arguments)
            options.view_as(SetupOptions).save_main_session = False
            options.get_all_options()  # parses
    except SystemExit as error:
        lines = printed.getvalue().strip().splitlines() or ["no usable options"]
        raise _refused(f"Beam cannot run: {lines[-1]}", arguments) from error
    return options


def _arguments(beam_args: Sequence[str], threads: int) -> list[str]:
    """Beam's arguments: with ours if the user names no runner."""
    if not names_runner(beam_args):
        return [*embedded.arguments(threads), *beam_args]
    names = {"DaskRunner": DASK, "--runner=DaskRunner": f"--runner={DASK}"}
    words = [names.get(arg, arg) for arg in beam_args]
    given = {name for name, _ in values_of(beam_args)}
    is_elsewhere = given & {"--dask_client_address", "--dask_scheduler_file"}
    if is_elsewhere and "--dask_connection_timeout" not in given:
        words.append(f"--dask_connection_timeout={PATIENCE_S:.0f}")
    return words
