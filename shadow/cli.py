"""Commands about networks: registry, shadow runs, label export, the demo, the JSON Schemas."""

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ingest.console import Console, HomeOption, JsonOption, WhereOption, home_of
from shadow.runs_cli import RunArgument, runs_app

app = typer.Typer(no_args_is_help=True)
networks_app = typer.Typer(no_args_is_help=True, help="Networks: register, list, promote.")
shadow_app = typer.Typer(no_args_is_help=True, help="Run two networks on the same clips.")
labels_app = typer.Typer(no_args_is_help=True, help="Hand clips to the people who label.")
app.add_typer(networks_app, name="networks")
app.add_typer(shadow_app, name="shadow")
shadow_app.add_typer(runs_app, name="runs")
app.add_typer(labels_app, name="labels")

DeviceOption = Annotated[str, typer.Option(help="Where networks run, as torch names it.")]


UNSCORED_SHOWN = 5


@app.command()
def demo(
    fleet: Annotated[
        Path | None, typer.Option(help="Fleet spec (YAML). [default: examples/fleet.yaml]")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Another fleet of the same spec. [default: its own]")
    ] = None,
    device: DeviceOption = "cpu",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Drive the whole road once: a fleet drives, clips are cut, two networks compared, a verdict.

    A second run notices what is done. Then look at it: ridealong dashboard
    """
    from shadow.demo import FLEET
    from shadow.demo import demo as run

    console = Console(as_json)
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
        what = f"{each['rows']} rows, {each['events']} events, {each['clips']} clips"
        console.text(f"{name}: {what if each['commit'] else 'nothing new'}")
    _print_report(console, report.run)
    console.text(f"\n{report.seconds} s. Next: ridealong dashboard --home {home_of(home)}")


@networks_app.command("list")
def networks_list(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the registered networks; the deployed one is marked."""
    from ingest.lake import Lake
    from shadow.networks.registry import list_networks
    from shadow.releases.promotion import deployed

    console = Console(as_json)
    snapshot = Lake.open(home_of(home)).snapshot()
    now = deployed(snapshot)
    rows = [
        {
            "network": entry.network,
            "deployed": now is not None and now.network == entry.network,
            "predictions": len(entry.manifest.predictions),
            "parameters": entry.parameters,
            "sha256": entry.network_sha256,
            "description": entry.manifest.description,
        }
        for entry in list_networks(snapshot)
    ]
    console.result(rows)
    shown = ["network", "deployed", "predictions", "parameters", "description"]
    console.table(shown, [[row[name] for name in shown] for row in rows])


@networks_app.command("add")
def networks_add(
    manifest: Annotated[Path, typer.Argument(help="The network's manifest (YAML).")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register a network: check its manifest and weights, and keep a copy in the lake.

    Example: ridealong networks add my-network/manifest.yaml
    """
    from ingest.lake import Lake
    from shadow.networks.registry import add_network

    console = Console(as_json)
    entry = add_network(Lake.create(home_of(home)), manifest)
    console.result(
        {
            "network": entry.network,
            "sha256": entry.network_sha256,
            "predictions": len(entry.manifest.predictions),
        }
    )
    console.text(f"{entry.network}: {len(entry.manifest.predictions)} predictions")


@networks_app.command("train")
def networks_train(
    recipe: Annotated[Path, typer.Argument(help="What to train, on what, and how (YAML).")],
    out: Annotated[Path, typer.Option(help="Folder for the drives, the work, and the network.")],
    device: DeviceOption = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Train a network from a recipe: simulate, draw and label, fit, calibrate, write a card.

    After a kill the same command goes on where it stopped.

    Example: ridealong networks train recipe.yaml --out training
    """
    from shadow.networks.training.recipe import load_recipe
    from shadow.networks.training.train import train

    console = Console(as_json)
    report = train(load_recipe(recipe), out, console, device)
    console.result(asdict(report))
    console.text(
        f"{report.network}: {report.sets} camera sets, {report.epochs} epochs, "
        f"{report.predictions} predictions, {report.parameters} parameters"
        + ("" if report.fresh else " (was there already)")
    )
    console.text(f"Next: ridealong networks add {report.manifest}")


@networks_app.command("promote")
def networks_promote(
    network: Annotated[str, typer.Argument(help="The network to deploy, e.g. hydra-1.1.")],
    run: Annotated[
        str | None, typer.Option(help="A run that PASSed against what is deployed, or 'latest'.")
    ] = None,
    waiver: Annotated[
        str | None, typer.Option(help="Why it is deployed without a PASS; needs --by.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who signs the waiver.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Deploy a network: with a run that passed the gate, or with a signed waiver.

    Example: ridealong networks promote hydra-1.1 --run latest
    """
    from ingest.lake import Lake
    from shadow.releases.promotion import promote
    from shadow.runs import find_run

    console = Console(as_json)
    lake = Lake.open(home_of(home))
    run_id = find_run(lake.snapshot(), run)["run_id"] if run else None
    release = promote(lake, network, run_id=run_id, waiver_reason=waiver, waiver_by=by)
    console.result(asdict(release))
    console.text(f"release {release.release}: {release.network} is deployed")


@shadow_app.command("run")
def shadow_run(
    candidate: Annotated[str, typer.Option(help="The network that wants to be deployed.")],
    deployed: Annotated[
        str | None,
        typer.Option(help="The network it is compared with. [default: the deployed one]"),
    ] = None,
    where: WhereOption = None,
    gate: Annotated[
        Path | None, typer.Option(help="Gate spec (YAML). [default: the one that ships]")
    ] = None,
    device: DeviceOption = "cpu",
    beam_args: Annotated[
        list[str] | None, typer.Argument(metavar="[-- BEAM OPTIONS]", help="Passed to Beam.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replay clips through both networks, score every prediction, and judge the candidate.

    What was replayed before is not replayed again; after a kill, the same command goes on where
    it was. A clip that cannot be replayed is left out and named, and no cell passes without its
    clips. Exits with 0 whatever the verdict is; `ridealong shadow report` exits by it.

    Example: ridealong shadow run --deployed hydra-1.0 --candidate hydra-1.1
    """
    from ingest.lake import Lake
    from metrics.gate.spec import load_gate
    from shadow.releases.promotion import deployed_id
    from shadow.run import RunWish
    from shadow.run import shadow_run as run

    console = Console(as_json)
    lake = Lake.open(home_of(home))
    against = deployed or deployed_id(lake.snapshot())
    wish = RunWish(against, candidate, where, load_gate(gate), device)
    report = run(lake, wish, console, beam_args or [])
    console.result(asdict(report))
    console.text(f"run {report.run}: {report.candidate} against {report.deployed}")
    console.text(
        f"{report.clips} clips ({report.clips_replayed} replayed, {report.frames} frames) "
        f"in {report.seconds} s"
    )
    if report.clips_left_out:
        console.text(f"{len(report.clips_left_out)} more clips were left out")
    took = report.latency
    console.text(
        f"a camera set takes {took.deployed_ms} ms deployed, {took.candidate_ms} ms candidate"
    )
    for why in report.unscored[:UNSCORED_SHOWN]:
        console.text(f"not scored against {why}")
    if len(report.unscored) > UNSCORED_SHOWN:
        console.text(f"and {len(report.unscored) - UNSCORED_SHOWN} more such (--json tells all)")
    console.text(f"{report.verdict}: {report.reason}")


@shadow_app.command("report")
def shadow_report(
    run: RunArgument = "latest",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a run's verdict. Exits with 0 on PASS, 1 on REGRESSED or INCONCLUSIVE.

    Example: ridealong shadow report latest
    """
    from ingest.lake import Lake
    from shadow.report import run_document

    console = Console(as_json)
    document = run_document(Lake.open(home_of(home)).snapshot(), run)
    console.result(document)
    _print_report(console, document)
    if document["verdict"] != "PASS":
        raise typer.Exit(1)


def _print_report(console: Console, document: dict[str, Any]) -> None:
    from shadow.report import cause_sentence, cells_that_matter, cells_without_data

    console.text(f"run {document['run']}: {document['candidate']} against {document['deployed']}")
    names = ["prediction", "metric", "slice", "deployed", "candidate", "delta", "low", "high"]
    names += ["clusters", "required", "verdict"]
    cells = cells_that_matter(document["cells"])
    console.table(names, [[cell[name] for name in names] for cell in cells])
    left = sum(cell["delta"] is not None for cell in document["cells"]) - len(cells)
    if left:
        console.text(f"and {left} more cells: --json, or the dashboard")
    missing = cells_without_data(document["cells"])
    if missing:
        more = f", and {len(missing) - 3} more" if len(missing) > 3 else ""
        console.text(f"required, but without data: {', '.join(missing[:3])}{more}")
    cause = cause_sentence(document["summary"])
    console.text(f"\n{cause}" if cause else "")
    console.text(f"{document['verdict']}: {document['reason']}")


class ExportFormat(StrEnum):
    """Formats that clips are handed over in."""

    COCO = "coco"
    MCAP = "mcap"


@labels_app.command("export")
def labels_export(
    out: Annotated[Path, typer.Option(help="Folder to write; must be new or an earlier export.")],
    run: Annotated[str, typer.Option(help="Run whose clips and outputs to export.")] = "latest",
    kind: Annotated[
        ExportFormat, typer.Option("--format", help="File format.")
    ] = ExportFormat.COCO,
    where: WhereOption = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many clips: those that cost most.")
    ] = None,
    prediction: Annotated[
        str | None, typer.Option(help="Order by this prediction's loss, e.g. objects/car@main.")
    ] = None,
    metric: Annotated[str | None, typer.Option(help="Order by this metric's loss.")] = None,
    where_lost: Annotated[
        str | None, typer.Option("--slice", help="Order by the loss there, e.g. light=night.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Export the clips behind a run's regressions, the costliest first, for labeling.

    With the labels known, what both networks said, and each clip's share of the loss. Where no
    cell regressed, all clips of the run come in the order of `clips list`.

    COCO: images, annotations.json, and deployed.json and candidate.json as results for loadRes.
    MCAP: the clips, with both networks' outputs as topics of their own, and clips.json.

    Example: ridealong labels export --run latest --limit 50 --out labels
    """
    from ingest.lake import Lake
    from shadow.export import ExportWish, export_run
    from shadow.losses import CellNames

    console = Console(as_json)
    wish = ExportWish(run, where, limit, out, CellNames(prediction, metric, where_lost))
    report = export_run(Lake.open(home_of(home)), wish, kind.value, console)
    console.result(report)
    told = {key: value for key, value in report.items() if key not in ("order", "reason", "shares")}
    console.text(", ".join(f"{key}: {value}" for key, value in told.items()))
    console.text(f"in the order of the {report['order']}: {report['reason']}")


class SchemaName(StrEnum):
    """Specs whose JSON Schema can be printed."""

    TRIGGER = "trigger"
    FLEET = "fleet"
    NETWORK = "network"
    GATE = "gate"
    RECIPE = "recipe"


@app.command()
def schema(
    name: Annotated[SchemaName, typer.Argument(help="Which spec.")],
    as_json: JsonOption = False,
) -> None:
    """Print the JSON Schema of a YAML spec, for editors that check while you type.

    Example: ridealong schema trigger > trigger.schema.json
    """
    from ingest.simulation.fleet import FleetSpec
    from ingest.specs import Spec
    from ingest.triggers.spec import TriggerSpec
    from metrics.gate.spec import GateSpec
    from shadow.networks.manifest import NetworkManifest
    from shadow.networks.training.recipe import Recipe

    specs: dict[SchemaName, type[Spec]] = {
        SchemaName.TRIGGER: TriggerSpec,
        SchemaName.FLEET: FleetSpec,
        SchemaName.NETWORK: NetworkManifest,
        SchemaName.GATE: GateSpec,
        SchemaName.RECIPE: Recipe,
    }
    document = specs[name].model_json_schema()
    console = Console(as_json)
    console.result(document)
    console.text(json.dumps(document, indent=2))
