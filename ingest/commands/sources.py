"""Commands about the kinds of logs that are read."""

from pathlib import Path
from typing import Annotated

import typer

from ridealong.terminal.console import Console, JsonOption

app = typer.Typer(no_args_is_help=True, help="Map the columns of your tables to signals.")


@app.callback()
def _group() -> None:
    """So that one command is a command of the group."""


@app.command("map", short_help="Propose a mapping file for a table.")
def sources_map(
    file: Annotated[Path, typer.Argument(help="Table (CSV or Parquet), or a folder of tables.")],
    out: Annotated[Path, typer.Option(help="Mapping file to write (YAML).")],
    as_json: JsonOption = False,
) -> None:
    """Propose a mapping file: which column of a table is which signal.

    The proposal is guessed from the column names and the first rows. Uncertain entries are marked
    in the file and listed. Check and correct the file before you use it.

    Example: ridealong sources map trips.csv --out map.yaml
    """
    from ingest.sources.table.proposal import propose
    from ingest.sources.table.spec import open_lines
    from ridealong.errors import RidealongError

    console = Console(as_json)
    proposal = propose(file)
    if out.exists():
        raise RidealongError("exists already", where=out, hint="remove it, or choose another --out")
    try:
        out.write_text(proposal.text, "utf-8")
    except OSError as error:
        raise RidealongError(error.strerror or str(error), where=out) from error
    console.result(
        {
            "mapping": str(out),
            "guessed": list(proposal.guessed),
            "without_signal": list(proposal.left_out),
        }
    )
    for line in proposal.guessed:
        console.paragraph(f"guessed: {line}")
    if proposal.left_out:
        names = ", ".join(proposal.left_out)
        console.paragraph(f"not mapped, so ignored: {names}; docs/signals.md has the signals")
    filled = " once it is filled in" if any(open_lines(proposal.text)) else ""
    console.text(f"Next{filled}: ridealong ingest {file} --source table --map {out}")
