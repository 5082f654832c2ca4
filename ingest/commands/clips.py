"""Commands about clips."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ridealong.errors import RidealongError
from ridealong.terminal import readable
from ridealong.terminal.clip_arguments import ClipArgument, ClipsArgument
from ridealong.terminal.completion import completing
from ridealong.terminal.console import (
    Console,
    HomeOption,
    JsonOption,
    WhereOption,
    WideOption,
    home_of,
)
from ridealong.terminal.tables import Column

if TYPE_CHECKING:
    from ridealong.lake import Lake, Snapshot

app = typer.Typer(no_args_is_help=True, help="List, show, tag and verify clips.")
PICTURES = (".png", ".jpg", ".jpeg", ".webp")  # formats of a clip's picture


CLIP_COLUMNS = (
    Column("clip_id", 0),
    Column("drive_id", 0, shorten=True),
    Column("start", 1, right=True),
    Column("end", 4, right=True),
    Column("triggers", 2, fold=True),
    Column("frames", 5, right=True),
    Column("size", 3, right=True),
    Column("cameras", 6, fold=True),
    Column("tags", 3, fold=True),
)


@app.command("list")
def clips_list(
    where: WhereOption = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            help="Only clips with this tag. Repeatable: clips with all of the tags.",
            show_default=False,
            autocompletion=completing("clip_tags", "tag"),
        ),
    ] = None,
    wide: WideOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the clips with drive, time, triggers, size, cameras and tags.

    Times are from the start of the drive. --where may also use columns of the drive.

    Example: ridealong clips list --where "light = 'night'" --tag glare
    """
    from ingest.listing import list_clips
    from ridealong.lake import Lake

    console = Console(as_json, wide)
    rows = list_clips(Lake.open(home_of(home)).snapshot(), where, tag or ()).to_pylist()
    console.result(rows)
    for row in rows:
        row["start"], row["end"] = map(readable.moment, (row["start_s"], row["end_s"]))
        row["size"] = readable.size(row["bytes"])
    console.rows(CLIP_COLUMNS, rows)


@app.command("show")
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
            help="Instant of the picture, in seconds from the clip's start.",
            show_default="the labelled frame nearest the middle",
        ),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what a clip contains. With --picture, write its camera images.

    The picture shows the labels.

    Example: ridealong clips show 3f2a --picture clip.png
    """
    from ingest.clips.label_versions import newest_labels
    from ingest.schemas import CLIPS
    from ridealong.lake import Lake
    from ridealong.lake.listing import find_row

    if picture:
        _require_picture(picture)
    console = Console(as_json)
    lake = Lake.open(home_of(home))
    snapshot = lake.snapshot()
    row = find_row(snapshot, CLIPS, "clip_id", clip)
    labels = newest_labels(snapshot).get(str(row["clip_id"]))
    row |= _facts(lake, snapshot, row, labels)
    if picture:
        path = lake.path(labels) if labels else None
        _draw(lake.path(str(row["blob"])), path, str(row["clip_id"]), picture, at)
        row["picture"] = str(picture)
    console.result(row)
    console.record(_clip_pairs(row))


def _facts(
    lake: "Lake", snapshot: "Snapshot", row: Mapping[str, Any], labels: str | None
) -> dict[str, Any]:
    """What is known of a clip beside its row; ``labels`` is the file of imported labels."""
    from ingest.clips.label_versions import version_in
    from ingest.clips.notes import note_of
    from ingest.clips.tags import tags_of

    clip_id, blob = str(row["clip_id"]), row["blob"]
    known = bool(labels or row["labelled"])
    return {
        "tags": tags_of(snapshot, [clip_id])[clip_id],
        "note": note_of(snapshot, clip_id),
        "videos": _videos(lake.path(str(blob))) if blob else {},
        "labels": version_in(labels or str(blob)) if known else None,
        "labelled": known,
    }


def _videos(blob: Path) -> dict[str, dict[str, Any]]:
    """How the video of each camera came into a clip; empty if its file cannot be read."""
    from dataclasses import asdict

    from ingest.clips.read import open_clip

    try:
        with open_clip(blob) as reader:
            return {name: asdict(reader.video_origin(name)) for name in reader.cameras}
    except RidealongError:
        return {}


def _video_text(videos: Mapping[str, Mapping[str, Any]]) -> str | None:
    """One phrase for each camera: ``front copied, rear encoded (it has B-frames)``."""
    phrases = (
        f"{name} {one['made']}" + (f" ({one['why']})" if one["why"] else "")
        for name, one in videos.items()
    )
    return ", ".join(phrases) or None


def _require_picture(path: Path) -> None:
    """Refuse a name that is not a picture's, before any work."""
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


def _draw(blob: Path, labels: Path | None, clip_id: str, picture: Path, at: float | None) -> None:
    from ingest.clips.picture import clip_picture, default_moment_s
    from ingest.clips.read import open_clip

    with open_clip(blob, labels) as reader:
        if not reader.cameras:
            raise RidealongError(f"clip {clip_id} has no camera, so there is no picture")
        seconds = default_moment_s(reader) if at is None else at
        if not 0 <= seconds <= reader.duration_s:  # NaN is also outside
            raise RidealongError(
                f"--at {seconds:g} is outside the clip",
                expected=f"0 to {reader.duration_s:g} seconds",
            )
        clip_picture(reader, seconds).save(picture)


def _clip_pairs(row: Mapping[str, Any]) -> list[tuple[str, object]]:
    """A clip's row as names and readable values."""
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
        ("video", _video_text(row["videos"])),
        ("telemetry_rows", row["telemetry_rows"]),
        ("labelled", row["labelled"]),
        ("labels", row["labels"]),
        ("by_disagreement", row["by_disagreement"]),
        ("size", readable.size(row["bytes"])),
        ("blob", row["blob"]),
        ("tags", row["tags"]),
        ("note", row["note"]),
    ]
    return pairs + ([("picture", row["picture"])] if "picture" in row else [])


@app.command("tag")
def clips_tag(
    clips: ClipsArgument,
    add: Annotated[
        str, typer.Option(help="Tags to add, separated by commas.", show_default=False)
    ] = "",
    remove: Annotated[
        str, typer.Option(help="Tags to remove, separated by commas.", show_default=False)
    ] = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add tags to clips and remove tags from them.

    A tag is a word or a few, by which you find the clips again: `clips list --tag`, or the page
    Clips of the dashboard.

    Example: ridealong clips tag 3f2a 81c0 --add "glare,wet road" --remove todo
    """
    from ingest.clips.tags import parse_tags, tag_clips
    from ridealong.lake import Lake

    console = Console(as_json)
    adding, removing = parse_tags(add), parse_tags(remove)
    if not adding and not removing:
        raise RidealongError("there is no tag to add or to remove", hint="give --add or --remove")
    now = tag_clips(Lake.open(home_of(home)), clips, adding, removing)
    console.result([{"clip_id": clip_id, "tags": tags} for clip_id, tags in now.items()])
    for clip_id, tags in now.items():
        console.text(f"clip {clip_id}: {', '.join(tags) or 'no tags'}")


@app.command("note")
def clips_note(
    clip: ClipArgument,
    text: Annotated[str, typer.Argument(help="The note. '' removes it.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a note to a clip. It replaces an earlier note.

    Example: ridealong clips note 3f2a "the van hides the cyclist until 4 s"
    """
    from ingest.clips.notes import note_clip
    from ridealong.lake import Lake

    console = Console(as_json)
    clip_id, note = note_clip(Lake.open(home_of(home)), clip, text)
    console.result({"clip_id": clip_id, "note": note})
    console.text(f"clip {clip_id}: {note or 'no note'}")


@app.command("verify")
def clips_verify(
    clip: Annotated[
        str | None,
        typer.Argument(
            help="Clip id, or a unique prefix of it.",
            autocompletion=completing("clips", "clip_id"),
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Verify all clips.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read one clip or all clips completely, and print the damage.

    This checks the hash, decodes every frame, and compares the frame times. The exit code is 1 if a
    clip is damaged.

    Example: ridealong clips verify --all
    """
    from ingest.clips.verify import verify_clip
    from ingest.schemas import CLIPS
    from ridealong.lake import Lake
    from ridealong.lake.listing import find_row

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
