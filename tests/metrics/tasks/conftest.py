"""Perceptions from one factory: labels and outputs of a small clip."""

import numpy as np
import pytest

from ridealong.perception.annotations import (
    LaneCategory,
    Perception,
    Surface,
    Task,
    annotation_table,
)

STEP_NS = 200_000_000
BEGIN_NS = 1_000_000_000


def at(frame: int) -> int:
    return BEGIN_NS + frame * STEP_NS


class Make:
    """Builds rows and perceptions; times are frame numbers at 5 Hz."""

    def box(self, frame, xyxy, category="car", camera="main", score=1.0, **more):
        x1, y1, x2, y2 = xyxy
        corners = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
        return self.row(frame, "objects", category, camera, score) | corners | more

    def light(self, frame, state, camera="narrow", score=1.0, relevant=True, **more):
        return self.row(frame, "lights", state, camera, score) | {"relevant": relevant} | more

    def line(self, frame, points, category="lane_line", camera="main", score=1.0):
        return self.row(frame, "lanes", category, camera, score) | {"points": points}

    def row(self, frame, task, category, camera, score):
        return {
            "timestamp_ns": at(frame),
            "camera": camera,
            "task": task,
            "category": category,
            "score": score,
        }

    def perception(self, frames, rows=(), depth=None, segmentation=None, bev=None, tasks=Task):
        return Perception(
            np.array([at(frame) for frame in range(frames)], np.int64),
            annotation_table(list(rows)),
            depth or {},
            segmentation or {},
            bev or {},
            frozenset(tasks),
        )

    def random(self, seed, frames=6, size=(12, 20), certain=False):
        """A clip with everything in two cameras, and one top-down layer."""
        rng = np.random.default_rng(seed)
        cameras = ["main", "narrow"]
        rows = []
        for frame in range(frames):
            for camera in cameras:
                rows += self._random_rows(rng, frame, camera, certain)
        shape = (frames, *size)
        depth = {str(c): rng.uniform(1, 100, shape).astype(np.float32) for c in cameras}
        for array in depth.values():
            array[rng.uniform(size=shape) < 0.05] = np.nan
        ids = np.array([*range(len(Surface)), 255], np.uint8)
        return self.perception(
            frames,
            rows,
            depth,
            {str(c): rng.choice(ids, shape) for c in cameras},
            {"road": rng.choice(np.array([0, 1, 255], np.uint8), (frames, 16, 16))},
        )

    def _random_rows(self, rng, frame, camera, certain):
        rows = []
        for category in ("car", "pedestrian"):
            for _ in range(rng.integers(0, 4)):
                x, y, w, h = rng.uniform(0, 60), rng.uniform(0, 40), *rng.uniform(10, 40, 2)
                score = 1.0 if certain else rng.uniform()
                rows.append(self.box(frame, (x, y, x + w, y + h), category, camera, score))
        state = rng.choice(["red", "yellow", "green", "none"])
        rows.append(self.light(frame, state, camera, 1.0 if certain else rng.uniform()))
        for category in LaneCategory:
            x = rng.uniform(0, 100)
            points = [x, 60.0, x + rng.uniform(-9, 9), 40.0, 50.0, 20.0]
            score = 1.0 if certain else rng.uniform()
            rows.append(self.line(frame, points, category, camera, score))
        return rows


@pytest.fixture(scope="session")
def make():
    return Make()


@pytest.fixture(scope="session")
def sums_of():
    """The statistics of one prediction and metric in a `Result` or in `ClipScores`."""

    def read(scored, prediction, metric):
        if hasattr(scored, "sums"):
            found = [s for s in scored.sums if s.metric.name == metric]
            place = found[0].predictions.index(prediction)
            return {name: float(value[place]) for name, value in found[0].values.items()}
        rows = scored.statistics.to_pylist()
        return {
            r["statistic"]: r["value"]
            for r in rows
            if r["prediction"] == prediction and r["metric"] == metric
        }

    return read
