"""Perceptions and frames for the tests of exports."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from ingest.labels.content import LabelClip, LabelImage, LabelTask
from ingest.labels.formats.registry import FORMATS
from ingest.labels.lineage import ExportHead
from ingest.labels.networks import LabelNetwork, LabelNetworks
from ingest.labels.writing import write_export
from ridealong.perception.annotations import (
    LaneCategory,
    LightState,
    ObjectCategory,
    Perception,
    Task,
    annotation_table,
)
from ridealong.perception.forms import Form
from ridealong.perception.geometry import mounted_camera

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
TASKS = (LabelTask("objects", tuple(map(str, ObjectCategory)), "road_user"),)
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


CALIBRATED = {
    "main": mounted_camera("main", 64, 48, 50.0, 0.0, 2.0, (1.6, 0.0, 1.4)),
    "rear": mounted_camera("rear", 64, 48, 120.0, 180.0, 12.0, (-0.95, 0.0, 1.05)),
}


@pytest.fixture
def make():
    return SimpleNamespace(
        box=box,
        seen=seen,
        clip=clip,
        labels=LABELS,
        frames=frames,
        cameras=CALIBRATED,
        networks=NETWORKS,
        every=EVERY,
        head=ExportHead(TASKS, NETWORKS),
    )


LINE = {"task": "lanes", "category": "lane_line", "points": [1.0, 40.0, 20.5, 30.25, 30.0, 20.0]}
LIGHT = {"task": "lights", "category": "red", "relevant": True}
CUBOID = {
    "x_m": 20.0, "y_m": 1.5, "z_m": 0.75, "length_m": 4.0, "width_m": 1.75, "height_m": 1.5,
    "yaw_rad": 0.25,
}  # fmt: skip
RICH = (
    box(1000, "main", "car", 4.0, 5.0, 24.0, 15.5, track_id=7, occlusion=0.25, **CUBOID),
    box(2000, "main", "car", 5.0, 5.0, 25.0, 15.5, track_id=7),
    box(1000, "main", "bicycle", 30.0, 5.0, 36.0, 25.0, truncation=0.875),
    box(2000, "rear", "pedestrian", 0.0, 0.0, 10.0, 10.0, track_id=7),
    {"timestamp_ns": 1000, "camera": "main", "score": 1.0} | LINE | {"track_id": 7},
    box(1000, "main", "red", 40.0, 1.0, 42.0, 5.0) | LIGHT,
)
EVERY = (
    *TASKS,
    LabelTask("lights", tuple(map(str, LightState)), "lights", Form.STATES),
    LabelTask("lanes", tuple(map(str, LaneCategory)), "lanes", Form.POLYLINES),
)


@pytest.fixture
def rich():
    """A clip with tracks, lines, lights, boxes in space, a label that is ignored, pre-labels.

    Nobody labelled its third frame.
    """
    labels = seen(*RICH, times=(1000, 2000))
    ignored = [row.get("truncation") is not None for row in RICH]
    reported = {"candidate": [box(3000, "main", "car", 1.0, 2.0, 9.0, 8.0, score=0.75)]}
    found = clip(labels=labels, ignored=ignored, reported=reported, candidate=seen())
    return replace(found, cameras=CALIBRATED, lineage={"labels": "v1"})


@pytest.fixture
def export(rich, tmp_path):
    """Export clips, by default the rich one twice, in a format; gives the folder."""

    def run(kind, clips=None):
        clips = [rich, replace(rich, clip_id="c2")] if clips is None else clips
        write_export(tmp_path / kind, FORMATS[kind], clips, ExportHead(EVERY, NETWORKS, "run"))
        return tmp_path / kind

    return run
