"""Processes that cut clips start quickly."""

import os
import subprocess
import sys
from pathlib import Path

SLOW = {"sqlglot", "duckdb", "deltalake", "apache_beam", "scipy", "torch"}
PROGRAM = f"""
import sys, ridealong.execution.processes.serve, ingest.clip_jobs, ingest.sources.bags.recording
print(*({SLOW} & set(sys.modules)))
"""


def test_a_process_that_cuts_clips_loads_nothing_slow(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "\n"
