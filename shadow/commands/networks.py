"""Commands about networks: list, describe, register, check, train, deploy."""

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ridealong.errors import together
from ridealong.extras import require
from ridealong.terminal import readable
from ridealong.terminal.console import Console, HomeOption, JsonOption, WideOption, home_of
from ridealong.terminal.readable import counted
from ridealong.terminal.tables import Column
from shadow.commands.options import NETWORK_IDS, RUN_IDS, DeviceOption

app = typer.Typer(
    no_args_is_help=True, help="Register, check, export, quantize, train and deploy networks."
)


LOSSES_SHOWN = 5  # --json has all


class ExportFormat(StrEnum):
    """What networks can be exported as."""

    ONNX = "onnx"


NETWORK_COLUMNS = (
    Column("network", 0),
    Column("deployed", 1),
    Column("predictions", 2, right=True),
    Column("parameters", 3, right=True),
    Column("description", 4, fold=True),
)

LONGEST_GUESS = 120  # characters


@app.command("list")
def networks_list(
    wide: WideOption = False, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """List the registered networks and mark the deployed one.

    Example: ridealong networks list
    """
    from ridealong.lake import Lake
    from shadow.networks.registry import list_networks
    from shadow.releases.promotion import deployed

    console = Console(as_json, wide)
    snapshot = Lake.open(home_of(home)).snapshot()
    now = deployed(snapshot)
    rows = [
        {
            "network": entry.network,
            "deployed": now is not None and now.network == entry.network,
            "predictions": entry.predictions,
            "parameters": entry.parameters,
            "sha256": entry.network_sha256,
            "description": entry.description,
        }
        for entry in list_networks(snapshot)
    ]
    console.result(rows)
    console.rows(NETWORK_COLUMNS, rows)


@app.command("add")
def networks_add(
    manifest: Annotated[Path, typer.Argument(help="Manifest of the network (YAML).")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a network, and keep a copy of it in the lake.

    Example: ridealong networks add my-network/manifest.yaml
    """
    from ridealong.lake import Lake
    from shadow.networks.registry import add_network

    console = Console(as_json)
    entry = add_network(Lake.create(home_of(home)), manifest)
    console.result(
        {
            "network": entry.network,
            "sha256": entry.network_sha256,
            "predictions": entry.predictions,
        }
    )
    console.text(f"{entry.network} is registered: {counted(entry.predictions, 'prediction')}")


@app.command("init")
def networks_init(
    network: Annotated[
        str,
        typer.Argument(help="ONNX file, or entry point of an installed package."),
    ],
    out: Annotated[
        Path,
        typer.Option(help="Manifest to write (YAML). That of an ONNX file must be in its folder."),
    ],
    as_json: JsonOption = False,
) -> None:
    """Write a manifest for an ONNX file or an entry point.

    The entry point is one of the group ridealong.python. What can be guessed is written and marked
    as guessed. What cannot be guessed is marked with FILL_IN and listed.

    Example: ridealong networks init my.onnx --out my.yaml
    """
    from shadow.networks.drafting import flow, write_draft
    from shadow.networks.drafts import draft_of

    console = Console(as_json)
    draft = draft_of(network)
    write_draft(draft, out)
    console.result(
        {
            "manifest": str(out),
            "network": draft.network,
            "open": draft.left_open,
            "guessed": draft.guessed,
            **draft.found,
        }
    )
    for key, what in draft.left_open.items():
        console.paragraph(f"left to fill in: {key}: {what}")
    for key, value in draft.guessed.items():
        console.paragraph(f"guessed: {key}: {_short(flow(value))}")
    filled = "" if not draft.left_open else " once it is filled in"
    console.text(f"Next{filled}: ridealong networks add {out}")


def _short(text: str) -> str:
    """A value on one line; a list of many classes is cut."""
    return text if len(text) <= LONGEST_GUESS else f"{text[: LONGEST_GUESS - 1]}…"


@app.command("check")
def networks_check(
    network: Annotated[
        str,
        typer.Argument(
            help="Network, e.g. hydra-1.1, or a manifest (YAML).", autocompletion=NETWORK_IDS
        ),
    ],
    device: DeviceOption = "cpu",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check whether a network returns what replays need.

    It runs on a few made-up camera sets and on a clip of the lake, if there is one. Nothing is
    stored. If something is off, the exit code is 2.

    Example: ridealong networks check hydra-1.1
    """
    from shadow.checking import check_network

    console = Console(as_json)
    checked = check_network(home_of(home), network, device)
    found = checked.findings
    console.result(
        {
            "network": checked.network,
            "ok": not found.faults,
            "checks": [asdict(check) for check in found.checks],
            "milliseconds_per_set": found.milliseconds,
            "memory_mb": found.memory_mb,
        }
    )
    rows = [{**asdict(c), "result": "ok" if c.ok else "FAILED"} for c in found.checks]
    console.rows((Column("check", 0), Column("result", 1), Column("detail", 2, fold=True)), rows)
    console.text(f"{found.milliseconds:g} ms per camera set, {found.memory_mb} MB of memory")
    if found.faults:
        raise together(found.faults)


@app.command("export")
def networks_export(
    network: Annotated[
        str, typer.Argument(help="Network, e.g. hydra-1.1.", autocompletion=NETWORK_IDS)
    ],
    out: Annotated[Path, typer.Option(help="New folder for the network and its manifest.")],
    format: Annotated[ExportFormat, typer.Option(help="Format to write.")] = ExportFormat.ONNX,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a registered network as ONNX, with a manifest.

    Its outputs differ by rounding only. Because of this difference, the export counts as a network
    of its own.

    Example: ridealong networks export hydra-1.1 --format onnx --out exported
    """
    from ridealong.lake import Lake
    from shadow.networks.exporting import MANIFEST, export_network
    from shadow.networks.registry import find_network

    console = Console(as_json)
    lake = Lake.open(home_of(home))
    entry = find_network(lake.snapshot(), network)
    exported = export_network(entry.manifest, entry.artifact(lake), out)
    console.result(
        {
            "network": exported.id,
            "of": entry.network,
            "format": format.value,
            "artifact": str(out / str(exported.artifact)),
            "manifest": str(out / MANIFEST),
        }
    )
    console.text(f"{entry.network} is written to {out / str(exported.artifact)} as {exported.id}")
    console.text(f"Next: ridealong networks add {out / MANIFEST}")


@app.command("quantize")
def networks_quantize(
    network: Annotated[
        str, typer.Argument(help="Network, e.g. hydra-1.1.", autocompletion=NETWORK_IDS)
    ],
    clips: Annotated[
        str | None,
        typer.Option(
            help="Choose from these clips, e.g. \"road = 'highway'\".", show_default="all clips"
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Calibrate on at most this many clips.")] = 32,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random choice of drives.")] = 0,
    version: Annotated[
        str | None,
        typer.Option(help="Version of the result.", show_default="the network's, with .int8"),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Quantize a network to 8-bit integers, and register it.

    Some clips go through the network to find the range of its numbers. At most a quarter of the
    matching drives is drawn. These drives are left out of every verdict on the new network.

    Example: ridealong networks quantize hydra-1.1 --clips "road = 'highway'"
    """
    from ridealong.lake import Lake
    from shadow.quantizing import QuantizeRequest, quantize_network

    console = Console(as_json)
    request = QuantizeRequest(network, clips, limit, seed, version)
    report = quantize_network(Lake.open(home_of(home)), request, console)
    console.result(asdict(report))
    smaller = report.bytes / report.bytes_float
    console.text(
        f"{report.network} is registered: {readable.size(report.bytes)}, "
        f"{smaller:.0%} of {report.of} as ONNX"
    )
    console.paragraph(
        f"calibrated on {counted(len(report.clips), 'clip')} of "
        f"{counted(len(report.drives), 'drive')}, which no verdict on it uses"
    )
    columns = (Column("layers that lose most", 0), Column("loss", 1, right=True))
    shown = report.losses[:LOSSES_SHOWN]
    console.table(columns, [(each.layer, f"{each.loss:.1%}") for each in shown])
    console.paragraph(
        "loss: the RMS error that this layer alone adds, divided by the RMS of its output"
    )
    console.text(
        f"Next: ridealong shadow run --deployed {report.of} --candidate {report.network} "
        "--gate gate_parity.yaml"
    )


@app.command("train")
def networks_train(
    recipe: Annotated[Path, typer.Argument(help="Recipe (YAML): network, training data and fit.")],
    out: Annotated[
        Path, typer.Option(help="Folder to write drives, intermediate files and the network to.")
    ],
    device: DeviceOption = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Train a network on simulated drives.

    This writes the network and its model card. The recipe determines everything: the drives, the
    fit, and the choice of thresholds. After a kill, the same command continues.

    Example: ridealong networks train recipe.yaml --out training
    """
    require("training", "simulation", "networks")
    from shadow.networks.hydranet.training.recipe import load_recipe
    from shadow.networks.hydranet.training.train import train

    console = Console(as_json)
    report = train(load_recipe(recipe), out, console, device)
    console.result(asdict(report))
    console.text(
        f"{report.network}: {counted(report.sets, 'camera set')}, "
        f"{counted(report.epochs, 'epoch')}, {counted(report.predictions, 'prediction')}, "
        f"{counted(report.parameters, 'parameter')}"
        + ("" if report.fresh else " (was there already)")
    )
    console.text(f"Next: ridealong networks add {report.manifest}")


@app.command("promote")
def networks_promote(
    network: Annotated[
        str,
        typer.Argument(help="Network to deploy, e.g. hydra-1.1.", autocompletion=NETWORK_IDS),
    ],
    run: Annotated[
        str | None,
        typer.Option(
            help="Run with the verdict PASS against the deployed network: id, name or 'latest'.",
            autocompletion=RUN_IDS,
        ),
    ] = None,
    waiver: Annotated[
        str | None, typer.Option(help="Deploy without a PASS, for this reason. Needs --by.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Name of the person who signs the waiver.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Deploy a network that has a run with PASS, or a signed waiver.

    Example: ridealong networks promote hydra-1.1 --run latest
    """
    from ridealong.lake import Lake
    from shadow.releases.promotion import promote
    from shadow.runs import find_run

    console = Console(as_json)
    lake = Lake.open(home_of(home))
    run_id = find_run(lake.snapshot(), run)["run_id"] if run else None
    release = promote(lake, network, run_id=run_id, waiver_reason=waiver, waiver_by=by)
    console.result(asdict(release))
    console.text(f"release {release.release}: {release.network} is deployed")
