"""What stored scores and outputs depend on, and the keys under which each is stored once.

Scores depend on the network (or the pair), the clip, the labels, the family of predictions, its
definition, and the frame rate. Outputs depend on the network, the clip and the frame rate. A change
affects only what depends on it: if the definition of one family changes, the scores of the others
and all outputs stay in use.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ingest.clips.label_versions import version_in
from metrics.tasks.metric import Reference
from metrics.tasks.registry import definition_of

DIGITS = 16  # of a hash, enough to tell apart what one home holds


@dataclass(frozen=True, order=True)
class ScoreUnit:
    """The unit of scoring, done as a whole or not at all: one family of one network, one reference.

    Attributes:
        network_sha256: The network that is scored.
        reference: As in the table `SCORES`: ``labels``, ``self``, or the other network's sha256.
        task: The family.
    """

    network_sha256: str
    reference: str
    task: str

    @property
    def other_sha256(self) -> str | None:
        """The network it is compared with; None if it is compared with labels or itself."""
        return None if self.reference in (Reference.LABELS, Reference.SELF) else self.reference


def judged_by(tasks: Iterable[str], rate_hz: float) -> str:
    """What a run judges by: the definition and frame rate of each family, as one text.

    It is stored with the run. Each of its words, such as ``lanes:0f3a5b7c9d1e2f40@5``, is the key
    under which the family's rows of scores and matches are stored.
    """
    return " ".join(_scored_by(task, rate_hz) for task in sorted(tasks))


def _scored_by(task: str, rate_hz: float) -> str:
    return f"{task}:{definition_of(task)[:DIGITS]}{stored_by(rate_hz)}"


def stored_by(rate_hz: float) -> str:
    """The key under which outputs are stored."""
    return f"@{rate_hz:g}"


def definitions_in(definition: str) -> list[str]:
    """The keys under which the scores of a run are stored, given what it judged by."""
    return definition.split()


def definition_in(definition: str, task: str) -> str:
    """The key under which a family's scores are stored, given what a run judged by.

    Runs of ridealong 0.1 have one definition for all families.

    Raises:
        KeyError: The run judges no prediction of that family.
    """
    if _is_of_version_0_1(definition):
        return definition
    return {text.partition(":")[0]: text for text in definitions_in(definition)}[task]


def outputs_in(definition: str) -> str:
    """The key under which the outputs of a run are stored, given what it judged by.

    Ridealong 0.1 stored outputs under the definition of the scores.
    """
    return definition if _is_of_version_0_1(definition) else f"@{definition.rpartition('@')[2]}"


def _is_of_version_0_1(definition: str) -> bool:
    return ":" not in definition


def labels_version(clip: Mapping[str, Any]) -> str:
    """The version of a clip's labels, given the clip's row of `ingest.listing.list_clips`.

    The first labels are part of the clip's file, later ones have a file. A file is named by the
    hash of its content. Empty if the row names no file.
    """
    return version_in(clip.get("labels_blob") or clip["blob"])


def score_source(unit: ScoreUnit, clip_id: str, labels: str, definition: str) -> str:
    """The key under which a unit's scores on one clip are stored once.

    A comparison of two networks has one key, whichever of the two is scored.

    Args:
        unit: What is scored.
        clip_id: The clip.
        labels: The version of its labels.
        definition: What the run judges by.
    """
    network, scored_by = unit.network_sha256[:DIGITS], definition_in(definition, unit.task)
    if unit.reference == Reference.LABELS:
        return f"score:{network}:{clip_id}:{labels}:{scored_by}"
    if unit.reference == Reference.SELF:
        return f"score:{network}:{clip_id}:self:{scored_by}"
    pair = ":".join(sorted({network, unit.reference[:DIGITS]}))
    return f"compare:{pair}:{clip_id}:{scored_by}"


def outputs_source(network_sha256: str, clip_id: str, stored_by: str) -> str:
    """The key under which one network's outputs on one clip are stored once."""
    return f"outputs:{network_sha256[:DIGITS]}:{clip_id}:{stored_by}"
