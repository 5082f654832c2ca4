"""Whether the networks learnt the traffic lights: red, yellow and green by day, on the test map.

Simulates a fleet by day in the town of the map that no network was trained or calibrated on. Both
shipped networks process a frame every two seconds, and every half second while the relevant light
is yellow, which is rare. The networks get whole images without the position of the light.

*Balanced accuracy* is the mean over red, yellow and green of how often the state is correct. It is
over all frames and cameras in which the relevant light is labelled and the network outputs one of
the three states ("none" is not counted). The likeliest state counts, however unlikely, down to
`decode.FLOOR`. The table also has the share of labelled lights that get a state, and the mean
recall with the others counted as wrong: of the likeliest state, and at the networks' thresholds,
which a shadow run uses. With the labels shuffled among those frames, balanced accuracy must fall to
chance, a third.

Run as ``python -m benchmarks.lights [--drives N]``.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ingest.simulation.fleet import FleetSpec
from ingest.simulation.simulate import simulate
from ingest.sources.simulation.recording import SimulatedRecording
from ingest.sources.simulation.source import SimulationSource
from metrics.tasks.clip_view import ClipView
from metrics.tasks.lights import NONE, SHOWN, STATES, confusion_of, overall_states
from ridealong.perception.annotations import Perception
from ridealong.terminal.console import Console
from shadow.networks.hydranet.training.calibrate import joined, stacked
from shadow.networks.hydranet.training.recipe import DataSpec
from shadow.networks.hydranet.training.sets import render_instants, set_times
from shadow.networks.network import Network
from shadow.networks.registry import shipped_manifests
from tests.oracles.networks import open_folder

CAMERAS = ["narrow", "main", "wide"]
NAMED = [STATES.index(state) for state in SHOWN]
ANY = {f"lights/{state}@{camera}": 0.0 for state in SHOWN for camera in CAMERAS}
TARGET = 0.70
States = NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--drives", type=int, default=24)
    drives = parser.parse_args().drives
    networks = [open_folder(path) for path in shipped_manifests()]
    with tempfile.TemporaryDirectory() as scratch:
        found = list(looked(data_of(drives), Path(scratch), networks))
    heads = ("network", "cameras", "red, yellow, green", "named", "balanced accuracy")
    heads += ("labels shuffled", "mean recall", "at the thresholds")
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    truth = np.concatenate([each[0] for each in found], axis=1)
    for place, network in enumerate(networks):
        best, judged = (
            np.concatenate([each[1][place][way] for each in found], axis=1) for way in (0, 1)
        )
        show(network.manifest.id, truth, best, judged)
    print(f"\nTarget: a balanced accuracy of {TARGET}, all cameras together.")


def data_of(drives: int) -> DataSpec:
    fleet = {
        "name": "lights",
        "map": "test",
        "drives": drives,
        "duration": "80 s",
        "seed": 9001,
        "light": {"day": 1},
        "road": {"city": 1},
        "faults": {"dead_camera": {"drives": 0}},
        "rig": {"width": 160, "height": 96, "video_hz": 10, "label_hz": 10},
    }
    return DataSpec(fleet=FleetSpec.model_validate(fleet), every="2 s", every_yellow="0.5 s")


def looked(
    data: DataSpec, scratch: Path, networks: list[Network]
) -> Iterator[tuple[States, list[tuple[States, States]]]]:
    """Drive by drive ``(cameras, frames)`` states: labelled, and of each network in both ways."""
    simulate(data.fleet, scratch, Console(as_json=True))
    for files in SimulationSource().discover(scratch):
        recording = SimulationSource().open(files)
        assert isinstance(recording, SimulatedRecording)
        drawn = list(render_instants(recording, set_times(recording, data), CAMERAS))
        labels = joined([labels for _, labels in drawn])
        frames, _ = stacked([frames for frames, _ in drawn], CAMERAS)
        seen = [n.perceive(frames, labels.timestamps_ns, recording.cameras) for n in networks]
        outputs = [
            (states_of(each, ANY), states_of(each, network.manifest.thresholds))
            for each, network in zip(seen, networks, strict=True)
        ]
        yield states_of(labels, ANY), outputs


def states_of(perception: Perception, thresholds: dict[str, float]) -> States:
    return overall_states(ClipView(perception, thresholds), CAMERAS)


def show(name: str, truth: States, best: States, judged: States) -> None:
    mixed = shuffled(truth)
    counts = [confusion_of(*pair) for pair in ((truth, best), (mixed, best), (truth, judged))]
    for place, camera in enumerate([*CAMERAS, "all"]):
        some = slice(place, place + 1) if camera != "all" else slice(None)
        found, chance, kept = (confusion[some].sum(axis=0)[NAMED] for confusion in counts)
        shown = ", ".join(str(count) for count in found.sum(axis=1))
        named = found[:, NAMED].sum() / found.sum()
        values = [recall(found[:, NAMED]), recall(chance[:, NAMED]), recall(found), recall(kept)]
        rest = " | ".join(f"{value:.3f}" for value in values)
        print(f"| {name} | {camera} | {shown} | {named:.0%} | {rest} |")


def recall(confusion: NDArray[np.int64]) -> float:
    """Mean over the three states, one per row."""
    total = confusion.sum(axis=1)
    right = confusion.diagonal() if confusion.shape[1] == 3 else confusion[:, NAMED].diagonal()
    return float((right / np.where(total, total, np.nan)).mean())


def shuffled(truth: States) -> States:
    """The labels in another order, among the frames of each camera in which a light is shown."""
    generator, mixed = np.random.default_rng(0), truth.copy()
    for row in mixed:
        row[row != NONE] = generator.permutation(row[row != NONE])
    return mixed


if __name__ == "__main__":
    main()
