"""All statistics of one network on one clip: against labels, itself, and the other network."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from metrics.schemas import MATCHES, SCORES
from metrics.tasks.clip_view import ClipView, common_frames, missing
from metrics.tasks.family import TaskFamily
from metrics.tasks.metric import MATCH_ROWS, Reference, Result, Sums
from metrics.tasks.prediction import Prediction
from metrics.tasks.registry import family, family_names, parse_prediction
from ridealong.errors import RidealongError
from ridealong.perception.annotations import at_times

STATISTIC_ROWS = pa.schema(
    [SCORES.schema.field(n) for n in ("prediction", "metric", "reference", "statistic", "value")]
)


@dataclass(frozen=True, order=True)
class Unscored:
    """A prediction that could not be compared with a reference, and why."""

    prediction: str
    reference: Reference
    reason: str


@dataclass(frozen=True)
class ClipScores:
    """The scores of one network on one clip.

    Attributes:
        statistics: prediction, metric, reference ('labels', 'self', 'other'), statistic, value.
            Every scored prediction has all statistics of the metric, zeros too.
        matches: prediction, timestamp_ns, score, matched, iou: a row per judged detection.
        unscored: What could not be scored, sorted.
    """

    statistics: pa.Table
    matches: pa.Table
    unscored: tuple[Unscored, ...]


def score_clip(
    own: ClipView,
    predictions: Sequence[Prediction],
    labels: ClipView | None = None,
    other: ClipView | None = None,
    where: str = "clip",
    references: Collection[Reference] = frozenset(Reference),
) -> ClipScores:
    """Score one network's outputs on one clip.

    Only frames that both sides have are scored. A prediction that a side lacks is not scored
    against that reference; `ClipScores.unscored` gives the reason. Lanes need the image sizes of
    the views.

    Args:
        own: The outputs of the network.
        predictions: What to score.
        labels: The reference labels; None where there are none.
        other: The outputs of the other network; None for no comparison. Pass the same views when
            both networks are scored, so that lines are drawn and the networks compared once.
        where: The clip, for errors.
        references: What to compare with; nothing else is computed.

    Raises:
        RidealongError: A statistic failed; names the clip and the statistic.
    """
    ordered = sorted(set(predictions))
    parts = []
    if Reference.LABELS in references:
        parts.append(_against_labels(own, labels, ordered, where))
    if Reference.SELF in references:
        parts.append(_against_self(own, ordered, where))
    if Reference.OTHER in references and other is not None:
        parts.append(_against_other(own, other, ordered, where))
    return _joined(parts)


def with_identity(
    scores: ClipScores,
    network_sha256: str,
    other_sha256: str | None,
    clip_id: str,
    drive_id: str,
    definition_of: Callable[[str], str],
    labels_version: str | None = None,
) -> tuple[pa.Table, pa.Table]:
    """The clip's rows of the tables scores and matches.

    Args:
        scores: The result of `score_clip`.
        network_sha256: The network that was scored.
        other_sha256: The network it was compared with; None if there is none.
        clip_id: The clip.
        drive_id: Its drive.
        definition_of: By the name of a task, the definition and frame rate of its rows.
        labels_version: The version of the labels; stored only in rows compared with labels.

    Raises:
        ValueError: There are scores against another network, but no sha256 of it.
    """
    compared_with = scores.statistics["reference"]
    is_other = pc.equal(compared_with, Reference.OTHER)
    if other_sha256 is None and pc.any(is_other).as_py():
        raise ValueError("scores against another network need its sha256")
    identity = {"network_sha256": network_sha256, "clip_id": clip_id, "drive_id": drive_id}
    version, none = (pa.scalar(value, pa.string()) for value in (labels_version, None))
    statistics = identity | {
        "reference": pc.if_else(is_other, pa.scalar(other_sha256, pa.string()), compared_with),
        "definition": _by_task(scores.statistics["prediction"], definition_of),
        "labels": pc.if_else(pc.equal(compared_with, Reference.LABELS), version, none),
    }
    matches = identity | {
        "reference": Reference.LABELS,
        "definition": _by_task(scores.matches["prediction"], definition_of),
        "labels": pa.repeat(version, scores.matches.num_rows),
    }
    return (
        _completed(scores.statistics, SCORES.schema, statistics),
        _completed(scores.matches, MATCHES.schema, matches),
    )


def _by_task(predictions: pa.ChunkedArray, text_of: Callable[[str], str]) -> pa.Array:
    """A text for each prediction, found by its task."""
    coded = predictions.combine_chunks().dictionary_encode()
    names = coded.dictionary.to_pylist()
    texts = pa.array([text_of(parse_prediction(name).task) for name in names], pa.string())
    return texts.take(coded.indices)


def _completed(rows: pa.Table, schema: pa.Schema, more: Mapping[str, object]) -> pa.Table:
    """The rows with the columns ``more``; a string is a constant column."""
    columns = []
    for name in schema.names:
        value = more.get(name)
        if isinstance(value, str):
            columns.append(pa.repeat(pa.scalar(str(value)), rows.num_rows))
        else:
            columns.append(rows[name] if value is None else value)
    return pa.table(columns, schema=schema)


@dataclass(frozen=True)
class _Part:
    """The results against one reference."""

    reference: Reference
    results: tuple[Result, ...]
    unscored: tuple[Unscored, ...]


def _against_labels(
    own: ClipView, labels: ClipView | None, predictions: Sequence[Prediction], where: str
) -> _Part:
    if labels is None:
        return _none_scored(Reference.LABELS, predictions, "the clip has no labels")
    parts = [
        _against(Reference.LABELS, (own, cut), chosen, where)
        for cut, chosen in _as_judged(labels, predictions)
    ]
    return _Part(
        Reference.LABELS,
        tuple(result for part in parts for result in part.results),
        tuple(unscored for part in parts for unscored in part.unscored),
    )


def _as_judged(
    labels: ClipView, predictions: Sequence[Prediction]
) -> list[tuple[ClipView, list[Prediction]]]:
    """The labels of the frames in which predictions were judged, and these predictions."""
    seen = labels.perception
    if not seen.partial:
        return [(labels, list(predictions))]
    groups: dict[tuple[int, ...], list[Prediction]] = {}
    for prediction in predictions:
        judged = prediction.task in seen.tasks
        times = seen.judged_times(prediction.task, prediction.camera) if judged else ()
        groups.setdefault(tuple(int(time) for time in times), []).append(prediction)
    return [
        (labels.on(at_times(seen, np.array(times, np.int64))), chosen)
        for times, chosen in groups.items()
    ]


def _against_self(own: ClipView, predictions: Sequence[Prediction], where: str) -> _Part:
    return _by_family(Reference.SELF, {"the network": own}, predictions, where)


def _against_other(
    own: ClipView, other: ClipView, predictions: Sequence[Prediction], where: str
) -> _Part:
    return _against(Reference.OTHER, (own, other), predictions, where)


def _against(
    reference: Reference,
    views: tuple[ClipView, ClipView],
    predictions: Sequence[Prediction],
    where: str,
) -> _Part:
    """Compare the first view with the second, on the frames that both have."""
    own, theirs = common_frames(views[0].perception, views[1].perception)
    if not len(own.timestamps_ns):
        return _none_scored(reference, predictions, "no frame in common")
    whose = "the labels" if reference is Reference.LABELS else "the other network"
    sides = {
        "the network": views[0].on(own),
        whose: views[1].on(theirs),
    }
    return _by_family(reference, sides, predictions, where)


def _none_scored(reference: Reference, predictions: Sequence[Prediction], reason: str) -> _Part:
    return _Part(reference, (), tuple(Unscored(str(p), reference, reason) for p in predictions))


def _by_family(
    reference: Reference,
    sides: Mapping[str, ClipView],
    predictions: Sequence[Prediction],
    where: str,
) -> _Part:
    """Score what every side has, one family after the other."""
    reasons = {p: _why_not(p, sides) for p in predictions}
    unscored = tuple(Unscored(str(p), reference, why) for p, why in reasons.items() if why)
    results = []
    for task in family_names():
        chosen = [p for p, why in reasons.items() if p.task == task and not why]
        if chosen:
            results.append(_scored(family(task), reference, sides, chosen, where))
    return _Part(reference, tuple(results), unscored)


def _why_not(prediction: Prediction, sides: Mapping[str, ClipView]) -> str | None:
    form = family(prediction.task).form
    for whose, view in sides.items():
        lacking = missing(view, prediction, form)
        if lacking:
            return f"{whose}: {lacking}"
    return None


def _scored(
    own: TaskFamily,
    reference: Reference,
    sides: Mapping[str, ClipView],
    predictions: list[Prediction],
    where: str,
) -> Result:
    try:
        if reference is Reference.OTHER:
            return _compared(own, tuple(sides.values()), predictions)
        scorer = own.scorer(reference)
        return scorer(*sides.values(), predictions) if scorer else Result()
    except Exception as error:  # any error is one of this clip and this statistic
        first, count = predictions[0], len(predictions)
        raise RidealongError(
            f"scoring {first.task} against {reference} failed: {error}",
            where=where,
            expected=f"statistics of {first} and the other {count - 1} of {first.task}",
        ) from error


def _compared(
    own: TaskFamily, sides: tuple[ClipView, ...], predictions: list[Prediction]
) -> Result:
    """The comparison of two networks, which is symmetrical: it is computed once for both."""
    one, two = sides
    for outputs, thresholds, same, result in two.compared:
        if outputs is one.perception and (thresholds, same) == (one.thresholds, predictions):
            return result
    result = own.against_other(one, two, predictions) if own.against_other else Result()
    one.compared.append((two.perception, two.thresholds, predictions, result))
    return result


def _joined(parts: Sequence[_Part]) -> ClipScores:
    results = [(part.reference, result) for part in parts for result in part.results]
    sums = [(reference, s) for reference, result in results for s in result.sums]
    matches = [MATCH_ROWS.empty_table(), *(result.matches for _, result in results)]
    unscored = sorted(u for part in parts for u in part.unscored)
    return ClipScores(_statistic_rows(sums), pa.concat_tables(matches), tuple(unscored))


def _statistic_rows(scored: Sequence[tuple[Reference, Sums]]) -> pa.Table:
    """A row per prediction and statistic."""
    rows = [(s.predictions, s.metric.name, r, name) for r, s in scored for name in s.values]
    values = [np.asarray(v, np.float64) for _, s in scored for v in s.values.values()]
    counts = [len(names) for names, *_ in rows]
    columns = [
        pa.array([name for names, *_ in rows for name in names], pa.string()),
        *(
            pa.array(np.repeat([row[i] for row in rows], counts).tolist(), pa.string())
            for i in (1, 2, 3)
        ),
        pa.array(np.concatenate([np.empty(0), *values])),
    ]
    return pa.table(columns, schema=STATISTIC_ROWS)
