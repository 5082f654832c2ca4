"""One wiring for all work: errors of our own keep their words, dead addresses are told at once."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from operator import methodcaller
from pathlib import Path
from typing import Any

import pytest

from ridealong.errors import RidealongError
from ridealong.execution import reachability, runner
from ridealong.execution.accounting import ItemsLostError
from ridealong.execution.processes import pool
from ridealong.execution.runner import Work, run_work

pytestmark = pytest.mark.slow


NAMED = ("--runner=FnApiRunner",)  # as a user would name one


def no_outcome(item: str, reason: str) -> str:
    return f"{item} died: {reason}"


def work_of(make: Any, **options: Any) -> Work[str, str]:
    return Work(make, no_outcome, **options)


def broken() -> Any:
    raise ValueError("no such network")


def refuse(item: str) -> str:
    raise RidealongError(f"{item} is torn", where="x.parquet")


@pytest.mark.parametrize("beam_args", [(), NAMED], ids=["embedded", "named"])
def test_items_become_outcomes(tmp_path: Path, beam_args: tuple[str, ...]) -> None:
    work = work_of(partial(methodcaller, "upper"))
    done = run_work(work, ["a", "b", "c"], tmp_path / "outcomes", str, beam_args)
    assert sorted(done) == ["A", "B", "C"]
    assert run_work(work, [], tmp_path / "outcomes", str) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("beam_args", [(), NAMED], ids=["embedded", "named"])
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (broken, r"^ValueError: no such network \(test_runner.py:\d+\)$"),
        (partial(partial, refuse), "^x.parquet: a is torn$"),
    ],
)
def test_an_error_in_a_step_of_ours_keeps_its_words(
    tmp_path: Path, make: Any, said: str, beam_args: tuple[str, ...]
) -> None:
    with pytest.raises(RidealongError, match=said):
        run_work(work_of(make), ["a"], tmp_path / "outcomes", str, beam_args)


def test_the_outcomes_are_read_where_the_last_step_ran_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "outcomes"
    monkeypatch.setattr(runner, "_run", lambda *_: runner.write_outcomes(path, str, ["A"]))
    work = work_of(partial(methodcaller, "upper"))
    assert run_work(work, ["a"], path, str) == ["A"] and not path.exists()
    monkeypatch.setattr(runner, "_run", lambda *_: None)
    with pytest.raises(ItemsLostError, match="never ran its last step"):
        run_work(work, ["a"], path, str)


@pytest.mark.parametrize("tries", [1, 2])
def test_an_item_may_have_more_than_one_process(tmp_path: Path, tries: int) -> None:
    class DiesOnce:
        deaths = 0

        def do(self, item: str) -> str:
            self.deaths += 1
            if self.deaths == 1:
                raise pool.ProcessDiedError("killed")
            return item.upper()

    workers = pool.Retrying(DiesOnce(), tries)
    done = run_work(work_of(broken), ["a"], tmp_path / "outcomes", str, workers=workers)
    assert done == (["a died: killed"] if tries == 1 else ["A"])


@pytest.mark.parametrize(
    ("text", "last"),
    [
        (
            "Pipeline x failed:\nTraceback…\nValueError: 7 is odd [while running 'do one-12']",
            "7 is",
        ),
        ("a\ningest.errors.RidealongError: disk is full [while running 'x']\nmore", "disk is full"),
        ("", "RuntimeError"),
    ],
)
def test_what_a_runner_says_in_the_end(text: str, last: str) -> None:
    said = runner._last_words(RuntimeError(text))
    assert last in said and "while running" not in said and "\n" not in said


def test_an_unknown_runner_and_a_bad_option(tmp_path: Path) -> None:
    work = work_of(partial(methodcaller, "upper"))
    for words, said in {
        ("--runner=Nix",): "Beam cannot run: .*Nix",
        ("--runner", "Nix"): "Beam cannot run: .*Nix",
        ("--direct_num_workers=many",): "Beam cannot run: .*many",
    }.items():
        with pytest.raises(RidealongError, match=said):
            run_work(work, ["a"], tmp_path / "outcomes", str, words)


@contextmanager
def listening(greeting: bytes) -> Iterator[int]:
    """A port where somebody listens, says so much, and then waits."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with ExitStack() as held, suppress(OSError):  # the end of the server
                while True:
                    connection = held.enter_context(server.accept()[0])
                    with suppress(OSError):  # a caller that left at once
                        connection.sendall(greeting)

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)  # wakes `accept`
        serving.join(10)


def test_an_address_that_cannot_be_looked_up_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RidealongError, match="cannot be reached: that is not a host name"):
        reachability.require_reachable([f"--job_endpoint={'a' * 70}:8099"])
    assert capsys.readouterr().err == ""


def test_a_dead_address_is_told_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there, and nobody else can
        port = taken.getsockname()[1]
        for option in reachability.ADDRESSES:
            for words in ([f"{option}=127.0.0.1:{port}"], [option, f"127.0.0.1:{port}"]):
                with pytest.raises(RidealongError, match="cannot be reached: connection refused"):
                    reachability.require_reachable(words)


def test_somebody_else_listens_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reachability, "PATIENCE_S", 1.0)
    with listening(b"") as port:
        for option, said in {
            "--dask_client_address=tcp://": "not a Dask scheduler|no answer",
            "--job_endpoint=": "does not answer gRPC|no answer",
        }.items():
            with pytest.raises(RidealongError, match=said):
                reachability.require_reachable([f"{option}127.0.0.1:{port}"])
        reachability.require_reachable([f"--flink_master=127.0.0.1:{port}"])
    monkeypatch.undo()
    with listening(b"\x00") as port:
        reachability.require_reachable([f"--dask_client_address=127.0.0.1:{port}"])


def test_a_lookup_that_takes_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reachability, "PATIENCE_S", 0.2)
    monkeypatch.setattr(reachability, "_answer", lambda *_: time.sleep(60))
    with pytest.raises(RidealongError, match=r"no answer within 0\.2 s"):
        reachability.require_reachable(["--job_endpoint=somewhere.example:8099"])


def test_words_that_are_no_addresses() -> None:
    reachability.require_reachable(["--flink_master=[auto]", "--job_endpoint=embed"])
    with pytest.raises(RidealongError, match="expected an address like host:8099"):
        reachability.require_reachable(["--job_endpoint=localhost:abc"])


def test_ctrl_c_cancels_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    cancelled, running = threading.Event(), threading.Event()

    class Job:
        def wait_until_finish(self) -> None:
            running.set()
            cancelled.wait(30)

        def cancel(self) -> None:
            cancelled.set()

    class Pipeline:
        def run(self) -> Job:
            return Job()

    class Interrupted(threading.Thread):
        def join(self, timeout: float | None = None) -> None:
            if timeout is None:
                assert running.wait(10)
                raise KeyboardInterrupt
            super().join(timeout)

    monkeypatch.setattr(runner.threading, "Thread", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        runner._run_aside(Pipeline())
    assert cancelled.is_set()
