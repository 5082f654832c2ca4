"""The outputs of a run have one form, whether they are stored or inferred again."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ridealong.lake import Lake, new_commit_id, write_data_file
from ridealong.perception.annotations import Perception, annotation_table
from shadow.inference import OpenNetworks
from shadow.kept import ORDER
from shadow.outputs import RunOutputs
from shadow.runs import ROLES
from shadow.schemas import OUTPUTS

TIMES = np.array([10, 20], np.int64)
SHAS = {"deployed": "a", "candidate": "b"}
RUN = {"definition": "objects:1234@5"} | {f"{role}_sha256": sha for role, sha in SHAS.items()}
ROWS = [
    {"timestamp_ns": time, "camera": camera, "task": "objects", "category": "car", "score": 0.5}
    for time, camera in ((20, "main"), (10, "wide"), (10, "main"))
]


class SilentNetwork:
    """It finds the same rows in every clip, in no order, and leaves ``tasks`` empty."""

    def __init__(self) -> None:
        predictions = ("objects/car@main", "depth@main", "lanes/lane_line@rear")
        self.manifest = SimpleNamespace(
            id="silent-1",
            kind="safetensors",
            cameras=("main",),
            predictions=predictions,
            rate_hz=5.0,
            thresholds={},
        )

    def perceive(self, *_: Any, **__: Any) -> Perception:
        return Perception(TIMES, annotation_table(ROWS), depth={"main": np.ones((2, 1, 1))})

    def close(self) -> None:
        pass


class Clip:
    """A clip of two frames of two cameras."""

    metadata = SimpleNamespace(clip_id="c")
    cameras: dict[str, Any] = {"main": None, "wide": None}  # noqa: RUF012 (never changed)
    image_sizes: dict[str, tuple[int, int]] = {"main": (4, 3), "wide": (4, 3)}  # noqa: RUF012

    def timestamps(self, camera: str) -> Any:
        return TIMES

    def sample_times(self, rate_hz: float) -> Any:
        return TIMES

    def read_sets(self, cameras: Any, rate_hz: float, times: Any) -> Any:
        assert times.tolist() == TIMES.tolist()  # the kind infers frame by frame
        return TIMES, {}, np.ones((2, len(cameras)), np.bool_)


@pytest.fixture
def outputs(tmp_path: Path) -> RunOutputs:
    """The outputs of a run, of which the lake keeps the deployed network's alone."""
    lake, commit_id = Lake.create(tmp_path / "home"), new_commit_id()
    rows = annotation_table(ROWS)
    named = {"network_sha256": "a", "clip_id": "c", "drive_id": "d", "definition": "@5"}
    for name, value in named.items():
        rows = rows.append_column(name, pa.array([value] * len(rows), pa.string()))
    rows = rows.select(OUTPUTS.schema.names).cast(OUTPUTS.schema)
    file = write_data_file(lake.home, commit_id, OUTPUTS, rows)
    assert file is not None
    lake.commit(commit_id, "test", [file])
    networks: Any = {role: SilentNetwork() for role in ROLES}
    opened = OpenNetworks(dict.fromkeys(ROLES, SilentNetwork))
    return RunOutputs(lake, lake.snapshot(), RUN, networks, opened)


@pytest.mark.parametrize("dense", [False, True])
def test_they_are_as_the_run_scored_them(outputs: RunOutputs, dense: bool) -> None:
    clip: Any = Clip()
    found = outputs.views(clip, TIMES, dense)["deployed"].perception
    assert found.tasks == {"objects"}  # depth is dense, and there is no camera for the lanes
    assert found.sparse == annotation_table(ROWS).sort_by(ORDER)
    assert bool(found.depth) is dense


def test_a_network_that_found_nothing_has_looked(outputs: RunOutputs) -> None:
    clip: Any = Clip()
    found = outputs.kept(clip, TIMES)["candidate"]
    assert found.sparse.num_rows == 0 and found.tasks == {"objects"}
    assert found.timestamps_ns.tolist() == TIMES.tolist()
