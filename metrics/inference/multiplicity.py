"""Many tests at once: corrections that keep false alarms rare in a whole release."""

from collections.abc import Sequence

import numpy as np

from ridealong.arrays import Floats


def hierarchical_holm(p: Floats, tasks: Sequence[str]) -> Floats:
    """Holm over tasks, and Holm over the cells of a task, under one level for the release.

    The tasks of a release share its level equally, and within a task Holm's procedure goes from
    cell to cell. When all cells of a task are rejected, the other tasks inherit its share, as in
    Holm's procedure for single tests. So the next cell of a task with k cells left is compared
    with ``level / open tasks / k``.

    This is the inheritance procedure (Goeman and Finos 2012) on the tree release, task, cell. The
    chance of *any* false rejection in the release stays below the level. This holds for any set of
    true losses and any dependence between the tests. Other tasks with many cells do not weaken the
    tests of a task, as they would in one plain Holm. With one task it is plain Holm.

    Args:
        p: ``(n,)`` p-values of all cells of the release.
        tasks: The task of each.

    Returns:
        ``(n,)`` adjusted p-values: reject where they are at most the level.
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
    """Adjusted p-values that control the false-discovery rate (Benjamini and Hochberg 1995).

    It equals `scipy.stats.false_discovery_control`, but importing `scipy.stats` would take as long
    as a small verdict.

    Args:
        p: ``(n,)`` p-values of all cells that are watched.

    Returns:
        ``(n,)`` adjusted p-values: reject where they are at most the rate.
    """
    order = np.argsort(p)
    scaled = p[order] * (len(p) / np.arange(1, len(p) + 1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return np.clip(adjusted, 0, 1)
