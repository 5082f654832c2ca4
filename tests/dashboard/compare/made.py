"""Made-up runs: verdicts alone, by a stated rule, so that a page can be tried with very many."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from metrics.gate.schemas import CELLS, VERDICTS
from metrics.gate.spec import load_gate
from ridealong.lake import Lake, write_data_file
from ridealong.units import NS_PER_S
from shadow.schemas import RUNS

MARGIN = 0.02
FIELDS = ("light", "weather", "road", "country", "software")


def check(prediction: str, slice_: str = "all", **known: Any) -> dict[str, Any]:
    """One row of `CELLS`; ``margins`` gives delta in margins, and the verdict that goes with it."""
    margins = known.pop("margins", None)
    row: dict[str, Any] = dict.fromkeys(CELLS.names)
    row |= {"prediction": prediction, "metric": "f1", "slice": slice_, "margin": MARGIN}
    row |= {"clips": 40, "clusters": 12, "clips_unpaired": 0, "level": 0.95, "reason": "as made up"}
    row |= dict.fromkeys(("required", "worse_within_margin", "better", "alert"), False)
    row |= {"verdict": "INCONCLUSIVE", "reference": "labels", "scope": "drives"}
    if margins is not None:
        delta = margins * MARGIN
        row |= {"delta": delta, "low": delta - 0.01, "high": delta + 0.01, "p_value": 0.5}
        row |= {"deployed": 0.5, "candidate": 0.5 + delta, "clusters_effective": 10.0}
        row["verdict"] = "REGRESSED" if margins < -1 else "PASS" if margins > 0 else "INCONCLUSIVE"
    return row | known


def many(predictions: int = 1000, slices: int = 50, shift: int = 0) -> list[dict[str, Any]]:
    """Checks of so many predictions on so many slices, the first 20 required on ``all``.

    Delta in margins is ``(37 p + 101 s + shift) % 200 / 40 - 2.5``: from −2.5 to +2.5.
    """
    names = ["all", *(f"{FIELDS[n % len(FIELDS)]}=value {n // len(FIELDS)}" for n in range(slices))]
    return [
        check(
            f"objects/class {p // 8}@camera {p % 8}",
            names[s],
            margins=(37 * p + 101 * s + shift) % 200 / 40 - 2.5,
            required=s == 0 and p < 20,
        )
        for p in range(predictions)
        for s in range(slices)
    ]


def write_runs(home: Path, *runs: Sequence[dict[str, Any]], **known: Any) -> list[str]:
    """A home with a run of each of these lists of checks, the first the newest; their ids."""
    lake = Lake.create(home)
    ids = []
    for place, checks in enumerate(runs):
        run_id = lake.new_commit_id()
        row: dict[str, Any] = dict.fromkeys(RUNS.schema.names) | {
            "run_id": run_id,
            "deployed": "hydra-1.0",
            "candidate": f"hydra-1.{place + 1}",
            "deployed_sha256": "d" * 64,
            "candidate_sha256": f"{place:064x}",
            "gate": load_gate().model_dump_json(),
            "definition": "@5",
            "clip_ids": [],
            "verdict": "REGRESSED",
            "reason": "1 of 20 required checks regressed",
            "created_ns": (1_772_000_000 - place) * NS_PER_S,
            "seconds": 1.5,
        }
        verdicts = pa.Table.from_pylist(list(checks), CELLS).add_column(
            0, "run_id", pa.array([run_id] * len(checks), pa.string())
        )
        files = [
            write_data_file(
                lake.home, run_id, RUNS, pa.Table.from_pylist([row | known], RUNS.schema)
            ),
            write_data_file(lake.home, run_id, VERDICTS, verdicts.cast(VERDICTS.schema)),
        ]
        lake.commit(run_id, "shadow run", [file for file in files if file], [f"run:{run_id}"])
        ids.append(run_id)
    return ids


def score_signs(program: Any, home: Path, folder: Path) -> None:
    """A run of two statistics files, in which every second drive finds half of its stop signs."""
    head = "drive,item,prediction,metric,value,weather\n"
    for name, right in (("a.csv", 1.0), ("b.csv", 0.5)):
        rows = [
            f"d{drive},{item},stop signs,recall,{right if drive % 2 else 1},{weather}\n"
            for drive in range(20)
            for item in range(2)
            for weather in [("rain", "sun")[drive % 2]]
        ]
        (folder / name).write_text(head + "".join(rows))
    done = program(
        "--home", home, "shadow", "score", "--format", "statistics",
        "--deployed", folder / "a.csv", "--candidate", folder / "b.csv",
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
