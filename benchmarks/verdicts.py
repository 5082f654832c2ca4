"""How long the verdicts of a large run take: 1,000 clips, 150 predictions, 12 slices and more.

The candidate is worse at night, so a loss shows in every slice except ``light=day`` and has to be
explained there. Prints a Markdown table. The peer is a bare DuckDB ``GROUP BY`` that sums the same
table of scores once per drive, prediction and statistic: no pairing, no slices, no inference.
Nothing that reads the table can be faster. Run it as ``python -m benchmarks.verdicts``.

``--wide`` is another case: 1,000 predictions, 50 slices and 5,000 clips of 1,000 drives, 30 million
scores in Parquet files. The peer is `scipy.stats.bootstrap` over the same sums per drive, paired
and vectorised with its 9,999 resamples, on some cells of each slice; its time for all cells is in
proportion. It does not read the scores, and gives intervals alone.
"""

import argparse
import resource
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import duckdb
import numpy as np
import pyarrow as pa
from scipy.stats import bootstrap

from ingest.simulation.rig import RigCamera
from metrics.gate.cells import Verdict
from metrics.gate.evidence.clips import judged_clips
from metrics.gate.evidence.evidence import gather
from metrics.gate.spec import GateSpec, load_gate
from metrics.gate.verdicts import RunVerdict, judge
from metrics.schemas import MATCHES, SCORES
from metrics.tasks.metric import Better, Metric, Reference
from metrics.tasks.registry import known_metric, parse_prediction
from ridealong.arrays import Bools, Floats
from ridealong.perception.annotations import ObjectCategory, Task
from ridealong.sql import Query
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


# --- wide: 1,000 predictions, 50 slices, 5,000 clips

WIDE_PREDICTIONS, WIDE_CLIPS, WIDE_ATTRIBUTES, WIDE_VALUES = 1000, 5000, 7, 7
TIMED_WITH_SCIPY = 100  # cells


def write_wide(folder: Path) -> Query:
    """F1 of both networks on every clip, in ten Parquet files."""
    step = WIDE_CLIPS // 10
    deployed, candidate = NETWORKS
    with duckdb.connect(config={"memory_limit": "2GB"}) as connection:
        for start in range(0, WIDE_CLIPS, step):
            connection.execute(
                f"""COPY (SELECT CASE n WHEN 0 THEN '{deployed}' ELSE '{candidate}' END
                    AS network_sha256, 'labels' AS reference, printf('clip-%05d', clip) AS clip_id,
                    printf('drive-%05d', clip // {CLIPS_PER_DRIVE}) AS drive_id,
                    printf('objects/kind-%03d@main', p) AS prediction, 'f1' AS metric,
                    ['tp', 'fp', 'fn'][s + 1] AS statistic,
                    (hash(clip, p, n, s) % 20)::DOUBLE AS value, 'one' AS definition,
                    NULL::VARCHAR AS labels
                FROM range({start}, {start + step}) c(clip), range({WIDE_PREDICTIONS}) b(p),
                    range(2) e(n), range(3) f(s))
                TO '{folder}/{start:05d}.parquet' (FORMAT parquet)"""
            )
    return Query(f"SELECT * FROM read_parquet('{folder}/*.parquet')")


def wide_tables(rng: np.random.Generator) -> tuple[pa.Table, pa.Table]:
    """The clips, and their drives with seven attributes of seven values."""
    drives = [f"drive-{index:05d}" for index in range(WIDE_CLIPS // CLIPS_PER_DRIVE)]
    attributes = {
        f"a{index}": pa.array(rng.integers(0, WIDE_VALUES, len(drives))).cast(pa.string())
        for index in range(WIDE_ATTRIBUTES)
    }
    clips = pa.table(
        {
            "clip_id": [f"clip-{index:05d}" for index in range(WIDE_CLIPS)],
            "drive_id": np.repeat(drives, CLIPS_PER_DRIVE),
            "by_disagreement": np.zeros(WIDE_CLIPS, np.bool_),
        }
    )
    return clips, pa.table({"drive_id": drives, "cluster_id": drives} | attributes)


def with_scipy(drives: pa.Table, cells: int) -> float:
    """Seconds for all cells by bootstrap, from some of them: one prediction in every slice."""
    rng = np.random.default_rng(0)
    masks = [np.ones(drives.num_rows, np.bool_)] + [
        np.array(drives[f"a{index}"].to_pylist()) == str(value)
        for index in range(WIDE_ATTRIBUTES)
        for value in range(WIDE_VALUES)
    ]

    def f1_difference(*sums: Floats, axis: int) -> Floats:
        tp, fp, fn, *other = (each.sum(axis=axis) for each in sums)
        return other[0] / (2 * other[0] + other[1] + other[2]) - tp / (2 * tp + fp + fn)

    def bootstrap_all() -> None:
        for place in range(TIMED_WITH_SCIPY):
            inside = int(masks[place % len(masks)].sum())
            bootstrap(
                tuple(rng.integers(0, 100, inside).astype(np.float64) for _ in range(6)),
                f1_difference,
                paired=True,
                vectorized=True,
                batch=500,
                method="percentile",
                rng=rng,
            )

    seconds, _ = timed(bootstrap_all)
    return seconds / TIMED_WITH_SCIPY * cells


def wide() -> None:
    rng = np.random.default_rng(0)
    clips, drives = wide_tables(rng)
    gate = GateSpec.model_validate(
        {
            "margins": {"f1": 0.03},
            "required": [{"prediction": "objects/kind-000@main", "metric": "f1"}],
            "watched": {"by": [f"a{index}" for index in range(WIDE_ATTRIBUTES)]},
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        scores = write_wide(Path(folder))
        matches = MATCHES.schema.empty_table()
        judged = judged_clips(clips, drives, gate.attributes)
        sums, _ = timed(lambda: gather(scores, matches, judged, NETWORKS, known_metric))
        seconds, run = timed(lambda: judge(scores, matches, clips, drives, *NETWORKS, gate))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    cells = run.cells.num_rows
    slow = with_scipy(drives, cells)
    slices = len(set(run.cells["slice"].to_pylist()))
    print("| what | seconds |\n|---|---|")
    print(f"| scipy's bootstrap of {cells:,} cells, from {TIMED_WITH_SCIPY} (peer) | {slow:,.0f} |")
    print(f"| verdicts: {WIDE_PREDICTIONS:,} predictions, {slices} slices | {seconds:.1f} |")
    print(f"| of them to sum 30 million scores by drive | {sums:.1f} |")
    print(
        f"\n{slow / (seconds - sums):,.0f} times as fast on the same sums, {slow / seconds:,.0f} "
        f"with the reading of all scores, peak {peak:.1f} GiB."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("--wide", action="store_true", help="1,000 predictions, 5,000 clips")
    options = parser.parse_args()
    if options.wide:
        wide()
    else:
        narrow(options.clips)


def narrow(count: int) -> None:
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
