"""Homes with more drives than a test has time to simulate."""

from pathlib import Path

import pyarrow as pa

from ingest.schemas import CLIPS, DRIVES
from ridealong.lake import Lake, write_data_file


def add_drives(home: Path, count: int, **conditions: str) -> None:
    """Add drives with the shortest labelled clip of the home, each with a clip of its own.

    Args:
        home: The folder of the lake.
        count: How many.
        conditions: What the new drives differ in, e.g. ``road="highway"``.
    """
    lake = Lake.open(home)
    snapshot = lake.snapshot()
    clips = [clip for clip in snapshot.read(CLIPS).to_pylist() if clip["labelled"]]
    clip = min(clips, key=lambda each: each["end_ns"] - each["start_ns"])
    drives = {drive["drive_id"]: drive for drive in snapshot.read(DRIVES).to_pylist()}
    drive = drives[clip["drive_id"]] | conditions
    names = [f"added{number:02d}" for number in range(count)]
    tables = {
        CLIPS: [clip | {"clip_id": f"clip-{name}", "drive_id": name} for name in names],
        DRIVES: [drive | {"drive_id": name} for name in names],
    }
    commit_id = lake.new_commit_id()
    written = [
        write_data_file(home, commit_id, spec, pa.Table.from_pylist(rows, schema=spec.schema))
        for spec, rows in tables.items()
    ]
    lake.commit(commit_id, "test", [file for file in written if file is not None])
