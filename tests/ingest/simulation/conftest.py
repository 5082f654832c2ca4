"""A small simulated fleet, made once for all tests that only read it."""

from pathlib import Path

import pytest

from ingest.simulation.fleet import FleetSpec
from ingest.simulation.simulate import SimulationReport, simulate
from ridealong.specs import parse_spec
from ridealong.terminal.console import Console

SMALL = """
name: small
drives: 4
duration: 12 s
seed: 5
country: {DE: 1, GB: 1}
features: {autopilot: 1, lane_change: 1}
incidents: {pedestrian: 0.5}
faults:
  dropped_samples: {drives: 0.5, samples: 0.05}
  duplicate_segment: {drives: 0.5, length: 1 s}
  dead_camera: {drives: 0.25}
traffic: {vehicles: 16, pedestrians: 4}
rig: {width: 64, height: 48, video_hz: 5, label_hz: 1}
"""


@pytest.fixture(scope="session")
def small_spec() -> FleetSpec:
    """Four drives of twelve seconds."""
    return parse_spec(SMALL, FleetSpec, where="small.yaml")


@pytest.fixture(scope="session")
def small_run(
    small_spec: FleetSpec, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, SimulationReport]:
    """Where the small fleet lies, and what making it said."""
    out = tmp_path_factory.mktemp("simulated") / "fleet"
    return out, simulate(small_spec, out, Console(as_json=True))


@pytest.fixture(scope="session")
def small_fleet(small_run: tuple[Path, SimulationReport]) -> Path:
    """Where the small fleet lies."""
    return small_run[0]
