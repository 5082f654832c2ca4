"""Many tests at once: corrections that keep false alarms rare.

All functions take p-values ``(n,)`` and give adjusted ones, ``(n,)``: reject where they are at
most the level. The whole family goes in at once; one p-value at a time corrects nothing.
"""

from collections.abc import Sequence

import numpy as np

from ridealong.arrays import Floats


def holm(p: Floats) -> Floats:
    """Holm's step-down: the chance of any false rejection stays below the level (Holm 1979)."""
    order = np.argsort(p, kind="stable")
    stepped = p[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return adjusted


def hierarchical_holm(p: Floats, tasks: Sequence[str]) -> Floats:
    """Holm over tasks, and Holm over the cells of a task, under one level for the release.

    The release's level is shared equally by its tasks; in a task Holm goes from cell to cell. A
    task whose cells are all rejected hands its share to the others, as Holm does for single tests.
    So the next cell of a task with k cells left is compared with ``level / open tasks / k``. This
    is the inheritance procedure (Goeman and Finos 2012) on the tree release, task, cell: the
    chance of *any* false rejection in the release stays below the level, whatever is truly worse
    elsewhere and however the tests depend on each other. A task is not drowned by another task
    with many cells, as it would be in one plain Holm. One task alone is plain Holm.

    ``tasks`` names each p-value's task.
    """
    waiting = {task: _ascending(p, tasks, task) for task in sorted(set(tasks))}
    adjusted = np.empty_like(p)
    highest = 0.0
    while waiting:
        shares = {task: p[cells[0]] * len(cells) for task, cells in waiting.items()}
        task = min(shares, key=lambda name: shares[name])
        highest = max(highest, min(shares[task] * len(waiting), 1.0))
        adjusted[waiting[task].pop(0)] = highest
        if not waiting[task]:
            del waiting[task]
    return adjusted


def _ascending(p: Floats, tasks: Sequence[str], task: str) -> list[int]:
    cells = [index for index, name in enumerate(tasks) if name == task]
    return sorted(cells, key=lambda index: (p[index], index))


def benjamini_hochberg(p: Floats) -> Floats:
    """Benjamini and Hochberg's step-up: keeps false rejections rare among all rejections.

    Their expected share stays below the level for independent or positively dependent tests
    (Benjamini and Hochberg 1995; Benjamini and Yekutieli 2001).
    """
    order = np.argsort(p, kind="stable")
    stepped = p[order] * len(p) / np.arange(1, len(p) + 1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.minimum.accumulate(stepped[::-1])[::-1], 1.0)
    return adjusted
