"""The command that runs everything once."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ridealong.extras import require
from ridealong.terminal import readable
from ridealong.terminal.console import Console, HomeOption, JsonOption, home_of
from ridealong.terminal.readable import counted
from shadow.commands.options import DeviceOption
from shadow.commands.report import print_report

app = typer.Typer()
REPORT_WIDE = "ridealong shadow report --wide"


@app.command()
def demo(
    fleet: Annotated[
        Path | None,
        typer.Option(help="YAML file of the fleet.", show_default="examples/fleet.yaml"),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Use this seed. Another seed gives another fleet.",
            show_default="the file's",
        ),
    ] = None,
    device: DeviceOption = "cpu",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Simulate a fleet, cut clips, and compare two networks.

    A second run does only what is missing. Look at the result with `ridealong dashboard`.

    Example: ridealong demo --home demo-home
    """
    require("the demo", "simulation", "video", "networks")
    from shadow.demo import FLEET
    from shadow.demo import demo as run

    console = Console(as_json, wide_hint=REPORT_WIDE)
    report = run(home_of(home), console, device, fleet or FLEET, seed)
    ingests = {name: asdict(each) for name, each in report.ingests.items()}
    console.result(
        {
            "fleet": asdict(report.fleet),
            "ingest": ingests,
            "seconds": report.seconds,
            **report.run,
        }
    )
    for name, each in ingests.items():
        parts = [
            counted(each[kind], kind.removesuffix("s")) for kind in ("rows", "events", "clips")
        ]
        what = ", ".join(parts)
        console.text(f"{name}: {what if each['commit'] else 'nothing new'}")
    print_report(console, report.run)
    console.text(f"\nTook {readable.duration(report.seconds)}.")
    console.text(f"Next: ridealong dashboard --home {home_of(home)}")
