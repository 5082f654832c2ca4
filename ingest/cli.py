"""Commands about what comes in: ingest, quarantine, drives, triggers, events, clips, lake."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ridealong.errors import RidealongError
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
from ridealong.terminal.readable import counted
from ridealong.terminal.tables import Column

PICTURES = (".png", ".jpg", ".jpeg", ".webp")  # what a clip's picture can be written as

if TYPE_CHECKING:
    from ingest.report import IngestReport
    from ingest.triggers.spec import Random

app = typer.Typer(no_args_is_help=True)
quarantine_app = typer.Typer(no_args_is_help=True, help="What could not be used, and why.")
drives_app = typer.Typer(no_args_is_help=True, help="The drives in the lake.")
triggers_app = typer.Typer(no_args_is_help=True, help="Triggers: which moments matter.")
events_app = typer.Typer(no_args_is_help=True, help="Where triggers fired, kept or not.")
clips_app = typer.Typer(no_args_is_help=True, help="Clips: the recordings around events.")
lake_app = typer.Typer(no_args_is_help=True, help="Check and clean up the stored files.")
app.add_typer(quarantine_app, name="quarantine")
app.add_typer(drives_app, name="drives")
app.add_typer(triggers_app, name="triggers")
app.add_typer(events_app, name="events")
app.add_typer(clips_app, name="clips")
app.add_typer(lake_app, name="lake")

ClipArgument = Annotated[
    str,
    typer.Argument(
        help="Clip id, or a unique beginning of it.",
        autocompletion=completing("clips", "clip_id"),
    ),
]
TriggersOption = Annotated[
    Path | None,
    typer.Option(
        "--triggers",
        help="A trigger's YAML file, or a folder of them.",
        show_default="the shipped library",
    ),
]


@app.command(short_help="Bring recordings into the lake, with their events and clips.")
def ingest(
    path: Annotated[Path, typer.Argument(help="Folder or file of the recordings.")],
    source: Annotated[
        str | None,
        typer.Option(
            help="Read only this kind of log.", show_default="all kinds, detected automatically"
        ),
    ] = None,
    triggers: TriggersOption = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Exit with 0 even if a file gave no drive.")
    ] = False,
    beam_args: Annotated[
        list[str] | None, typer.Argument(metavar="[-- BEAM OPTIONS]", help="Passed to Beam.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring recordings into the lake: telemetry, the events of triggers, and their clips.

    Only what is new is read: a second run over the same files does nothing, and a new trigger is
    evaluated on all drives. A folder may contain several kinds of logs. Unusable files and bad rows
    are quarantined with the reason, and the rest is ingested. Exits with 2 if a file gave no drive.
    Work is committed in parts: after a kill or a full disk, run the command again to continue.

    Example: ridealong ingest logs/ --triggers my-triggers/
    """
    from ingest.discovery import find_drives
    from ingest.run import ingest as run
    from ingest.triggers.spec import load_triggers, shipped_triggers
    from ridealong.lake import Lake

    console = Console(as_json)
    found = find_drives(path, source)
    specs = load_triggers(triggers) if triggers else shipped_triggers()
    for note in found.notes():
        console.note(note)
    report = run(Lake.create(home_of(home)), found.drives, specs, console, beam_args or [])
    console.result(asdict(report))
    _tell(report, console)
    if (report.quarantined or report.failures) and not keep_going:
        raise typer.Exit(2)


def _tell(report: "IngestReport", console: Console) -> None:
    from ingest.report import problems, summary

    console.text(summary(report))
    for line in (*report.notes, *problems(report)):
        console.note(line)
    if report.files_known_unusable:
        files = counted(report.files_known_unusable, "file")
        console.note(f"{files} known as unusable: ridealong quarantine list")


QUARANTINE_COLUMNS = (
    Column("path", 0),
    Column("kind", 2),
    Column("row", 1, right=True),
    Column("reason", 0, fold=True),
)


@quarantine_app.command("list", short_help="List what could not be used, and why.")
def quarantine_list(
    where: WhereOption = None,
    wide: WideOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what could not be used, and why: whole files, and rows or clips of drives that came in.

    A file is listed until it changes; then the next run reads it again.

    Example: ridealong quarantine list --where "kind = 'file'"
    """
    from ingest.listing import list_rows
    from ingest.schemas import QUARANTINE
    from ridealong.lake import Lake

    console = Console(as_json, wide)
    rows = list_rows(Lake.open(home_of(home)).snapshot(), QUARANTINE, where).to_pylist()
    console.result(rows)
    # A reason names its file first, for where it stands alone.
    told = [row | {"reason": row["reason"].removeprefix(f"{row['path']}: ")} for row in rows]
    console.rows(QUARANTINE_COLUMNS, told)


@app.command()
def simulate(
    fleet: Annotated[Path, typer.Argument(help="The fleet's YAML file.", metavar="FLEET.yaml")],
    out: Annotated[
        Path, typer.Option("--out", help="Folder for the drives; an earlier run is continued.")
    ],
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=2**31 - 1, help="Use this seed.", show_default="the file's"),
    ] = None,
    processes: Annotated[
        int, typer.Option(min=1, help="Traffic simulations at the same time.")
    ] = 2,
    as_json: JsonOption = False,
) -> None:
    """Simulate a fleet: telemetry, cameras and exact labels.

    SUMO simulates the traffic. Pictures are drawn later, for the clips alone. A second run
    continues where the first was stopped; the same file and seed give the same bytes. A drive
    that fails is reported (exit code 2); the others are kept, and the next run tries it again.

    Example: ridealong simulate examples/fleet.yaml --out fleet && ridealong ingest fleet
    """
    from ingest.simulation.fleet import FleetSpec
    from ingest.simulation.simulate import simulate as run
    from ridealong.specs import load_spec

    console = Console(as_json)
    report = run(load_spec(fleet, FleetSpec), out, console, seed, processes)
    console.result(asdict(report))
    console.text(
        f"{counted(report.simulated, 'drive')} simulated, "
        f"{report.already_there:,} already there, {report.failed:,} failed: "
        f"{counted(report.vehicle_steps, 'vehicle step')} in {readable.duration(report.seconds)}"
    )
    for failure in report.failures:
        console.note(f"failed: {failure}")
    if report.failures:
        raise typer.Exit(2)


DRIVE_COLUMNS = (
    Column("drive_id", 0, shorten=True),
    Column("source", 5),
    Column("length", 1, right=True),
    Column("distance", 3, right=True),
    Column("country", 6),
    Column("weather", 4),
    Column("light", 2),
    Column("road", 7),
    Column("telemetry_rows", 8, right=True),
    Column("cameras", 9, fold=True),
)


@drives_app.command("list")
def drives_list(
    where: WhereOption = None,
    wide: WideOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the drives: length, distance, conditions, cameras.

    Example: ridealong drives list --where "light = 'night' and duration_s > 60"
    """
    from ingest.listing import list_rows
    from ingest.schemas import DRIVES
    from ridealong.lake import Lake

    console = Console(as_json, wide)
    rows = list_rows(Lake.open(home_of(home)).snapshot(), DRIVES, where).to_pylist()
    console.result(rows)
    shown = [
        {"length": readable.duration(row["duration_s"])}
        | {"distance": readable.distance(row["distance_m"])}
        | row
        for row in rows
    ]
    console.rows(DRIVE_COLUMNS, shown)


TRIGGER_COLUMNS = (
    Column("trigger", 0),
    Column("pre", 1, right=True),
    Column("post", 2, right=True),
    Column("description", 0, fold=True),
    Column("when", 3, fold=True),
)


@triggers_app.command("list")
def triggers_list(
    path: Annotated[
        Path | None,
        typer.Argument(
            help="A trigger's YAML file, or a folder of them.", show_default="the shipped library"
        ),
    ] = None,
    wide: WideOption = False,
    as_json: JsonOption = False,
) -> None:
    """List triggers: what each looks for, and how much it keeps.

    Example: ridealong triggers list my-triggers/ --wide
    """
    from ingest.triggers.spec import load_triggers, shipped_triggers

    console = Console(as_json, wide)
    specs = load_triggers(path) if path else shipped_triggers()
    console.result([spec.model_dump(mode="json") for spec in specs])
    rows = [[s.name, s.pre, s.post, s.description, s.when or _rate_of(s.random)] for s in specs]
    console.table(TRIGGER_COLUMNS, rows)


def _rate_of(random: "Random | None") -> str:
    """How often a trigger without a condition fires."""
    return f"at random, once per {random.every} on average (seed {random.seed})" if random else ""


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


EVENT_COLUMNS = (
    Column("trigger", 0),
    Column("drive_id", 0, shorten=True),
    Column("onset", 5, right=True),
    Column("time", 0, right=True),
    Column("margin", 4, right=True),
    Column("kept", 1),
    Column("reason", 3),
    Column("clip_id", 2),
)


@events_app.command("list")
def events_list(
    where: WhereOption = None,
    wide: WideOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the events: when triggers fired, and why some were not kept.

    Times count from the start of the drive. The margin is in the unit of the trigger's condition.

    Example: ridealong events list --where "trigger = 'hard_brake' and not kept"
    """
    from ingest.listing import list_rows
    from ingest.schemas import EVENTS
    from ridealong.lake import Lake

    console = Console(as_json, wide)
    rows = list_rows(Lake.open(home_of(home)).snapshot(), EVENTS, where).to_pylist()
    names = {"trigger": "trigger", "drive": "drive_id", "onset_s": "onset_s", "time_s": "time_s"}
    names |= {"margin": "margin", "kept": "kept", "reason": "reason"}
    console.result([{key: row[name] for key, name in names.items()} for row in rows])
    for row in rows:
        row["onset"], row["time"] = map(readable.moment, (row["onset_s"], row["time_s"]))
    console.rows(EVENT_COLUMNS, rows)


CLIP_COLUMNS = (
    Column("clip_id", 0),
    Column("drive_id", 0, shorten=True),
    Column("start", 1, right=True),
    Column("end", 4, right=True),
    Column("triggers", 2, fold=True),
    Column("frames", 5, right=True),
    Column("size", 3, right=True),
    Column("cameras", 6, fold=True),
)


@clips_app.command("list")
def clips_list(
    where: WhereOption = None,
    wide: WideOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the clips: drive, window, triggers, size, cameras.

    Times count from the start of the drive. --where can also use the drive's conditions.

    Example: ridealong clips list --where "light = 'night'"
    """
    from ingest.listing import list_clips
    from ridealong.lake import Lake

    console = Console(as_json, wide)
    rows = list_clips(Lake.open(home_of(home)).snapshot(), where).to_pylist()
    console.result(rows)
    for row in rows:
        row["start"], row["end"] = map(readable.moment, (row["start_s"], row["end_s"]))
        row["size"] = readable.size(row["bytes"])
    console.rows(CLIP_COLUMNS, rows)


@clips_app.command("show")
def clips_show(
    clip: ClipArgument,
    picture: Annotated[
        Path | None,
        typer.Option(
            help="Write a picture of all cameras at one instant to this .png, .jpg or .webp file."
        ),
    ] = None,
    at: Annotated[
        float | None,
        typer.Option(
            help="Seconds from the clip's start.",
            show_default="the labelled frame nearest the middle",
        ),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is in a clip, and with --picture what its cameras saw.

    The picture has the labels drawn in.

    Example: ridealong clips show 3f2a --picture clip.png
    """
    from ingest.listing import find_row
    from ingest.schemas import CLIPS
    from ridealong.lake import Lake

    if picture:
        _require_picture(picture)
    console = Console(as_json)
    lake = Lake.open(home_of(home))
    row = find_row(lake.snapshot(), CLIPS, "clip_id", clip)
    if picture:
        _draw(lake.path(str(row["blob"])), str(row["clip_id"]), picture, at)
        row["picture"] = str(picture)
    console.result(row)
    console.record(_clip_told(row))


def _require_picture(path: Path) -> None:
    """Refuse what no picture can be written to, before any work."""
    from ridealong.specs import nearest

    if path.suffix.lower() not in PICTURES:
        known = ", ".join(PICTURES[:-1]) + f" or {PICTURES[-1]}"
        hint = nearest(path.suffix, list(PICTURES)) if path.suffix else None
        raise RidealongError(
            f"--picture {path} is not the name of a picture",
            expected=f"a name that ends in {known}",
            hint=hint if hint and hint.startswith("did") else None,
        )
    if not path.parent.is_dir():
        raise RidealongError(
            f"there is no folder {path.parent}", where=path, hint="create it first"
        )


def _draw(blob: Path, clip_id: str, picture: Path, at: float | None) -> None:
    from ingest.clips.picture import clip_picture, telling_moment_s
    from ingest.clips.read import open_clip

    with open_clip(blob) as reader:
        if not reader.cameras:
            raise RidealongError(f"clip {clip_id} has no cameras to picture")
        seconds = telling_moment_s(reader) if at is None else at
        if not 0 <= seconds <= reader.duration_s:  # NaN is outside too
            raise RidealongError(
                f"--at {seconds:g} is outside the clip",
                expected=f"0 to {reader.duration_s:g} seconds",
            )
        clip_picture(reader, seconds).save(picture)


def _clip_told(row: Mapping[str, Any]) -> list[tuple[str, object]]:
    """A clip's row in words."""
    start, end = row["start_s"], row["end_s"]
    pairs: list[tuple[str, object]] = [
        ("clip_id", row["clip_id"]),
        ("drive_id", row["drive_id"]),
        ("start", readable.instant(row["start_ns"])),
        ("end", readable.instant(row["end_ns"])),
        ("in the drive", f"{readable.moment(start)} to {readable.moment(end)}"),
        ("length", readable.duration(end - start)),
        ("triggers", row["triggers"]),
        ("event_ids", row["event_ids"]),
        ("cameras", row["cameras"]),
        ("frames", row["frames"]),
        ("telemetry_rows", row["telemetry_rows"]),
        ("labelled", row["labelled"]),
        ("by_disagreement", row["by_disagreement"]),
        ("size", readable.size(row["bytes"])),
        ("blob", row["blob"]),
    ]
    return pairs + ([("picture", row["picture"])] if "picture" in row else [])


@clips_app.command("verify")
def clips_verify(
    clip: Annotated[
        str | None,
        typer.Argument(
            help="Clip id, or a unique beginning of it.",
            autocompletion=completing("clips", "clip_id"),
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Verify every clip.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read clips to the end and look for damage.

    It checks the hash, decodes every frame, and compares their times. Exits with 1 if a clip is
    damaged.

    Example: ridealong clips verify --all
    """
    from ingest.clips.verify import verify_clip
    from ingest.listing import find_row
    from ingest.schemas import CLIPS
    from ridealong.lake import Lake

    console = Console(as_json)
    root = home_of(home)
    if (clip is None) is not every:
        raise RidealongError("name one clip, or --all")
    snapshot = Lake.open(root).snapshot()
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
    """Check every file of the lake against its hash.

    Exits with 1 if a file is damaged. Remarks are not damage: they name files that no query reads
    and that `lake vacuum` removes.

    Example: ridealong lake check
    """
    from ridealong.lake import HASHING, Lake
    from ridealong.terminal.progress import watching

    console = Console(as_json)
    lake = Lake.open(home_of(home))
    with console.steps("files", 0) as steps, watching(HASHING, steps):
        report = lake.check()
    console.result({"sound": report.sound, **asdict(report)})
    parts = {"table": report.tables, "commit": report.commits, "file": report.files}
    held = ", ".join(counted(count, one) for one, count in (parts | {"blob": report.blobs}).items())
    console.text(f"{held}, {readable.size(report.bytes)}: {'sound' if report.sound else 'DAMAGED'}")
    for finding in report.errors:
        console.text(f"{finding.kind}: {finding.path}: {finding.what}")
    remarks = Counter((finding.kind, finding.what) for finding in report.remarks)
    for (kind, what), count in sorted(remarks.items()):
        console.text(f"{kind}: {counted(count, 'file')}: {what}")
    if not report.sound:
        raise typer.Exit(1)


@lake_app.command("compact")
def lake_compact(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Merge small files into large ones; readers are not disturbed.

    Example: ridealong lake compact
    """
    from ridealong.lake import COMMITS, Lake

    console = Console(as_json)
    lake = Lake.open(home_of(home))
    names = [*lake.snapshot().tables(), COMMITS.name]
    merged: dict[str, tuple[int, int]] = {}
    with console.steps("tables", len(names)) as steps:
        for name in names:
            merged |= lake.compact([name]).tables
            steps.advance()
    console.result({"tables": merged})
    for table, (before, after) in merged.items():
        console.text(f"{table}: {counted(before, 'file')} merged into {after:,}")
    if not merged:
        console.text("nothing to merge")


@lake_app.command("vacuum")
def lake_vacuum(
    older_than: Annotated[
        str,
        typer.Option(
            help="Remove only what is older, e.g. '2 h'. With '0 s', no other command may run."
        ),
    ] = "1 day",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove files that no query reads any more.

    They were replaced or erased, or a killed command left them.

    Example: ridealong lake vacuum --older-than '7 days'
    """
    from ridealong.lake import Lake
    from ridealong.units import NS_PER_S, parse_duration_ns

    console = Console(as_json)
    age_s = parse_duration_ns(older_than) / NS_PER_S
    report = Lake.open(home_of(home)).vacuum(age_s)
    console.result(asdict(report))
    dead = len(report.abandoned)
    left = f"; {counted(dead, 'killed command')} had left some" if dead else ""
    console.text(f"removed {counted(report.files, 'file')} ({readable.size(report.bytes)}){left}")


@lake_app.command("erase")
def lake_erase(
    vehicle: Annotated[
        str,
        typer.Argument(
            help="The complete id of the vehicle.",
            autocompletion=completing("drives", "vehicle_id"),
        ),
    ],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase everything of one vehicle, and what was made of it.

    The rows are gone at once. The bytes are gone after `ridealong lake vacuum --older-than '0 s'`.

    Example: ridealong lake erase vehicle-7
    """
    from ridealong.lake import Lake

    console = Console(as_json)
    commit = Lake.open(home_of(home)).erase_vehicle(vehicle)
    console.result({"vehicle": vehicle, "commit": commit.commit_id if commit else None})
    console.text(f"erased {vehicle}" if commit else f"nothing of {vehicle} is in the lake")
