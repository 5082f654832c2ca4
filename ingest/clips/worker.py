"""A process that cuts clips: pickled jobs come in, pickled outcomes go out, until the input ends.

``python -m ingest.clips.worker HOME COMMIT``, started by `ingest.clips.workers`.
"""

import os
import pickle
import signal
import sys
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO

from ingest.clips.cut import ClipCutter, ClipJob


def main() -> None:
    """Serve until whoever started this process ends, or wants it to."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the command, which ends us
    # A library may print as it likes: answers go another way.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    jobs: SimpleQueue[ClipJob] = SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, jobs), daemon=True).start()
    cutter = ClipCutter(Path(sys.argv[1]), sys.argv[2])
    while True:
        pickle.dump(cutter.cut(jobs.get()), answers)
        answers.flush()


def _listen(stream: BinaryIO, jobs: "SimpleQueue[ClipJob]") -> None:
    """Take jobs; at the input's end leave, in the midst of one too: nobody waits for it."""
    while True:
        try:
            jobs.put(pickle.load(stream))
        except EOFError:
            os._exit(0)


if __name__ == "__main__":
    main()
