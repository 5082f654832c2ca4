"""How long the program takes to start, compared with the interpreter and with its libraries.

Help should be as fast as a shell command, so it is compared with a bare interpreter. A list has to
load the lake's libraries, so it is compared with importing them. All commands take turns, so that
other load on the machine affects all of them. Seconds are medians; ratios are of two medians.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

REPOSITORY = Path(__file__).parents[1]
LOGS = REPOSITORY / "examples"
PASS = ("-c", "pass")
LIBRARIES = ("-c", "import typer, rich.table, pydantic, pyarrow, duckdb, deltalake")
HELP_LIMIT, LIST_LIMIT = 8.0, 1.5


def main() -> int:
    """Print one row per command; returns 1 if a limit is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--turns", type=int, default=10)
    turns = options.parse_args().turns
    with tempfile.TemporaryDirectory() as folder:
        home = make_home(Path(folder) / "home")
        peers = {"python -c pass": PASS, "importing the libraries": LIBRARIES}
        lists = {f"{kind} list": (kind, "list", "--home", home) for kind in ("drives", "events")}
        ours = {"--help": ("--help",)} | lists
        commands = peers | {name: ("-m", "ridealong", *words) for name, words in ours.items()}
        taken = in_turns(commands, turns)
    return report(taken, list(peers), turns)


def report(taken: dict[str, float], peers: list[str], turns: int) -> int:
    """Print the table; returns 1 if a limit is missed."""
    interpreter, libraries = peers
    print(f"Medians of {turns} starts each, in turns.\n")
    print("| command | seconds | compared with | ratio | limit |")
    print("|---|---|---|---|---|")
    missed = False
    for name, seconds in taken.items():
        if name in peers:
            print(f"| `{name}` | {seconds:.3f} | - | - | - |")
            continue
        peer, limit = (interpreter, HELP_LIMIT) if name == "--help" else (libraries, LIST_LIMIT)
        ratio = seconds / taken[peer]
        missed |= ratio > limit
        print(f"| `ridealong {name}` | {seconds:.3f} | {peer} | {ratio:.2f} | {limit:g} |")
    return int(missed)


def make_home(home: Path) -> str:
    """A home with the two real drives in examples/, their events and clips."""
    start("-m", "ridealong", "ingest", str(LOGS / "comma2k19_first30s"), "--home", str(home))
    start("-m", "ridealong", "ingest", str(LOGS / "udacity_highway_video"), "--home", str(home))
    return str(home)


def in_turns(commands: dict[str, tuple[str, ...]], turns: int) -> dict[str, float]:
    """Median seconds of each command; a first start of each is not counted."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(-1, turns):
        for name, words in commands.items():
            seconds = start(*words)
            if turn >= 0:
                times[name].append(seconds)
    return {name: median(seconds) for name, seconds in times.items()}


def start(*words: str) -> float:
    """Seconds from the start of an interpreter to its end."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, *words],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=REPOSITORY,
        env=os.environ,
    )
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
