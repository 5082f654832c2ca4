"""What is judged, however it was read: items, both networks' results on them, and metrics."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ingest.results.statistics.pairs import OneSided
from metrics.evaluation.evaluation import Evaluated, Totals
from metrics.tasks.metric import Metric
from ridealong.perception.result_files import Frames, Note


@dataclass(frozen=True)
class Criteria:
    """By what two networks are judged.

    Attributes:
        judged: The metrics of each prediction.
        required: Predictions and metrics that must pass if no gate is given.
        margins: The default margin of each metric that has one.
        own_margins: Margins of a prediction and metric, where they differ from that.
    """

    judged: Mapping[str, Sequence[Metric]]
    required: Sequence[tuple[str, str]]
    margins: Mapping[str, float]
    own_margins: Mapping[tuple[str, str], float] = field(default_factory=dict)

    @property
    def metrics(self) -> list[Metric]:
        """All metrics, each once; one of each name."""
        return list(
            {metric.name: metric for own in self.judged.values() for metric in own}.values()
        )


@dataclass(frozen=True)
class Material:
    """What two networks did on the same items.

    Attributes:
        frames: The items.
        evaluate: The sums and rows of a network, by its role. They may take more memory than its
            file, so they are computed when they are asked for, once, and are not kept.
        criteria: By what the networks are judged, given the totals of each.
        definition: Hash of all that the sums and rows depend on, apart from the files.
        drive_from: What tells drives apart.
        notes: Oddities of the files.
        rate_hz: Items a second, where known.
        thresholds: The lowest score that counts, by role and class.
        one_sided: What only one file has; None for result files.
        recorded: More that the run stores as JSON, such as the metrics of a statistics file.
    """

    frames: Frames
    evaluate: Callable[[str], Evaluated]
    criteria: Callable[[Sequence[Totals]], Criteria]
    definition: str
    drive_from: str
    notes: tuple[Note, ...] = ()
    rate_hz: float | None = None
    thresholds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    one_sided: OneSided | None = None
    recorded: Mapping[str, Any] = field(default_factory=dict)
