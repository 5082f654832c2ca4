"""What hydra-1.1 broke, on fleets that nobody looked at while it was made: one story each time.

For every seed the demo is driven anew (44 drives on the test map, `examples/fleet.yaml`), hydra-1.1
is judged against hydra-1.0, and so is hydra-1.2: the recipe of 1.1 with the night left in. Counted
are the REGRESSED cells, how many of them are at night or only because of it, and the predictions
that 1.1 gives significantly better by day. If the night is what 1.1 lacks, 1.2 must not regress
there.

Run as ``python -m benchmarks.story [--work DIR] [--seeds N ...]``. hydra-1.2 is trained in DIR
(half an hour on two cores) and the homes are kept there; what is there already is not done again.
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
    parser.add_argument("--restored", type=int, default=len(SEEDS), help="on how many, 1.2 too")
    parser.add_argument("--work", type=Path, help="keep the homes here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        work = options.work or Path(scratch)
        restored = train(load_recipe(RECIPE), work / "restored", Console(as_json=True)).manifest
        told = [
            tell(seed, work / f"seed-{seed}", Path(restored) if n < options.restored else None)
            for n, seed in enumerate(options.seeds)
        ]
    show_stories(told)


@dataclass(frozen=True)
class Story:
    """What one fleet says.

    Attributes:
        seed: The fleet's.
        new: Run document of hydra-1.1 against hydra-1.0.
        restored: The same of hydra-1.2; None where it was not asked for.
    """

    seed: int
    new: dict[str, Any]
    restored: dict[str, Any] | None


def tell(seed: int, home: Path, restored: Path | None) -> Story:
    """Drive, and judge one candidate or both."""
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


def show_stories(told: list[Story]) -> None:
    heads = ("seed", "1.1 is", "required cells lost", "cells lost", "at night or because of it")
    heads += ("better by day", "lost at night by 1.1", "by 1.2", "of them required")
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for story in told:
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
