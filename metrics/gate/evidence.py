"""From the tables of scores and matches to matrices: clips by predictions, for both networks.

Strings become codes once, at the border. Every figure of every slice is then a sum over rows of
these matrices. Clips are in the order of cluster, drive and clip. So sums over clusters are sums
over consecutive rows, and do not depend on the order of the tables.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from metrics.gate.figures import LABELS_STATISTIC, Detections, bits, kind_of, levels_of
from metrics.gate.sanity import (
    check_detections,
    check_matches,
    check_once,
    check_repeats,
    check_share,
    check_sums,
)
from metrics.schemas import SCORES
from metrics.slices import check_attributes
from metrics.tasks.boxes import spread
from metrics.tasks.metric import DetectionRows, Metric, MetricLookup, Reference, Smooth
from metrics.tasks.prediction import task_of
from ridealong.arrays import Bools, Floats, Ints
from ridealong.errors import RidealongError

COMPARABLE = (Reference.LABELS, Reference.SELF)  # they show which network is better
NO_ATTRIBUTES = ("clip_id", "drive_id", "cluster_id")  # they name what is sliced


@dataclass(frozen=True)
class JudgedClips:
    """The clips that may count, ordered by cluster, drive and clip.

    Attributes:
        clips: Columns ``clip_id``, ``drive_id``, ``cluster_id`` and the attributes to slice by.
        cluster: ``(clips,)`` code of the clip's cluster, ascending.
    """

    clips: pa.Table
    cluster: Ints


@dataclass(frozen=True)
class Side:
    """The sums of one network over the clips that both networks have scores on.

    Attributes:
        sums: ``(units, predictions)`` by statistic.
        detections: The rows of a figure of rows; None for others.
    """

    sums: Mapping[str, Floats]
    detections: Detections | None

    def of(self, predictions: Ints) -> "Side":
        """Some predictions alone, given by ascending code."""
        return Side(
            {name: own[:, predictions] for name, own in self.sums.items()},
            self.detections.of(predictions) if self.detections else None,
        )


@dataclass(frozen=True)
class Evidence:
    """The scores of both networks by one metric against one reference, paired.

    Attributes:
        metric: The metric.
        reference: What the networks were compared with.
        predictions: The names of P predictions.
        deployed: None if the reference is the other network: there is one figure for both.
        candidate: The candidate's.
        informative: ``(units, P)`` clips on which either network has something to count.
        unpaired: ``(units, P)`` clips that only one network has a score on.
        dropped: ``(units, P)`` clips among them that only the deployed network has a score on.
    """

    metric: Metric
    reference: str
    predictions: tuple[str, ...]
    deployed: Side | None
    candidate: Side
    informative: Ints
    unpaired: Ints
    dropped: Ints

    @property
    def sides(self) -> list[Side]:
        """One side, or both."""
        return [side for side in (self.deployed, self.candidate) if side is not None]

    @property
    def to_find(self) -> Bools:
        """Where there was something to find, ``(units, P)``."""
        there = [_to_find(self.metric, side.sums) > 0 for side in self.sides]
        return np.asarray(np.any(there, axis=0), np.bool_)

    def of(self, predictions: Ints) -> "Evidence":
        """Some predictions alone, given by ascending code."""
        return Evidence(
            self.metric,
            self.reference,
            tuple(self.predictions[code] for code in predictions),
            self.deployed.of(predictions) if self.deployed else None,
            self.candidate.of(predictions),
            self.informative[:, predictions],
            self.unpaired[:, predictions],
            self.dropped[:, predictions],
        )


def _to_find(metric: Metric, sums: Mapping[str, Floats]) -> Floats:
    if metric.to_find is not None:
        return metric.to_find(sums)
    kind = kind_of(metric)
    if isinstance(kind, Smooth):
        return kind.weight(sums)
    return metric.ratio(sums)[1] if metric.ratio is not None else sums[LABELS_STATISTIC]


def that_count(clips: pa.Table) -> pa.Table:
    """The clips that count in cells: not those chosen by disagreement alone, or where unknown."""
    return clips.filter(pc.invert(pc.fill_null(clips["by_disagreement"], True)))


def judged_clips(clips: pa.Table, drives: pa.Table, attributes: Iterable[str]) -> JudgedClips:
    """The run's clips with attributes, without those chosen by disagreement.

    Args:
        clips: Columns ``clip_id``, ``drive_id``, ``by_disagreement``, and any attributes.
        drives: Columns ``drive_id``, ``cluster_id``, and any attributes.
        attributes: The attributes to slice by: text columns of the clips or else of the drives.

    Raises:
        RidealongError: A clip's drive is not among the drives, one of them is named twice, or an
            attribute is unknown.
    """
    check_once(clips["clip_id"], "clip")
    check_once(drives["drive_id"], "drive")
    clips = that_count(clips)
    at = pc.index_in(clips["drive_id"], value_set=drives["drive_id"].combine_chunks())
    if at.null_count:
        lost = clips["drive_id"].filter(pc.is_null(at))[0].as_py()
        raise RidealongError(f"drive {lost!r} of a clip is unknown", where="drives")
    drives = drives.take(at)
    columns = {
        "clip_id": clips["clip_id"],
        "drive_id": clips["drive_id"],
        "cluster_id": pc.coalesce(drives["cluster_id"], drives["drive_id"]),
    } | _attributes(clips, drives, attributes)
    keys = [(name, "ascending") for name in ("cluster_id", "drive_id", "clip_id")]
    ordered = pa.table(columns).sort_by(keys)
    names = ordered["cluster_id"].combine_chunks()
    return JudgedClips(ordered, _codes(names, pc.unique(names)))


def _attributes(
    clips: pa.Table, drives: pa.Table, names: Iterable[str]
) -> dict[str, pa.ChunkedArray]:
    """The attributes of each clip: its own, or those of its drive (``drives`` has a row a clip)."""
    known = {
        field.name: table[field.name].cast(pa.string())
        for table in (drives, clips)
        for field in table.schema
        if field.name not in NO_ATTRIBUTES and _is_text(field.type)
    }
    wanted = sorted(set(names))
    check_attributes(wanted, known)
    return {name: known[name] for name in wanted}


def _is_text(kind: pa.DataType) -> bool:
    value: pa.DataType = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(value) or pa.types.is_large_string(value))


@dataclass(frozen=True)
class _Coded:
    """The relevant rows of scores, with strings as codes into sorted names.

    Attributes:
        network: 0 deployed, 1 candidate; only 0 if both are the same network.
        group: Into ``groups``: task, metric, reference.
    """

    network: Ints
    clip: Ints
    prediction: Ints
    statistic: Ints
    group: Ints
    value: Floats
    groups: list[tuple[str, str, str]]
    predictions: list[str]
    statistics: list[str]

    def of(self, mask: Bools) -> "_Coded":
        """The rows under the mask."""
        return replace(
            self,
            network=self.network[mask],
            clip=self.clip[mask],
            prediction=self.prediction[mask],
            statistic=self.statistic[mask],
            group=self.group[mask],
            value=self.value[mask],
        )


def gather(
    scores: pa.Table,
    matches: pa.Table,
    judged: JudgedClips,
    networks: tuple[str, str],
    metrics: MetricLookup,
    complete: bool = False,
) -> list[Evidence]:
    """All scores of the two networks (deployed, candidate) on these clips, by task and metric.

    Rows of other networks, other clips and unknown metrics are left out. In a complete run both
    networks were scored on all clips, and a missing row is a sum of zero.

    Raises:
        RidealongError: The tables are impossible: scores of several definitions, the same score
            twice, or what `metrics.gate.sanity` refuses.
    """
    coded = _coded(_relevant(scores, judged, networks), judged, networks)
    found = []
    for code, (task, name, reference) in enumerate(coded.groups):
        metric = metrics(task, name)
        if metric is not None:
            rows = coded.of(coded.group == code)
            found.append(_evidence(rows, matches, judged, networks, metric, reference, complete))
    return found


def _relevant(scores: pa.Table, judged: JudgedClips, networks: tuple[str, str]) -> pa.Table:
    """Rows of the two networks, on these clips, with a known value.

    Comparisons with the other network are kept for the candidate alone: the figure is the same for
    both networks.
    """
    deployed, candidate = networks
    reference, network = scores["reference"], scores["network_sha256"]
    compared = pc.is_in(reference, value_set=pa.array(COMPARABLE))
    other = pc.and_(pc.equal(reference, deployed), pc.equal(network, candidate))
    mine = pc.is_in(network, value_set=pa.array(networks))
    here = pc.is_in(scores["clip_id"], value_set=judged.clips["clip_id"].combine_chunks())
    keep = pc.and_(pc.and_(mine, here), pc.or_(compared, other))
    needed = scores.select([name for name in SCORES.schema.names if name != "drive_id"])
    rows = needed.filter(pc.and_(keep, pc.is_valid(scores["value"])))
    check_sums(rows)
    _check_definitions(rows)
    return rows


def _check_definitions(scores: pa.Table) -> None:
    """Refuse one metric of a task by several definitions: their sums do not add up."""
    keys = ["prediction", "metric", "definition"]
    rows = scores.select(keys).group_by(keys).aggregate([]).to_pylist()
    named = {(task_of(row["prediction"]), row["metric"], row["definition"]) for row in rows}
    metrics = sorted((task, metric) for task, metric, _ in named)
    for first, second in itertools.pairwise(metrics):
        if first == second:
            what = f"scores of {first[0]} {first[1]} come from several definitions"
            raise RidealongError(what, where="scores", hint="score both networks again")


def _coded(rows: pa.Table, judged: JudgedClips, networks: tuple[str, str]) -> _Coded:
    prediction, predictions = _coded_names(rows["prediction"])
    metric, metrics = _coded_names(rows["metric"])
    reference, references = _coded_names(rows["reference"])
    statistic, statistics = _coded_names(rows["statistic"])
    tasks = sorted({task_of(name) for name in predictions})
    task = np.array([tasks.index(task_of(name)) for name in predictions], np.int64)[prediction]
    joint = (task * len(metrics) + metric) * len(references) + reference
    used, group = np.unique(joint, return_inverse=True)
    names = list(itertools.product(tasks, metrics, references))
    return _Coded(
        _codes(rows["network_sha256"], pa.array(networks)),
        _codes(rows["clip_id"], judged.clips["clip_id"].combine_chunks()),
        prediction,
        statistic,
        group,
        rows["value"].to_numpy(),
        [names[index] for index in used],
        predictions,
        statistics,
    )


def _coded_names(column: pa.ChunkedArray) -> tuple[Ints, list[str]]:
    names = sorted(pc.unique(column).to_pylist())
    return _codes(column, pa.array(names, column.type)), names


def _codes(column: pa.Array | pa.ChunkedArray, names: pa.Array) -> Ints:
    """The place of each value among the names; -1 if it is not one of them."""
    at = pc.fill_null(pc.index_in(column, value_set=names), -1)
    return np.asarray(at.to_numpy(zero_copy_only=False), np.int64)


def _evidence(
    rows: _Coded,
    matches: pa.Table,
    judged: JudgedClips,
    networks: tuple[str, str],
    metric: Metric,
    reference: str,
    complete: bool,
) -> Evidence:
    used = np.unique(rows.prediction)
    predictions = tuple(rows.predictions[code] for code in used)
    sides: list[_Scored] = []
    for code, network in enumerate(networks):
        if code == 0 and reference not in COMPARABLE:
            continue
        mine = rows.of(rows.network == networks.index(network))
        places = np.searchsorted(used, mine.prediction)
        sums = _sums(mine, places, judged, metric, predictions, 0.0 if complete else np.nan)
        side = _scored(sums, metric)
        if levels_of(metric):
            detections = _detections(matches, judged, network, reference, predictions)
            detections = _that_exist(detections, levels_of(metric))
            labels = np.where(side.present, side.sums[LABELS_STATISTIC], np.inf)
            for level in levels_of(metric):
                found = _matched_rows(detections, judged, level)
                check_matches(found, labels, judged.clips, list(predictions))
            side = replace(side, detections=detections)
        elif metric.share and metric.ratio is not None and reference in COMPARABLE:
            num, den = metric.ratio(side.sums)
            check_share(metric.name, num, den, judged.clips, list(predictions))
        sides.append(side)
    return _paired(sides, metric, reference, predictions)


@dataclass(frozen=True)
class _Scored:
    """One network's sums by clip, 0 where it has no score; ``present`` is where it has one."""

    sums: Mapping[str, Floats]
    present: Bools
    detections: Detections | None = None

    def where(self, mask: Bools) -> Side:
        sums = {name: np.where(mask, own, 0.0) for name, own in self.sums.items()}
        rows = self.detections
        if rows is not None:
            rows = rows.take(mask[rows.unit, rows.prediction])
        return Side(sums, rows)

    def informative(self) -> Bools:
        informative: Bools = np.any([own != 0 for own in self.sums.values()], axis=0)
        if self.detections is not None:
            informative[self.detections.unit, self.detections.prediction] = True
        return informative


def _paired(
    sides: Sequence[_Scored], metric: Metric, reference: str, predictions: tuple[str, ...]
) -> Evidence:
    both = np.all([side.present for side in sides], axis=0)
    informative = both & np.any([side.informative() for side in sides], axis=0)
    unpaired = np.any([side.present for side in sides], axis=0) & ~both
    dropped = unpaired & ~sides[-1].present
    masked = [side.where(both) for side in sides]
    return Evidence(
        metric,
        reference,
        predictions,
        masked[0] if len(masked) > 1 else None,
        masked[-1],
        informative.astype(np.int64),
        unpaired.astype(np.int64),
        dropped.astype(np.int64),
    )


def _that_exist(detections: Detections, levels: tuple[int, ...]) -> Detections:
    """The rows that are not ignored at all levels."""
    nowhere = bits(detections.rows.ignored, levels).all(axis=0)
    return detections.take(np.asarray(~nowhere, np.bool_))


def _sums(
    rows: _Coded,
    prediction: Ints,
    judged: JudgedClips,
    metric: Metric,
    predictions: Sequence[str],
    missing: float,
) -> dict[str, Floats]:
    """Each statistic as ``(clips, predictions)``, ``missing`` where there is no score."""
    shape = (judged.clips.num_rows, len(predictions))
    sums = {}
    for name in metric.statistics:
        wanted = rows.statistics.index(name) if name in rows.statistics else -1
        at = np.flatnonzero(rows.statistic == wanted)
        cell = rows.clip[at] * shape[1] + prediction[at]
        if len(np.unique(cell)) < len(cell):
            raise RidealongError(f"{metric.name} is scored twice on one clip", where="scores")
        matrix = np.full(shape, missing)
        matrix.ravel()[cell] = rows.value[at]
        sums[name] = matrix
    return sums


def _scored(sums: Mapping[str, Floats], metric: Metric) -> _Scored:
    present = np.all([np.isfinite(matrix) for matrix in sums.values()], axis=0)
    return _Scored({name: np.where(present, own, 0.0) for name, own in sums.items()}, present)


def _detections(
    matches: pa.Table, judged: JudgedClips, network: str, reference: str, predictions: Sequence[str]
) -> Detections:
    """One network's rows in the order of prediction and descending score."""
    mine = pc.and_(
        pc.equal(matches["network_sha256"], network), pc.equal(matches["reference"], reference)
    )
    rows = matches.filter(mine)
    check_detections(rows)
    clip = _codes(rows["clip_id"], judged.clips["clip_id"].combine_chunks())
    prediction = _codes(rows["prediction"], pa.array(predictions))
    score = rows["score"].to_numpy().astype(np.float64)
    hits, ignored, errors, more = _columns(rows)
    order = np.lexsort((*more, *errors.T, ignored, hits, clip, -score, prediction))
    order = order[(clip[order] >= 0) & (prediction[order] >= 0)]
    prediction, clip = prediction[order], clip[order]
    found = DetectionRows(score[order], hits[order], ignored[order], errors[order])
    if more:  # without times and overlaps, equal rows may be any two detections of a frame
        columns = [found.score, found.hits, *(column[order] for column in more)]
        check_repeats(prediction, _same_as_before(prediction, clip, *columns), list(predictions))
    return Detections(len(predictions), prediction, clip, found)


def _columns(rows: pa.Table) -> tuple[Ints, Ints, Floats, list[NDArray[np.generic]]]:
    """Bits of hits and of ignored rows, errors ``(n, errors)``, and what else tells rows apart."""
    if "matched" in rows.column_names:
        hits = rows["matched"].to_numpy().astype(np.int64)
        more = [rows["timestamp_ns"].to_numpy(), pc.fill_null(rows["iou"], 0.0).to_numpy()]
        return hits, np.zeros_like(hits), np.zeros((len(hits), 0)), more
    hits, ignored = (rows[name].to_numpy().astype(np.int64) for name in ("hits", "ignored"))
    return hits, ignored, _errors(rows["errors"].combine_chunks()), []


def _errors(lists: pa.Array) -> Floats:
    """Lists of numbers as rows ``(n, longest)``, NaN where there is none."""
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    errors = np.full((len(lists), int(lengths.max(initial=0))), np.nan)
    row, place = spread(lengths)
    errors[row, place] = lists.flatten().to_numpy(zero_copy_only=False)
    return errors


def _same_as_before(*columns: NDArray[np.generic]) -> Bools:
    """Whether a row equals the one before it in every column, ``(n,)``."""
    same = np.zeros(len(columns[0]), np.bool_)
    same[1:] = np.all([column[1:] == column[:-1] for column in columns], axis=0)
    return same


def _matched_rows(detections: Detections, judged: JudgedClips, level: int) -> Ints:
    """How many rows found a label at a level, ``(clips, predictions)``."""
    shape = (judged.clips.num_rows, detections.predictions)
    rows = detections.rows
    found = (bits(rows.hits, (level,)) & ~bits(rows.ignored, (level,)))[0]
    cell = detections.unit[found] * shape[1] + detections.prediction[found]
    return np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
