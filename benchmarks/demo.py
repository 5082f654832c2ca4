"""The demo compared with its limits: time in all, time up to the clips, memory, and a second run.

Runs `ridealong demo` in a new home, and again in the same home, as a user would. The peer is a
program that decodes the demo's clips once and runs both bare networks on them; its start counts
(`benchmarks.peers.bare_networks`). Limits of time are ratios to the peer, because seconds differ
between machines. Memory is that of the command and its processes together, with shared pages
counted once (PSS). It is read once a second.

Run as ``python -m benchmarks.demo [--fleet SPEC]``. Linux only: it reads /proc.
"""

import argparse
import math
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.bare_networks import run_bare
from benchmarks.replay import weights_of
from metrics.gate.spec import load_gate
from ridealong.lake import Lake
from shadow.demo import CANDIDATE, DEPLOYED, FLEET
from shadow.run import RunRequest, clips_of, pair_of

PROGRAM = Path(sys.executable).with_name("ridealong")
CLIPS_CUT = "replaying the clips"  # the demo prints this between the clips and the networks
WHOLE, CLIPS, AGAIN = 3.0, 1.5, 0.4  # times the peer's seconds
MEMORY_GB = 3


@dataclass
class Watched:
    """One run of the demo, as seen from outside."""

    seconds: float = math.nan
    clips_seconds: float = math.nan
    peak_bytes: int = 0
    last: str = ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fleet", type=Path, default=FLEET, help="a smaller fleet, to try it out")
    fleet = parser.parse_args().fleet
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "home"
        first, second = watch(home, fleet), watch(home, fleet)
        peer_s = bare_seconds(Lake.open(home))
    print("| what | figure | of the peer | limit | |\n|---|---|---|---|---|")
    peer = "its clips decoded, both bare networks, with their start (peer)"
    print(f"| {peer} | {peer_s:.1f} s | 1 | | |")
    show("a new home, to the verdict", first.seconds, peer_s, WHOLE)
    show("of it up to the clips", first.clips_seconds, peer_s, CLIPS)
    show("the same home again", second.seconds, peer_s, AGAIN)
    memory_gb = first.peak_bytes / 1e9
    met = "met" if memory_gb <= MEMORY_GB else "MISSED"
    print(f"| peak memory (PSS, all processes) | {memory_gb:.1f} GB | | {MEMORY_GB} GB | {met} |")
    print(f"\n{first.last}")


def bare_seconds(lake: Lake) -> float:
    """Seconds to decode the demo's simulated clips and run both bare networks on them."""
    request = RunRequest(DEPLOYED, CANDIDATE, "source = 'simulation'", load_gate())
    clips = clips_of(lake.snapshot(), request)
    pair = pair_of(lake.snapshot(), request)
    networks = [weights_of(lake, entry) for entry in pair]
    started = time.perf_counter()
    run_bare(networks, [lake.path(blob) for blob in clips["blob"].to_pylist()])
    return time.perf_counter() - started


def watch(home: Path, fleet: Path) -> Watched:
    watched, started = Watched(), time.perf_counter()
    process = subprocess.Popen(
        [PROGRAM, "demo", "--fleet", fleet, "--home", home],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    threading.Thread(target=look, args=(process, watched), daemon=True).start()
    assert process.stdout is not None
    printed = []
    for line in process.stdout:
        printed.append(line)
        if line.startswith(CLIPS_CUT):
            watched.clips_seconds = time.perf_counter() - started
        if "required checks" in line:
            watched.last = line.strip()
    assert process.wait() == 0, "".join(printed[-5:])
    assert watched.last and watched.peak_bytes
    watched.seconds = time.perf_counter() - started
    return watched


def look(process: "subprocess.Popen[str]", watched: Watched) -> None:
    """Record the peak memory of the process and its children."""
    while process.poll() is None:
        held = sum(memory(pid) for pid in family(process.pid))
        watched.peak_bytes = max(watched.peak_bytes, held)
        time.sleep(1)


def family(pid: int) -> Iterator[int]:
    yield pid
    try:
        lists = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:  # it has ended meanwhile
        return
    for child in " ".join(lists).split():
        yield from family(int(child))


def memory(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024


def show(what: str, seconds: float, peer_s: float, limit: float) -> None:
    ratio = seconds / peer_s
    result = "met" if ratio <= limit else "MISSED"
    print(f"| {what} | {seconds:.1f} s | {ratio:.2f} | {limit} | {result} |")


if __name__ == "__main__":
    main()
