"""The networks of an export, and the thresholds of their predictions."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ingest.labels.folder import write_json

THRESHOLDS_FILE = "thresholds.json"


@dataclass(frozen=True)
class LabelNetwork:
    """One network: its name and version, its hash, and the threshold of each prediction."""

    network: str
    sha256: str
    thresholds: Mapping[str, float]


@dataclass(frozen=True)
class LabelNetworks:
    """An export's networks by role (``deployed``, ``candidate``)."""

    by_role: Mapping[str, LabelNetwork]

    def write(self, path: Path) -> None:
        """Write them as JSON: network, sha256, and thresholds by prediction, under each role."""
        write_json(path, self.document())

    def document(self) -> dict[str, object]:
        """The same as JSON values."""
        return {role: asdict(network) for role, network in self.by_role.items()}
