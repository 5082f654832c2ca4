"""The demo against its limits: how long it takes, its clips alone, its memory; and a second run.

Runs `ridealong demo` in a new home and once more in the same, as a user would. Memory is what the
command and its processes hold together, pages that they share counted once (PSS), looked at once a
second.

Run as ``python -m benchmarks.demo``. Linux only: it reads /proc.
"""

import math
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("ridealong")
CLIPS_CUT = "replaying the clips"  # what the demo says when it turns from the clips to the networks
WHOLE_S, CLIPS_S, AGAIN_S, MEMORY_GB = 240, 120, 30, 3


@dataclass
class Watched:
    """One run of the demo, as seen from outside."""

    seconds: float = math.nan
    clips_seconds: float = math.nan
    peak_bytes: int = 0
    last: str = ""


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        first, second = (watch(Path(scratch) / "home") for _ in range(2))
    print("| what | figure | limit | |\n|---|---|---|---|")
    show("a new home, to the verdict", first.seconds, WHOLE_S, "s")
    show("of it up to the clips", first.clips_seconds, CLIPS_S, "s")
    show("peak memory (PSS, all processes)", first.peak_bytes / 1e9, MEMORY_GB, "GB")
    show("the same home again", second.seconds, AGAIN_S, "s")
    print(f"\n{first.last}")


def watch(home: Path) -> Watched:
    watched, started = Watched(), time.perf_counter()
    process = subprocess.Popen(
        [PROGRAM, "demo", "--home", home],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    threading.Thread(target=look, args=(process, watched), daemon=True).start()
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith(CLIPS_CUT):
            watched.clips_seconds = time.perf_counter() - started
        if "required cells" in line:
            watched.last = line.strip()
    assert process.wait() == 0, "".join(said[-5:])
    assert watched.last and watched.peak_bytes
    watched.seconds = time.perf_counter() - started
    return watched


def look(process: "subprocess.Popen[str]", watched: Watched) -> None:
    """Keep the most that the process and its children held."""
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


def show(what: str, value: float, limit: float, unit: str) -> None:
    said = "met" if value <= limit else "MISSED"
    print(f"| {what} | {value:.1f} {unit} | {limit} {unit} | {said} |")


if __name__ == "__main__":
    main()
