"""Matching by centre distance as plain loops, to compare the matching of whole arrays with."""

import math


def greedy(found, labels, limit):
    """``(group, x, y)`` detections, best first, and labels; gives the label of each, or None."""
    taken, match = set(), []
    for group, x, y in found:
        nearest, best = None, limit
        for index, (other, a, b) in enumerate(labels):
            if other != group or index in taken:
                continue
            distance = math.sqrt((x - a) ** 2 + (y - b) ** 2)
            if distance < best:
                nearest, best = index, distance
        match.append(nearest)
        taken.add(nearest)
    return match


def first_of_nearest(found, labels):
    """The label of each detection at any distance, if it is the first whose nearest that is."""
    taken, match = set(), []
    for group, x, y in found:
        near = [
            (math.sqrt((x - a) ** 2 + (y - b) ** 2), index)
            for index, (other, a, b) in enumerate(labels)
            if other == group
        ]
        index = min(near)[1] if near else None
        match.append(index if index not in taken else None)
        taken.add(index)
    return match
