"""Commands about networks: registry, shadow runs, label export, the demo, the JSON Schemas."""

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ridealong.terminal import readable
from ridealong.terminal.completion import completing
from ridealong.terminal.console import (
    Console,
    HomeOption,
    JsonOption,
    WhereOption,
    WideOption,
    home_of,
)
from ridealong.terminal.readable import counted, listed
from ridealong.terminal.tables import Column, Section
from shadow.runs_cli import RUN_IDS, RunArgument, runs_app

if TYPE_CHECKING:
    from shadow.run import RunReport

app = typer.Typer(no_args_is_help=True)
networks_app = typer.Typer(no_args_is_help=True, help="Networks: register, train, list, deploy.")
shadow_app = typer.Typer(no_args_is_help=True, help="Run two networks on the same clips.")
labels_app = typer.Typer(no_args_is_help=True, help="Export clips for labelling.")
app.add_typer(networks_app, name="networks")
app.add_typer(shadow_app, name="shadow")
shadow_app.add_typer(runs_app, name="runs")
app.add_typer(labels_app, name="labels")

DeviceOption = Annotated[
    str, typer.Option(help="Where networks run, as torch names it: cpu, cuda, cuda:1.")
]
NETWORK_IDS = completing("networks", "network")
REPORT_WIDE = "ridealong shadow report --wide"

UNSCORED_SHOWN = 5


@app.command()
def demo(
    fleet: Annotated[
        Path | None,
        typer.Option(help="The fleet's YAML file.", show_default="examples/fleet.yaml"),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Use this seed; another seed gives another fleet.",
            show_default="the file's",
        ),
    ] = None,
    device: DeviceOption = "cpu",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run everything once, on a simulated fleet, up to a verdict.

    A fleet drives, clips are cut, two networks are compared. A second run does only what is not
    done yet. Look at it with `ridealong dashboard`.

    Example: ridealong demo --home demo-home
    """
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
    _print_report(console, report.run)
    console.text(f"\nTook {readable.duration(report.seconds)}.")
    console.text(f"Next: ridealong dashboard --home {home_of(home)}")


NETWORK_COLUMNS = (
    Column("network", 0),
    Column("deployed", 1),
    Column("predictions", 2, right=True),
    Column("parameters", 3, right=True),
    Column("description", 4, fold=True),
)


@networks_app.command("list")
def networks_list(
    wide: WideOption = False, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """List the registered networks, and say which one is deployed.

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
            "predictions": len(entry.manifest.predictions),
            "parameters": entry.parameters,
            "sha256": entry.network_sha256,
            "description": entry.manifest.description,
        }
        for entry in list_networks(snapshot)
    ]
    console.result(rows)
    console.rows(NETWORK_COLUMNS, rows)


@networks_app.command("add")
def networks_add(
    manifest: Annotated[Path, typer.Argument(help="The network's manifest (YAML).")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register a network: check it, and keep a copy in the lake.

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
            "predictions": len(entry.manifest.predictions),
        }
    )
    console.text(
        f"{entry.network} is registered: {counted(len(entry.manifest.predictions), 'prediction')}"
    )


@networks_app.command("train")
def networks_train(
    recipe: Annotated[
        Path, typer.Argument(help="The recipe (YAML): network, training data and fit.")
    ],
    out: Annotated[
        Path, typer.Option(help="Folder for the drives, intermediate files, and the network.")
    ],
    device: DeviceOption = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Train a network from a recipe, on simulated drives.

    Drives are simulated, drawn and labelled; the network is fitted and calibrated, and a model card
    is written. After a kill the same command continues where it stopped.

    Example: ridealong networks train recipe.yaml --out training
    """
    from shadow.networks.training.recipe import load_recipe
    from shadow.networks.training.train import train

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


@networks_app.command("promote")
def networks_promote(
    network: Annotated[
        str,
        typer.Argument(help="The network to deploy, e.g. hydra-1.1.", autocompletion=NETWORK_IDS),
    ],
    run: Annotated[
        str | None,
        typer.Option(
            help="A run with the verdict PASS against the deployed network: id, name or 'latest'.",
            autocompletion=RUN_IDS,
        ),
    ] = None,
    waiver: Annotated[
        str | None, typer.Option(help="Deploy without a PASS, for this reason; needs --by.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who signs the waiver.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Deploy a network that passed the gate, or with a signed waiver.

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


@shadow_app.command("run", short_help="Replay clips through two networks and judge the candidate.")
def shadow_run(
    candidate: Annotated[
        str,
        typer.Option(help="The network to judge.", autocompletion=NETWORK_IDS),
    ],
    deployed: Annotated[
        str | None,
        typer.Option(
            help="The network to compare it with.",
            autocompletion=NETWORK_IDS,
            show_default="the deployed one",
        ),
    ] = None,
    where: WhereOption = None,
    gate: Annotated[
        Path | None,
        typer.Option(help="The gate's YAML file.", show_default="the shipped gate"),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            help="Also compare the candidate with this frozen release: its number, or a network.",
            autocompletion=NETWORK_IDS,
        ),
    ] = None,
    device: DeviceOption = "cpu",
    beam_args: Annotated[
        list[str] | None, typer.Argument(metavar="-- BEAM OPTIONS", help="Passed to Beam.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replay clips through both networks, score every prediction, and judge the candidate.

    Clips that were replayed before are not replayed again; after a kill, the same command continues
    where it stopped. A clip that cannot be replayed is left out and named, and a cell that lacks
    one does not pass. Exits with 0 for every verdict; `ridealong shadow report` exits with 1
    unless the verdict is PASS.

    Example: ridealong shadow run --deployed hydra-1.0 --candidate hydra-1.1
    """
    from metrics.gate.spec import load_gate
    from ridealong.lake import Lake
    from shadow.releases.promotion import deployed_id
    from shadow.run import RunRequest
    from shadow.run import shadow_run as run

    console = Console(as_json)
    lake = Lake.open(home_of(home))
    against = deployed or deployed_id(lake.snapshot())
    request = RunRequest(against, candidate, where, load_gate(gate), device, baseline)
    report = run(lake, request, console, beam_args or [])
    console.result(asdict(report))
    _tell(report, console)


def _tell(report: "RunReport", console: Console) -> None:
    console.text(f"run {report.run}: {report.candidate} against {report.deployed}")
    rescored = f"{report.clips_rescored:,} scored anew, " if report.clips_rescored else ""
    console.text(
        f"{counted(report.clips, 'clip')} ({report.clips_replayed:,} replayed, {rescored}"
        f"{counted(report.frames, 'frame')}) in {readable.duration(report.seconds)}"
    )
    if report.clips_left_out:
        left_out = len(report.clips_left_out)
        console.text(
            f"{counted(left_out, 'more clip')} {'was' if left_out == 1 else 'were'} left out"
        )
    took = report.latency
    console.text(
        f"one set of camera frames takes {readable.duration(took.deployed_ms / 1e3)} deployed, "
        f"{readable.duration(took.candidate_ms / 1e3)} candidate"
    )
    for why in report.unscored[:UNSCORED_SHOWN]:
        console.text(f"not scored against {why}")
    if len(report.unscored) > UNSCORED_SHOWN:
        console.text(f"and {len(report.unscored) - UNSCORED_SHOWN} more such (--json lists all)")
    if report.baseline is not None:
        worse = counted(report.worse_than_baseline or 0, "cell")
        console.text(f"worse than the baseline {report.baseline}: {worse}")
    console.text(f"{report.verdict}: {report.reason}")


@shadow_app.command("report")
def shadow_report(
    run: RunArgument = "latest",
    wide: WideOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a run's verdict and the cells behind it.

    Exits with 0 on PASS, 1 on REGRESSED or INCONCLUSIVE. Required predictions come first, then the
    clearest changes among the others. Numbers have the digits that their interval supports; --json
    has them all.

    Example: ridealong shadow report latest
    """
    from ridealong.lake import Lake
    from shadow.report import run_document

    console = Console(as_json, wide)
    document = run_document(Lake.open(home_of(home)).snapshot(), run)
    console.result(document)
    _print_report(console, document)
    if document["verdict"] != "PASS":
        raise typer.Exit(1)


CELL_COLUMNS = (
    Column("prediction", 0),
    Column("metric", 1),
    Column("slice", 0),
    Column("deployed", 5, right=True),
    Column("candidate", 4, right=True),
    Column("delta", 2, right=True),
    Column("interval", 3, right=True),
    Column("drives", 6, right=True),
    Column("verdict", 0),
)


def _print_report(console: Console, document: dict[str, Any]) -> None:
    from shadow.report import (
        baseline_sentence,
        cause_sentence,
        cell_texts,
        cells_that_matter,
        cells_without_data,
        direction_sentence,
    )

    if console.as_json:
        return
    name = f" ({document['name']})" if document["name"] else ""
    console.paragraph(
        f"run {document['run']}{name}: {document['candidate']} against {document['deployed']}"
    )
    if document["note"]:
        console.paragraph(f"note: {document['note']}")
    cells = cells_that_matter(document["cells"])
    sections = [
        Section([cell_texts(cell) for cell in cells if cell["required"] is required], title)
        for required, title in ((True, "required:"), (False, "watched:"))
    ]
    console.sections(CELL_COLUMNS, sections)
    left = sum(cell["delta"] is not None for cell in document["cells"]) - len(cells)
    if left:
        console.paragraph(f"and {counted(left, 'more cell')}: --json, or the dashboard")
    missing = cells_without_data(document["cells"])
    if missing:
        console.paragraph(f"required, but without data: {listed(missing, 3)}")
    console.paragraph(direction_sentence(cells))
    console.text()
    for sentence in (cause_sentence(document["summary"]), baseline_sentence(document)):
        if sentence:
            console.paragraph(sentence)
    console.paragraph(f"{document['verdict']}: {document['reason']}")


class ExportFormat(StrEnum):
    """Formats that clips are handed over in."""

    COCO = "coco"
    MCAP = "mcap"


@labels_app.command(
    "export", short_help="Export the clips behind a run's regressions, for labelling."
)
def labels_export(
    out: Annotated[Path, typer.Option(help="Folder to write; must be new or an earlier export.")],
    run: Annotated[
        str,
        typer.Option(help="Run whose clips and outputs to export.", autocompletion=RUN_IDS),
    ] = "latest",
    kind: Annotated[
        ExportFormat, typer.Option("--format", help="File format.")
    ] = ExportFormat.COCO,
    where: WhereOption = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1, help="At most this many clips: those with the largest share of the loss."
        ),
    ] = None,
    prediction: Annotated[
        str | None, typer.Option(help="Order by this prediction's loss, e.g. objects/car@main.")
    ] = None,
    metric: Annotated[str | None, typer.Option(help="Order by this metric's loss.")] = None,
    where_lost: Annotated[
        str | None, typer.Option("--slice", help="Order by the loss there, e.g. light=night.")
    ] = None,
    frames: Annotated[
        str,
        typer.Option(help="Which frames of a clip: every:N, labelled, or loss. COCO only."),
    ] = "every:1",
    cameras: Annotated[
        str | None,
        typer.Option(help="Only these cameras, e.g. main,wide. COCO only. [default: all]"),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print counts and size, and write nothing.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Export the clips behind a run's regressions, the costliest first, for labelling.

    The export contains the known labels, the outputs of both networks, and each clip's share of the
    loss. If no cell lost anything, the clips are in the order of `clips list`. README.md in
    the folder describes each file.

    COCO: images, labels, pre-labels, and each network's results for loadRes.
    MCAP: the clips, with both networks' outputs as additional topics.

    Example: ridealong labels export --limit 50 --frames every:5 --out labels --dry-run
    """
    from ridealong.lake import Lake
    from shadow.export import ExportRequest, export_run
    from shadow.frames import parse_frames
    from shadow.losses import CellNames

    console = Console(as_json)
    request = ExportRequest(
        run,
        where,
        limit,
        out,
        CellNames(prediction, metric, where_lost),
        parse_frames(frames),
        _comma_separated(cameras),
        dry_run,
    )
    report = export_run(Lake.open(home_of(home)), request, kind.value, console)
    console.result(report)
    _print_export(console, report)


def _comma_separated(names: str | None) -> tuple[str, ...]:
    """``main,wide`` as names, each once; none for None."""
    parts = [part.strip() for part in names.split(",")] if names is not None else []
    return tuple(dict.fromkeys(parts))


def _print_export(console: Console, report: dict[str, Any]) -> None:
    from ridealong.terminal.readable import counted, value

    done, about = ("would write", "about ") if report["dry_run"] else ("wrote", "")
    clips, megabytes = counted(report["clips"], "clip"), value(report["megabytes"])
    pairs = [(done, f"{clips}, {about}{megabytes} MB"), ("folder", report["out"])]
    if "images" in report:
        labelled, unlabelled = value(report["labelled"]), value(report["unlabelled"])
        labels, ignored = value(report["annotations"]), value(report["ignored"])
        pairs += [
            ("images", f"{labelled} labelled, {unlabelled} that nobody labelled"),
            ("labels", f"{labels}, of which {ignored} are ignored"),
        ]
        for role, count in report["prelabels"].items():
            at_any = value(report["results"][role])
            said = counted(count, "pre-label")
            pairs.append((role, f"{said}; {at_any} boxes at any score on labelled images"))
    console.record(pairs)
    console.paragraph(f"in the order of the {report['order']}: {report['reason']}")


class SchemaName(StrEnum):
    """Specs whose JSON Schema can be printed."""

    TRIGGER = "trigger"
    FLEET = "fleet"
    NETWORK = "network"
    GATE = "gate"
    RECIPE = "recipe"


@app.command()
def schema(
    name: Annotated[SchemaName, typer.Argument(help="The kind of YAML file.")],
    as_json: JsonOption = False,
) -> None:
    """Print the JSON Schema of a kind of YAML file.

    Editors can use it to check the file while you type.

    Example: ridealong schema trigger > trigger.schema.json
    """
    from ingest.simulation.fleet import FleetSpec
    from ingest.triggers.spec import TriggerSpec
    from metrics.gate.spec import GateSpec
    from ridealong.specs import Spec
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
