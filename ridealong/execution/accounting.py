"""Every planned item must have an outcome, or nothing of its shard is committed.

Runners repeat work. They also lose work without an error, as measured. So the outcomes are compared
with the plan before a shard is committed.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Protocol, TypeVar

from pydantic import ConfigDict, TypeAdapter

from ridealong.errors import RidealongError
from ridealong.lake.files import disk_errors, scratch_folder


class Status(StrEnum):
    """How one planned item ended."""

    DONE = "done"
    QUARANTINED = "quarantined"  # its input is unusable until it changes
    FAILED = "failed"  # because of the machine, not of the input: the next run tries it again


class Outcome(Protocol):
    """What became of one planned item."""

    @property
    def item_id(self) -> str:
        """The planned item."""

    @property
    def status(self) -> Status:
        """How it ended."""

    @property
    def reason(self) -> str | None:
        """Why it was quarantined, or failed."""


O = TypeVar("O", bound=Outcome)  # noqa: E741


class ItemsLostError(RidealongError):
    """The runner lost items, or gave outcomes that were not planned: nothing may be committed."""


def settle(planned: Sequence[str], outcomes: Iterable[O]) -> list[O]:
    """One outcome for each planned item, in the plan's order.

    An item that the runner did twice counts once.

    Raises:
        ItemsLostError: An item has no outcome, or an outcome has no planned item.
    """
    by_item = {outcome.item_id: outcome for outcome in outcomes}
    lost = [item for item in planned if item not in by_item]
    strangers = sorted(set(by_item) - set(planned))
    if lost or strangers:
        raise ItemsLostError(
            f"{len(planned)} items planned, {len(by_item) - len(strangers)} came back; "
            f"lost: {lost[:5]}, not planned: {strangers[:5]}; nothing of them was committed"
        )
    return [by_item[item] for item in planned]


def outcomes_path(home: Path, commit_id: str) -> Path:
    """File for the outcomes of a pipeline's items; a vacuum removes what a killed one left."""
    return scratch_folder(home) / f"{commit_id}.json"


def write_outcomes(path: Path, kind: Any, items: Sequence[object]) -> None:
    """Write all outcomes as JSON; a repeated write replaces the whole file."""
    adapter = TypeAdapter(list[kind], config=ConfigDict(ser_json_inf_nan="constants"))
    with disk_errors(path):
        with NamedTemporaryFile(dir=path.parent, delete=False) as part:
            part.write(adapter.dump_json(list(items)))
        Path(part.name).replace(path)


def read_outcomes(path: Path, kind: Any) -> list[Any]:
    """Read the outcomes that the last step wrote, and remove the file.

    Raises:
        ItemsLostError: The runner never ran the last step.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise ItemsLostError("the runner never ran its last step; nothing was committed") from error
    path.unlink()
    return TypeAdapter(list[kind]).validate_json(content)
