"""Commands in the background: progress, results, mistakes, and their end."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dashboard.actions import jobs
from dashboard.actions.jobs import Job, Jobs, State
from ridealong.errors import RidealongError
from ridealong.lake import Lake
from tests.waiting import until


@pytest.fixture
def running() -> Iterator[Jobs]:
    """The jobs of a server that runs one at a time."""
    running = Jobs(most_running=1)
    yield running
    running.close()


def ended(running: Jobs, job: Job) -> Job:
    def now() -> Job:
        return next(one for one in running.all() if one.job_id == job.job_id)

    until(lambda: now().state.ended)
    return now()


def start(running: Jobs, home: Path, *command: str) -> Job:
    return running.start(home, "a test", command, lambda result: f"found {result}")


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Have jobs run a script of a few lines in place of `ridealong`."""
    folder = tmp_path / "instead"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", f"{folder}:{Path(__file__).parents[3]}")

    def write(script: str) -> None:
        (folder / "ridealong.py").write_text("import sys, time, os\n" + script)

    return write


def test_a_command_and_its_result(running: Jobs, home: Path) -> None:
    Lake.create(home)
    job = ended(running, start(running, home, "shadow", "runs", "list"))
    assert (job.state, job.result, job.said) == (State.DONE, [], "found []")


def test_a_command_that_fails_says_why(running: Jobs, home: Path) -> None:
    Lake.create(home)
    job = ended(running, start(running, home, "shadow", "run", "--candidate", "ufo-1"))
    assert job.state is State.FAILED and job.result is None
    assert job.error is not None and job.error.startswith("no network is deployed")


def test_progress_is_read_as_it_comes(
    running: Jobs, tmp_path: Path, scripted: Callable[[str], None]
) -> None:
    scripted(
        "print('clips: 3/7', 'warning: slow', sep='\\n', file=sys.stderr, flush=True)\n"
        "while not os.path.exists(open('go.txt').read()): time.sleep(0.02)\n"
        "print('{\"a\": 1}')\nsys.exit(1)"
    )
    files = {"go.txt": str(tmp_path / "go")}
    job = running.start(tmp_path, "a test", (), str, files)
    until(lambda: running.all()[0].notes)
    now = running.all()[0]
    assert (now.state, now.step, now.done, now.total) == (State.RUNNING, "clips: 3/7", 3, 7)
    (tmp_path / "go").touch()
    job = ended(running, job)
    assert (job.state, job.result, job.notes) == (State.DONE, {"a": 1}, ("warning: slow",))


@pytest.mark.parametrize("output", ["print('no JSON')", "print('[' + '1,' * 9_000_000)"])
def test_a_result_that_cannot_be_read(
    output: str, running: Jobs, tmp_path: Path, scripted: Callable[[str], None]
) -> None:
    scripted(output)
    job = ended(running, running.start(tmp_path, "a test", (), lambda result: str(result["a"])))
    assert job.state is State.FAILED and "result cannot be read" in str(job.error)


def test_one_waits_for_the_other_and_both_are_stopped(
    running: Jobs, tmp_path: Path, scripted: Callable[[str], None]
) -> None:
    scripted("print('steps: 1/2', file=sys.stderr, flush=True)\ntime.sleep(600)")
    first, second = start(running, tmp_path), start(running, tmp_path)
    assert (first.state, second.state) == (State.RUNNING, State.WAITING)
    until(lambda: running.all()[1].step)
    running.stop(second.job_id)
    running.stop(first.job_id)
    running.stop("gone")
    assert ended(running, first).state is State.STOPPED
    assert ended(running, second).state is State.STOPPED


def test_too_many_do_not_wait(
    running: Jobs, tmp_path: Path, scripted: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted("print('steps: 1/2', file=sys.stderr, flush=True)\ntime.sleep(600)")
    monkeypatch.setattr(jobs, "MOST_WAITING", 1)
    start(running, tmp_path)
    start(running, tmp_path)
    until(lambda: running.all()[1].step)  # before, an interrupt may be lost, and costs patience
    with pytest.raises(RidealongError, match="a test cannot be started: 1 jobs are waiting"):
        start(running, tmp_path)


def test_old_ones_are_forgotten(
    running: Jobs, tmp_path: Path, scripted: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted("print('{}')")
    monkeypatch.setattr(jobs, "MOST_ENDED", 1)
    first = ended(running, start(running, tmp_path))
    second = ended(running, start(running, tmp_path))
    scripted("print('steps: 1/2', file=sys.stderr, flush=True)\ntime.sleep(600)")
    third = start(running, tmp_path)
    assert [job.job_id for job in running.all()] == [third.job_id, second.job_id]
    until(lambda: running.all()[0].step)
    assert first.state is State.DONE


def test_the_end_of_the_server_stops_them(
    running: Jobs, tmp_path: Path, scripted: Callable[[str], None]
) -> None:
    scripted("print('steps: 1/2', file=sys.stderr, flush=True)\ntime.sleep(600)")
    job = start(running, tmp_path)
    until(lambda: running.all()[0].step)
    running.close()
    assert ended(running, job).state is State.STOPPED
    with pytest.raises(RidealongError, match="the server is ending"):
        start(running, tmp_path)


SERVER = """
import sys
sys.path[:] = [path for path in sys.path if not path.endswith('instead')]
import time
from pathlib import Path
from dashboard.actions.jobs import Jobs
running = Jobs()
running.start(Path('.'), 'a test', (), str)
while not running.all()[0].notes: time.sleep(0.02)
print(running.all()[0].notes[0], flush=True)
time.sleep(600)
"""


def lives(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def test_a_killed_server_leaves_no_command(tmp_path: Path, scripted: Callable[[str], None]) -> None:
    scripted("print(os.getpid(), file=sys.stderr, flush=True)\ntime.sleep(600)")
    (tmp_path / "server.py").write_text(SERVER)
    with subprocess.Popen(
        [sys.executable, tmp_path / "server.py"], stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        pid = int(server.stdout.readline())
        assert lives(pid)
        server.kill()
    until(lambda: not lives(pid))
