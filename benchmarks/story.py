"""What hydra-1.1 broke, on fleets that nobody looked at while it was made: one story each time.

For every seed the demo is driven anew (44 drives on the test map, `examples/fleet.yaml`), hydra-1.1
is judged against hydra-1.0, and so is hydra-1.2: the recipe of 1.1 with the night left in. Counted
are the REGRESSED cells, how many of them are at night or only because of it, and the predictions
that 1.1 gives significantly better by day. If the night is what 1.1 lacks, 1.2 must not regress
there.

Lights: balanced accuracy over red, yellow and green by day, all seeds together, at the networks'
own thresholds (a light that is missed counts as wrong), and of what was named as one of the three.
With the labels shuffled among those frames it must fall to chance, a third.

Run as ``python -m benchmarks.story [--work DIR] [--seeds N ...]``. hydra-1.2 is trained in DIR (an
hour on two cores) and the homes are kept there; what is there already is not done again.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.annotations import Camera, Perception, at_times
from ingest.clips.read import open_clip
from ingest.console import Console
from ingest.lake import Lake
from ingest.listing import list_clips
from metrics.gate.spec import load_gate
from metrics.tasks.lights import NONE, SHOWN, STATES, confusion_of, overall_states
from metrics.tasks.views import View
from shadow.demo import demo
from shadow.export import outputs_of
from shadow.networks.registry import add_network, find_network
from shadow.networks.training.recipe import load_recipe
from shadow.networks.training.train import train
from shadow.report import find_run, run_document
from shadow.run import RunWish, shadow_run

RECIPE = Path(__file__).parent.parent / "examples/recipes/hydra-1.2.yaml"
SEEDS = (101, 102, 103, 104, 105)
OLD, NEW = "hydra-1.0", "hydra-1.1"
NIGHT, DAY = "light=night", "light=day"
CAMERAS = [camera.value for camera in (Camera.NARROW, Camera.MAIN, Camera.WIDE)]
NAMED = [STATES.index(state) for state in SHOWN]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--work", type=Path, help="keep the homes here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        work = options.work or Path(scratch)
        restored = train(load_recipe(RECIPE), work / "restored", Console(as_json=True)).manifest
        told = [tell(seed, work / f"seed-{seed}", Path(restored)) for seed in options.seeds]
    show_stories(told)
    show_lights({name: sum(story.lights[name] for story in told) for name in (OLD, NEW)})
    show_lights({"shuffled labels": sum(story.shuffled for story in told)})


@dataclass
class Story:
    """What one fleet says.

    Attributes:
        seed: The fleet's.
        new, restored: Run documents of hydra-1.1 and hydra-1.2, each against hydra-1.0.
        lights: By network, ``(cameras, 4, 4)`` frames by day, labels by outputs.
        shuffled: The same of hydra-1.1, the labels shuffled among the frames with a light.
    """

    seed: int
    new: dict[str, Any]
    restored: dict[str, Any]
    lights: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    shuffled: Any = 0


def tell(seed: int, home: Path, restored: Path) -> Story:
    """Drive, judge both, and count the lights."""
    print(f"seed {seed}", file=sys.stderr, flush=True)
    console = Console(as_json=True)
    new = demo(home, console, seed=seed).run
    lake = Lake.open(home)
    other = add_network(lake, restored).network
    run = shadow_run(lake, RunWish(OLD, other, None, load_gate()), console).run
    story = Story(seed, new, run_document(lake.snapshot(), run))
    truth, said = frames_by_day(lake, find_run(lake.snapshot(), new["run"]))
    story.lights = {name: confusion_of(truth, said[name]) for name in said}
    story.shuffled = confusion_of(shuffled(truth, seed), said[NEW])
    return story


def at_night(cell: dict[str, Any]) -> bool:
    return NIGHT in (cell["slice"], cell["because_of"])


def regressed(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in document["cells"] if cell["verdict"] == "REGRESSED"]


def show_stories(told: list[Story]) -> None:
    heads = (
        "seed",
        "1.1 is",
        "required cells lost",
        "cells lost",
        "at night or only because of it",
    )
    heads += ("better by day", "lost at night by 1.1", "by 1.2", "of them required")
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for story in told:
        lost, kept = regressed(story.new), regressed(story.restored)
        because = [cell for cell in lost if at_night(cell)]
        better = {c["prediction"] for c in story.new["cells"] if c["better"] and c["slice"] == DAY}
        nights = [[c for c in cells if c["slice"] == NIGHT] for cells in (lost, kept)]
        share = f"{len(because)} ({len(because) / max(len(lost), 1):.0%})"
        counts = [sum(c["required"] for c in lost), len(lost), share, f"{len(better)} predictions"]
        counts += [len(nights[0]), len(nights[1]), sum(c["required"] for c in nights[1])]
        columns = [story.seed, story.new["verdict"], *counts]
        print(f"| {' | '.join(map(str, columns))} |")


def show_lights(found: dict[str, NDArray[np.int64]]) -> None:
    heads = ("network", "camera", "frames with a light", "red, yellow, green")
    heads += ("balanced accuracy", "of those named")
    print(f"\n| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for name, confusions in found.items():
        for camera, counts in [*zip(CAMERAS, confusions, strict=True), ("all", confusions.sum(0))]:
            shown = counts[NAMED]
            recall = shown[:, NAMED].diagonal() / shown.sum(axis=1)
            named = shown[:, NAMED].diagonal() / shown[:, NAMED].sum(axis=1)
            each = ", ".join(str(count) for count in shown.sum(axis=1))
            values = f"{each} | {recall.mean():.3f} | {named.mean():.3f}"
            print(f"| {name} | {camera} | {shown.sum()} | {values} |")


def frames_by_day(
    lake: Lake, run: dict[str, Any]
) -> tuple[NDArray[np.int64], dict[str, NDArray[np.int64]]]:
    """Overall states ``(cameras, frames)`` of all labelled frames by day: labels, each network."""
    snapshot = lake.snapshot()
    thresholds = {n: find_network(snapshot, n).manifest.thresholds for n in (OLD, NEW)}
    truth: list[NDArray[np.int64]] = []
    said: dict[str, list[NDArray[np.int64]]] = {OLD: [], NEW: []}
    for clip in list_clips(snapshot, "light = 'day'").to_pylist():
        with open_clip(lake.path(clip["blob"])) as reader:
            labels = reader.labels()
        if labels is not None:
            truth.append(overall_states(View(labels), CAMERAS))
            for role, seen in outputs_of(snapshot, run, clip["clip_id"]).items():
                view = View(at_labels(seen, labels), thresholds[run[role]])
                said[run[role]].append(overall_states(view, CAMERAS))
    return np.concatenate(truth, axis=1), {n: np.concatenate(s, axis=1) for n, s in said.items()}


def at_labels(seen: Perception, labels: Perception) -> Perception:
    """What was said at the labelled instants, those at which nothing was said included."""
    rows = at_times(seen, labels.timestamps_ns).sparse
    return Perception(labels.timestamps_ns, rows, tasks=seen.tasks)


def shuffled(truth: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """The labels in another order, among the frames of each camera in which a light is shown."""
    generator, mixed = np.random.default_rng(seed), truth.copy()
    for row in mixed:
        row[row != NONE] = generator.permutation(row[row != NONE])
    return mixed


if __name__ == "__main__":
    main()
