"""A command of its own process, which may be killed at any step: what the lake's tests run.

    driver.py HOME [--die K | --die-in NAME SECONDS] [--race FOLDER] ACTION ARGUMENT…

``--die K`` kills (SIGKILL) before the K-th step: a folder made, a file written, flushed, renamed or
removed, a log entry written. ``--die-in`` kills that long after such a step began, inside it.
``--race FOLDER`` says in a file there that it has started, and waits for a file ``go``.
Exit codes: 0 done, 3 another process committed the source first, 2 any other mistake.
"""

import argparse
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.schemas import CLIPS, DRIVES, TELEMETRY
from ridealong.errors import RidealongError
from ridealong.lake import AlreadyCommittedError, Commit, Lake, write_blob, write_data_file

ROWS = 50


def put(lake: Lake, name: str, source: str | None = None) -> Commit:
    """Commit one drive: its row, its telemetry, and one clip with a blob."""
    commit_id, drive_id = lake.new_commit_id(), f"drive-{name}"
    drive = [{"drive_id": drive_id, "vehicle_id": f"vehicle-{name}"}]
    steps = [
        {"drive_id": drive_id, "timestamp_ns": step, "Vehicle.Speed": step / 10}
        for step in range(ROWS)
    ]
    clip_file = lake.home.parent / f"{name}-{commit_id}.mcap"
    clip_file.write_bytes(f"the clip of vehicle-{name}".encode())
    blob = write_blob(lake.home, commit_id, clip_file, ".mcap")
    clip_file.unlink()
    clip = [{"clip_id": f"clip-{name}", "drive_id": drive_id, "blob": blob.path}]
    written = [
        write_data_file(lake.home, commit_id, spec, pa.Table.from_pylist(rows, schema=spec.schema))
        for spec, rows in ((DRIVES, drive), (TELEMETRY, steps), (CLIPS, clip))
    ]
    files = [blob, *(file for file in written if file)]
    return lake.commit(commit_id, "put", files, [source or name], {"drives": 1})


class Killer:
    """Counts the steps of this process and ends it, as the power would, at one of them."""

    def __init__(self, at: int | None, inside: tuple[str, float] | None) -> None:
        self._at, self._inside, self._count = at, inside, 0

    def watch(self, place: Any, name: str) -> None:
        setattr(place, name, self._watched(getattr(place, name), name))

    def _watched(self, step: Callable[..., Any], name: str) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            self._count += 1
            if self._count == self._at:
                os.kill(os.getpid(), signal.SIGKILL)
            if self._inside and name == self._inside[0]:
                # The kernel does it, in time: a thread of Python would have to wait for the others.
                signal.setitimer(signal.ITIMER_REAL, self._inside[1])
            return step(*args, **kwargs)

        return run


def arm(killer: Killer) -> None:
    """Watch everything that changes the disk."""
    from deltalake import DeltaTable
    from deltalake.table import TableAlterer

    from ridealong.lake import log

    killer.watch(os, "fsync")
    killer.watch(shutil, "copyfile")
    killer.watch(pq, "write_table")
    for name in ("mkdir", "replace", "unlink", "rmdir", "write_text"):
        killer.watch(Path, name)
    killer.watch(log, "create_table_with_add_actions")
    for name in ("create_write_transaction", "create_checkpoint", "cleanup_metadata"):
        killer.watch(DeltaTable, name)
    for name in ("add_columns", "set_table_properties"):
        killer.watch(TableAlterer, name)


def act(home: Path, action: str, arguments: list[str]) -> None:
    lake = Lake.create(home)
    if action == "put":
        put(lake, *arguments)
    elif action == "erase":
        lake.erase_vehicle(f"vehicle-{arguments[0]}")
    elif action == "compact":
        lake.compact()
    elif action == "vacuum":
        lake.vacuum(float(arguments[0]))
    elif action == "churn":
        churn(lake, int(arguments[0]))
    elif action != "create":
        raise SystemExit(f"no such action: {action}")


def churn(lake: Lake, rounds: int) -> None:
    """All that a busy lake does, over and over; what readers see must stay whole."""
    for count in range(rounds):
        put(lake, f"churn-{count}")
        if count % 3 == 2:
            lake.compact()
            lake.vacuum(3600)
        if count % 5 == 4:
            lake.erase_vehicle(f"vehicle-churn-{count}")


def wait_at(line: Path) -> None:
    """Say that this process is ready, and wait for the start."""
    (line / f"{os.getpid()}.ready").touch()
    while not (line / "go").exists():
        time.sleep(0.001)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("--die", type=int)
    parser.add_argument("--die-in", nargs=2)
    parser.add_argument("--race", type=Path)
    parser.add_argument("action")
    parser.add_argument("arguments", nargs="*")
    options = parser.parse_args()
    inside = (options.die_in[0], float(options.die_in[1])) if options.die_in else None
    if options.die or inside:
        arm(Killer(options.die, inside))
    if options.race:
        wait_at(options.race)
    try:
        act(options.home, options.action, options.arguments)
    except AlreadyCommittedError:
        sys.exit(3)
    except RidealongError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
