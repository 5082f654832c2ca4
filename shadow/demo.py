"""The main job on the embedded default: real drives in, both shipped networks, a verdict out."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.console import Console
from ingest.errors import RidealongError
from ingest.lake import Lake
from ingest.run import IngestReport, ingest
from ingest.sources.registry import find_source
from ingest.triggers.spec import load_triggers, shipped_triggers
from metrics.gate.spec import load_gate
from shadow.networks.loading import require_device
from shadow.networks.registry import add_network, find_network, shipped_manifests
from shadow.releases.promotion import deployed, promote
from shadow.report import run_document
from shadow.run import RunWish, clips_of, judged_by, rate_of, shadow_run
from shadow.schemas import RUNS

EXAMPLES = Path(__file__).parents[1] / "examples"
RECORDINGS = {"comma2k19": "comma2k19_first30s", "video": "udacity_highway_video"}
DEPLOYED, CANDIDATE = "hydra-0.1", "hydra-0.2"


@dataclass(frozen=True)
class DemoReport:
    """What the demo did: an ingest a source, and the run's document."""

    ingests: dict[str, IngestReport]
    run: dict[str, Any]
    fresh: bool
    seconds: float


def demo(home: Path, console: Console, device: str = "cpu") -> DemoReport:
    """Drive the whole road; what was done before is noticed and not done again.

    Raises:
        RidealongError: The examples are not there, or the home cannot be written.
    """
    started = time.monotonic()
    require_device(device)
    lake = Lake.create(home)
    triggers = [*shipped_triggers(), *load_triggers(EXAMPLES / "triggers")]
    ingests = {}
    for name, folder in RECORDINGS.items():
        path = EXAMPLES / folder
        if not path.is_dir():
            raise RidealongError("the example is not there", where=path, mend="clone it whole")
        console.note(f"ingesting {folder} ({name})")
        source = find_source(name, path)
        ingests[name] = report = ingest(lake, source.discover(path), triggers, console)
        if report.failures:
            raise RidealongError(f"drive {report.failures[0]}", where=home)
    _register(lake)
    run_id, fresh = _compare(lake, console, device)
    document = run_document(lake.snapshot(), run_id)
    return DemoReport(ingests, document, fresh, round(time.monotonic() - started, 3))


def _register(lake: Lake) -> None:
    for manifest in shipped_manifests():
        add_network(lake, manifest)
    if deployed(lake.snapshot()) is None:
        promote(
            lake,
            DEPLOYED,
            waiver_reason="the demo's first release: nothing was deployed to compare with",
            waiver_by="ridealong demo",
        )


def _compare(lake: Lake, console: Console, device: str) -> tuple[str, bool]:
    """The newest run of the two networks over all of today's clips; made if there is none."""
    gate = load_gate()
    snapshot = lake.snapshot()
    wish = RunWish(DEPLOYED, CANDIDATE, None, gate, device)
    clips = set(clips_of(snapshot, wish)["clip_id"].to_pylist())
    manifests = [find_network(snapshot, name).manifest for name in (DEPLOYED, CANDIDATE)]
    definition = judged_by(rate_of(*manifests))
    for row in sorted(snapshot.read(RUNS).to_pylist(), key=lambda r: -r["created_ns"]):
        same = (row["deployed"], row["candidate"]) == (DEPLOYED, CANDIDATE)
        same = same and row["definition"] == definition
        if same and set(row["clip_ids"]) == clips and row["gate"] == gate.model_dump_json():
            return row["run_id"], False
    console.note(f"replaying the clips through {DEPLOYED} and {CANDIDATE}")
    return shadow_run(lake, wish, console).run, True
