"""What every report of a run says, whatever its format."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metrics.gate.cells import RANKS, Cell, Verdict, surest_losses
from metrics.tasks.metric import MetricLookup
from metrics.tasks.registry import known_metric
from ridealong.lake import Snapshot
from ridealong.terminal.readable import counted
from shadow.judged import drives_of, metrics_in
from shadow.losses import EVERY_CELL, clip_losses, losing_cells
from shadow.report import note_sentence, run_document, sentences
from shadow.results.request import STATISTICS
from shadow.runs import find_run

COSTLIEST = 3  # clips or frames in a report


@dataclass(frozen=True)
class Costly:
    """A clip or frame that cost the candidate much.

    Attributes:
        item: Its id.
        drive: Its drive.
        share: Its share of the loss, 0 to 1.
        cell: The cell in which its part of the loss is the largest.
    """

    item: str
    drive: str
    share: float
    cell: Cell


@dataclass(frozen=True)
class Content:
    """A run, as its reports tell it.

    Attributes:
        run: The run's row.
        document: What ``shadow report --json`` prints.
        lost: The cells whose loss chose `costly`.
        costly: The clips or frames that cost most, the costliest first.
    """

    run: Mapping[str, Any]
    document: Mapping[str, Any]
    lost: Sequence[Cell]
    costly: Sequence[Costly]

    @property
    def verdict(self) -> Verdict:
        """The run's verdict."""
        return Verdict(self.document["verdict"])

    @property
    def metric_lookup(self) -> MetricLookup:
        """Finds the metrics of its cells."""
        return metrics_in(self.document) if self.of_files else known_metric

    @property
    def of_files(self) -> bool:
        """Whether result files were judged, and not clips."""
        return "format" in self.document

    @property
    def judged(self) -> str:
        """How much was judged, in words."""
        if not self.of_files:
            return counted(self.document["clips"], "clip")
        noun = "item" if self.document["format"] == STATISTICS else "frame"
        return counted(self.document["clips"], noun)

    @property
    def reason(self) -> str:
        """The verdict in a sentence."""
        return _sentence(self.document["reason"])

    @property
    def remarks(self) -> list[str]:
        """Sentences about the loss, the baseline, and what was not compared."""
        return [_sentence(one) for one in sentences(dict(self.document))]

    @property
    def notes(self) -> list[str]:
        """The note that somebody gave the run, and the oddities of its files."""
        own = [f"Note: {self.document['note']}"] if self.document["note"] else []
        return own + [note_sentence(note) for note in self.document.get("notes", ())]

    @property
    def required(self) -> list[Cell]:
        """The required cells, the worst first."""
        cells = [cell for cell in self.document["cells"] if cell["required"]]
        return sorted(cells, key=_badness)

    @property
    def not_passed(self) -> list[Cell]:
        """The required cells that regressed or are undecided, the worst first."""
        return [cell for cell in self.required if cell["verdict"] != Verdict.PASS]

    @property
    def alerts(self) -> list[Cell]:
        """The watched cells with an alert, the surest loss first."""
        cells = [cell for cell in self.document["cells"] if cell["alert"]]
        losses = surest_losses(cells)
        return losses + [cell for cell in cells if cell not in losses]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _badness(cell: Cell) -> tuple[int, float, str, str, str]:
    """Sorts by verdict, then by the loss in margins; cells without data come first of theirs."""
    delta, margin = cell["delta"], cell["margin"]
    margins = delta / margin if delta is not None and margin else float("-inf")
    return RANKS[cell["verdict"]], margins, cell["prediction"], cell["metric"], cell["slice"]


def content_of(snapshot: Snapshot, run: str) -> Content:
    """Everything that a report of a run says.

    Raises:
        RidealongError: No such run, or the stored scores contradict themselves.
    """
    row = find_run(snapshot, run)
    document = run_document(snapshot, row["run_id"])
    lost = _lost(document["cells"])
    losses = clip_losses(snapshot, row, lost)
    drives = drives_of(snapshot, row, [*losses][:COSTLIEST])
    costly = [Costly(item, drives[item], losses[item].share, losses[item].cell) for item in drives]
    return Content(row, document, lost, costly)


def _lost(cells: Sequence[Cell]) -> list[Cell]:
    """The cells that represent the loss: those that regressed, else the surest undecided loss."""
    undecided = [c for c in cells if c["required"] and c["verdict"] == Verdict.INCONCLUSIVE]
    return losing_cells(cells, EVERY_CELL) or surest_losses(undecided)[:1]
