"""Logged traffic, and the processes that simulate it.

SUMO runs in separate processes (`ingest.simulation.traffic.worker`); what comes back is plain
arrays. Positions are in the world frame of `ingest.simulation.scene`, time in steps of 0.1 s.
"""

import errno
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ingest.simulation.traffic.dynamics import Motion, motion_of
from ingest.simulation.traffic.road_users import PEDESTRIAN
from ridealong.arrays import Floats, Ints
from ridealong.errors import RidealongError

STEP_S = 0.1
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
RIGHT, LEFT, BRAKE = 1, 2, 8  # SUMO's bits of a vehicle's lamps


class TrafficError(RidealongError):
    """A traffic run that failed: its drive is reported, the others are kept."""


class SumoMissingError(RidealongError):
    """SUMO is not installed or cannot be loaded: no drive can be simulated."""

    def __init__(self, what: str) -> None:
        super().__init__(what, hint="pip install eclipse-sumo libsumo")

    def __reduce__(self) -> tuple[object, ...]:
        return (SumoMissingError, (self.what,))


@dataclass(frozen=True)
class TrafficJob:
    """One run; `ingest.simulation.traffic.run.Job` documents the fields."""

    network: str
    out: str
    seed: int
    seconds: float
    road: str
    temper: str = "calm"
    vehicles: int = 30
    people: int = 10
    mix: dict[str, float] | None = None
    aggressive: float = 0.15
    speed_factor: float = 1.0
    incidents: tuple[str, ...] = ()
    summon: bool = False


@dataclass(frozen=True, eq=False)
class Seen:
    """Road users near the ego: one row per step and road user, ordered by step."""

    step: Ints
    track: Ints
    x_m: Floats  # centre of the footprint
    y_m: Floats
    yaw_rad: Floats
    speed_mps: Floats
    acceleration: Floats
    lamps: Ints  # SUMO's bits


@dataclass(frozen=True, eq=False)
class Tracks:
    """Road users by number: kind (index into `road_users.KINDS`), size, paint."""

    number: Ints
    kind: Ints
    length_m: Floats
    width_m: Floats
    height_m: Floats
    rgb: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class EgoLog:
    """The ego apart from its motion, ``(T,)`` each; lead 0, signal -1 and link -1 mean none."""

    lane: NDArray[np.str_]
    lamps: Ints
    lead: Ints
    gap_m: Floats
    signal: Ints
    link: Ints
    signal_m: Floats


@dataclass(frozen=True, eq=False)
class Signals:
    """Traffic lights: their names, and each change of state with its step."""

    names: NDArray[np.str_]
    step: Ints
    name: NDArray[np.str_]
    state: NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class Traffic:
    """The result of one run; ``vehicle_steps`` counts all moves of vehicles, with warm-up."""

    motion: Motion
    ego: EgoLog
    seen: Seen
    tracks: Tracks
    signals: Signals
    vehicle_steps: int = 0


def read_traffic(path: Path) -> Traffic:
    """Read what a traffic process wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        ego, lanes = arrays["ego"], arrays["lanes"]
        tracks = _tracks(arrays["tracks"])
        return Traffic(
            motion=motion_of(ego[:, 0], ego[:, 1], ego[:, 2], ego[:, 3], ego[:, 12]),
            ego=EgoLog(
                lane=lanes[ego[:, 6].astype(np.int64)],
                lamps=ego[:, 5].astype(np.int64),
                lead=ego[:, 7].astype(np.int64),
                gap_m=ego[:, 8],
                signal=ego[:, 9].astype(np.int64),
                link=ego[:, 10].astype(np.int64),
                signal_m=ego[:, 11],
            ),
            seen=_seen(arrays["seen"], tracks),
            tracks=tracks,
            signals=Signals(
                arrays["signals"],
                arrays["signal_steps"],
                arrays["signal_names"],
                arrays["signal_states"],
            ),
            vehicle_steps=int(arrays["vehicle_steps"]),
        )


def _tracks(rows: Floats) -> Tracks:
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    whole = rows.astype(np.int64)
    rgb = rows[:, 5:8].astype(np.uint8)
    return Tracks(whole[:, 0], whole[:, 1], rows[:, 2], rows[:, 3], rows[:, 4], rgb)


def _seen(rows: Floats, tracks: Tracks) -> Seen:
    order = np.lexsort([rows[:, 1], rows[:, 0]])
    rows = rows[order]
    track = rows[:, 1].astype(np.int64)
    found = np.searchsorted(tracks.number, track)
    yaw = np.radians(90 - rows[:, 4])
    # SUMO gives the middle of a vehicle's front, and of a person the middle.
    back = np.where(tracks.kind[found] == PEDESTRIAN, 0.0, tracks.length_m[found] / 2)
    return Seen(
        step=rows[:, 0].astype(np.int64),
        track=track,
        x_m=rows[:, 2] - back * np.cos(yaw),
        y_m=rows[:, 3] - back * np.sin(yaw),
        yaw_rad=np.asarray(np.remainder(yaw + np.pi, 2 * np.pi) - np.pi),
        speed_mps=rows[:, 5],
        acceleration=rows[:, 6],
        lamps=rows[:, 7].astype(np.int64),
    )


class TrafficProcess:
    """A process that runs one job after another; started when first needed, and again if it died.

    Use as a context manager.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "TrafficProcess":
        return self

    def __exit__(self, *exc: object) -> None:
        if self._process is not None:
            self._end()

    def _end(self) -> int:
        """Let the process finish, and return its exit code."""
        process, self._process = self._process, None
        assert process is not None and process.stdin is not None and process.stdout is not None
        with suppress(BrokenPipeError):
            process.stdin.close()
        code = process.wait()
        process.stdout.close()
        return code

    def kill(self) -> None:
        """Kill it and its run; the thread that waits for the run gets `TrafficError`."""
        process = self._process
        if process is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def run(self, job: TrafficJob) -> Traffic:
        """Run one job and read its result; its files are removed, also incomplete ones.

        Raises:
            SumoMissingError: SUMO's library is not installed or cannot be loaded.
            TrafficError: SUMO failed or died; the message says which.
            OSError: The disk is full.
        """
        path = Path(job.out)
        try:
            answer = self._ask(job)
            if answer["ok"]:
                return read_traffic(path)
        finally:
            path.unlink(missing_ok=True)
            path.with_suffix(".partial").unlink(missing_ok=True)
        raise _failure(answer)

    def _ask(self, job: TrafficJob) -> dict[str, object]:
        if self._process is None or self._process.poll() is not None:
            self._process = _start()
        assert self._process.stdin is not None and self._process.stdout is not None
        fields = {key: value for key, value in asdict(job).items() if value is not None}
        try:
            self._process.stdin.write(json.dumps(fields) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            code = self._end()
            return {"ok": False, "error": f"the traffic process ended with {code}"}
        found: dict[str, object] = json.loads(answer)
        return found


def _failure(answer: dict[str, object]) -> Exception:
    """The error, from the answer of the process."""
    reason = str(answer["error"] or "no reason given")
    if answer.get("missing"):
        return SumoMissingError(f"SUMO's library cannot be loaded ({reason})")
    if answer.get("errno") in DISK_FULL:
        return OSError(answer["errno"], reason)
    return TrafficError(f"traffic failed: {reason}")


def _start() -> "subprocess.Popen[str]":
    check_sumo()
    root = Path(__file__).resolve().parents[3]
    path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "ingest.simulation.traffic.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # Its warnings (pyarrow beside libsumo) do not matter: errors come as answers.
        stderr=subprocess.DEVNULL,
        text=True,
        process_group=0,  # so that a kill also ends the run in it
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    )


def check_sumo() -> None:
    """Raise `SumoMissingError` unless SUMO's library is installed."""
    import importlib.util

    if importlib.util.find_spec("libsumo") is None:
        raise SumoMissingError("SUMO's library is not installed")
