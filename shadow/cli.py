"""Mounts the commands about networks; each noun has its module."""

import typer

from shadow.commands import demo, gate, labels, networks, report, run, runs, schema, score

shadow_app = typer.Typer(no_args_is_help=True, help="Compare two networks on the same clips.")
shadow_app.add_typer(run.app)
shadow_app.add_typer(score.app)
shadow_app.add_typer(report.app)
shadow_app.add_typer(runs.app, name="runs")

app = typer.Typer(no_args_is_help=True)
app.add_typer(demo.app)
app.add_typer(schema.app)
app.add_typer(networks.app, name="networks")
app.add_typer(shadow_app, name="shadow")
app.add_typer(gate.app, name="gate")
app.add_typer(labels.app, name="labels")
