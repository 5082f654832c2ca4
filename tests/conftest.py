"""Shared by all tests: where the repository and the outside data are, and a fresh home."""

import atexit
import contextlib
import fcntl
import gc
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from ridealong import cli

REPOSITORY = Path(__file__).parent.parent
RECIPE = "tests/shadow/networks/hydranet/training/tiny.yaml"  # of a network of seconds

DEMO_FLEET = """
name: small
drives: 3
duration: 20 s
seed: 2
light: {day: 1, night: 1}
incidents: {lead_brakes: 1, cut_in: 1}
faults:
  dropped_samples: {drives: 0}
  jittered_clock: {drives: 0}
  duplicate_segment: {drives: 0}
  late_segment: {drives: 0}
  dead_camera: {drives: 0}
rig: {width: 160, height: 96, video_hz: 5, label_hz: 1}
"""


# The same examples each time, and no limit on an example's time. To look for new ones:
# `pytest --hypothesis-profile default`.
settings.load_profile("ci")

WHOLE_HOMES = {"demo_home", "fleet_home"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by what they need.

    Whatever needs a whole home is slow. Data that may not be redistributed are left out, unless
    their folder is named.
    """
    for item in items:
        if WHOLE_HOMES & set(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
    if workers := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):
        items[:] = slow_ones_first(items, int(workers))
    if os.environ.get("RIDEALONG_TEST_DATA"):
        return
    reason = "needs RIDEALONG_TEST_DATA (data that may not be redistributed): make test-real"
    for item in items:
        if "real" in item.keywords:
            item.add_marker(pytest.mark.skip(reason=reason))


def slow_ones_first(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """Give each process that runs tests a share of the slow ones, then of the quick ones.

    At first, `--dist worksteal` gives each process an equal part of the list. The first that has
    done its part takes from the end of another's: quick ones, so all end together.
    """
    slow = in_shares([item for item in items if "slow" in item.keywords], workers)
    quick = in_shares([item for item in items if "slow" not in item.keywords], workers)
    return [item for both in zip(slow, quick, strict=True) for part in both for item in part]


def in_shares(items: list[pytest.Item], count: int) -> list[list[pytest.Item]]:
    """Parts of about the same size; the tests of a file stay together, as they share fixtures."""
    first: dict[Path, int] = {}
    for at, item in enumerate(items):
        first.setdefault(item.path, at)
    shares: list[list[pytest.Item]] = [[] for _ in range(count)]
    for item in items:
        shares[first[item.path] * count // len(items)].append(item)
    return shares


def pytest_configure() -> None:
    """Collect garbage as seldom as the program itself does."""
    gc.set_threshold(20_000, 10, 10)


def pytest_collection_finish() -> None:
    """Leave out of every collection of garbage what all tests and their libraries made so far."""
    gc.collect()
    gc.freeze()


EXIT_CODE = pytest.StashKey[int]()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Keep the exit code for `pytest_unconfigure`."""
    session.config.stash[EXIT_CODE] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave without tearing the interpreter down, as the program itself does.

    Where delta-rs and torch were both used, the teardown leaves objects of DuckDB's alive, and its
    binding reports them as leaks: over a hundred lines after the last test.
    """
    if EXIT_CODE in config.stash:
        warnings.simplefilter("ignore")  # a library's folder that goes only now is no error
        atexit._run_exitfuncs()  # pytest's own among them: they release its temporary folders
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[EXIT_CODE])


@pytest.fixture
def repository() -> Path:
    """The root of the repository."""
    return REPOSITORY


@pytest.fixture
def examples() -> Path:
    """The real drive and the real video that ship with the repository."""
    return REPOSITORY / "examples"


@pytest.fixture
def test_data() -> Path:
    """The folder of outside data; a test that asks for it fails where it is absent."""
    folder = Path(os.environ["RIDEALONG_TEST_DATA"])
    assert folder.is_dir(), f"RIDEALONG_TEST_DATA={folder} is no folder"
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder for a lake that does not exist yet."""
    return tmp_path / "home"


def run_program(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The program as users start it, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "ridealong", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        timeout=800,
    )


def call_program(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The program in this process: much quicker, where nothing depends on the process."""
    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.chdir(REPOSITORY)
        for name, value in environment.items():
            patch.setenv(name, value)
        code, line = cli.run([str(argument) for argument in arguments])
    told = err.getvalue() + (f"{line}\n" if line else "")
    return subprocess.CompletedProcess(list(arguments), code, out.getvalue(), told)


Program = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def program() -> Program:
    """`call_program`."""
    return call_program


@pytest.fixture
def program_process() -> Program:
    """`run_program`."""
    return run_program


@pytest.fixture
def ask() -> Callable[[Sequence[str | Path]], Any]:
    """Run a command that must succeed with ``--json``, and give its one document."""

    def run(*arguments: str | Path) -> Any:
        done = call_program(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a folder once for all processes that run tests; the others wait for it.

    RIDEALONG_MADE names a folder that keeps it from one run of the tests to the next.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    shared = Path(os.environ.get("RIDEALONG_MADE") or shared)
    shared.mkdir(parents=True, exist_ok=True)

    def get(name: str, make: Callable[[Path], object]) -> Path:
        folder, done = shared / name, shared / f"{name}.done"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of a process that failed to make it
                make(folder)
                done.touch()
        return folder

    return get


@pytest.fixture(scope="session")
def demo_fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The spec of a fleet that is driven in seconds, in which something happens."""
    path = tmp_path_factory.mktemp("fleet") / "fleet.yaml"
    path.write_text(DEMO_FLEET, "utf-8")
    return path


@pytest.fixture(scope="session")
def demo_home(demo_fleet: Path, made_once: Callable[..., Path]) -> Path:
    """A home in which the demo was run, on a small fleet; tests only read it."""

    def make(home: Path) -> None:
        done = run_program("demo", "--fleet", demo_fleet, "--home", home)
        assert done.returncode == 0, done.stderr

    return made_once("demo-home", make)


@pytest.fixture(scope="session")
def fleet_home(made_once: Callable[..., Path]) -> Path:
    """The home of a made-up fleet with two runs (dashboard/synthetic.py); tests only read it."""
    # There are no packages under tests/, so a neighbour is loaded by its path.
    path = Path(__file__).parent / "dashboard/synthetic.py"
    spec = importlib.util.spec_from_file_location("synthetic", path)
    assert spec is not None and spec.loader is not None
    synthetic = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = synthetic
    spec.loader.exec_module(synthetic)
    return made_once("fleet-home", synthetic.make_home)


@pytest.fixture(scope="session")
def training(made_once: Callable[..., Path]) -> Path:
    """``work``, where the command trained a tiny network, and its ``report.json``; only read."""

    def make(folder: Path) -> None:
        folder.mkdir()
        done = call_program("networks", "train", RECIPE, "--out", folder / "work", "--json")
        assert done.returncode == 0, done.stderr
        (folder / "report.json").write_text(done.stdout)

    return made_once("training", make)


@pytest.fixture
def oracle() -> Callable[..., Any]:
    """Run a script of tests/oracles where the strangers' readers live; gives the JSON it prints."""
    python = REPOSITORY / ".venv-oracles/bin/python"
    if not python.exists():
        pytest.skip("needs .venv-oracles: make oracles")

    def run(script: str, *arguments: str | Path) -> Any:
        done = subprocess.run(
            [python, REPOSITORY / "tests/oracles" / script, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        if "ModuleNotFoundError" in done.stderr:
            pytest.skip("needs a newer .venv-oracles: make oracles")
        if "error while loading shared libraries" in done.stderr:
            pytest.skip(f"needs a library of the system: {done.stderr.splitlines()[0]}")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture
def serving() -> Callable[[int], list[int]]:
    """Which processes a process has started to do items, and that still run."""

    def of(pid: int) -> list[int]:
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, parent = stat.read_text().rpartition(")")[2].split()[:2]
                words = stat.with_name("cmdline").read_bytes()
            except OSError:
                continue
            if (
                int(parent) == pid
                and state != "Z"
                and b"ridealong.execution.processes.serve" in words
            ):
                found.append(int(stat.parent.name))
        return found

    return of
