"""KITTI's object evaluation in plain loops, written from the rules of the devkit.

It works on the numbers of the label files, frame by frame, and shares no code with ridealong. The
area that two rectangles share is found by another way than ours: all corners of one inside the
other and all crossings of sides, as a convex hull.
"""

import math
from dataclasses import dataclass

DIFFICULTIES = {"easy": (40, 0, 0.15), "moderate": (25, 1, 0.3), "hard": (25, 2, 0.5)}
MIN_OVERLAP = {"Car": 0.7, "Pedestrian": 0.5, "Cyclist": 0.5}
NEIGHBOUR = {"Car": "van", "Pedestrian": "person_sitting", "Cyclist": None}


@dataclass
class Line:
    type: str
    truncation: float
    occlusion: float
    x1: float
    y1: float
    x2: float
    y2: float
    h: float
    w: float
    l: float  # noqa: E741
    x: float
    y: float
    z: float
    ry: float
    score: float = 1.0


def line_of(text: str) -> Line:
    parts = text.split()
    numbers = [float(part) for part in parts[1:]]
    return Line(parts[0], numbers[0], numbers[1], *numbers[3:])


def ap_r40(frames: list[tuple[list[Line], list[Line]]], name: str, kind: str, level: str):
    """Average precision; None without labels. ``frames``: labels and detections of each."""
    overlap = {"2d": image_overlap, "bev": ground_overlap, "3d": space_overlap}[kind]
    cleaned = [_clean(labels, detections, name, level) for labels, detections in frames]
    labels = sum(ignored.count(0) for ignored, _ in cleaned)
    if not labels:
        return None
    scores = []
    for (gt, det), (ignored_gt, ignored_det) in zip(frames, cleaned, strict=True):
        scores += _match(gt, det, ignored_gt, ignored_det, overlap, MIN_OVERLAP[name], None)[0]
    precision = [0.0] * 41
    thresholds = _thresholds(scores, labels)
    for k, threshold in enumerate(thresholds):
        tp = fp = 0
        for (gt, det), (ignored_gt, ignored_det) in zip(frames, cleaned, strict=True):
            hits, wrong = _match(
                gt, det, ignored_gt, ignored_det, overlap, MIN_OVERLAP[name], threshold
            )
            tp, fp = tp + len(hits), fp + wrong
        precision[k] = tp / (tp + fp) if tp + fp else 0.0
    precision = [max(precision[k:]) for k in range(41)]
    return sum(precision[1:]) / 40


def _clean(labels, detections, name, level):
    min_height, max_occlusion, max_truncation = DIFFICULTIES[level]
    ignored_gt, ignored_det = [], []
    for label in labels:
        kind = label.type.lower()
        valid = 1 if kind == name.lower() else 0 if kind == NEIGHBOUR[name] else -1
        hard = (
            label.occlusion > max_occlusion
            or label.truncation > max_truncation
            or label.y2 - label.y1 <= min_height
        )
        ignored_gt.append(-1 if valid == -1 else 0 if valid == 1 and not hard else 1)
    for detection in detections:
        if int(abs(detection.y1 - detection.y2)) < min_height:
            ignored_det.append(1)
        else:
            ignored_det.append(0 if detection.type.lower() == name.lower() else -1)
    return ignored_gt, ignored_det


def _thresholds(scores, labels):
    scores = sorted(scores, reverse=True)
    thresholds, current = [], 0.0
    for i, score in enumerate(scores):
        left = (i + 1) / labels
        last = i == len(scores) - 1
        right = left if last else (i + 2) / labels
        if right - current < current - left and not last:
            continue
        thresholds.append(score)
        current += 1 / 40
    return thresholds


def _match(gt, det, ignored_gt, ignored_det, overlap, min_overlap, threshold):
    """Scores of the hits, and the number of errors; without a threshold, the first pass."""
    free = [ignored != -1 for ignored in ignored_det]
    if threshold is not None:
        free = [f and d.score >= threshold for f, d in zip(free, det, strict=True)]
    possible = list(free)
    hits = []
    for label, ignored in zip(gt, ignored_gt, strict=True):
        if ignored == -1:
            continue
        best = None
        for j, detection in enumerate(det):
            if not free[j]:
                continue
            shared = overlap(detection, label)
            if shared <= min_overlap:
                continue
            if threshold is None:
                if best is None or detection.score > det[best].score:
                    best = j
            elif ignored_det[j] == 0:
                if best is None or ignored_det[best] == 1 or shared > overlap(det[best], label):
                    best = j
            elif best is None:
                best = j
        if best is None:
            continue
        free[best] = False
        if ignored == 0 and ignored_det[best] == 0:
            hits.append(det[best].score)
    wrong = 0
    for j, detection in enumerate(det):
        if possible[j] and free[j] and ignored_det[j] == 0:
            regions = [label for label in gt if label.type.lower() == "dontcare"]
            wrong += not any(overlap(detection, r, True) > min_overlap for r in regions)
    return hits, wrong


def image_overlap(a, b, of_first=False):
    width, height = min(a.x2, b.x2) - max(a.x1, b.x1), min(a.y2, b.y2) - max(a.y1, b.y1)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    first, second = ((c.x2 - c.x1) * (c.y2 - c.y1) for c in (a, b))
    return shared / (first if of_first else first + second - shared)


def ground_overlap(a, b, of_first=False):
    shared = shared_area(a, b)
    return shared / (a.l * a.w if of_first else a.l * a.w + b.l * b.w - shared)


def space_overlap(a, b, of_first=False):
    height = max(0.0, min(a.y, b.y) - max(a.y - a.h, b.y - b.h))
    shared = shared_area(a, b) * height
    first, second = (c.l * c.w * c.h for c in (a, b))
    return shared / (first if of_first else first + second - shared)


def corners(box):
    cos, sin = math.cos(box.ry), math.sin(box.ry)
    around = [(box.l / 2, box.w / 2), (box.l / 2, -box.w / 2)]
    around += [(-x, -y) for x, y in around]
    return [(cos * x + sin * z + box.x, -sin * x + cos * z + box.z) for x, z in around]


def shared_area(a, b):
    if min(a.l, a.w, b.l, b.w) <= 0:
        return 0.0
    if math.hypot(a.x - b.x, a.z - b.z) > math.hypot(a.l, a.w) + math.hypot(b.l, b.w):
        return 0.0
    one, two = corners(a), corners(b)
    points = [p for p in one if _inside(p, two)] + [p for p in two if _inside(p, one)]
    for i in range(4):
        for j in range(4):
            points += _crossing(one[i - 1], one[i], two[j - 1], two[j])
    if len(points) < 3:
        return 0.0
    x, z = (sum(c) / len(points) for c in zip(*points, strict=True))
    points.sort(key=lambda p: math.atan2(p[1] - z, p[0] - x))
    twice = sum(
        (p[0] - x) * (q[1] - z) - (q[0] - x) * (p[1] - z)
        for p, q in zip(points, points[1:] + points[:1], strict=True)
    )
    return abs(twice) / 2


def _inside(point, polygon):
    sides = [
        (q[0] - p[0]) * (point[1] - p[1]) - (q[1] - p[1]) * (point[0] - p[0])
        for p, q in zip(polygon, polygon[1:] + polygon[:1], strict=True)
    ]
    return all(s >= -1e-9 for s in sides) or all(s <= 1e-9 for s in sides)


def _crossing(p, q, r, s):
    d1, d2 = (q[0] - p[0], q[1] - p[1]), (s[0] - r[0], s[1] - r[1])
    cross = d1[0] * d2[1] - d1[1] * d2[0]
    if abs(cross) < 1e-12:
        return []
    t = ((r[0] - p[0]) * d2[1] - (r[1] - p[1]) * d2[0]) / cross
    u = ((r[0] - p[0]) * d1[1] - (r[1] - p[1]) * d1[0]) / cross
    if 0 <= t <= 1 and 0 <= u <= 1:
        return [(p[0] + t * d1[0], p[1] + t * d1[1])]
    return []
