"""One small fleet, and the tables that a run over it leaves."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pytest

from metrics.gate.spec import GateSpec
from metrics.gate.verdicts import RunVerdict, judge
from metrics.schemas import MATCHES, SCORES
from metrics.tasks.metric import MetricLookup
from metrics.tasks.registry import known_metric
from ridealong.lake.tables import TableSpec

DEPLOYED, CANDIDATE, BASELINE = "d" * 64, "c" * 64, "b" * 64
PEDESTRIAN = "objects/pedestrian@main"


@dataclass
class Run:
    """Clips and drives, and the scores that tests add to them."""

    clips: pa.Table
    drives: pa.Table
    scores: list[dict[str, object]] = field(default_factory=list)
    matches: list[dict[str, object]] = field(default_factory=list)
    table: TableSpec = MATCHES

    def add(
        self,
        network: str,
        prediction: str,
        metric: str,
        statistics: Mapping[str, object],
        reference: str = "labels",
    ) -> None:
        """Add statistics: per name a number for all clips, or one per clip (None leaves it out)."""
        drives = self.clips["drive_id"].to_pylist()
        for statistic, values in statistics.items():
            each = np.broadcast_to(np.array(values, object), len(drives))
            for clip, drive, value in zip(
                self.clips["clip_id"].to_pylist(), drives, each, strict=True
            ):
                if value is not None:
                    self.scores.append(
                        {
                            "network_sha256": network,
                            "reference": reference,
                            "clip_id": clip,
                            "drive_id": drive,
                            "prediction": prediction,
                            "metric": metric,
                            "statistic": statistic,
                            "value": float(value),
                            "definition": "one",
                        }
                    )

    def judge(
        self,
        gate: GateSpec,
        *,
        metrics: MetricLookup = known_metric,
        complete: bool = False,
        **networks: str | None,
    ) -> RunVerdict:
        """The run's verdict."""
        return judge(
            pa.Table.from_pylist(self.scores, schema=SCORES.schema),
            pa.Table.from_pylist(self.matches, schema=self.table.schema),
            self.clips,
            self.drives,
            networks.get("deployed") or DEPLOYED,
            networks.get("candidate") or CANDIDATE,
            gate,
            networks.get("baseline"),
            metrics=metrics,
            complete=complete,
        )


def make_run(drives: int = 20, clips_per_drive: int = 2) -> Run:
    """Drives that take turns at day and night, one cluster each."""
    names = [f"drive-{index:03d}" for index in range(drives)]
    clips = [(f"{name}-clip-{index}", name) for name in names for index in range(clips_per_drive)]
    attributes = {
        "light": [("day", "night")[index % 2] for index in range(drives)],
        "weather": ["clear"] * drives,
        "road": [("city", "highway")[index // 2 % 2] for index in range(drives)],
        "country": ["DE"] * drives,
        "hardware": ["h1"] * drives,
        "software": ["2026.4"] * drives,
    }
    return Run(
        pa.table(
            {
                "clip_id": [clip for clip, _ in clips],
                "drive_id": [drive for _, drive in clips],
                "by_disagreement": [False] * len(clips),
            },
            schema=pa.schema(
                {"clip_id": pa.string(), "drive_id": pa.string(), "by_disagreement": pa.bool_()}
            ),
        ),
        pa.table(
            {"drive_id": names, "cluster_id": names} | attributes,
            schema=pa.schema(
                [(name, pa.string()) for name in ("drive_id", "cluster_id", *attributes)]
            ),
        ),
    )


def gate_of(*cells: tuple[str, str, str], **keys: object) -> GateSpec:
    """A gate that requires (prediction, metric, slice), with a margin of 0.05."""
    required = [
        {"prediction": prediction, "metric": metric, "slice": text, "margin": 0.05}
        for prediction, metric, text in cells
    ]
    return GateSpec.model_validate({"required": required, "margins": {"f1": 0.05}} | keys)


def cells_of(run: RunVerdict) -> dict[tuple[str, str, str], dict[str, object]]:
    """Cells by prediction, metric and slice."""
    rows = run.cells.to_pylist()
    return {(row["prediction"], row["metric"], row["slice"]): row for row in rows}


@dataclass(frozen=True)
class Kit:
    """What the tests of the gate share."""

    make_run: Callable[..., Run] = make_run
    gate_of: Callable[..., GateSpec] = gate_of
    cells_of: Callable[..., dict[tuple[str, str, str], dict[str, object]]] = cells_of
    deployed: str = DEPLOYED
    candidate: str = CANDIDATE
    baseline: str = BASELINE
    pedestrian: str = PEDESTRIAN


@pytest.fixture(scope="session")
def kit() -> Kit:
    return Kit()
