"""The whole workflow on the embedded runner: from a simulated fleet to a verdict on two networks.

The fleet drives on a map that no network was trained on. A real drive and a real video are ingested
in the same way.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.discovery import find_drives
from ingest.report import IngestReport
from ingest.run import ingest
from ingest.simulation.fleet import FleetSpec
from ingest.simulation.simulate import SimulationReport, simulate
from ingest.triggers.spec import TriggerSpec, load_triggers, shipped_triggers
from metrics.gate.spec import load_gate
from ridealong.errors import RidealongError
from ridealong.lake import Lake
from ridealong.specs import load_spec
from ridealong.terminal.console import Console
from shadow.judging import clip_labels
from shadow.keys import judged_by
from shadow.networks.manifest import rate_of
from shadow.networks.opening import load_manifest, require_device
from shadow.networks.registry import add_network, find_network, shipped_manifests
from shadow.planning import tasks_of
from shadow.releases.promotion import deployed, promote
from shadow.report import run_document
from shadow.run import RunRequest, clips_of, shadow_run
from shadow.runs import list_runs
from shadow.scores import labels_of

EXAMPLES = Path(__file__).parent / "examples"  # package data; ./examples links here
FLEET = EXAMPLES / "fleet.yaml"
RECORDINGS = {"comma2k19": "comma2k19_first30s", "video": "udacity_highway_video"}
SIMULATED = "simulated"  # folder of the home
DEPLOYED, CANDIDATE = "hydra-1.0", "hydra-1.1"


@dataclass(frozen=True)
class DemoReport:
    """The demo's results: the fleet's drives, the ingest of each source, the run document."""

    fleet: SimulationReport
    ingests: dict[str, IngestReport]
    run: dict[str, Any]
    fresh: bool
    seconds: float


def demo(
    home: Path,
    console: Console,
    device: str = "cpu",
    fleet: Path = FLEET,
    seed: int | None = None,
) -> DemoReport:
    """Run all steps; steps that an earlier demo finished are skipped.

    Args:
        home: The lake's folder; the fleet's drives are kept in it too.
        console: Where progress goes.
        device: Where networks run.
        fleet: Spec of the fleet.
        seed: Replaces the seed of the spec: another fleet under the same conditions.

    Raises:
        RidealongError: The spec is invalid, the examples are missing, a drive cannot be ingested,
            or the home cannot be written.
    """
    started = time.monotonic()
    for manifest in shipped_manifests():
        require_device(load_manifest(manifest), device)
    spec = load_spec(fleet, FleetSpec)
    lake = Lake.create(home)
    folder = home / SIMULATED / f"{spec.name}-{spec.seed if seed is None else seed}"
    console.note(f"simulating {spec.drives} drives of {spec.duration}")
    simulated = simulate(spec, folder, console, seed)
    for failure in simulated.failures:
        console.note(f"failed: {failure}")
    ingests = {"simulation": _ingest(lake, folder, "simulation", shipped_triggers(), console)}
    # Nothing happens on a real drive of half a minute: an additional trigger fires more easily.
    triggers = [*shipped_triggers(), *load_triggers(EXAMPLES / "triggers")]
    for source, name in RECORDINGS.items():
        ingests[source] = _ingest(lake, EXAMPLES / name, source, triggers, console)
    _register(lake)
    run_id, fresh = _compare(lake, console, device)
    document = run_document(lake.snapshot(), run_id)
    return DemoReport(simulated, ingests, document, fresh, round(time.monotonic() - started, 3))


def _ingest(
    lake: Lake, path: Path, source: str, triggers: Sequence[TriggerSpec], console: Console
) -> IngestReport:
    if not path.is_dir():
        raise RidealongError("the example is missing", where=path, hint="install ridealong again")
    console.note(f"ingesting {path.name} ({source})")
    report = ingest(lake, find_drives(path, source).drives, triggers, console)
    for problem in (*report.failures, *report.quarantined):
        raise RidealongError(problem, where=lake.home)
    return report


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
    """The newest run of the two networks over all clips, and whether this call made it."""
    gate = load_gate()
    snapshot = lake.snapshot()
    request = RunRequest(DEPLOYED, CANDIDATE, None, gate, device)
    labels = clip_labels(clips_of(snapshot, request))
    pair = [find_network(snapshot, name) for name in (DEPLOYED, CANDIDATE)]
    definition = judged_by(tasks_of(pair), rate_of(*(entry.manifest for entry in pair)))
    for row in list_runs(snapshot):
        same = (row["deployed"], row["candidate"]) == (DEPLOYED, CANDIDATE)
        same = same and (row["definition"], labels_of(row)) == (definition, labels)
        if same and row["gate"] == gate.model_dump_json():
            return row["run_id"], False
    console.note(f"replaying the clips through {DEPLOYED} and {CANDIDATE}")
    return shadow_run(lake, request, console).run, True
