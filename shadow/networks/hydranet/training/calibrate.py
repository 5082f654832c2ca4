"""Choosing thresholds: the probability from which a prediction counts.

Each threshold of a grid is tried on drives of another map than the training map, with the metrics
that judge the network later. Each prediction gets the threshold with its best F1 (IoU for the
top-down layers). A prediction whose object never appears there keeps the default threshold.
"""

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ingest.sources.simulation.recording import SimulatedRecording
from ingest.sources.simulation.source import SimulationSource
from metrics.tasks.clip_view import ClipView
from metrics.tasks.evaluate import score_clip
from metrics.tasks.metric import Reference
from metrics.tasks.prediction import DEFAULT_THRESHOLD, Prediction
from metrics.tasks.registry import lookup, parse_prediction
from ridealong.perception.annotations import Perception
from ridealong.perception.recording import DriveFiles
from ridealong.terminal.progress import Steps
from shadow.networks.hydranet.training.recipe import DataSpec
from shadow.networks.hydranet.training.sets import render_instants, set_times
from shadow.networks.manifest import NetworkManifest
from shadow.networks.network import Network
from shadow.networks.opening import load_manifest, open_network

GRID = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7)
JUDGED_BY = {  # the metric that sets the thresholds of a family
    "objects": "f1",
    "lights": "f1",
    "lanes": "f1",
    "bev": "iou",
}
Sums = dict[tuple[str, float], dict[str, float]]  # prediction and threshold -> statistics


@dataclass(frozen=True)
class Calibrated:
    """A prediction's threshold, and the value of its metric there.

    Attributes:
        prediction: Its name.
        threshold: Probability.
        metric: The metric it was chosen by.
        value: The metric's value on the calibration drives; None if nothing there was scored.
    """

    prediction: str
    threshold: float
    metric: str
    value: float | None


def calibrate(
    manifest: Path, drives: Sequence[DriveFiles], data: DataSpec, steps: Steps
) -> list[Calibrated]:
    """Choose the thresholds of a manifest's network, with one process per core.

    Raises:
        RidealongError: A drive cannot be rendered or scored.
    """
    sums: Sums = defaultdict(lambda: defaultdict(float))
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        for found in pool.map(_drive_sums, repeat(manifest), drives, repeat(data)):
            for key, values in found.items():
                for name, value in values.items():
                    sums[key][name] += value
            steps.advance()
    names = {name for name, _ in sums}
    return [_chosen(parse_prediction(name), sums) for name in sorted(names)]


def _chosen(prediction: Prediction, sums: Sums) -> Calibrated:
    metric, name = JUDGED_BY[prediction.task], str(prediction)
    values = {t: _value(prediction, sums[name, t]) for t in GRID if (name, t) in sums}
    known = {t: value for t, value in values.items() if np.isfinite(value)}
    if not any(known.values()):
        return Calibrated(name, DEFAULT_THRESHOLD, metric, None)
    best = min(known, key=lambda t: (-known[t], abs(t - DEFAULT_THRESHOLD)))
    return Calibrated(name, best, metric, round(known[best], 4))


def _value(prediction: Prediction, statistics: dict[str, float]) -> float:
    metric = lookup(prediction.task, JUDGED_BY[prediction.task])
    sums = {name: np.array(value) for name, value in statistics.items()}
    return float(metric.value(sums))


def _drive_sums(path: Path, drive: DriveFiles, data: DataSpec) -> Sums:
    manifest = load_manifest(path)
    recording = SimulationSource().open(drive)
    assert isinstance(recording, SimulatedRecording)
    names = manifest.cameras
    rendered = list(render_instants(recording, set_times(recording, data), names))
    if not rendered:
        return {}
    frames, present = stacked([frames for frames, _ in rendered], names)
    labels = joined([labels for _, labels in rendered])
    sums: Sums = {}
    for threshold in GRID:
        given = dict.fromkeys(_calibrated(manifest), threshold)
        at_threshold = manifest.model_copy(update={"thresholds": given})
        with closing(open_network(at_threshold, path.parent)) as network:
            sums.update(_sums_at(threshold, network, recording, (frames, present), labels))
    return sums


def _calibrated(manifest: NetworkManifest) -> list[str]:
    """The predictions that have a threshold to choose."""
    return [name for name in manifest.predictions if parse_prediction(name).task in JUDGED_BY]


def _sums_at(
    threshold: float,
    network: Network,
    recording: SimulatedRecording,
    seen: tuple[dict[str, NDArray[np.uint8]], dict[str, NDArray[np.bool_]]],
    labels: Perception,
) -> Iterator[tuple[tuple[str, float], dict[str, float]]]:
    sizes = {name: (c.width, c.height) for name, c in recording.cameras.items()}
    output = network.perceive(seen[0], labels.timestamps_ns, recording.cameras, present=seen[1])
    scores = score_clip(
        ClipView(output, network.manifest.thresholds, sizes),
        [parse_prediction(name) for name in _calibrated(network.manifest)],
        ClipView(labels, image_sizes=sizes),
        where=f"drive {recording.drive_id}",
    )
    found: dict[tuple[str, float], dict[str, float]] = defaultdict(dict)
    for row in scores.statistics.to_pylist():
        metric = JUDGED_BY[parse_prediction(row["prediction"]).task]
        if row["reference"] == Reference.LABELS and row["metric"] == metric:
            found[row["prediction"], threshold][row["statistic"]] = row["value"]
    yield from found.items()


def stacked(
    frames: Sequence[dict[str, NDArray[np.uint8]]], names: Sequence[str]
) -> tuple[dict[str, NDArray[np.uint8]], dict[str, NDArray[np.bool_]]]:
    """Images of several instants by camera ``(T, H, W, 3)``, and which exist ``(T,)``."""
    there = [name for name in names if any(name in each for each in frames)]
    shape = {name: next(f[name].shape for f in frames if name in f) for name in there}
    images = {
        name: np.stack([f.get(name, np.zeros(shape[name], np.uint8)) for f in frames])
        for name in there
    }
    return images, {name: np.array([name in f for f in frames]) for name in there}


def joined(instants: Sequence[Perception]) -> Perception:
    """One perception of several instants, in the order given."""
    first = instants[0]

    def stack(name: str) -> dict[str, NDArray[np.generic]]:
        keys = getattr(first, name)
        return {
            key: np.concatenate([getattr(each, name)[key] for each in instants]) for key in keys
        }

    return Perception(
        np.concatenate([each.timestamps_ns for each in instants]),
        pa.concat_tables([each.sparse for each in instants]),
        stack("depth"),  # type: ignore[arg-type]
        stack("segmentation"),  # type: ignore[arg-type]
        stack("bev"),  # type: ignore[arg-type]
        first.tasks,
    )
