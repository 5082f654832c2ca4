"""What Rerun's importer finds in an MCAP file, as JSON: run by the Python of .venv-oracles.

Each entity has its rows, its timelines, and its components with their types. Of Rerun's SDK only
its program is used, which needs no Arrow in Python.

usage: read_rerun.py FILE
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import rerun_cli

CHUNK = re.compile(r"^Chunk\(\w+\) with (\d+) rows .* - (/\S*) - ")
TIMELINE, COMPONENT = re.compile(r"index_name: (\w+)"), re.compile(r" component: (\S+)")
ABOUT = ("McapChannel:", "McapSchema:")  # one row about the channel of each entity


def program(*words):
    rerun = Path(rerun_cli.__file__).with_name("rerun")
    done = subprocess.run([rerun, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def entities(printed):
    """Split what `rerun rrd print -vv` says by chunk, and sum the rows of each entity."""
    found, rows, entity = {}, 0, None
    for line in printed.splitlines():
        if match := CHUNK.match(line):
            rows, entity = int(match[1]), match[2]
            continue
        components = [name for name in COMPONENT.findall(line) if not name.startswith(ABOUT)]
        timelines = TIMELINE.findall(line)
        if entity and (components or timelines):
            told = found.setdefault(entity, {"rows": {}, "timelines": []})
            for name in components:
                told["rows"][name] = told["rows"].get(name, 0) + rows
            told["timelines"] = sorted({*told["timelines"], *timelines})
    return found


def main(path):
    with tempfile.TemporaryDirectory() as folder:
        recording = f"{folder}/recording.rrd"
        program("mcap", "convert", path, "-o", recording)
        program("rrd", "verify", recording)
        told = entities(program("rrd", "print", "-vv", recording))
        signals = program("rrd", "print", "-vv", "--entity", "/signals", recording)
    fields = dict(re.findall(r'"(Vehicle_\w+)": (\w+)', signals))
    print(json.dumps({"entities": told, "signals": fields}))


if __name__ == "__main__":
    main(*sys.argv[1:])
