"""A graph in a process of its own: a stranger's file can crash or fill that process, not ours."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Timer
from typing import Any, ClassVar

import shadow
from ridealong.errors import RidealongError
from shadow.networks.onnx.files import GraphFiles, Part
from shadow.networks.onnx.graph import Graph
from shadow.networks.onnx.wire import Array, receive, send

SECONDS_TO_OPEN = 300.0
SECONDS_TO_END = 5.0


@dataclass(frozen=True)
class Job:
    """What the process opens.

    Attributes:
        files: The ONNX file, and other files with its weights.
        device: Where it runs: ``cpu``, ``cuda``, ``cuda:1``.
        memory_bytes: What it may use beside the libraries.
        seconds: What one run may take.
        name: What it is called in messages about runs.
    """

    files: GraphFiles
    device: str
    memory_bytes: int
    seconds: float
    name: str


def _as_json(part: Part) -> tuple[str, int, int]:
    return str(part.path.absolute()), part.start, part.size


class GraphProcess:
    """A graph that is open in a process of its own; threads may share it.

    After a death or an error in one run, the next run starts a new process.

    Attributes:
        PROGRAM: The module that the process runs.
        graph: What the graph takes and gives.

    Raises:
        RidealongError: It cannot be opened.
    """

    PROGRAM: ClassVar[str] = "shadow.networks.onnx.worker"

    def __init__(self, job: Job) -> None:
        self._job = job
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self.graph = self._start()

    def run(self, arrays: Mapping[str, Array], outputs: Sequence[str]) -> dict[str, Array]:
        """Run the graph once.

        Raises:
            RidealongError: It fails, dies, or takes more time or memory than it may.
        """
        return self._reply({"outputs": list(outputs)}, arrays, self._job.seconds)[1]

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def _reply(
        self, header: Mapping[str, Any], arrays: Mapping[str, Array], seconds: float
    ) -> tuple[dict[str, Any], dict[str, Array]]:
        """The reply to a message; a process that died is started again first."""
        with self._lock:
            if self._process is None:
                self._start()
            reply, found = self._ask(header, arrays, seconds, self._job.name)
            if "error" in reply:
                raise self._failed(reply["error"], self._job.name)
            return reply, found

    def _start(self) -> Graph:
        root = str(Path(shadow.__file__).parents[1])
        path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", self.PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
        )
        where = self._place()
        header, _ = self._ask(self._request(), {}, SECONDS_TO_OPEN, where)
        if "error" in header:
            self._end()
            raise self._failed(header["error"], where)
        return Graph.from_json(header["graph"])

    def _place(self) -> str:
        """Where a graph that cannot be opened is, for messages."""
        return str(self._job.files.graph.path)

    def _request(self) -> dict[str, Any]:
        """The first message."""
        return {
            "graph": _as_json(self._job.files.graph),
            "data": {name: _as_json(part) for name, part in self._job.files.data.items()},
            "device": self._job.device,
            "memory_bytes": self._job.memory_bytes,
        }

    def _ask(
        self, header: Mapping[str, Any], arrays: Mapping[str, Array], seconds: float, where: str
    ) -> tuple[dict[str, Any], dict[str, Array]]:
        """Send a message, and wait for the reply; the process is killed when its time is up."""
        process, late = self._process, Event()
        assert process is not None and process.stdin is not None and process.stdout is not None

        def kill() -> None:
            late.set()
            process.kill()

        timer = Timer(seconds, kill)
        timer.daemon = True
        timer.start()
        try:
            send(process.stdin, header, arrays)
            return receive(process.stdout)
        except (EOFError, OSError, ValueError, KeyError, TypeError) as error:
            self._end(kill=not isinstance(error, EOFError | OSError))
            raise self._died(process.returncode, late.is_set(), seconds, where) from None
        except BaseException:  # Ctrl-C: the reply would be taken for that of the next run
            self._end(kill=True)
            raise
        finally:
            timer.cancel()

    def _died(self, code: int, late: bool, seconds: float, where: str) -> RidealongError:
        if late:
            opening = where != self._job.name
            what = f"took more than {seconds:g} s" + (" to be opened" if opening else "")
            hint = None if opening else "raise limits.seconds in its manifest if it needs more"
            return RidealongError(what, where=where, hint=hint)
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        hint = f"it may use {self._gigabytes} GB (limits.memory_gb in its manifest)"
        return RidealongError(f"its process died ({name})", where=where, hint=hint)

    def _failed(self, error: Mapping[str, str | None], where: str) -> RidealongError:
        hint = error["hint"]
        if hint == "memory":
            hint = f"it may use {self._gigabytes} GB (limits.memory_gb in its manifest)"
        return RidealongError(
            str(error["what"]), where=where, expected=error["expected"], hint=hint
        )

    @property
    def _gigabytes(self) -> str:
        return f"{self._job.memory_bytes / 1e9:g}"

    def _end(self, kill: bool = False) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if kill:
            process.kill()
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):  # what was not yet sent to it is lost
                if stream is not None:
                    stream.close()
        try:
            process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
