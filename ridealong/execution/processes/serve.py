"""A process that does items: pickled items come in, pickled outcomes go out, until the input ends.

Started by `pool` as ``python -m ridealong.execution.processes.serve``.
What is to be done with the items comes first.
"""

import os
import pickle
import signal
import sys
import threading
from queue import SimpleQueue
from typing import Any, BinaryIO


def main() -> None:
    """Serve until whoever started this process ends, or wants it to."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the command, which ends us
    # A library may print as it likes: answers go another way.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    do = pickle.load(sys.stdin.buffer)()
    items: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, items), daemon=True).start()
    while True:
        pickle.dump(do(items.get()), answers)
        answers.flush()


def _listen(stream: BinaryIO, items: "SimpleQueue[Any]") -> None:
    """Take items; at the input's end leave, in the midst of one too: nobody waits for it."""
    code = 1  # half an item, or one that cannot be read here
    try:
        while True:
            items.put(pickle.load(stream))
    except EOFError:
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
