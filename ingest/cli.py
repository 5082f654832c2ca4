"""Mounts the commands about what comes in; each noun has its module."""

import typer

from ingest.commands import (
    clips,
    drives,
    events,
    ingest,
    quarantine,
    simulate,
    sources,
    triggers,
)

app = typer.Typer(no_args_is_help=True)
app.add_typer(ingest.app)
app.add_typer(simulate.app)
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(sources.app, name="sources")
app.add_typer(drives.app, name="drives")
app.add_typer(triggers.app, name="triggers")
app.add_typer(events.app, name="events")
app.add_typer(clips.app, name="clips")
