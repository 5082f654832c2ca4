"""How work is cut into shards: items that are done and committed together."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from ridealong.execution.options import names_runner
from ridealong.execution.processes.pool import cores

# A kill or a full disk costs at most one shard. Each shard is a separate commit, and at its end
# workers wait for the slowest item. So a shard is a tenth of the work, within bounds.
LEAST_A_CORE = 8
MOST = 500
# On a runner elsewhere a job takes minutes to start.
MOST_ELSEWHERE = 5_000

Part = TypeVar("Part")


@dataclass(frozen=True)
class Shard(Generic[Part]):
    """Parts of a plan that are committed together, under one commit id."""

    commit_id: str
    parts: Sequence[Part]


def shard_size(items: int, beam_args: Sequence[str] = ()) -> int:
    """How many of ``items`` items are done and committed together."""
    if names_runner(beam_args):
        return MOST_ELSEWHERE
    return min(max(math.ceil(items / 10), LEAST_A_CORE * cores()), MOST)


def shards(
    parts: Sequence[Part], size: int, weight: Callable[[Part], int] = lambda part: 1
) -> Iterator[Sequence[Part]]:
    """The parts in their order, cut after each part with which a shard weighs ``size`` or more."""
    start = total = 0
    for stop, part in enumerate(parts, 1):
        total += weight(part)
        if total >= size:
            yield parts[start:stop]
            start, total = stop, 0
    if start < len(parts):
        yield parts[start:]
