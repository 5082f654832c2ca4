from types import SimpleNamespace

import numpy as np
import pytest

from ingest.clips.read import FrameSets
from shadow import latency
from shadow.latency import measure_latency


class Clock:
    """A clock that only moves when a network works."""

    def __init__(self):
        self.seconds = 0.0

    def perf_counter(self):
        return self.seconds


class Worker:
    """A network that takes a set time for each instant, and says nothing."""

    manifest = SimpleNamespace(kind="safetensors", id="worker-1")

    def __init__(self, clock, name, asked, milliseconds):
        self.clock, self.name, self.asked, self.milliseconds = clock, name, asked, milliseconds

    def perceive(self, frames, timestamps_ns, calibrations):
        assert all(len(images) == 1 for images in frames.values())
        self.asked.append((self.name, int(timestamps_ns[0])))
        self.clock.seconds += next(self.milliseconds) / 1e3


def sets(count):
    images = {"main": np.zeros((count, 4, 4, 3), np.uint8)}
    return FrameSets(np.arange(count, dtype=np.int64), images, np.ones((count, 1), bool))


def test_networks_take_turns_and_the_first_instant_is_not_counted(monkeypatch):
    clock, asked = Clock(), []
    monkeypatch.setattr(latency, "time", clock)
    monkeypatch.setattr(latency, "INSTANTS", 3)
    deployed = Worker(clock, "deployed", asked, iter([900, 10, 20, 30]))
    candidate = Worker(clock, "candidate", asked, iter([900, 20, 20, 90]))
    found = measure_latency(deployed, candidate, sets(2), {})
    assert (found.deployed_ms, found.candidate_ms) == (20.0, 20.0)
    assert found.ratio == 2.0  # of 2, 1 and 3
    first = [name for name, _ in asked[::2]]
    assert first == ["deployed", "candidate", "deployed", "candidate"]
    assert [at for _, at in asked[::2]] == [0, 0, 1, 0]  # round and round the clip's instants


def test_a_clip_without_instants_is_refused():
    with pytest.raises(ValueError, match="no camera set"):
        measure_latency(None, None, sets(0), {})
