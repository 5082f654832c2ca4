"""A worker process: it reads pickled items and writes pickled outcomes, until its input ends.

`pool` starts it as ``python -m ridealong.execution.processes.serve``. The first thing that it reads
is the function that makes the function for items.
"""

import gc
import os
import pickle
import signal
import sys
import threading
from queue import SimpleQueue
from typing import Any, BinaryIO


def main() -> None:
    """Serve until the parent exits or closes the input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C and ends us
    # Libraries may print to standard output, so answers get a separate descriptor.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # Loading libraries makes many objects that stay. So garbage is rarely looked for until the
    # first item is done.
    usual = gc.get_threshold()
    gc.set_threshold(100_000)
    do = pickle.load(sys.stdin.buffer)()
    items: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, items), daemon=True).start()
    while True:
        pickle.dump(do(items.get()), answers)
        answers.flush()
        gc.set_threshold(*usual)


def _listen(stream: BinaryIO, items: "SimpleQueue[Any]") -> None:
    """Queue items; exit when the input ends, even during an item: its outcome is not needed."""
    code = 1  # an item that is incomplete or cannot be unpickled
    try:
        while True:
            items.put(pickle.load(stream))
    except EOFError:
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
