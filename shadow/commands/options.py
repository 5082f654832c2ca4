"""Options and arguments that several commands share."""

from typing import Annotated

import typer

from ridealong.terminal.completion import completing

DeviceOption = Annotated[
    str, typer.Option(help="Device that runs the networks: cpu, cuda, cuda:1.")
]
NETWORK_IDS = completing("networks", "network")
RUN_IDS = completing("runs", "run_id", "latest", "newest")
RunArgument = Annotated[
    str,
    typer.Argument(
        help="Run id or a unique prefix of it, run name, 'latest' or 'newest'.",
        autocompletion=RUN_IDS,
    ),
]
