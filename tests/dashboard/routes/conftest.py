"""A home of one clip with everything in it, and a run whose networks are never opened."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard.routes.home import home_at
from dashboard.routes.links import Links
from dashboard.routes.routes import clip_routes
from ingest.clips.write import ClipContent, write_clip
from ingest.schemas import CLIPS, DRIVES, EVENTS, TELEMETRY
from metrics.gate.schemas import VERDICTS
from ridealong.lake import Lake, write_blob, write_data_file
from ridealong.lake.tables import TableSpec
from ridealong.perception.annotations import BevLayer, Perception, annotation_table
from ridealong.perception.geometry import mounted_camera
from shadow.networks.opening import load_manifest
from shadow.networks.registry import shipped_manifests
from shadow.schemas import NETWORKS, OUTPUTS, RUNS

CLIP, DRIVE, RUN = "c1ip", "drive-<b>1</b>", "run1"
START, STEP = 1_700_000_000_000_000_000, 200_000_000
FRAMES = 10
TIMES = START + np.arange(FRAMES, dtype=np.int64) * STEP
LABELLED = TIMES[::5]
CAMERAS = ("main", "rear")
WIDTH, HEIGHT = 64, 48
ROLES = ("deployed", "candidate")


def box(time: int, x: float, score: float = 1.0, camera: str = "main") -> dict[str, Any]:
    corners = {"x1": x, "y1": 5.0, "x2": x + 10, "y2": 15.0}
    known = {"timestamp_ns": int(time), "camera": camera, "task": "objects", "category": "car"}
    return {**known, "score": score, **corners}


def labels() -> Perception:
    """Two cars at each of two frames; half of the ground is road; depth is 10 m."""
    size = (len(LABELLED), 12, 16)
    road = np.zeros((len(LABELLED), 8, 8), np.uint8)
    road[:, :, :4] = 1
    return Perception(
        LABELLED,
        annotation_table([box(time, x) for time in LABELLED for x in (5, 30)]),
        depth={"main": np.full(size, 10, np.float32)},
        segmentation={"main": np.full(size, 9, np.uint8)},  # sky
        bev={layer.value: road if layer == BevLayer.ROAD else road * 0 for layer in BevLayer},
        tasks=frozenset({"objects", "depth", "segmentation", "bev"}),
    )


def rows(role: str) -> list[dict[str, Any]]:
    """The deployed network finds both cars; the candidate finds one, and one that is not there."""
    places = (5, 30) if role == "deployed" else (5, 50)
    found = [box(time, x, 0.9) for time in TIMES for x in places]
    return found + [box(time, 20, 0.05) for time in TIMES]


def dense(role: str, times: Any) -> Perception:
    """The deployed network is right; the candidate sees no road, no sky, and half the depth."""
    right, size = role == "deployed", (len(times), 6, 8)
    road = np.zeros((len(times), 8, 8), np.uint8)
    road[:, :, :4] = right
    return Perception(
        times,
        annotation_table([]),
        depth={"main": np.full(size, 10 if right else 5, np.float32)},
        segmentation={"main": np.full(size, 9 if right else 0, np.uint8)},
        bev={layer.value: road if layer == BevLayer.ROAD else road * 0 for layer in BevLayer},
    )


def images() -> Iterator[tuple[int, dict[str, Any]]]:
    for at, time in enumerate(TIMES.tolist()):
        image = np.full((HEIGHT, WIDTH, 3), 40 + 10 * at, np.uint8)
        yield time, {name: image for name in CAMERAS if name == "main" or at}  # rear begins later


def make_home(home: Path) -> Path:
    lake = Lake.create(home)
    commit = lake.new_commit_id()
    path = home.parent / "clip.mcap"
    write_clip(
        path,
        ClipContent(
            clip_id=CLIP,
            drive={"drive_id": DRIVE, "source": "simulation"},
            start_ns=START,
            end_ns=START + FRAMES * STEP,
            events=[],
            telemetry=TELEMETRY.schema.empty_table(),
            cameras={
                name: mounted_camera(name, WIDTH, HEIGHT, 70.0, 0.0, 2.0, (1.6, 0.0, 1.4))
                for name in CAMERAS
            },
            frames=images(),
            labels=labels(),
        ),
    )
    clip = {"clip_id": CLIP, "drive_id": DRIVE, "cameras": [*CAMERAS], "labelled": True}
    clip |= {"start_ns": START, "end_ns": START + FRAMES * STEP}
    file = write_blob(home, commit, path, ".mcap")
    manifests = dict(zip(ROLES, map(load_manifest, sorted(shipped_manifests())), strict=True))
    run = {"run_id": RUN, "clip_ids": [CLIP], "definition": "objects:1@5", "created_ns": 1}
    for role, manifest in manifests.items():
        run |= {role: manifest.id, f"{role}_sha256": manifest.network_sha256}
    cell = {"run_id": RUN, "slice": "all", "verdict": "REGRESSED", "required": True}
    tables: dict[TableSpec, list[dict[str, Any]]] = {
        DRIVES: [{"drive_id": DRIVE, "vehicle_id": "v"}],
        CLIPS: [clip | {"blob": file.path}],
        EVENTS: [
            {"drive_id": DRIVE, "trigger": "<i>brake", "kept": True, "time_ns": START + STEP,
             "onset_ns": START, "margin": 1.5},
            {"drive_id": DRIVE, "trigger": "later", "time_ns": START + 10**12},
        ],
        TELEMETRY: [
            {"drive_id": DRIVE, "timestamp_ns": int(time), "Vehicle.Speed": speed}
            for time, speed in zip(TIMES, (50.0, None, *[50.0] * 8), strict=True)
        ],
        RUNS: [run],
        NETWORKS: [
            {"network": one.id, "manifest": one.as_json(), "network_sha256": one.network_sha256,
             "parameters": 1, "added_ns": 1}
            for one in manifests.values()
        ],
        OUTPUTS: [
            row | {"clip_id": CLIP, "drive_id": DRIVE, "definition": "@5",
                   "network_sha256": manifests[role].network_sha256}
            for role in ROLES
            for row in rows(role)
        ],
        VERDICTS: [
            cell | {"prediction": "bev/road", "metric": "iou", "reference": "labels"},
            cell | {"prediction": "bev/road", "metric": "disagreement", "reference": "other"},
        ],
    }  # fmt: skip
    files = [
        write_data_file(home, commit, spec, pa.Table.from_pylist(some, spec.schema))
        for spec, some in tables.items()
        # each network's outputs have a file of their own, as a replay writes them
        if spec is not OUTPUTS
    ]
    own = pa.Table.from_pylist(tables[OUTPUTS], OUTPUTS.schema)
    for manifest in manifests.values():
        mine = pa.compute.equal(own["network_sha256"], manifest.network_sha256)
        files.append(write_data_file(home, commit, OUTPUTS, own.filter(mine)))
    lake.commit(commit, "test", [file, *(one for one in files if one)], ["test"])
    return home


class Inference:
    """Stands for the networks; it notes how many frames it inferred."""

    def __init__(self) -> None:
        self.frames: list[int] = []
        self.may_go = threading.Event()
        self.may_go.set()
        self.error: Exception | None = None

    def __call__(self, outputs: Any, reader: Any, times: Any) -> dict[str, Perception]:
        if self.error:
            raise self.error
        assert self.may_go.wait(20)
        self.frames.append(len(times))
        return {role: dense(role, times) for role in ROLES}


@pytest.fixture(scope="module")
def clip_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of the clip; tests only read it."""
    return make_home(tmp_path_factory.mktemp("routes") / "home")


@pytest.fixture
def inference() -> Inference:
    """What stands for the networks."""
    return Inference()


@pytest.fixture
def serving(tmp_path: Path, inference: Inference) -> Callable[[Path], Any]:
    """Serves a home: its answers by ``get(path, **parameters)``."""

    def serve(home: Path) -> Any:
        cache = tmp_path / "cache"
        cache.mkdir()
        links = Links(b"a secret")
        client = TestClient(Starlette(routes=clip_routes(home_at(home, cache, inference), links)))

        def get(path: str, headers: Any = None, **parameters: Any) -> Any:
            return client.get(links.clip(CLIP).url(path, **parameters), headers=headers)

        return SimpleNamespace(get=get)

    return serve


@pytest.fixture
def server(clip_home: Path, serving: Callable[[Path], Any]) -> Any:
    """A server of the clip's home."""
    return serving(clip_home)
