"""Networks run in a process of their own: the server stays small, and ends at once.

A network and its library take some hundred megabytes, which a process only gives back by ending. So
this one ends when nothing was asked of it for a while, and the next question starts another.
"""

import pickle
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.clips.read import ClipReader
from ridealong.arrays import Ints
from ridealong.errors import RidealongError
from ridealong.perception.annotations import Perception
from shadow.outputs import RunOutputs

PROGRAM = "dashboard.routes.inference_process"
IDLE_S = 60.0
STOPPED = "the networks were stopped before they were done"


@dataclass(frozen=True)
class Question:
    """What the process is asked.

    Attributes:
        home: The lake's folder.
        run_id: The run whose networks are asked.
        clip: The clip's file.
        times: ``(T,)`` timestamps of frames, ns.
    """

    home: Path
    run_id: str
    clip: Path
    times: Ints


class Inference:
    """The process, as a `shadow.outputs.Infer`; one question at a time.

    Args:
        idle_s: How long it stays without a question, in seconds.
    """

    def __init__(self, idle_s: float = IDLE_S) -> None:
        self._idle_s = idle_s
        self._process: subprocess.Popen[bytes] | None = None
        self._asking = threading.Lock()
        self._state = threading.Lock()
        self._timer: threading.Timer | None = None
        self._closed = False

    def __call__(
        self, outputs: RunOutputs, reader: ClipReader, times: Ints
    ) -> Mapping[str, Perception]:
        """What the networks of a run give at some frames of a clip, by role.

        Raises:
            RidealongError: What the networks raise; or the process was stopped.
        """
        question = Question(outputs.lake.home, outputs.run["run_id"], Path(reader.path), times)
        with self._asking:
            answer = self._ask(self._started(), question)
            self._wait_for_the_next()
        if isinstance(answer, RidealongError):
            raise answer
        found: Mapping[str, Perception] = answer
        return found

    def close(self) -> None:
        """Stop the process, also in the middle of an answer; every later question is refused."""
        with self._state:
            self._closed = True
            if self._process is not None:
                self._process.kill()  # who waits for its answer hears of it
        with self._asking:
            self._end()

    def _started(self) -> subprocess.Popen[bytes]:
        with self._state:
            if self._closed:
                raise RidealongError(STOPPED)
            if self._timer:
                self._timer.cancel()
            if self._process is None or self._process.poll() is not None:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", PROGRAM],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    start_new_session=True,  # Ctrl-C is for the server, which then stops this
                )
            return self._process

    def _ask(self, process: subprocess.Popen[bytes], question: Question) -> Any:
        assert process.stdin is not None and process.stdout is not None
        try:
            pickle.dump(question, process.stdin)
            process.stdin.flush()
            return pickle.load(process.stdout)
        except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
            self._end()  # else it might die only after the next question was sent to it
            raise RidealongError(STOPPED, hint="reload the page") from error

    def _wait_for_the_next(self) -> None:
        with self._state:
            if not self._closed:
                self._timer = threading.Timer(self._idle_s, self._end_idle)
                self._timer.daemon = True
                self._timer.start()

    def _end_idle(self) -> None:
        if self._asking.acquire(blocking=False):  # else a question came at the last moment
            try:
                self._end()
            finally:
                self._asking.release()

    def _end(self) -> None:
        with self._state:
            if self._timer:
                self._timer.cancel()
            process, self._process = self._process, None
        if process is not None:
            process.kill()
            with suppress(BrokenPipeError):  # a question that it has not read
                process.communicate()
