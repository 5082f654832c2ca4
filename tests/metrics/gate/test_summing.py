"""Sums by DuckDB: the same from tables and files, in any order of rows, and by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metrics.gate.evidence.clips import judged_clips
from metrics.gate.evidence.evidence import gather
from metrics.gate.verdicts import judge
from metrics.schemas import MATCHES, SCORES
from metrics.tasks.registry import known_metric
from ridealong.sql import Query

DEPTH = "depth@main"


def uneven(kit: Any) -> Any:
    """Errors that are no whole numbers, so that the order of a sum would show."""
    run, rng = kit.make_run(drives=16, clips_per_drive=5), np.random.default_rng(0)
    for network in (kit.deployed, kit.candidate):
        error = rng.lognormal(0, 3, 80)
        run.add(network, DEPTH, "abs_rel", {"relative_error": error, "pixels": error + 1})
    return run


def tables(run: Any) -> tuple[pa.Table, pa.Table]:
    return pa.Table.from_pylist(run.scores, schema=SCORES.schema), MATCHES.schema.empty_table()


def test_files_and_tables_give_the_same_verdict_in_any_order(kit: Any, tmp_path: Path) -> None:
    run, gate = uneven(kit), kit.gate_of((DEPTH, "abs_rel", "light=night"), margins={})
    scores, matches = tables(run)
    rows = run.clips, run.drives, kit.deployed, kit.candidate, gate
    before = judge(scores, matches, *rows).cells
    shuffled = scores.take(np.random.default_rng(1).permutation(scores.num_rows))
    for part in range(3):
        pq.write_table(shuffled.slice(part * 120, 120), tmp_path / f"{part}.parquet")
    files = Query(f"SELECT * FROM read_parquet('{tmp_path}/*.parquet')")
    assert judge(files, matches, *rows).cells.equals(before)


@pytest.mark.parametrize("apart", [False, True], ids=["by unit", "by clip"])
def test_sums_are_those_of_plain_python(kit: Any, apart: bool) -> None:
    run = uneven(kit)
    judged = judged_clips(run.clips, run.drives, ["light", "road"], apart=apart)
    pair = kit.deployed, kit.candidate
    (one,) = gather(*tables(run), judged, pair, known_metric)
    clips = judged.clips["clip_id"].to_pylist()
    for network, side in zip(pair, one.sides, strict=True):
        for statistic, matrix in side.sums.items():
            wanted = np.zeros(len(judged.cluster))
            for row in run.scores:
                if (row["network_sha256"], row["statistic"]) == (network, statistic):
                    wanted[judged.unit[clips.index(row["clip_id"])]] += row["value"]
            np.testing.assert_allclose(matrix[:, 0], wanted, rtol=1e-12)
    assert one.informative.sum() == 80 and not one.unpaired.any()


def test_a_unit_has_clips_of_one_cluster_with_the_same_attributes(kit: Any) -> None:
    run = kit.make_run(drives=6, clips_per_drive=4)
    run.clips = run.clips.append_column("lane", pa.array(["left", "left", None, "right"] * 6))
    judged = judged_clips(run.clips, run.drives, ["light", "lane"])
    assert len(judged.cluster) == 6 * 3
    assert (np.diff(judged.cluster) >= 0).all()
    seen = judged.clips["lane"].to_pylist()
    assert [judged.units["lane"][unit].as_py() for unit in judged.unit.tolist()] == seen
    assert len(judged_clips(run.clips, run.drives, ["light"]).cluster) == 6
