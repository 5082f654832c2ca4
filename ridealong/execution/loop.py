"""The loop that ingest and replay share: plan, run, settle, commit, and plan again after a race.

::

    plan -> shards -> [ reserve room -> run -> settle -> commit ] -> next shard
      ^                                                  |
      +------ another process committed some of it first +

A shard is committed whole or not at all, so a kill costs the shard in progress. Once the disk is
full, no further shard is tried.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import pyarrow as pa

from ridealong.errors import RidealongError
from ridealong.execution.accounting import Outcome, Status, settle
from ridealong.execution.failures import DISK_FULL, is_full
from ridealong.lake import AlreadyCommittedError, DataFile, Lake, Reserve, write_data_file
from ridealong.lake.reserve import commit_bytes
from ridealong.lake.tables import TableSpec

Plan = TypeVar("Plan")


class HasCommitId(Protocol):
    """Anything that is committed under one id, such as `ridealong.execution.shards.Shard`."""

    @property
    def commit_id(self) -> str:
        """The id under which its files are written."""


S = TypeVar("S", bound=HasCommitId)
O = TypeVar("O", bound=Outcome)  # noqa: E741
S_contra = TypeVar("S_contra", bound=HasCommitId, contravariant=True)


@dataclass(frozen=True)
class Contents:
    """What one shard puts into the lake.

    Attributes:
        files: Data files that workers wrote.
        sources: Keys of the inputs that are used up.
        tables: Small rows, one file a table; written when the shard is committed.
    """

    files: Sequence[DataFile]
    sources: Sequence[str]
    tables: Mapping[TableSpec, pa.Table] = field(default_factory=dict)


class Stage(Protocol[S_contra, O]):
    """One kind of work on shards: what is planned, how it is done, and what is committed."""

    @property
    def command(self) -> str:
        """The name under which commits are logged."""

    def planned(self, shard: S_contra) -> Sequence[str]:
        """Ids of the shard's items."""

    def run(self, shard: S_contra) -> Iterable[O]:
        """Do the items; the outcomes as the runner delivered them."""

    def contents(self, shard: S_contra, outcomes: Sequence[O]) -> Contents | None:
        """What to commit, given one outcome for each planned item; None commits nothing."""


@dataclass(frozen=True)
class ShardResult(Generic[S, O]):
    """What became of a shard.

    Attributes:
        shard: The shard.
        outcomes: One for each planned item, in the plan's order; None where the disk had no room,
            so that nothing of the shard was done or committed.
        contents: What was committed, if anything.
    """

    shard: S
    outcomes: Sequence[O] | None = None
    contents: Contents | None = None

    @property
    def hit_full_disk(self) -> bool:
        """Whether the disk was full for the whole shard or for some of its items."""
        return self.outcomes is None or any(o.reason == DISK_FULL for o in self.outcomes)


def run_shards(
    lake: Lake, stage: Stage[S, O], shards: Iterable[S], *, is_disk_full: bool = False
) -> Iterator[ShardResult[S, O]]:
    """Run and commit shard after shard.

    Shards that come after the disk was full are not tried: they are given back without outcomes.

    Args:
        lake: Where to commit.
        stage: The work.
        shards: The shards of the plan; each is taken when the one before it is committed.
        is_disk_full: Try none of the shards.

    Raises:
        AlreadyCommittedError: Another process committed some of the shard's sources first.
        ItemsLostError: The runner lost items of the shard; earlier shards stay committed.
        RidealongError: The lake cannot be written, or the runner does not work.
    """
    for shard in shards:
        result = ShardResult[S, O](shard) if is_disk_full else _run_shard(lake, stage, shard)
        is_disk_full = is_disk_full or result.hit_full_disk
        yield result


def _run_shard(lake: Lake, stage: Stage[S, O], shard: S) -> ShardResult[S, O]:
    try:
        planned = stage.planned(shard)
        with lake.reserve(commit_bytes(len(planned))) as reserve:
            outcomes = settle(planned, stage.run(shard))
            contents = stage.contents(shard, outcomes)
            if contents is not None:
                _commit(lake, stage.command, shard.commit_id, contents, outcomes, reserve)
            return ShardResult(shard, outcomes, contents)
    except RidealongError as error:
        if not is_full(error):
            raise
        return ShardResult(shard)


def _commit(
    lake: Lake,
    command: str,
    commit_id: str,
    contents: Contents,
    outcomes: Sequence[Outcome],
    reserve: Reserve,
) -> None:
    """Commit a shard with its counts, in the room that was reserved for that."""
    reserve.release()
    small = (write_data_file(lake.home, commit_id, *rows) for rows in contents.tables.items())
    files = [*contents.files, *(file for file in small if file)]
    lake.commit(commit_id, command, files, contents.sources, _counts(outcomes))


def _counts(outcomes: Sequence[Outcome]) -> dict[str, object]:
    """How many items were planned, and how many ended in which way."""
    statuses = [outcome.status for outcome in outcomes]
    ended = {status.value: statuses.count(status) for status in Status if status in statuses}
    return {"planned": len(statuses), **ended}


def run_plans(
    plans: Iterable[Plan], run: Callable[[Plan], object], lost_race: Callable[[], object]
) -> bool:
    """Run a plan; each time another process commits some of it first, run the next one.

    Args:
        plans: The next plan is taken when the one before it lost a race, so it has what is left.
        run: Runs a plan.
        lost_race: Called after each lost race.

    Returns:
        Whether a plan was run to its end; False if there were no more plans.
    """
    for plan in plans:
        try:
            run(plan)
        except AlreadyCommittedError:
            lost_race()
        else:
            return True
    return False
