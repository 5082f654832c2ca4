"""The process of a job: a `ridealong` command that ends with the server that started it.

The server holds the other end of standard input. When the server ends, however it ends, the input
ends too, and the command is interrupted as by Ctrl-C.
"""

import os
import runpy
import signal
import threading
import time

PATIENCE_S = 10.0


def main() -> None:
    """Run the command that the arguments give."""
    # A server that was started in the background ignores Ctrl-C, and its children would too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    runpy.run_module("ridealong", run_name="__main__")


def _end_with_the_server() -> None:
    while os.read(0, 1):  # of the descriptor: a stream's lock would outlast the interpreter
        pass
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        os.killpg(os.getpgid(0), number)
        time.sleep(PATIENCE_S)


if __name__ == "__main__":
    main()
