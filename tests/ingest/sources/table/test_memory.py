"""A file with many drives takes no more memory than one with few of the same length."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from tests.allocators import GIVES_BACK

pytestmark = pytest.mark.slow

ROWS = 60_000  # of a drive
FEW, MANY = 4, 36
MORE_MB = 60  # allocators keep what was freed; if all rows were kept, it would be twice as much

READ = """
import re, sys
from pathlib import Path
from ingest.drives import validated
from ingest.sources.table.source import TableSource

mapping = '''
time: {column: time_ms, unit: ms}
signals: {speed: {signal: Vehicle.Speed}, accel: {signal: Vehicle.Acceleration.Longitudinal}}
drive: trip
'''
source = TableSource().mapped(mapping, "map.yaml")
for files in source.discover(Path(sys.argv[1])):
    rows = validated(source.open(files), files.drive_id).rows
    assert rows.num_rows == int(sys.argv[2]), rows.num_rows
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024)
"""


def table(drives: int) -> pa.Table:
    rows = drives * ROWS
    random = np.random.default_rng(0)
    return pa.table(
        {
            "trip": np.repeat([f"trip-{number:04}" for number in range(drives)], ROWS),
            "time_ms": 1_767_225_600_000 + 100 * np.arange(rows),
            "speed": np.round(random.uniform(0, 100, rows), 3),
            "accel": np.round(random.uniform(-3, 3, rows), 4),
        }
    )


def peak_mb(path: Path, repository: Path) -> float:
    done = subprocess.run(
        [sys.executable, "-c", READ, path, str(ROWS)],
        env=os.environ | GIVES_BACK | {"PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_memory_is_bounded_by_a_drive(suffix: str, tmp_path: Path, repository: Path) -> None:
    peaks = []
    for drives in (FEW, MANY):
        path = tmp_path / f"{drives}.{suffix}"
        if suffix == "parquet":
            pq.write_table(table(drives), path, row_group_size=50_000)
        else:
            csv.write_csv(table(drives), path)
        peaks.append(peak_mb(path, repository))
    few, many = peaks
    assert many < few + MORE_MB, peaks
