"""A process that drives traffic: one line of JSON in is one run, one line out says how it went.

SUMO's library and pyarrow clash, so it lives apart. The process loads SUMO once and forks for each
run: every run starts from the same clean state, and one that dies takes no other with it.
"""

import json
import os
import signal
import sys
import traceback

from ingest.simulation.traffic_run import Job, run_job, warm_up


def main() -> int:
    """Serve until the input ends."""
    for line in sys.stdin:
        job = json.loads(line)
        # Read here, so that every fork finds the map in memory.
        warm_up(job["network"])
        print(json.dumps(serve(job)), flush=True)
    return 0


def serve(job: dict[str, object]) -> dict[str, object]:
    """Run one job in a fork; say what became of it."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        # Nobody waits for a run whose asker is gone: its output is swept away by name.
        os._exit(_run(job, write_end))
    os.close(write_end)
    with os.fdopen(read_end) as said:
        message = said.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        return {"ok": False, "error": f"SUMO died ({name})"}
    return {"ok": os.WEXITSTATUS(status) == 0, "error": message}


def _run(job: dict[str, object], write_end: int) -> int:
    with os.fdopen(write_end, "w") as say:
        try:
            run_job(Job(**job))  # type: ignore[arg-type]
            return 0
        except OSError as error:
            say.write(f"{error.strerror or error}")
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            say.write(f"{type(error).__name__}: {error} ({place.name}:{place.lineno})")
        return 1


if __name__ == "__main__":
    sys.exit(main())
