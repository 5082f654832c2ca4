"""Candidates with a score and a class: which of them count."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ridealong.arrays import Bools, Floats, Ints
from shadow.networks.onnx.decoders.scene import Scene, probabilities
from shadow.networks.onnx.outputs import Boxes3dOutput, BoxesOutput, LanePointsOutput
from shadow.networks.onnx.taps import check_size, misfit
from shadow.networks.onnx.wire import Array

TOLERANCE = 1e-3  # scores of float16 can be slightly above 1


@dataclass(frozen=True)
class Candidates:
    """Candidates that count.

    Attributes:
        place: Their indices along the axes before the classes: frame, camera if any, candidate.
        label: ``(X,)`` the class.
        score: ``(X,)``.
    """

    place: tuple[Ints, ...]
    label: Ints
    score: Floats


def candidates(
    output: BoxesOutput | LanePointsOutput | Boxes3dOutput,
    arrays: Mapping[str, Array],
    scene: Scene,
) -> Candidates:
    """Those with a listed class, and a score of at least ``least_score``.

    Without labels, the class of a candidate is the one with the highest score.

    Raises:
        RidealongError: The number of classes does not fit, a score is not from 0 to 1, or a label
            has no category.
    """
    score, label = _scores(output, arrays)
    _check_scores(output, score)
    count = score >= output.least_score
    _check_labels(output, label[count])
    listed = scene.listed(output.task, output.categories)
    wanted = count & (label < len(output.categories))
    wanted &= _listed(listed, np.where(wanted, label, 0))
    place = np.nonzero(wanted)
    return Candidates(place, label[place], score[place])


def _listed(listed_KL: Bools, label: Ints) -> Bools:
    """Whether the class of each candidate is listed, in its camera or (3D) in any."""
    if label.ndim == 2:  # N M
        anywhere: Bools = np.any(listed_KL, axis=0)
        return anywhere[label]
    found: Bools = listed_KL[np.arange(len(listed_KL))[None, :, None], label]
    return found


def _scores(
    output: BoxesOutput | LanePointsOutput | Boxes3dOutput, arrays: Mapping[str, Array]
) -> tuple[Floats, Ints]:
    scores = probabilities(output.activation, arrays["scores"], axis=-1)
    if "objectness" in arrays:
        factor = probabilities(output.activation, arrays["objectness"], axis=-1)
        scores = scores * factor[..., None]
    if "labels" in arrays:
        check_size(output, "scores", "C", scores, 1, "because there are labels")
        return scores[..., 0], arrays["labels"].astype(np.int64)
    count = len(output.categories)
    check_size(output, "scores", "C", scores, count, "the number of categories")
    if output.background is not None:
        scores = np.delete(scores, output.background, axis=-1)
    label = scores.argmax(axis=-1)
    if output.background is not None:
        label = label + (label >= output.background)
    return scores.max(axis=-1), label


def _check_scores(output: BoxesOutput | LanePointsOutput | Boxes3dOutput, score: Floats) -> None:
    odd = score[(score < -TOLERANCE) | (score > 1 + TOLERANCE)]
    if odd.size:
        what = f"has the score {odd[0]:.4g}"
        expected = "0 to 1, or activation: sigmoid or softmax if these are logits"
        raise misfit(output.scores, f"{output.decoder}.scores", what, expected)


def _check_labels(output: BoxesOutput | LanePointsOutput | Boxes3dOutput, label: Ints) -> None:
    odd = label[(label < 0) | (label >= len(output.categories))]
    if odd.size:
        assert output.labels is not None
        expected = f"0 to {len(output.categories) - 1} (the categories)"
        what = f"has the class {odd[0]}"
        hint = "categories has an entry for each class, null for those that are left out"
        raise misfit(output.labels, f"{output.decoder}.labels", what, expected, hint)
