"""Perceptions and frames for the tests of exports."""

from types import SimpleNamespace

import numpy as np
import pytest

from ingest.labels.content import BoxTask, LabelClip, LabelImage
from ingest.labels.networks import LabelNetwork, LabelNetworks
from ridealong.perception.annotations import (
    ObjectCategory,
    Perception,
    Task,
    annotation_table,
)

TIMES = (1000, 2000, 3000)
CAMERAS = ("main", "rear")


def frames():
    rng = np.random.default_rng(0)
    for time in TIMES:
        yield time, {name: rng.integers(0, 255, (48, 64, 3)).astype(np.uint8) for name in CAMERAS}


def box(time, camera, category, x1, y1, x2, y2, **more):
    edges = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    row = {"timestamp_ns": time, "camera": camera, "task": "objects", "category": category}
    return row | edges | {"score": 1.0} | more


def seen(*rows, times=TIMES):
    return Perception(np.array(times), annotation_table(list(rows)), tasks=frozenset(Task))


LABELS = (
    box(1000, "main", "car", 4.0, 5.0, 24.0, 15.0, track_id=7, occlusion=0.25),
    box(1000, "main", "pedestrian", 30.0, 5.0, 36.0, 25.0),
    box(2000, "rear", "car", 0.0, 0.0, 10.0, 10.0),
    {"timestamp_ns": 1000, "camera": "main", "task": "objects", "category": "car", "x_m": 5.0},
    {"timestamp_ns": 1000, "camera": "main", "task": "lights", "category": "red", "x1": 1.0,
     "y1": 1.0, "x2": 2.0, "y2": 2.0},
)  # fmt: skip


SHAPE = (48, 64)
TASKS = (BoxTask("objects", tuple(map(str, ObjectCategory)), "road_user"),)
NETWORKS = LabelNetworks(
    {
        role: LabelNetwork(f"net-{role}", role * 8, {"objects/car@main": 0.4})
        for role in ("deployed", "candidate")
    }
)


def pixels(wanted):
    return ((time, images) for time, images in frames() if time in wanted)


def clip(clip_id="c1", labels=None, ignored=None, times=TIMES, reported=None, **outputs):
    labels = seen(*LABELS) if labels is None else labels
    return LabelClip(
        clip_id=clip_id,
        images=[LabelImage(t, camera, SHAPE[1], SHAPE[0]) for t in times for camera in CAMERAS],
        pixels=pixels,
        labels=labels,
        ignored=np.zeros(labels.sparse.num_rows, bool) if ignored is None else np.array(ignored),
        outputs=outputs,
        reported={role: annotation_table(list((reported or {}).get(role, ()))) for role in outputs},
    )


@pytest.fixture
def make():
    return SimpleNamespace(
        box=box,
        seen=seen,
        clip=clip,
        labels=LABELS,
        frames=frames,
        networks=NETWORKS,
        tasks=TASKS,
    )
