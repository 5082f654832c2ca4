"""A made-up fleet in a home of its own: drives through a small town, clips, scores, and two runs.

24 drives, half of them at night. The candidate is better by day and worse at night, most of all for
what the gate asks about first; nothing is rendered and nothing is replayed, so it takes seconds.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ingest.schemas import CLIPS, DRIVES, EVENTS, QUARANTINE, ROADS, TELEMETRY
from metrics.gate.schemas import VERDICTS
from metrics.gate.spec import load_gate
from metrics.gate.verdicts import judge
from metrics.schemas import MATCHES, SCORES
from metrics.tasks.registry import families, lookup, parse_prediction
from ridealong.lake import Lake, write_data_file
from ridealong.lake.tables import TableSpec
from ridealong.units import NS_PER_S
from shadow.keys import definition_in, judged_by
from shadow.schemas import RUNS

DRIVE_COUNT, CLIPS_A_DRIVE, DRIVE_S = 24, 4, 240
START_NS = 1_772_000_000 * NS_PER_S
DEFINITION = judged_by(families(), rate_hz=5)
DEPLOYED, CANDIDATE = "d" * 64, "c" * 64
CENTRE = (48.7667, 11.4226)  # Ingolstadt
BLOCK_DEG = 0.0012  # about 130 m
TRIGGERS = ("hard_brake", "low_ttc", "cut_in", "swerve", "hard_corner", "weather", "random_control")
REASONS = ("cooldown", "post_window", "budget_vehicle_day")
CAMERAS = ("main", "narrow", "rear", "left_pillar", "right_pillar")

PREDICTIONS = [
    *(f"objects/{c}@{camera}" for c in ("pedestrian", "car", "truck") for camera in CAMERAS),
    *(f"objects/{c}@{camera}" for c in ("bicycle", "motorcycle") for camera in CAMERAS[:3]),
    *(f"lights/{state}@narrow" for state in ("red", "yellow", "green")),
    *(f"lanes/{kind}@{camera}" for kind in ("lane_line", "road_edge") for camera in CAMERAS[:3]),
    *(f"depth@{camera}" for camera in CAMERAS),
    *(f"segmentation/{surface}@main" for surface in ("road", "sidewalk", "vehicle")),
    *(f"bev/{layer}" for layer in ("road", "vehicle", "lane_line", "road_edge")),
]


def make_home(home: Path) -> Path:
    """Write the fleet into a new home."""
    lake = Lake.create(home)
    rng = np.random.default_rng(7)
    drives = [_drive(index, rng) for index in range(DRIVE_COUNT)]
    clips = [_clip(drive, place) for drive in drives for place in range(CLIPS_A_DRIVE)]
    tables = {
        DRIVES: _rows(DRIVES, drives),
        TELEMETRY: pa.concat_tables([_telemetry(drive, rng) for drive in drives]),
        EVENTS: _rows(EVENTS, [event for drive in drives for event in _events(drive, clips, rng)]),
        CLIPS: _rows(CLIPS, clips),
        QUARANTINE: _rows(QUARANTINE, _quarantine()),
        ROADS: _rows(ROADS, _roads()),
    }
    _commit(lake, "ingest", tables, {"planned": 26, "done": 24, "quarantined": 1, "failed": 1})
    scores = _scores(clips, {d["drive_id"]: d["light"] == "night" for d in drives}, rng)
    replayed = {"planned": len(clips), "done": len(clips)}
    _commit(lake, "shadow replay", {SCORES: scores}, replayed)
    _run(lake, tables, scores, Pair("hydra-1.0", "hydra-1.1"), clips)
    few = [clip for clip in clips if clip["drive_id"] < "drive-006"]
    _run(lake, tables, scores, Pair("hydra-1.0", "hydra-1.0b"), few, days_ago=3)
    return home


@dataclass(frozen=True)
class Pair:
    """Names of the deployed network and the candidate."""

    deployed: str
    candidate: str


def _rows(spec: TableSpec, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=spec.schema)


def _commit(
    lake: Lake, command: str, tables: dict[TableSpec, pa.Table], counts: dict[str, int]
) -> str:
    commit_id = lake.new_commit_id()
    files = [write_data_file(lake.home, commit_id, spec, rows) for spec, rows in tables.items()]
    lake.commit(commit_id, command, [f for f in files if f], [f"test:{commit_id}"], counts)
    return commit_id


def _drive(index: int, rng: np.random.Generator) -> dict[str, Any]:
    start_ns = START_NS + index * 3600 * NS_PER_S
    return {
        "drive_id": f"drive-{index:03d}",
        "vehicle_id": f"vehicle-{index % 8}",
        "source": "simulation",
        "source_path": f"fleet/drive-{index:03d}",
        "source_sha256": f"{index:064x}",
        "start_ns": start_ns,
        "end_ns": start_ns + DRIVE_S * NS_PER_S,
        "duration_s": float(DRIVE_S),
        "distance_m": float(rng.uniform(1500, 5000)),
        "country": ("DE", "US", "GB")[index // 2 % 3],
        "weather": ("clear", "rain", "clear", "fog")[index // 2 % 4],
        "light": ("day", "night")[index % 2],
        "road": ("city", "highway")[index // 4 % 2],
        "hardware": "hw4",
        "software": ("2026.2", "2026.4")[index // 12],
        "features": ["lane_keeping"],
        "cluster_id": f"drive-{index:03d}",
        "cameras": [],
        "labelled": True,
        "telemetry_rows": DRIVE_S,
    }


def _telemetry(drive: dict[str, Any], rng: np.random.Generator) -> pa.Table:
    """A walk along the blocks of a town, one row a second."""
    seconds = np.arange(DRIVE_S)
    turns = rng.integers(0, 4, DRIVE_S // 12 + 1)[seconds // 12]
    steps = np.array([(0, 1), (1, 0), (0, -1), (-1, 0)])[turns] * BLOCK_DEG / 12
    at = rng.integers(-4, 5, 2) * BLOCK_DEG * 2 + np.cumsum(steps, axis=0)
    known = {
        "drive_id": [drive["drive_id"]] * DRIVE_S,
        "timestamp_ns": drive["start_ns"] + seconds * NS_PER_S,
        "Vehicle.CurrentLocation.Latitude": CENTRE[0] + at[:, 0],
        "Vehicle.CurrentLocation.Longitude": CENTRE[1] + at[:, 1] * 1.5,
    }
    columns = [
        pa.array(known[field.name], field.type)
        if field.name in known
        else pa.nulls(DRIVE_S, field.type)
        for field in TELEMETRY.schema
    ]
    return pa.table(columns, schema=TELEMETRY.schema)


def _roads() -> list[dict[str, Any]]:
    """Streets along the blocks, and a highway around them."""
    near, far = 9 * BLOCK_DEG, 12 * BLOCK_DEG
    lanes = [2 * n * BLOCK_DEG for n in range(-4, 5)]
    streets = [_road(f"row {at}", "street", [(at, -near), (at, near)]) for at in lanes]
    streets += [_road(f"column {at}", "street", [(-near, at), (near, at)]) for at in lanes]
    around = [(-far, -far), (-far, far), (far, far), (far, -far), (-far, -far)]
    return [*streets, _road("ring", "highway", around)]


def _road(name: str, kind: str, line: list[tuple[float, float]]) -> dict[str, Any]:
    return {
        "map": "town",
        "road": name,
        "kind": kind,
        "width_m": 11.1 if kind == "highway" else 6.6,
        "latitude": [CENTRE[0] + north for north, _ in line],
        "longitude": [CENTRE[1] + 1.5 * east for _, east in line],
    }


def _clip(drive: dict[str, Any], place: int) -> dict[str, Any]:
    start_s = 20.0 + 55 * place
    return {
        "clip_id": f"{drive['drive_id']}-clip-{place}",
        "drive_id": drive["drive_id"],
        "start_ns": drive["start_ns"] + int(start_s) * NS_PER_S,
        "end_ns": drive["start_ns"] + int(start_s + 20) * NS_PER_S,
        "start_s": start_s,
        "end_s": start_s + 20,
        "triggers": [TRIGGERS[(place + int(drive["drive_id"][-2:])) % len(TRIGGERS)]],
        "event_ids": [],
        "by_disagreement": False,
        "cameras": [],
        "frames": 100,
        "telemetry_rows": 20,
        "labelled": True,
        "bytes": 0,
        "blob": None,
    }


def _events(
    drive: dict[str, Any], clips: list[dict[str, Any]], rng: np.random.Generator
) -> list[dict[str, Any]]:
    """The event of every clip, and as many that something suppressed."""
    mine = [clip for clip in clips if clip["drive_id"] == drive["drive_id"]]
    kept = [(clip["start_s"] + 15, clip["triggers"][0], None) for clip in mine]
    lost = [
        (float(rng.uniform(0, DRIVE_S)), str(rng.choice(TRIGGERS[:4])), str(rng.choice(REASONS)))
        for _ in mine
    ]
    return [
        {
            "event_id": f"{drive['drive_id']}-event-{place}",
            "drive_id": drive["drive_id"],
            "vehicle_id": drive["vehicle_id"],
            "trigger": trigger,
            "trigger_sha256": "0" * 64,
            "onset_ns": drive["start_ns"] + int(time_s * NS_PER_S),
            "time_ns": drive["start_ns"] + int(time_s * NS_PER_S),
            "onset_s": time_s,
            "time_s": time_s,
            "margin": 1.0,
            "kept": reason is None,
            "reason": reason,
            "inclusion_probability": 1.0,
            "clip_id": None,
        }
        for place, (time_s, trigger, reason) in enumerate(sorted(kept + lost, key=lambda e: e[:2]))
    ]


def _quarantine() -> list[dict[str, Any]]:
    file = {"source": "simulation", "path": "fleet/drive-024/telemetry.parquet", "kind": "file"}
    row = {"source": "simulation", "path": "fleet/drive-003/telemetry.parquet", "kind": "row"}
    speed = "Vehicle.Speed is 812.5 km/h; expected -250 to 250"
    rows = [row | {"drive_id": "drive-003", "row": n, "reason": speed} for n in (90, 91)]
    return [file | {"reason": "not a Parquet file; expected the magic bytes PAR1"}, *rows]


def _scores(
    clips: list[dict[str, Any]], dark: dict[str, bool], rng: np.random.Generator
) -> pa.Table:
    night = np.array([dark[clip["drive_id"]] for clip in clips])
    drive = np.array([int(clip["drive_id"][-3:]) for clip in clips])
    blocks = []
    for place, name in enumerate(PREDICTIONS):
        task = parse_prediction(name).task
        metric = (
            "abs_rel" if task == "depth" else "iou" if task in ("segmentation", "bev") else "f1"
        )
        # Hard drives are hard for both; what the candidate lost at night differs by prediction.
        base = 0.78 + rng.normal(0, 0.05, DRIVE_COUNT)[drive] - 0.1 * night
        lost = (0.22, 0.14, 0.07, 0.03, 0.0)[place % 5]
        candidate = base + np.where(night, -lost, 0.03) + rng.normal(0, 0.02, len(clips))
        for network, quality in ((DEPLOYED, base), (CANDIDATE, candidate)):
            sums = _sums(metric, np.clip(quality, 0.02, 0.98), rng)
            statistics = lookup(task, metric).statistics
            blocks += [_block(network, name, metric, s, sums[s], clips) for s in statistics]
    return pa.concat_tables(blocks)


def _sums(metric: str, quality: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Statistics of one prediction on every clip, of about that quality."""
    if metric == "f1":
        labels = rng.integers(60, 120, len(quality))
        tp = rng.binomial(labels, quality)
        return {"tp": tp, "fp": rng.binomial(labels, 1 - quality), "fn": labels - tp}
    if metric == "iou":
        return {"intersection": 5000 * quality, "union": np.full(len(quality), 5000.0)}
    return {"relative_error": 900 * (1 - quality) / 2, "pixels": np.full(len(quality), 900.0)}


def _block(
    network: str,
    prediction: str,
    metric: str,
    statistic: str,
    values: np.ndarray,
    clips: list[dict[str, Any]],
) -> pa.Table:
    same = {
        "network_sha256": network,
        "reference": "labels",
        "prediction": prediction,
        "metric": metric,
        "statistic": statistic,
        "definition": definition_in(DEFINITION, parse_prediction(prediction).task),
    }
    columns = {name: pa.array([value] * len(clips)) for name, value in same.items()}
    columns["clip_id"] = pa.array([clip["clip_id"] for clip in clips])
    columns["drive_id"] = pa.array([clip["drive_id"] for clip in clips])
    columns["value"] = pa.array(values, pa.float64())
    columns["labels"] = pa.nulls(len(clips), pa.string())
    return pa.table({name: columns[name] for name in SCORES.schema.names}, schema=SCORES.schema)


def _run(
    lake: Lake,
    tables: dict[TableSpec, pa.Table],
    scores: pa.Table,
    pair: Pair,
    clips: list[dict[str, Any]],
    days_ago: int = 0,
) -> None:
    """Judge by the gate that ships, and commit the run as a shadow run does."""
    gate = load_gate()
    chosen = _rows(CLIPS, clips).select(["clip_id", "drive_id", "by_disagreement"])
    matches = MATCHES.schema.empty_table()
    found = judge(scores, matches, chosen, tables[DRIVES], DEPLOYED, CANDIDATE, gate)
    run_id = lake.new_commit_id()
    row = {
        "run_id": run_id,
        "deployed": pair.deployed,
        "candidate": pair.candidate,
        "deployed_sha256": DEPLOYED,
        "candidate_sha256": CANDIDATE,
        "gate": gate.model_dump_json(),
        "definition": DEFINITION,
        "clip_ids": [clip["clip_id"] for clip in clips],
        "verdict": str(found.verdict),
        "reason": found.reason,
        "created_ns": START_NS + (30 - days_ago) * 86400 * NS_PER_S,
        "seconds": 1.5,
    }
    runs = pa.array([run_id] * found.cells.num_rows, pa.string())
    verdicts = found.cells.add_column(0, "run_id", runs).cast(VERDICTS.schema)
    files = [
        write_data_file(lake.home, run_id, spec, rows)
        for spec, rows in ((RUNS, _rows(RUNS, [row])), (VERDICTS, verdicts))
    ]
    lake.commit(run_id, "shadow run", [f for f in files if f], [f"run:{run_id}"], {"runs": 1})
