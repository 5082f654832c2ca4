"""What py-motmetrics and TrackEval say of tracks, as JSON: run by the Python of .venv-oracles.

usage: read_tracks.py boxes FILE    sequences of boxes, as `tests.metrics.evaluation` writes them
       read_tracks.py mot FOLDER    MOTChallenge's own evaluation, with its distractors
"""

import contextlib
import json
import sys
from pathlib import Path

import numpy as np

np.asfarray = lambda values: np.asarray(values, dtype=float)  # noqa: NPY201 (motmetrics 1.4)

with contextlib.redirect_stdout(sys.stderr):
    import motmetrics
    import trackeval

CLEAR = {
    "MOTA": "mota",
    "MOTP_dist": "motp",
    "IDF1": "idf1",
    "precision": "precision",
    "recall": "recall",
    "FP": "num_false_positives",
    "FN": "num_misses",
    "IDSw": "num_switches",
    "Frag": "num_fragmentations",
    "MT": "mostly_tracked",
    "PT": "partially_tracked",
    "ML": "mostly_lost",
    "IDTP": "idtp",
    "IDFP": "idfp",
    "IDFN": "idfn",
}


def boxes_of(rows):
    return np.asarray(rows, float).reshape(-1, 4)


def without_ignored(frame):
    """Results but for those in regions, as scalabel.eval.mot leaves them out for BDD100K."""
    labels, results = boxes_of(frame["labels"]), boxes_of(frame["results"])
    regions = boxes_of(frame.get("regions", []))
    distances = motmetrics.distances.iou_matrix(labels, results, max_iou=0.5)
    false = np.ones(len(results), bool)
    for row, column in zip(*motmetrics.lap.linear_sum_assignment(distances), strict=True):
        if np.isfinite(distances[row, column]):
            false[column] = False
    for place, (x, y, w, h) in enumerate(results):
        for u, v, p, q in regions:
            inside = max(min(x + w, u + p) - max(x, u), 0) * max(min(y + h, v + q) - max(y, v), 0)
            if false[place] and w * h and inside / (w * h) > 0.5:
                frame["out"] = frame.get("out", set()) | {place}
    keep = [place for place in range(len(results)) if place not in frame.get("out", ())]
    return labels, results[keep], np.asarray(frame["result_ids"], int)[keep]


def by_motmetrics(sequences):
    accumulators = []
    for frames in sequences:
        accumulator = motmetrics.MOTAccumulator(auto_id=True)
        for frame in frames:
            labels, results, ids = without_ignored(frame)
            distances = motmetrics.distances.iou_matrix(labels, results, max_iou=0.5)
            accumulator.update(np.asarray(frame["label_ids"], int), ids, distances)
        accumulators.append(accumulator)
    table = motmetrics.metrics.create().compute_many(
        accumulators, metrics=list(CLEAR.values()), generate_overall=True
    )
    return {name: float(table.loc["OVERALL", key]) for name, key in CLEAR.items()}


def similarity(labels, results):
    return trackeval.datasets._base_dataset._BaseDataset._calculate_box_ious(labels, results)


def data_of(frames):
    data = {key: [] for key in ("gt_ids", "tracker_ids", "similarity_scores")}
    for frame in frames:
        labels, results, ids = without_ignored(frame)
        data["gt_ids"].append(np.asarray(frame["label_ids"], int))
        data["tracker_ids"].append(ids)
        data["similarity_scores"].append(similarity(labels, results))
    for key, name in (("gt", "gt_ids"), ("tracker", "tracker_ids")):
        known = np.unique(np.concatenate(data[name]))
        data[name] = [np.searchsorted(known, ids) for ids in data[name]]
        data[f"num_{key}_ids"] = len(known)
        data[f"num_{key}_dets"] = sum(map(len, data[name]))
    return {**data, "num_timesteps": len(frames)}


def by_trackeval(sequences):
    metric = trackeval.metrics.HOTA()
    each = {str(place): metric.eval_sequence(data_of(s)) for place, s in enumerate(sequences)}
    return hota_of(metric.combine_sequences(each))


def hota_of(found):
    return {name: float(np.mean(found[name])) for name in ("HOTA", "DetA", "AssA")}


def by_mot_challenge(folder):
    """TrackEval as MOTChallenge runs it on ``folder/gt/SEQ/gt/gt.txt``, ``folder/trackers/…``."""
    quiet = {"PRINT_CONFIG": False}
    lengths = {seq.name: None for seq in sorted((Path(folder) / "gt").iterdir())}
    data = trackeval.datasets.MotChallenge2DBox(
        {
            **quiet,
            "GT_FOLDER": f"{folder}/gt",
            "TRACKERS_FOLDER": f"{folder}/trackers",
            "BENCHMARK": "MOT17",
            "SKIP_SPLIT_FOL": True,
            "SEQ_INFO": lengths,
        }
    )
    wanted = {"METRICS": ["HOTA", "Identity"], **quiet}
    metrics = [trackeval.metrics.HOTA(), trackeval.metrics.Identity(wanted)]
    metrics.append(trackeval.metrics.CLEAR(wanted))
    each = [{} for _ in metrics]
    for name in lengths:
        raw = data.get_raw_seq_data("tracker", name)
        prepared = data.get_preprocessed_seq_data(raw, "pedestrian")
        for metric, found in zip(metrics, each, strict=True):
            found[name] = metric.eval_sequence(prepared)
    hota, identity, clear = (m.combine_sequences(e) for m, e in zip(metrics, each, strict=True))
    counts = {name: float(clear[f"CLR_{name}"]) for name in ("FP", "FN")}
    return {**hota_of(hota), "IDF1": float(identity["IDF1"]), **counts}


def main(kind, path):
    with contextlib.redirect_stdout(sys.stderr):
        if kind == "mot":
            told = by_mot_challenge(path)
        else:
            sequences = json.loads(Path(path).read_text())
            told = {**by_motmetrics(sequences), **by_trackeval(sequences)}
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
