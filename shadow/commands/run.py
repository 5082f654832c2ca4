"""The command that compares two networks."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ridealong.terminal import readable
from ridealong.terminal.console import Console, HomeOption, JsonOption, WhereOption, home_of
from ridealong.terminal.readable import counted
from shadow.commands.options import NETWORK_IDS, DeviceOption

if TYPE_CHECKING:
    from shadow.run import RunReport

app = typer.Typer()
UNSCORED_SHOWN = 5


@app.command("run", short_help="Replay clips through two networks and judge the candidate.")
def shadow_run(
    candidate: Annotated[
        str,
        typer.Option(help="Network to judge, e.g. hydra-1.1.", autocompletion=NETWORK_IDS),
    ],
    deployed: Annotated[
        str | None,
        typer.Option(
            help="Network to compare it with.",
            autocompletion=NETWORK_IDS,
            show_default="the deployed one",
        ),
    ] = None,
    where: WhereOption = None,
    gate: Annotated[
        Path | None,
        typer.Option(
            help="YAML file of the gate, or gate_parity.yaml, which is included.",
            show_default="the included gate",
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            help="Also compare the candidate with this earlier release: its number or network.",
            autocompletion=NETWORK_IDS,
        ),
    ] = None,
    device: DeviceOption = "cpu",
    beam_args: Annotated[
        list[str] | None, typer.Argument(metavar="-- BEAM OPTIONS", help="Options for Apache Beam.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replay clips through two networks, score every prediction, and judge the candidate.

    This commits a run and prints its verdict. Stored scores are reused. After a kill, the same
    command continues. A clip that cannot be replayed is left out and reported, and a check that
    lacks a clip does not pass. The exit code is 0 for every verdict; `ridealong shadow report`
    exits with 1 unless the verdict is PASS.

    Example: ridealong shadow run --deployed hydra-1.0 --candidate hydra-1.1
    """
    from metrics.gate.names import FLEET
    from metrics.gate.spec import load_gate
    from ridealong.lake import Lake
    from shadow.releases.promotion import deployed_id
    from shadow.run import RunRequest
    from shadow.run import shadow_run as run

    console = Console(as_json)
    lake = Lake.open(home_of(home))
    against = deployed or deployed_id(lake.snapshot())
    request = RunRequest(against, candidate, where, load_gate(gate, FLEET), device, baseline)
    report = run(lake, request, console, beam_args or [])
    console.result(asdict(report))
    _print_run(report, console)


def _print_run(report: "RunReport", console: Console) -> None:
    from shadow.calibration import calibration_sentence
    from shadow.sharing import not_shared_sentence

    console.text(f"run {report.run}: {report.candidate} against {report.deployed}")
    rescored = f"{report.clips_rescored:,} scored again, " if report.clips_rescored else ""
    console.text(
        f"{counted(report.clips, 'clip')} ({report.clips_replayed:,} replayed, {rescored}"
        f"{counted(report.frames, 'frame')}) in {readable.duration(report.seconds)}"
    )
    if report.clips_left_out:
        left_out = len(report.clips_left_out)
        console.text(
            f"{counted(left_out, 'more clip')} {'was' if left_out == 1 else 'were'} left out"
        )
    if sentence := calibration_sentence(report.clips_of_calibration):
        console.text(sentence)
    took = report.latency
    console.text(
        f"one set of camera frames takes {readable.duration(took.deployed_ms / 1e3)} deployed, "
        f"{readable.duration(took.candidate_ms / 1e3)} candidate"
    )
    for why in report.unscored[:UNSCORED_SHOWN]:
        console.text(f"not scored against {why}")
    if len(report.unscored) > UNSCORED_SHOWN:
        console.text(f"and {len(report.unscored) - UNSCORED_SHOWN} more such (--json lists all)")
    if sentence := not_shared_sentence(asdict(report)):
        console.text(sentence)
    if report.baseline is not None:
        worse = counted(report.worse_than_baseline or 0, "check")
        console.text(f"worse than the baseline {report.baseline}: {worse}")
    console.text(f"{report.verdict}: {report.reason}")
