"""A machine that refuses open files, memory or room on the disk: one line, and nothing is lost."""

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import duckdb
import pyarrow as pa
import pytest
from deltalake.exceptions import DeltaError

from ingest.schemas import DRIVES
from ridealong import cli, limits
from ridealong.errors import RidealongError
from ridealong.lake import Lake, write_data_file
from ridealong.limits import ExhaustedError, refused
from ridealong.sql import sql_errors


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "too many open files.*ulimit -n"),
        (OSError(errno.ENFILE, "Too many open files in system"), "too many open files"),
        (OSError(errno.ENOSPC, "No space left on device"), "no space left.*committed work is kept"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "no space left"),
        (OSError(errno.EFBIG, "File too large"), "too large.*ulimit -f"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "out of memory.*ulimit -v"),
        (OSError(errno.EAGAIN, "Resource temporarily unavailable"), "threads"),
        (MemoryError(), "out of memory"),
        (pa.ArrowMemoryError("malloc of size 64 failed"), "out of memory"),
        (RuntimeError("can't start new thread"), "threads"),
        (duckdb.OutOfMemoryException("Out of Memory Error: failed to pin"), "out of memory"),
        (duckdb.IOException('Cannot open file "x": Too many open files'), "too many open files"),
        (DeltaError("Generic: Unable to open: Too many open files (os error 24)"), "open files"),
        (DeltaError("Generic LocalFileSystem: No space left on device (os error 28)"), "no space"),
    ],
)
def test_what_each_library_says_is_one_line(error: Exception, words: str) -> None:
    with pytest.raises(ExhaustedError, match=f"somewhere: .*{words}"):
        raise refused(error, "somewhere") or error


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOENT, "No such file"), ValueError("24"), duckdb.BinderException("x")]
)
def test_an_error_of_another_kind_stays_what_it_is(error: Exception) -> None:
    assert refused(error) is None


def test_a_query_without_memory_is_one_line() -> None:
    with (
        pytest.raises(ExhaustedError, match="table drives: out of memory"),
        sql_errors("table drives"),
        duckdb.connect(config={"memory_limit": "1MB", "threads": 1}) as connection,
    ):
        connection.sql("SELECT count(*) FROM (SELECT DISTINCT i FROM range(9000000) t(i))").show()


def test_the_command_line_tells_it_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def starved(**_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(cli, "app", starved)
    code, line = cli.run(["drives", "list"])
    assert (code, line) == (2, f"error: {refused(MemoryError())}")


def limited(*arguments: str, ulimit: str) -> subprocess.CompletedProcess[str]:
    """The program in a process whose limits are lower.

    A shell lowers them: between fork and exec, this process itself may need more memory than that.
    """
    command = [sys.executable, "-m", "ridealong", *arguments]
    return subprocess.run(
        ["bash", "-c", f'ulimit {ulimit} && exec "$@"', "bash", *command],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(cli.__file__).parents[1],
    )


@pytest.mark.parametrize(
    ("limit", "words"),
    [("-n 12", "12 open files"), (f"-v {1500 * 2**10}", "1.5 GiB of address")],
)
def test_too_little_to_start_with_is_one_line(lake: Lake, limit: str, words: str) -> None:
    done = limited("drives", "list", "--home", str(lake.home), ulimit=limit)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1 and words in done.stderr


def test_a_low_soft_limit_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    raised = []
    monkeypatch.setattr(resource, "getrlimit", lambda which: (16, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda which, pair: raised.append(pair))
    limits.require_open_files(24)
    assert raised == [(24, 4096)]


# --- room for the last step ---


def test_reserved_room_is_there_and_is_given_back(lake: Lake) -> None:
    with lake.reserve(200_000) as reserve:
        assert os.stat(reserve.path).st_blocks * 512 >= 200_000
        reserve.release()
        assert not reserve.path.exists()
        reserve.release()
    with pytest.raises(KeyError), lake.reserve() as reserve:
        raise KeyError
    assert not list((lake.home / "scratch").iterdir())


def test_a_disk_that_cannot_reserve_is_written_to(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unable(*_: int) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "posix_fallocate", unable)
    with lake.reserve(200_000) as reserve:
        assert os.stat(reserve.path).st_blocks * 512 >= 200_000


def test_no_room_to_reserve_is_one_line(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(RidealongError, match="no space left"), lake.reserve():
        raise AssertionError("it was refused")
    assert not list((lake.home / "scratch").iterdir())


def test_a_vacuum_sweeps_what_a_killed_command_held(lake: Lake) -> None:
    with lake.reserve() as reserve:
        lake.vacuum(60)
        assert reserve.path.exists()
        lake.vacuum(0)
        assert not reserve.path.exists()


# A disk of its own, two megabytes large: mounted where nobody else sees it.
FULL_DISK = """
import subprocess, sys
from pathlib import Path
folder, script, driver = sys.argv[1:]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], check=True)
subprocess.run([sys.executable, script, folder, driver], check=True)
"""


@pytest.mark.slow
def test_what_was_finished_is_committed_on_a_full_disk(
    tmp_path: Path, repository: Path, driver: ModuleType
) -> None:
    own = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*own, "true"], check=False, capture_output=True).returncode:
        pytest.skip("needs user namespaces, to mount a small disk")
    (tmp_path / "disk").mkdir()
    command = [*own, sys.executable, "-c", FULL_DISK, str(tmp_path / "disk"), __file__]
    env = os.environ | {"PYTHONPATH": str(repository)}
    done = subprocess.run(
        [*command, driver.__file__], capture_output=True, text=True, env=env, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["refused", "kept", "committed", "sound"]


def on_a_full_disk(folder: Path) -> None:
    """What runs on the small disk: fill it to the last byte, and commit what was written before."""
    lake = Lake.create(folder / "home")
    commit_id = lake.new_commit_id()
    with lake.reserve(128 * 1024) as reserve:
        rows = pa.Table.from_pylist([{"drive_id": "d"}], schema=DRIVES.schema)
        file = write_data_file(lake.home, commit_id, DRIVES, rows)
        assert file is not None
        fill(lake.home / "filler")
        try:
            lake.commit(commit_id, "test", [file], ["s"])
        except ExhaustedError:
            print("refused")
        print("lost" if "s" in lake.snapshot().sources() else "kept")
        reserve.release()
        lake.commit(commit_id, "test", [file], ["s"])
    print("committed" if "s" in lake.snapshot().sources() else "lost")
    print("sound" if lake.check().sound else "damaged")


def fill(path: Path) -> None:
    try:
        with path.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
    except OSError as error:
        assert error.errno == errno.ENOSPC


if __name__ == "__main__":
    on_a_full_disk(Path(sys.argv[1]))
