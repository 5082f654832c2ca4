"""Run every benchmark and write what it prints to RESULTS.md.

Each benchmark is a script that prints Markdown: its figures, as ratios against a named peer or limit
that it measured in the same run. ``python benchmarks/run.py [NAME …]`` runs the named ones alone and
leaves the others' sections as they were.
"""

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "RESULTS.md"
HEAD = """# Benchmarks

`make bench` writes this file; `python benchmarks/run.py NAME` renews one section. Machines differ and
are noisy: the ratios, taken in the same run, are what to read.
"""


def main(wanted: list[str]) -> int:
    """Run the benchmarks and renew their sections."""
    names = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "run")
    unknown = sorted(set(wanted) - set(names))
    if unknown:
        print(f"no benchmark {unknown[0]!r}; known: {', '.join(names)}", file=sys.stderr)
        return 2
    sections = read_sections()
    failed = False
    for name in wanted or names:
        print(f"benchmark {name}", file=sys.stderr, flush=True)
        done = subprocess.run(
            [sys.executable, FOLDER / f"{name}.py"], stdout=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            print(f"benchmark {name} failed", file=sys.stderr)
            failed = True
            continue
        sections[name] = (
            f"## {name}\n\n`python benchmarks/{name}.py` on {machine()}.\n\n{done.stdout.strip()}\n"
        )
    RESULTS.write_text("\n".join([HEAD, *(sections[name] for name in sorted(sections))]))
    return 1 if failed else 0


def read_sections() -> dict[str, str]:
    """The sections that stand in the file, by benchmark."""
    if not RESULTS.exists():
        return {}
    parts = re.split(r"^(?=## )", RESULTS.read_text(), flags=re.MULTILINE)[1:]
    return {part.split("\n", 1)[0].removeprefix("## "): part.rstrip() + "\n" for part in parts}


def machine() -> str:
    """Processor kind, cores and Python, without naming the machine."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
