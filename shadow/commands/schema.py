"""The command that prints the JSON Schemas."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from ridealong.terminal.console import Console, JsonOption

app = typer.Typer()


class SchemaName(StrEnum):
    """Specs whose JSON Schema can be printed."""

    TRIGGER = "trigger"
    FLEET = "fleet"
    NETWORK = "network"
    GATE = "gate"
    RECIPE = "recipe"
    MAPPING = "mapping"
    DRIVE = "drive"


@app.command()
def schema(
    name: Annotated[SchemaName, typer.Argument(help="Kind of YAML file.")],
    as_json: JsonOption = False,
) -> None:
    """Print the JSON Schema of a kind of YAML file.

    Editors use it to complete and check the file while you type.

    Example: ridealong schema trigger > trigger.schema.json
    """
    from ingest.simulation.fleet import FleetSpec
    from ingest.sources.joined.spec import JoinedSpec
    from ingest.sources.table.spec import TableMapping
    from ingest.triggers.spec import TriggerSpec
    from metrics.gate.spec import GateSpec
    from ridealong.specs import Spec
    from shadow.networks.hydranet.training.recipe import Recipe
    from shadow.networks.opening import manifest_schema

    specs: dict[SchemaName, type[Spec]] = {
        SchemaName.TRIGGER: TriggerSpec,
        SchemaName.FLEET: FleetSpec,
        SchemaName.GATE: GateSpec,
        SchemaName.RECIPE: Recipe,
        SchemaName.MAPPING: TableMapping,
        SchemaName.DRIVE: JoinedSpec,
    }
    document = specs[name].model_json_schema() if name in specs else manifest_schema()
    console = Console(as_json)
    console.result(document)
    console.text(json.dumps(document, indent=2))
