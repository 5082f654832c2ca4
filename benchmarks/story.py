"""What hydra-1.1 broke, on fleets that were not used to make it: the finding must be the same.

For every seed the demo's fleet is simulated again (44 drives on the test map,
`examples/fleet.yaml`). hydra-1.1 is judged against hydra-1.0. So is hydra-1.2, which has the recipe
of 1.1, but with the night left in. The table has the number of REGRESSED cells, how many of them
are at night or only because of it, and the predictions that are significantly better by day in 1.1.
If only the night is missing in 1.1, then 1.2 must not regress there.

Run as ``python -m benchmarks.story [--work DIR] [--seeds N ...]``. hydra-1.2 is trained in DIR
(half an hour on two cores), and the homes are kept there. Finished steps are not repeated.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metrics.gate.cells import Verdict
from metrics.gate.spec import load_gate
from ridealong.lake import Lake
from ridealong.terminal.console import Console
from shadow.demo import demo
from shadow.networks.hydranet.training.recipe import load_recipe
from shadow.networks.hydranet.training.train import train
from shadow.networks.registry import add_network
from shadow.report import run_document
from shadow.run import RunRequest, shadow_run

RECIPE = Path(__file__).parent.parent / "examples/recipes/hydra-1.2.yaml"
SEEDS = (101, 102, 103, 104, 105)
OLD, NEW = "hydra-1.0", "hydra-1.1"
NIGHT, DAY = "light=night", "light=day"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--restored", type=int, default=len(SEEDS), help="on how many also 1.2")
    parser.add_argument("--work", type=Path, help="keep the homes here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        work = options.work or Path(scratch)
        restored = train(load_recipe(RECIPE), work / "restored", Console(as_json=True)).manifest
        stories = [
            story_of(seed, work / f"seed-{seed}", Path(restored) if n < options.restored else None)
            for n, seed in enumerate(options.seeds)
        ]
    show_stories(stories)


@dataclass(frozen=True)
class Story:
    """The results on one fleet.

    Attributes:
        seed: The seed of the fleet.
        new: Run document of hydra-1.1 against hydra-1.0.
        restored: The same for hydra-1.2; None if it was not requested.
    """

    seed: int
    new: dict[str, Any]
    restored: dict[str, Any] | None


def story_of(seed: int, home: Path, restored: Path | None) -> Story:
    """Simulate the fleet, and judge one candidate or both."""
    print(f"seed {seed}", file=sys.stderr, flush=True)
    console = Console(as_json=True)
    new = demo(home, console, seed=seed).run
    if restored is None:
        return Story(seed, new, None)
    lake = Lake.open(home)
    other = add_network(lake, restored).network
    run = shadow_run(lake, RunRequest(OLD, other, None, load_gate()), console).run
    return Story(seed, new, run_document(lake.snapshot(), run))


def at_night(cell: dict[str, Any]) -> bool:
    return NIGHT in (cell["slice"], cell["because_of"])


def regressed(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in document["cells"] if cell["verdict"] == Verdict.REGRESSED]


def show_stories(stories: list[Story]) -> None:
    heads = ("seed", "1.1 is", "required cells lost", "cells lost", "at night or because of it")
    heads += ("better by day", "lost at night by 1.1", "by 1.2", "of them required")
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for story in stories:
        lost = regressed(story.new)
        because = [cell for cell in lost if at_night(cell)]
        better = {c["prediction"] for c in story.new["cells"] if c["better"] and c["slice"] == DAY}
        share = f"{len(because)} ({len(because) / max(len(lost), 1):.0%})"
        counts = [sum(c["required"] for c in lost), len(lost), share, f"{len(better)} predictions"]
        columns = [story.seed, story.new["verdict"], *counts, len(by_night(lost))]
        print(f"| {' | '.join(map(str, [*columns, *restored_columns(story)]))} |")


def by_night(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [cell for cell in cells if cell["slice"] == NIGHT]


def restored_columns(story: Story) -> list[object]:
    if story.restored is None:
        return ["not run", "not run"]
    kept = by_night(regressed(story.restored))
    return [len(kept), sum(cell["required"] for cell in kept)]


if __name__ == "__main__":
    main()
