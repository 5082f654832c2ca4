from pathlib import Path

import pytest

from ingest.specs import parse_spec
from shadow.networks.training.recipe import Recipe

TEXT = """
name: tiny
version: "1"
description: For tests.
config:
  stem: 16
  widths: [16, 16, 16, 16]
  depths: [1, 1, 1, 1]
  pyramid: 16
  trunk: 16
inputs: {cameras: [main, rear], height: 64, width: 96, rate_hz: 5}
train:
  every: 2 s
  fleet:
    name: lessons
    map: training
    drives: 2
    duration: 8 s
    seed: 3
    road: {city: 1}
    traffic: {vehicles: 12, pedestrians: 4}
    rig: {width: 96, height: 64, video_hz: 10, label_hz: 10}
calibrate:
  every: 4 s
  fleet:
    name: check
    map: calibration
    drives: 1
    duration: 8 s
    seed: 4
    road: {city: 1}
    traffic: {vehicles: 12, pedestrians: 4}
    rig: {width: 96, height: 64, video_hz: 10, label_hz: 10}
fit: {epochs: 2, batch: 3, learning_rate: 0.003}
"""


@pytest.fixture
def recipe_text() -> str:
    """A recipe of seconds."""
    return TEXT


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    """The same, read."""
    return parse_spec(TEXT, Recipe, where=Path("recipe.yaml"))
