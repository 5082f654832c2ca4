"""A process that simulates traffic: one line of JSON in per run, one line out with its result.

SUMO's library and pyarrow clash, so it lives apart. The process loads SUMO once and forks for each
run: every run starts from the same clean state, and one that dies takes no other with it.
"""

import json
import os
import signal
import sys
import traceback


def main() -> int:
    """Serve until the input ends."""
    # SUMO writes to the standard output, so answers use another descriptor.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        from ingest.simulation.traffic.run import warm_up
    except ImportError as error:
        print(json.dumps({"ok": False, "error": str(error), "missing": True}), file=answers)
        return 1
    for line in sys.stdin:
        job = json.loads(line)
        # Read here, so that every fork finds the map in memory.
        warm_up(job["network"])
        print(json.dumps(serve(job)), file=answers, flush=True)
    return 0


def serve(job: dict[str, object]) -> dict[str, object]:
    """Run one job in a fork, and return its result."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        os._exit(_run(job, write_end))
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        return {"ok": False, "error": f"SUMO died ({name})"}
    reason: dict[str, object] = json.loads(answer or "{}")
    return {"ok": os.WEXITSTATUS(status) == 0, "error": None, **reason}


def _run(job: dict[str, object], write_end: int) -> int:
    from ingest.simulation.traffic.run import Job, run_job

    with os.fdopen(write_end, "w") as pipe:
        try:
            run_job(Job(**job))  # type: ignore[arg-type]
            return 0
        except OSError as error:
            json.dump({"error": error.strerror or str(error), "errno": error.errno}, pipe)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            reason = f"{type(error).__name__}: {error} ({place.name}:{place.lineno})"
            json.dump({"error": reason}, pipe)
        return 1


if __name__ == "__main__":
    sys.exit(main())
