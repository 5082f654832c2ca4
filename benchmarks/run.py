"""Run every benchmark and write its output to RESULTS.md.

Each benchmark is a module or a package that prints Markdown: its figures, as ratios to a named peer
or limit measured in the same run. ``python -m benchmarks.run [NAME …] [-- OPTION …]`` rewrites only
the sections of the named ones, with their own options. Those in `HOURS` run only by name.
"""

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "RESULTS.md"
HOURS = {"planning", "story", "trust"}
HEAD = """# Benchmarks

`make bench` writes this file; `python -m benchmarks.run NAME` rewrites one section. Machines
differ and are noisy. Read the ratios: both of their values come from the same run.
"""


def main(arguments: list[str]) -> int:
    """Run the benchmarks and rewrite their sections."""
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    wanted, options = arguments[:cut], arguments[cut + 1 :]
    names = known_names()
    unknown = sorted(set(wanted) - set(names))
    if unknown:
        print(f"no benchmark {unknown[0]!r}; known: {', '.join(names)}", file=sys.stderr)
        return 2
    chosen = wanted or [name for name in names if name not in HOURS]
    failed = [name for name in chosen if not renew(name, options)]
    return 1 if failed else 0


def known_names() -> list[str]:
    """The modules of this folder, and the packages that can be run."""
    modules = {path.stem for path in FOLDER.glob("*.py")} - {"run"}
    return sorted(modules | {path.parent.name for path in FOLDER.glob("*/__main__.py")})


def renew(name: str, options: list[str]) -> bool:
    """Run one benchmark and write its section; returns whether it succeeded."""
    print(f"benchmark {name}", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", f"benchmarks.{name}", *options]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=False, cwd=FOLDER.parent
    )
    if done.returncode:
        print(f"benchmark {name} failed", file=sys.stderr)
        return False
    asked = " ".join([f"python -m benchmarks.{name}", *options])
    head = f"## {name}\n\n`{asked}` on {machine()}.\n\n"
    sections = read_sections() | {name: head + done.stdout.strip() + "\n"}
    RESULTS.write_text("\n".join([HEAD, *(sections[key] for key in sorted(sections))]), "utf-8")
    return True


def read_sections() -> dict[str, str]:
    """The sections of the file, by benchmark."""
    if not RESULTS.exists():
        return {}
    parts = re.split(r"^(?=## )", RESULTS.read_text("utf-8"), flags=re.MULTILINE)[1:]
    return {part.split("\n", 1)[0].removeprefix("## "): part.rstrip() + "\n" for part in parts}


def machine() -> str:
    """Processor kind, cores and Python version, without the machine's name."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
