"""How long the verdicts of a large run take: 1,000 clips, 150 predictions, 12 slices and more.

The candidate is worse at night, so a loss shows in every slice except ``light=day`` and has to be
explained there. Prints a Markdown table. The peer is a bare DuckDB ``GROUP BY`` that sums the same
table of scores once per drive, prediction and statistic: no pairing, no slices, no inference.
Nothing that reads the table can be faster. Run it as ``python -m benchmarks.verdicts``.
"""

import argparse
import resource
import time
import zlib
from collections.abc import Callable
from typing import TypeVar

import duckdb
import numpy as np
import pyarrow as pa

from ingest.simulation.rig import RigCamera
from metrics.gate.cells import Verdict
from metrics.gate.spec import load_gate
from metrics.gate.verdicts import RunVerdict, judge
from metrics.schemas import MATCHES, SCORES
from metrics.tasks.metric import Better, Metric, Reference
from metrics.tasks.registry import parse_prediction
from ridealong.arrays import Bools
from ridealong.perception.annotations import ObjectCategory, Task
from tests.oracles.families import metrics_of

T = TypeVar("T")
NETWORKS = ("d" * 64, "c" * 64)
CLIPS_PER_DRIVE = 5
MATCHES_PER_CLIP = 10
WHOLE = (
    "union",
    "pixels",
    "said",
    "red",
    "items",
    "labels",
)  # totals of other statistics


def predictions() -> list[str]:
    """150 names: 48 kinds of objects, 24 lights, 16 lanes, 8 depths, 50 surfaces, 4 layers."""
    cameras = [str(camera) for camera in RigCamera]
    names = [f"objects/{kind}@{camera}" for camera in cameras for kind in ObjectCategory]
    names += [f"lights/{s}@{camera}" for camera in cameras for s in ("red", "yellow", "green")]
    names += [f"lanes/{line}@{c}" for c in cameras for line in ("lane_line", "road_edge")]
    names += [f"depth@{camera}" for camera in cameras]
    surfaces = ("road", "lane_marking", "sidewalk", "terrain", "building", "vegetation", "person")
    names += [f"segmentation/{s}@{camera}" for camera in cameras for s in surfaces][:50]
    return [*names, "bev/road", "bev/vehicle", "bev/lane_line", "bev/road_edge"]


def drives_table(count: int, rng: np.random.Generator) -> pa.Table:
    """Drives over 12 slices: 2 lights, 3 kinds of weather, 2 of roads, 4 countries, and all."""
    choices = {
        "light": ["day", "night"],
        "weather": ["clear", "rain", "fog"],
        "road": ["city", "highway"],
        "country": ["DE", "US", "GB", "JP"],
        "hardware": ["h1"],
        "software": ["2026.4"],
    }
    names = [f"drive-{index:05d}" for index in range(count)]
    columns = {name: rng.choice(values, count) for name, values in choices.items()}
    return pa.table({"drive_id": names, "cluster_id": names} | columns)


def scores_table(clips: pa.Table, dark: Bools, rng: np.random.Generator) -> pa.Table:
    """Every statistic of every metric that the gate judges, for both networks."""
    watched = set(load_gate().watched.metrics or ())
    parts = []
    for name in predictions():
        for metric in metrics_of(parse_prediction(name)):
            if metric.name in watched:
                parts += [
                    _scores_of(clips, dark, name, metric, statistic, rng)
                    for statistic in metric.statistics
                ]
    return pa.concat_tables(parts)


def _scores_of(
    clips: pa.Table,
    dark: Bools,
    name: str,
    metric: Metric,
    statistic: str,
    rng: np.random.Generator,
) -> pa.Table:
    other = metric.reference is Reference.OTHER
    networks = NETWORKS[1:] if other else NETWORKS
    reference = NETWORKS[0] if other else str(metric.reference)
    count = clips.num_rows
    # Every third item is right, and fewer for the candidate. Labels are the same for both. All
    # statistics of a metric are parts of the same items, so no share exceeds 1.
    items = np.random.default_rng(zlib.crc32(f"{name} {metric.name}".encode())).poisson(60, count)
    lossy = statistic == metric.statistics[0] and not metric.matched_rows
    lost = np.where(dark & lossy, 0.6 if metric.better is Better.HIGHER else 1.6, 1.0)
    whole = statistic in WHOLE
    blocks = [
        pa.table(
            {
                "network_sha256": pa.repeat(network, count),
                "reference": pa.repeat(reference, count),
                "clip_id": clips["clip_id"],
                "drive_id": clips["drive_id"],
                "prediction": pa.repeat(name, count),
                "metric": pa.repeat(metric.name, count),
                "statistic": pa.repeat(statistic, count),
                "value": (items if whole else rng.binomial(items, factor / 3)).astype(np.float64),
                "definition": pa.repeat("one", count),
                "labels": pa.nulls(count, pa.string()),
            },
            schema=SCORES.schema,
        )
        for network, factor in ((NETWORKS[0], 1.0), (NETWORKS[1], lost))
        if network in networks
    ]
    return pa.concat_tables(blocks)


def matches_table(clips: pa.Table, dark: Bools, rng: np.random.Generator) -> pa.Table:
    """Detections of the 48 kinds of objects."""
    names = [name for name in predictions() if name.startswith(Task.OBJECTS)]
    at = np.repeat(np.arange(clips.num_rows), MATCHES_PER_CLIP)
    parts = []
    for network, found in ((NETWORKS[0], 1.0), (NETWORKS[1], np.where(dark[at], 0.6, 1.0))):
        for name in names:
            score = rng.random(len(at)).astype(np.float32)
            columns = {
                "network_sha256": pa.repeat(network, len(at)),
                "reference": pa.repeat(Reference.LABELS, len(at)),
                "clip_id": clips["clip_id"].take(at),
                "drive_id": clips["drive_id"].take(at),
                "prediction": pa.repeat(name, len(at)),
                "timestamp_ns": np.arange(len(at)),
                "score": score,
                "matched": rng.random(len(at)) < score * found,
                "iou": score,
                "definition": pa.repeat("one", len(at)),
                "labels": pa.nulls(len(at), pa.string()),
            }
            parts.append(pa.table(columns, schema=MATCHES.schema))
    return pa.concat_tables(parts)


def peer(scores: pa.Table) -> int:
    """The bare sums, once."""
    sums = duckdb.sql(
        "SELECT network_sha256, drive_id, prediction, metric, statistic, sum(value) AS total "
        "FROM scores GROUP BY ALL"
    ).to_arrow_table()
    return int(sums.num_rows)


def timed(work: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def report(scores: pa.Table, matches: pa.Table, times: list[tuple[str, float]]) -> None:
    print("| what | seconds |\n|---|---|")
    for name, seconds in times:
        print(f"| {name} | {seconds:.2f} |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"\n{scores.num_rows:,} scores, {matches.num_rows:,} matches, peak {peak:.1f} GiB.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=1000)
    count = parser.parse_args().clips
    rng = np.random.default_rng(0)
    drives = drives_table(max(count // CLIPS_PER_DRIVE, 1), rng)
    clip_ids = [f"clip-{index:05d}" for index in range(count)]
    at = np.arange(count) % drives.num_rows
    chosen = np.zeros(count, np.bool_)
    clips = pa.table(
        {"clip_id": clip_ids, "drive_id": drives["drive_id"].take(at), "by_disagreement": chosen}
    )
    dark = np.array(drives["light"].take(at).to_pylist()) == "night"
    scores, matches = scores_table(clips, dark, rng), matches_table(clips, dark, rng)
    gate = load_gate()

    def verdicts() -> RunVerdict:
        return judge(scores, matches, clips, drives, *NETWORKS, gate)

    bare, _ = timed(lambda: peer(scores))
    whole, run = timed(verdicts)
    slices = len(set(run.cells["slice"].to_pylist()))
    lost = run.cells["verdict"].to_pylist().count(Verdict.REGRESSED)
    explained = run.cells.num_rows - run.cells["because_of"].null_count
    name = (
        f"verdicts: {run.cells.num_rows:,} cells ({lost:,} regressed, {explained:,} of them "
        f"explained), {slices} slices, {len(predictions())} predictions"
    )
    report(scores, matches, [("DuckDB GROUP BY SUM, once (peer)", bare), (name, whole)])


if __name__ == "__main__":
    main()
