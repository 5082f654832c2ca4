"""The command that simulates a fleet."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ridealong.extras import require
from ridealong.terminal import readable
from ridealong.terminal.console import Console, JsonOption
from ridealong.terminal.readable import counted

app = typer.Typer()


@app.command()
def simulate(
    fleet: Annotated[Path, typer.Argument(help="The fleet's YAML file.", metavar="FLEET.yaml")],
    out: Annotated[
        Path,
        typer.Option(
            "--out", help="Folder to write the drives to. An earlier run there continues."
        ),
    ],
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=2**31 - 1, help="Use this seed.", show_default="the file's"),
    ] = None,
    processes: Annotated[
        int, typer.Option(min=1, help="Number of traffic simulations at the same time.")
    ] = 2,
    as_json: JsonOption = False,
) -> None:
    """Simulate a fleet and write its drives to a folder.

    SUMO simulates the traffic. `ridealong ingest` renders the camera images later, and only for
    clips. The same file and seed give the same bytes. After a kill, the same command continues. If
    a drive fails, the command reports it and exits with 2; the next run tries it again.

    Example: ridealong simulate examples/fleet.yaml --out fleet && ridealong ingest fleet
    """
    require("simulating", "simulation")
    from ingest.simulation.fleet import FleetSpec
    from ingest.simulation.simulate import simulate as run
    from ridealong.specs import load_spec

    console = Console(as_json)
    report = run(load_spec(fleet, FleetSpec), out, console, seed, processes)
    console.result(asdict(report))
    console.text(
        f"{counted(report.simulated, 'drive')} simulated, "
        f"{report.already_there:,} already there, {report.failed:,} failed: "
        f"{counted(report.vehicle_steps, 'vehicle step')} in {readable.duration(report.seconds)}"
    )
    for failure in report.failures:
        console.note(f"failed: {failure}")
    if report.failures:
        raise typer.Exit(2)
