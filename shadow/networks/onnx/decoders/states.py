"""Scores of classes for whole images: the state of a light, a class of the scene."""

from collections.abc import Mapping

import numpy as np

from metrics.tasks.registry import family
from shadow.networks.decode import decode_states
from shadow.networks.onnx.decoders.scene import Decoded, Scene, as_names, probabilities
from shadow.networks.onnx.outputs import StatesOutput
from shadow.networks.onnx.taps import check_size
from shadow.networks.onnx.wire import Array


def decode_scores(output: StatesOutput, arrays: Mapping[str, Array], scene: Scene) -> Decoded:
    """A row per image and class; of a map of cells, the best cell counts.

    All classes are given where any of them is listed: they are one output.
    """
    scores, names = arrays["scores"], output.categories
    check_size(output, "scores", "C", scores, len(names), "the number of categories")
    best = probabilities(output.activation, scores, axis=2).max(axis=(3, 4))
    named = np.array([name is not None for name in names])
    every = (*names, family(output.task).nothing)
    listed = scene.listed(output.task, every).any(axis=1, keepdims=True) & named[None]
    rows = decode_states(
        best, scene.images, as_names(names), listed, output.least_score, output.task
    )
    return Decoded((rows,))
