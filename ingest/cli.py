"""Commands about what comes in: ingest, drives, triggers, events, clips, lake."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ingest.console import Console, HomeOption, JsonOption, WhereOption, home_of
from ingest.errors import RidealongError

app = typer.Typer(no_args_is_help=True)
drives_app = typer.Typer(no_args_is_help=True, help="The drives in the lake.")
triggers_app = typer.Typer(no_args_is_help=True, help="Fleet triggers: which moments matter.")
events_app = typer.Typer(no_args_is_help=True, help="Firings of triggers, kept and suppressed.")
clips_app = typer.Typer(no_args_is_help=True, help="Clips: the windows around kept events.")
lake_app = typer.Typer(no_args_is_help=True, help="Look after the lake's files.")
app.add_typer(drives_app, name="drives")
app.add_typer(triggers_app, name="triggers")
app.add_typer(events_app, name="events")
app.add_typer(clips_app, name="clips")
app.add_typer(lake_app, name="lake")

TriggersOption = Annotated[
    Path | None,
    typer.Option(
        "--triggers",
        help="A trigger's YAML file, or a folder of them. [default: the shipped library]",
        show_default=False,
    ),
]


@app.command()
def ingest(
    path: Annotated[Path, typer.Argument(help="Folder or file of the recordings.")],
    source: Annotated[
        str | None,
        typer.Option(help="Kind of log. [default: recognised by its look]", show_default=False),
    ] = None,
    triggers: TriggersOption = None,
    beam_args: Annotated[
        list[str] | None, typer.Argument(metavar="[-- BEAM OPTIONS]", help="Passed to Beam.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring recordings into the lake: telemetry, the events of triggers, and their clips.

    Only what is new is read: a second run over the same files does nothing, a new trigger is
    passed over the drives that have not met it. Unreadable files and bad rows go to the
    quarantine with the reason. Nothing half-done is ever seen; after a kill, run it again.

    Example: ridealong ingest logs/ --source comma2k19 --triggers my-triggers/
    """
    from ingest.lake import Lake
    from ingest.run import ingest as run
    from ingest.sources.registry import find_source
    from ingest.triggers.spec import load_triggers, shipped_triggers

    console = Console(as_json)
    if not path.exists():
        raise RidealongError("no such file or folder", where=path)
    kind = find_source(source, path)
    specs = load_triggers(triggers) if triggers else shipped_triggers()
    lake = Lake.create(home_of(home))
    report = run(lake, kind.discover(path), specs, console, beam_args or [])
    document = asdict(report)
    failures = document.pop("failures")
    console.result(document)
    console.text(_told(document))
    for note in report.notes:
        console.note(note)
    for failure in failures:
        console.note(f"failed: {failure}")
    if failures:
        raise typer.Exit(2)


def _told(report: dict[str, object]) -> str:
    if report["commit"] is None:
        return "nothing new" if not report["files"] else "nothing was committed"
    return (
        f"{report['drives']} drives, {report['rows']} rows, {report['events']} events, "
        f"{report['clips']} clips in {report['seconds']} s "
        f"({report['files_quarantined']} files and {report['rows_quarantined']} rows quarantined)"
    )


@app.command()
def simulate(
    fleet: Annotated[Path, typer.Argument(help="The fleet's YAML file.", metavar="FLEET.yaml")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the drives: new, or to go on in.")],
    seed: Annotated[
        int | None,
        typer.Option(
            min=0, max=2**31 - 1, help="Take this seed. [default: the file's]", show_default=False
        ),
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="Traffic processes at once.")] = 2,
    as_json: JsonOption = False,
) -> None:
    """Simulate a fleet: drives with telemetry, and all that its cameras and labels need.

    Traffic is SUMO's; pictures are rendered when a clip asks for them. A second run goes on where
    a first was stopped, and the same file and seed give the same bytes. A drive whose traffic
    fails is reported (exit code 2); the others stand, and the next run tries it again.

    Example: ridealong simulate examples/fleet.yaml --out fleet && ridealong ingest fleet
    """
    from ingest.simulation.fleet import FleetSpec
    from ingest.simulation.simulate import simulate as run
    from ingest.specs import load_spec

    console = Console(as_json)
    report = run(load_spec(fleet, FleetSpec), out, console, seed, processes)
    console.result(asdict(report))
    console.text(
        f"{report.simulated} drives simulated, {report.already_there} were there, "
        f"{report.failed} failed: {report.vehicle_steps} vehicle-steps in {report.seconds} s"
    )
    for failure in report.failures:
        console.note(f"failed: {failure}")
    if report.failures:
        raise typer.Exit(2)


@drives_app.command("list")
def drives_list(
    where: WhereOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """List the drives: vehicle, length, conditions, cameras."""
    from ingest.lake import Lake
    from ingest.listing import list_rows
    from ingest.schemas import DRIVES

    console = Console(as_json)
    rows = list_rows(Lake.open(home_of(home)).snapshot(), DRIVES, where).to_pylist()
    console.result(rows)
    shown = ["drive_id", "source", "duration_s", "distance_m", "country", "weather", "light"]
    shown += ["road", "cameras", "telemetry_rows"]
    console.table(shown, [[row[name] for name in shown] for row in rows])


@triggers_app.command("list")
def triggers_list(
    path: Annotated[
        Path | None, typer.Argument(help="File or folder. [default: the shipped library]")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List triggers with their conditions."""
    from ingest.triggers.spec import load_triggers, shipped_triggers

    console = Console(as_json)
    specs = load_triggers(path) if path else shipped_triggers()
    console.result([spec.model_dump(mode="json") for spec in specs])
    rows: list[list[object]] = [
        [s.name, s.when or f"random: {s.random}", s.pre, s.post, s.description] for s in specs
    ]
    console.table(["trigger", "when", "pre", "post", "description"], rows)


@triggers_app.command("check")
def triggers_check(
    path: Annotated[Path, typer.Argument(help="A trigger's YAML file, or a folder of them.")],
    as_json: JsonOption = False,
) -> None:
    """Check triggers without running them: keys, signals, units, types.

    Example: ridealong triggers check my-triggers/
    """
    from ingest.triggers.spec import load_triggers

    console = Console(as_json)
    specs = load_triggers(path)
    console.result([{"trigger": spec.name, "ok": True} for spec in specs])
    for spec in specs:
        console.text(f"{spec.name}: ok")


@events_app.command("list")
def events_list(
    where: WhereOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """List the events: when each trigger fired, by how much, kept or why not.

    Example: ridealong events list --where "trigger = 'hard_brake' and not kept"
    """
    from ingest.lake import Lake
    from ingest.listing import list_rows
    from ingest.schemas import EVENTS

    console = Console(as_json)
    rows = list_rows(Lake.open(home_of(home)).snapshot(), EVENTS, where).to_pylist()
    names = {"trigger": "trigger", "drive": "drive_id", "onset_s": "onset_s", "time_s": "time_s"}
    names |= {"margin": "margin", "kept": "kept", "reason": "reason"}
    console.result([{key: row[name] for key, name in names.items()} for row in rows])
    console.table(
        [*names, "clip"], [[row[name] for name in [*names.values(), "clip_id"]] for row in rows]
    )


@clips_app.command("list")
def clips_list(
    where: WhereOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """List the clips: drive, window, triggers, cameras."""
    from ingest.lake import Lake
    from ingest.listing import list_clips

    console = Console(as_json)
    rows = list_clips(Lake.open(home_of(home)).snapshot(), where).to_pylist()
    console.result(rows)
    shown = ["clip_id", "drive_id", "start_s", "end_s", "triggers", "cameras", "frames", "bytes"]
    console.table(shown, [[row[name] for name in shown] for row in rows])


@clips_app.command("show")
def clips_show(
    clip: Annotated[str, typer.Argument(help="Clip id, or its beginning.")],
    picture: Annotated[
        Path | None, typer.Option(help="Write its cameras at one instant as a PNG.")
    ] = None,
    at: Annotated[
        float | None,
        typer.Option(
            help="Seconds from the clip's start. [default: the labelled frame nearest the middle]"
        ),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one clip: what is in it, and (--picture) what its cameras saw, labels drawn.

    Example: ridealong clips show 3f2a --picture clip.png
    """
    from ingest.clips.picture import clip_picture, telling_moment_s
    from ingest.clips.read import open_clip
    from ingest.lake import Lake
    from ingest.listing import find_row
    from ingest.schemas import CLIPS

    console = Console(as_json)
    root = home_of(home)
    row = find_row(Lake.open(root).snapshot(), CLIPS, "clip_id", clip)
    if picture:
        with open_clip(root / str(row["blob"])) as reader:
            if not reader.cameras:
                raise RidealongError(f"clip {row['clip_id']} has no cameras to picture")
            seconds = telling_moment_s(reader) if at is None else at
            if not 0 <= seconds <= reader.duration_s:  # NaN is outside too
                raise RidealongError(
                    f"--at {seconds:g} is outside the clip",
                    expected=f"0 to {reader.duration_s:g} seconds",
                )
            clip_picture(reader, seconds).save(picture, format="PNG")
        row["picture"] = str(picture)
    console.result(row)
    for key, value in row.items():
        console.text(f"{key:16} {'-' if value is None else value}")


@clips_app.command("verify")
def clips_verify(
    clip: Annotated[str | None, typer.Argument(help="Clip id, or its beginning.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Verify every clip.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read clips to the end: hash, frames, decoding, times. Exits with 1 if one is damaged."""
    from ingest.clips.verify import verify_clip
    from ingest.lake import Lake
    from ingest.listing import find_row
    from ingest.schemas import CLIPS

    console = Console(as_json)
    root = home_of(home)
    snapshot = Lake.open(root).snapshot()
    if (clip is None) is not every:
        raise RidealongError("name one clip, or --all")
    rows = (
        snapshot.read(CLIPS).to_pylist()
        if every
        else [find_row(snapshot, CLIPS, "clip_id", str(clip))]
    )
    problems: dict[str, list[str]] = {}
    with console.steps("clips", len(rows)) as steps:
        for row in rows:
            path = root / str(row["blob"])
            problems[str(row["clip_id"])] = verify_clip(path, path.stem)
            steps.advance()
    console.result([{"clip": clip, "problems": found} for clip, found in problems.items()])
    for name, found in problems.items():
        console.text(f"{name}: {'; '.join(found) or 'ok'}")
    if any(problems.values()):
        raise typer.Exit(1)


@lake_app.command("check")
def lake_check(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Check every file of the lake against its hash. Exits with 1 if something is damaged.

    Remarks (orphans, half-done commands) are no damage: no query sees them, a vacuum sweeps them.
    """
    from ingest.lake import Lake

    console = Console(as_json)
    report = Lake.open(home_of(home)).check()
    console.result({"sound": report.sound, **asdict(report)})
    console.text(
        f"{report.tables} tables, {report.commits} commits, {report.files} files and "
        f"{report.blobs} blobs, {report.bytes} bytes: {'sound' if report.sound else 'DAMAGED'}"
    )
    for finding in (*report.errors, *report.remarks):
        console.text(f"{finding.kind}: {finding.path}: {finding.what}")
    if not report.sound:
        raise typer.Exit(1)


@lake_app.command("compact")
def lake_compact(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Merge each table's small files into large ones; readers are not disturbed."""
    from ingest.lake import Lake

    console = Console(as_json)
    report = Lake.open(home_of(home)).compact()
    console.result(asdict(report))
    console.text(", ".join(f"{key}: {value}" for key, value in asdict(report).items()))


@lake_app.command("vacuum")
def lake_vacuum(
    older_than: Annotated[
        str, typer.Option(help="Keep what is younger; '0 s' disturbs running readers.")
    ] = "1 day",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove files that no query sees: replaced, erased, and what killed commands left."""
    from ingest.lake import Lake
    from ingest.units import NS_PER_S, parse_duration_ns

    console = Console(as_json)
    age_s = parse_duration_ns(older_than) / NS_PER_S
    report = asdict(Lake.open(home_of(home)).vacuum(age_s))
    console.result(report)
    console.text(", ".join(f"{key}: {value}" for key, value in report.items()))


@lake_app.command("erase")
def lake_erase(
    vehicle: Annotated[str, typer.Argument(help="Vehicle id.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase everything of one vehicle; `lake vacuum --older-than '0 s'` then removes the bytes."""
    from ingest.lake import Lake

    console = Console(as_json)
    commit = Lake.open(home_of(home)).erase_vehicle(vehicle)
    console.result({"vehicle": vehicle, "commit": commit.commit_id if commit else None})
    console.text(f"erased {vehicle}" if commit else f"nothing of {vehicle} is in the lake")
