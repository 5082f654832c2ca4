"""A large home, made by a rule from the demo's home.

- 500 drives repeat the demo's labelled ones in turn, each an hour after the one before, with ten
  clips each. Every clip has the video, the telemetry and the labels of the clip that it repeats.
- 1,000 predictions: 6 kinds of objects at 167 cameras, of which the first are the demo's. Each has
  F1 on every third clip, for both networks: 10 million rows of scores.
- Attributes of the drives give 50 slices. The candidate finds less at night with every fourth
  prediction.

The run is judged by the gate that ships, with all attributes watched.
"""

import itertools
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ingest.schemas import CLIPS, DRIVES, EVENTS, TELEMETRY
from metrics.gate.schemas import VERDICTS
from metrics.gate.spec import GateSpec, load_gate
from metrics.gate.verdicts import judge
from metrics.schemas import MATCHES, SCORES
from metrics.tasks.registry import families
from ridealong.arrays import Floats, Ints
from ridealong.lake import DataFile, Lake, Snapshot, write_data_file
from ridealong.lake.tables import TableSpec
from ridealong.perception.annotations import ObjectCategory
from ridealong.units import NS_PER_S
from shadow.keys import definition_in, judged_by
from shadow.schemas import RUNS

DRIVE_COUNT, CLIPS_A_DRIVE, PREDICTION_COUNT = 500, 10, 1000
EVERY = 3  # a prediction is scored on every third clip
CAMERAS = ("main", "narrow", "wide", "rear", "left_pillar", "right_pillar", "left_repeater",
           "right_repeater", *(f"camera_{number:03d}" for number in range(159)))  # fmt: skip
# One value of each for a drive, in turn: with "all" they are 50 slices.
ATTRIBUTES = {
    "light": ("day", "night", "dusk"),
    "weather": ("clear", "rain", "fog", "snow"),
    "road": ("city", "highway", "rural"),
    "country": tuple(f"{a}{b}" for a in "ABCD" for b in "KLMNP"),
    "software": tuple(f"2026.{n}" for n in range(1, 11)),
    "hardware": tuple(f"hw{n}" for n in range(1, 10)),
}
APART_NS = 3600 * NS_PER_S
FOUND = 0.75
LOST = 0.12  # at night, by every fourth prediction

Row = dict[str, Any]


def make(home: Path, demo: Path) -> Path:
    """Write the large home; ``demo`` is a home that `ridealong demo` made."""
    shutil.copytree(demo, home)
    lake = Lake.open(home)
    before = lake.snapshot()
    drives, clips, telemetry, events = _fleet(before)
    commit_id = lake.new_commit_id()
    tables = {DRIVES: drives, CLIPS: clips, EVENTS: events}
    files = [_file(lake, commit_id, spec, rows) for spec, rows in tables.items()]
    files += [_file(lake, commit_id, TELEMETRY, part) for part in telemetry]
    files += [_file(lake, commit_id, SCORES, part) for part in _scores(before, clips, drives)]
    lake.commit(commit_id, "benchmark", files, [f"benchmark:{commit_id}"], {"planned": 1})
    _run(lake, before, clips, drives)
    return home


def _file(lake: Lake, commit_id: str, spec: TableSpec, rows: pa.Table) -> DataFile:
    file = write_data_file(lake.home, commit_id, spec, rows)
    assert file is not None
    return file


def predictions() -> list[str]:
    """The names."""
    every = itertools.product(CAMERAS, ObjectCategory)
    names = [f"objects/{kind}@{camera}" for camera, kind in every]
    return names[:PREDICTION_COUNT]


# --- the fleet


def _fleet(demo: Snapshot) -> tuple[pa.Table, pa.Table, Iterator[pa.Table], pa.Table]:
    """Drives, clips, telemetry by drive, and events."""
    old = {row["drive_id"]: row for row in demo.read(DRIVES).to_pylist() if row["labelled"]}
    seen = [row for row in demo.read(CLIPS).to_pylist() if row["drive_id"] in old]
    drives: list[Row] = []
    clips: list[Row] = []
    events: list[Row] = []
    for number in range(DRIVE_COUNT):
        clip = seen[number % len(seen)]
        drive = _drive(old[clip["drive_id"]], number)
        drives.append(drive)
        for place in range(CLIPS_A_DRIVE):
            clips.append(_clip(clip, drive, old[clip["drive_id"]], place))
            events.append(_event(clips[-1], drive, place))
    shift = {d["drive_id"]: seen[n % len(seen)]["drive_id"] for n, d in enumerate(drives)}
    return (
        _rows(DRIVES, drives),
        _rows(CLIPS, clips),
        _telemetry(demo, shift, drives, old),
        _rows(EVENTS, events),
    )


def _rows(spec: TableSpec, rows: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=spec.schema)


def _drive(old: Row, number: int) -> Row:
    start_ns = old["start_ns"] + number * APART_NS
    name = f"drive-{number:04d}"
    own = {key: values[number % len(values)] for key, values in ATTRIBUTES.items()}
    return (
        old
        | own
        | {
            "drive_id": name,
            "cluster_id": name,
            "vehicle_id": f"vehicle-{number % 40:02d}",
            "source_sha256": f"{number:064x}",
            "start_ns": start_ns,
            "end_ns": start_ns + old["end_ns"] - old["start_ns"],
        }
    )


def _clip(old: Row, drive: Row, of: Row, place: int) -> Row:
    """The clip again, as if it had been cut from the drive's copy."""
    moved = drive["start_ns"] - of["start_ns"]
    clip_id = f"{drive['drive_id']}-{place}"
    return old | {
        "clip_id": clip_id,
        "drive_id": drive["drive_id"],
        "start_ns": old["start_ns"] + moved,
        "end_ns": old["end_ns"] + moved,
        "event_ids": [f"{clip_id}-event"],
    }


def _event(clip: Row, drive: Row, place: int) -> Row:
    time_ns = (clip["start_ns"] + clip["end_ns"]) // 2 + place * NS_PER_S // 10
    seconds = (time_ns - drive["start_ns"]) / NS_PER_S
    return {
        "event_id": clip["event_ids"][0],
        "drive_id": drive["drive_id"],
        "vehicle_id": drive["vehicle_id"],
        "trigger": clip["triggers"][0],
        "trigger_sha256": "0" * 64,
        "onset_ns": time_ns,
        "time_ns": time_ns,
        "onset_s": seconds,
        "time_s": seconds,
        "margin": 1.0,
        "kept": True,
        "reason": None,
        "inclusion_probability": 1.0,
        "clip_id": clip["clip_id"],
    }


def _telemetry(
    demo: Snapshot, of: dict[str, str], drives: list[Row], old: dict[str, Row]
) -> Iterator[pa.Table]:
    """Each drive's telemetry is that of the drive that it repeats, at its own time."""
    known: dict[str, pa.Table] = {}
    for drive in drives:
        name = of[drive["drive_id"]]
        if name not in known:
            known[name] = demo.query(
                "select * from telemetry where drive_id = ? order by timestamp_ns",
                TELEMETRY,
                params=[name],
            )
        rows = known[name]
        moved = drive["start_ns"] - old[name]["start_ns"]
        times = pa.array(rows["timestamp_ns"].to_numpy() + moved)
        names = pa.array([drive["drive_id"]] * len(rows))
        rows = rows.set_column(rows.schema.get_field_index("drive_id"), "drive_id", names)
        rows = rows.set_column(rows.schema.get_field_index("timestamp_ns"), "timestamp_ns", times)
        yield rows.cast(TELEMETRY.schema)


# --- the run


def _scores(demo: Snapshot, clips: pa.Table, drives: pa.Table) -> Iterator[pa.Table]:
    """True and false positives and misses of each prediction, in tables of a million rows or so."""
    run = _demo_run(demo)
    light = dict(zip(drives["drive_id"].to_pylist(), drives["light"].to_pylist(), strict=True))
    dark = np.array([light[name] == "night" for name in clips["drive_id"].to_pylist()])
    names = predictions()
    for start in range(0, len(names), 100):
        blocks = [
            block
            for place in range(start, min(start + 100, len(names)))
            for block in _of_prediction(names[place], place, clips, dark, run)
        ]
        yield pa.concat_tables(blocks)


def _of_prediction(
    name: str, place: int, clips: pa.Table, dark: Any, run: Row
) -> Iterator[pa.Table]:
    rng = np.random.default_rng(place)
    at = np.arange(place % EVERY, clips.num_rows, EVERY)
    labels = rng.poisson(12, len(at))
    hard = rng.beta(12, 4, clips.num_rows // CLIPS_A_DRIVE)[at // CLIPS_A_DRIVE]
    for role in ("deployed", "candidate"):
        lost = LOST * dark[at] if role == "candidate" and place % 4 == 0 else 0.0
        found = np.clip(FOUND + (hard - 0.75) - lost, 0.02, 0.98)
        tp = rng.binomial(labels, found)
        sums = {"tp": tp, "fp": rng.binomial(labels, 1 - found), "fn": labels - tp}
        for statistic, values in sums.items():
            yield _block(name, statistic, values, clips, at, run[f"{role}_sha256"])


def _block(
    name: str, statistic: str, values: Floats | Ints, clips: pa.Table, at: Ints, network: str
) -> pa.Table:
    count = len(at)
    definition = judged_by(families(), rate_hz=5)
    columns = {
        "network_sha256": pa.repeat(network, count),
        "reference": pa.repeat("labels", count),
        "clip_id": clips["clip_id"].take(at),
        "drive_id": clips["drive_id"].take(at),
        "prediction": pa.repeat(name, count),
        "metric": pa.repeat("f1", count),
        "statistic": pa.repeat(statistic, count),
        "value": pa.array(values, pa.float64()),
        "definition": pa.repeat(definition_in(definition, "objects"), count),
        "labels": pa.nulls(count, pa.string()),
    }
    return pa.table(columns, schema=SCORES.schema)


def _demo_run(demo: Snapshot) -> Row:
    row: Row = demo.read(RUNS).to_pylist()[0]
    return row


def _run(lake: Lake, demo: Snapshot, clips: pa.Table, drives: pa.Table) -> None:
    """Judge all of it, and store the run as a shadow run does."""
    old, gate = _demo_run(demo), _gate()
    sha256 = old["deployed_sha256"], old["candidate_sha256"]
    judged = clips.select(["clip_id", "drive_id", "by_disagreement"])
    found = judge(
        lake.snapshot().rows(SCORES),
        MATCHES.schema.empty_table(),
        judged,
        drives,
        *sha256,
        gate,
    )
    run_id = lake.new_commit_id()
    row = old | {
        "run_id": run_id,
        "gate": json.dumps(gate.model_dump(mode="json")),
        "definition": judged_by(families(), rate_hz=5),
        "clip_ids": judged["clip_id"].to_pylist(),
        "clip_labels": None,
        "verdict": str(found.verdict),
        "reason": found.reason,
        "created_ns": old["created_ns"] + APART_NS,
    }
    ids = pa.array([run_id] * found.cells.num_rows, pa.string())
    verdicts = found.cells.add_column(0, "run_id", ids).cast(VERDICTS.schema)
    files = [
        _file(lake, run_id, RUNS, _rows(RUNS, [row])),
        _file(lake, run_id, VERDICTS, verdicts),
    ]
    lake.commit(run_id, "shadow run", files, [f"run:{run_id}"], {"runs": 1})


def _gate() -> GateSpec:
    """The shipped gate's rules for the predictions that there are, with all attributes watched."""
    shipped = load_gate()
    names = set(predictions())
    required = [cell for cell in shipped.required if cell.prediction in names]
    watched = shipped.watched.model_copy(update={"by": tuple(ATTRIBUTES)})
    return shipped.model_copy(update={"required": tuple(required), "watched": watched})
