"""nuScenes: detection submissions, and the relational tables as ground truth.

The ground truth is that of nuscenes-devkit's detection evaluation: ten classes, velocities from the
annotations before and after, labels without lidar or radar points left out, and bicycles and
motorcycles in racks left out on all sides.

Tables hold all splits of a version, and a submission one. So the scenes that neither submission
mentions are left out.
"""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.results.boxes3d import (
    EXAMPLES,
    RawBoxes,
    chosen,
    frames_without_results,
    usable_labels,
    usable_results,
)
from ingest.results.format import ReadOptions, ResultFormat, ResultPaths
from ingest.results.nuscenes.submission import Submission, read_submission
from ingest.results.nuscenes.tables import (
    CAMERA,
    LIDAR,
    Tables,
    find_tables,
    places,
    references,
    vectors,
)
from ingest.results.oddities import require_any
from ridealong.arrays import Bools, Floats, Ints
from ridealong.errors import RidealongError
from ridealong.perception.result_files import (
    NO_ATTRIBUTE,
    Boxes3D,
    Comparison,
    Frames,
    Note,
    Role,
)
from ridealong.specs import nearest
from ridealong.sql import quiet_connection

# In the order of the devkit's configuration.
CATEGORIES = (
    "car", "truck", "bus", "trailer", "construction_vehicle", "pedestrian", "motorcycle", "bicycle",
    "traffic_cone", "barrier",
)  # fmt: skip
CATEGORY_OF = {
    "movable_object.barrier": "barrier",
    "vehicle.bicycle": "bicycle",
    "vehicle.bus.bendy": "bus",
    "vehicle.bus.rigid": "bus",
    "vehicle.car": "car",
    "vehicle.construction": "construction_vehicle",
    "vehicle.motorcycle": "motorcycle",
    "human.pedestrian.adult": "pedestrian",
    "human.pedestrian.child": "pedestrian",
    "human.pedestrian.construction_worker": "pedestrian",
    "human.pedestrian.police_officer": "pedestrian",
    "movable_object.trafficcone": "traffic_cone",
    "vehicle.trailer": "trailer",
    "vehicle.truck": "truck",
}
ATTRIBUTES = (
    "pedestrian.moving", "pedestrian.sitting_lying_down", "pedestrian.standing",
    "cycle.with_rider", "cycle.without_rider", "vehicle.moving", "vehicle.parked",
    "vehicle.stopped",
)  # fmt: skip
RACK = "static_object.bicycle_rack"
IN_RACKS = tuple(CATEGORIES.index(name) for name in ("bicycle", "motorcycle"))
LONGEST_S = 1.5  # between annotations that give a velocity
HEAD = 2**16  # bytes that tell a submission


def read(paths: ResultPaths, options: ReadOptions) -> Comparison[Boxes3D]:
    """Read ground truth and two submissions.

    Raises:
        RidealongError: A file is not a submission, a table is missing, or a reference
            leads nowhere.
    """
    if options.task not in {None, "boxes3d"}:
        raise RidealongError(
            f"nuScenes detection submissions hold boxes in space, not {options.task}",
            expected="boxes3d",
        )
    deployed = read_submission(paths.deployed, "deployed", CATEGORIES, ATTRIBUTES)
    candidate = read_submission(paths.candidate, "candidate", CATEGORIES, ATTRIBUTES)
    with quiet_connection() as connection:
        tables = find_tables(paths.truth, connection)
        samples = _Samples(tables, options.drive, [*deployed.tokens, *candidate.tokens])
        truth = _Truth(tables, samples)
    labels, notes = usable_labels(truth.raw, samples.names)
    of_deployed, about_deployed = _results(
        deployed, "deployed", paths.deployed, samples, truth.racks
    )
    of_candidate, about_candidate = _results(
        candidate, "candidate", paths.candidate, samples, truth.racks
    )
    return Comparison(
        evaluation="nuscenes",
        frames=samples.frames,
        categories=CATEGORIES,
        truth=labels,
        deployed=of_deployed,
        candidate=of_candidate,
        drive_from=options.drive or "scene",
        notes=(*samples.notes, *truth.notes, *notes, *about_deployed, *about_candidate),
    )


def recognises(path: Path) -> bool:
    """Whether it is a submission, or a folder of the tables."""
    if path.is_dir():
        return any((one / "sample_annotation.json").is_file() for one in (path, *_folders(path)))
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return False
    begins = re.match(rb"(\xef\xbb\xbf)?\s*\{", head) is not None
    words = (b'"detection_name"', b'"use_lidar"', b'"sample_token"')
    listed = re.search(rb'"results"\s*:\s*\{', head) is not None
    return begins and (listed or b'"meta"' in head) and any(word in head for word in words)


def _folders(path: Path) -> list[Path]:
    return [one for one in path.iterdir() if one.is_dir()]


class _Samples:
    """The samples of the scenes that a submission mentions."""

    def __init__(self, tables: Tables, drive: str | None, mentioned: list[str]) -> None:
        self._tables = tables
        self.table = tables.read("sample")
        scenes, logs = tables.read("scene"), tables.read("log")
        scene = references(tables, "sample", self.table["scene_token"], "scene", scenes["token"])
        tokens = pa.chunked_array([pa.array(mentioned, pa.string())])
        known = places(self.table["token"], tokens)
        judged = np.zeros(len(scenes), np.bool_)
        judged[scene[known[known >= 0]]] = True
        if not judged.any():
            raise RidealongError(
                "no sample of the submissions is in the tables",
                where=tables.folder,
                hint="name the tables of the version that was submitted",
            )
        time_us = np.asarray(self.table["timestamp"].to_numpy(), np.int64)
        # Samples of a scene are in the order of time.
        rows = np.flatnonzero(judged[scene])
        rows = rows[np.lexsort((time_us[rows], scene[rows]))]
        self.frame_of = np.full(len(self.table), -1)  # of each row of the table
        self.frame_of[rows] = np.arange(len(rows))
        self.time_us = time_us
        self.names = self.table["token"].take(pa.array(rows)).to_pylist()
        self.notes = _left_out(scenes, judged)
        log = references(tables, "scene", scenes["log_token"], "log", logs["token"])
        self.ego_m, images = self._key_frames()
        self.frames = _frames(
            self.names, time_us[rows] / 1e6, scenes.take(pa.array(scene[rows])),
            logs.take(pa.array(log[scene[rows]])), images, drive,
        )  # fmt: skip

    def frame(self, tokens: list[str] | pa.ChunkedArray) -> Ints:
        """The frame of each sample; -1 if it is none."""
        if isinstance(tokens, list):
            tokens = pa.chunked_array([pa.array(tokens, pa.string())])
        row = places(self.table["token"], tokens)
        return np.where(row >= 0, self.frame_of[row], -1)

    def _key_frames(self) -> tuple[Floats, pa.Array]:
        """``(F, 3)`` the vehicle's place, and F pictures."""
        every = self._tables.key_frames()
        where = self._tables.path("sample_data")
        found = {}
        for channel in (LIDAR, CAMERA):
            rows = every.filter(pc.equal(every["channel"], channel))
            frame = self.frame(rows["sample_token"])
            at = np.full(len(self.names), -1)
            at[frame[frame >= 0]] = np.flatnonzero(frame >= 0)
            found[channel] = rows, at
        lidar, at = found[LIDAR]
        if (missing := np.flatnonzero(at < 0)).size:
            raise RidealongError(
                f"{missing.size} samples have no key frame of {LIDAR}, such as "
                f"{self.names[missing[0]]}",
                where=where,
            )
        poses = lidar["translation"].take(pa.array(at))
        if poses.null_count:
            raise RidealongError(
                f"{poses.null_count} key frames refer to rows of ego_pose that are not there",
                where=where,
            )
        camera, at = found[CAMERA]
        images = camera["filename"].take(pa.array(at, mask=at < 0)).combine_chunks()
        return vectors(poses, 3, self._tables.path("ego_pose")), images


def _left_out(scenes: pa.Table, judged: Bools) -> list[Note]:
    names = scenes["name"].filter(pa.array(~judged)).to_pylist()
    if not names:
        return []
    text = "scenes are in neither submission; left out: they may be of another split"
    return [Note("drives-without-results", "truth", len(names), text, tuple(names[:EXAMPLES]))]


def _frames(
    names: list[str],
    time_s: Floats,
    scenes: pa.Table,
    logs: pa.Table,
    images: pa.Array,
    drive: str | None,
) -> Frames:
    """The frames. Light and weather are read from the words of the scene's description."""
    told = pc.utf8_lower(scenes["description"].fill_null(""))
    attributes = {
        "location": logs["location"],
        "vehicle": logs["vehicle"],
        "light": pc.if_else(pc.match_substring(told, "night"), "night", "day"),
        "weather": pc.if_else(pc.match_substring(told, "rain"), "rain", "dry"),
    }
    drives = {"scene": scenes["name"], "log": logs["logfile"], **attributes}
    if drive is not None and drive not in drives:
        raise RidealongError(
            f"there is no field {drive!r} to tell drives apart", hint=nearest(drive, list(drives))
        )
    return Frames(
        name=pa.array(names, pa.string()),
        drive=drives[drive or "scene"].combine_chunks(),
        time_s=time_s,
        image=images,
        attributes=pa.table(attributes),
    )


class _Truth:
    """The labels of the samples, and the racks in them."""

    def __init__(self, tables: Tables, samples: _Samples) -> None:
        table = tables.read("sample_annotation")
        where = tables.path("sample_annotation")
        row = references(
            tables, "sample_annotation", table["sample_token"], "sample", samples.table["token"]
        )
        center = vectors(table["translation"], 3, where)
        velocity = _velocities(tables, table, center, samples.time_us[row])
        names = _names(tables, table)
        codes = np.asarray([_code(CATEGORY_OF.get(name)) for name in names[0]], np.int64)
        frame = samples.frame_of[row]
        attribute, self.notes = _attributes(tables, table)
        points = _points(table)
        size, rotation = vectors(table["size"], 3, where), vectors(table["rotation"], 4, where)
        every = RawBoxes(
            frame=frame,
            category=codes[names[1]],
            center_m=center,
            size_lwh_m=size[:, [1, 0, 2]],
            rotation=rotation,
            velocity_mps=velocity,
            attribute=attribute,
            score=np.ones(len(table)),
            range_m=np.hypot(*(center - samples.ego_m[frame])[:, :2].T),
            ignored=points == 0,
        )
        rack = names[0].index(RACK) if RACK in names[0] else -1
        self.racks = chosen(every, (frame >= 0) & (names[1] == rack))
        self.raw = _without_racked(chosen(every, (frame >= 0) & (every.category >= 0)), self.racks)


def _code(category: str | None) -> int:
    return -1 if category is None else CATEGORIES.index(category)


def _points(table: pa.Table) -> Ints:
    return np.asarray(pc.add(table["num_lidar_pts"], table["num_radar_pts"]).to_numpy(), np.int64)


def _names(tables: Tables, table: pa.Table) -> tuple[list[str], Ints]:
    """Names of categories, and ``(N,)`` the one of each annotation."""
    instances, categories = tables.read("instance"), tables.read("category")
    instance = references(
        tables, "sample_annotation", table["instance_token"], "instance", instances["token"]
    )
    category = references(
        tables, "instance", instances["category_token"], "category", categories["token"]
    )
    return categories["name"].to_pylist(), category[instance]


def _attributes(tables: Tables, table: pa.Table) -> tuple[Ints, list[Note]]:
    """``(N,)`` code of the attribute of each annotation; one with several has none."""
    rows = tables.read("attribute")
    codes = np.asarray(
        [
            ATTRIBUTES.index(n) if n in ATTRIBUTES else NO_ATTRIBUTE
            for n in rows["name"].to_pylist()
        ],
        np.int64,
    )
    lists = table["attribute_tokens"].combine_chunks()
    counts = pc.list_value_length(lists).fill_null(0).to_numpy(zero_copy_only=False)
    tokens = pa.chunked_array([pc.list_flatten(lists)])
    each = references(tables, "sample_annotation", tokens, "attribute", rows["token"])
    attribute = np.full(len(table), NO_ATTRIBUTE)
    first = np.cumsum(counts) - counts
    attribute[counts == 1] = codes[each[first[counts == 1]]]
    several = int((counts > 1).sum())
    text = "labels have more than one attribute; counted as labels without any"
    return attribute, [Note("several-attributes", "truth", several, text)] if several else []


def _velocities(tables: Tables, table: pa.Table, center: Floats, time_us: Ints) -> Floats:
    """``(N, 2)`` from the annotations before and after, in m/s; NaN where unknown."""
    here = np.arange(len(table))
    before, after = (_neighbours(tables, table, column, here) for column in ("prev", "next"))
    both = (before != here) & (after != here)
    # The devkit turns each time into seconds first.
    seconds = 1e-6 * time_us[after] - 1e-6 * time_us[before]
    known = (
        (before != after) & (seconds <= np.where(both, 2 * LONGEST_S, LONGEST_S)) & (seconds > 0)
    )
    moved = (center[after] - center[before])[:, :2]
    return np.where(known[:, None], moved / np.where(known, seconds, 1.0)[:, None], np.nan)


def _neighbours(tables: Tables, table: pa.Table, column: str, here: Ints) -> Ints:
    """``(N,)`` the annotation before or after; the same one if there is none."""
    named = np.asarray(pc.not_equal(table[column], "").to_numpy(zero_copy_only=False), np.bool_)
    row = here.copy()
    wanted = table[column].filter(pa.array(named))
    row[named] = references(
        tables, "sample_annotation", wanted, "sample_annotation", table["token"]
    )
    return row


def _results(
    submission: Submission, role: Role, path: Path, samples: _Samples, racks: RawBoxes
) -> tuple[Boxes3D, list[Note]]:
    require_any("sample", submission.tokens, dict.fromkeys(samples.names), path)
    frames = samples.frame(submission.tokens)
    frame = frames[submission.sample]
    center, size = submission.numbers["translation"], submission.numbers["size"]
    with np.errstate(over="ignore", invalid="ignore"):
        range_m = np.hypot(*(center - samples.ego_m[frame])[:, :2].T)
    every = RawBoxes(
        frame=frame,
        category=submission.category,
        center_m=center,
        size_lwh_m=size[:, [1, 0, 2]],
        rotation=submission.numbers["rotation"],
        velocity_mps=submission.numbers["velocity"],
        attribute=submission.attribute,
        score=submission.score,
        range_m=range_m,
        ignored=np.zeros(len(frame), np.bool_),
    )
    raw = _without_racked(chosen(every, frame >= 0), racks)
    boxes, odd = usable_results(raw, role, samples.names)
    unknown = [t for t, at in zip(submission.tokens, frames.tolist(), strict=True) if at < 0]
    text = f"samples are not in the tables; boxes left out: {int((frame < 0).sum()):,}"
    notes = (
        [Note("frames-not-in-truth", role, len(unknown), text, tuple(unknown[:EXAMPLES]))]
        if unknown
        else []
    )
    missing = frames_without_results(frames[frames >= 0], samples.names, role)
    return boxes, [*submission.notes, *notes, *odd, *missing]


def _without_racked(raw: RawBoxes, racks: RawBoxes) -> RawBoxes:
    """The boxes, with bicycles and motorcycles ignored whose centre is in a rack."""
    order = np.argsort(racks.frame, kind="stable")
    rack_frames = racks.frame[order]
    cycles = np.flatnonzero(np.isin(raw.category, IN_RACKS))
    low = np.searchsorted(rack_frames, raw.frame[cycles], side="left")
    counts = np.searchsorted(rack_frames, raw.frame[cycles], side="right") - low
    cycle = np.repeat(cycles, counts)
    within = np.arange(len(cycle)) - np.repeat(np.cumsum(counts) - counts, counts)
    rack = order[np.repeat(low, counts) + within]
    offset = raw.center_m[cycle] - racks.center_m[rack]
    turned = np.einsum("nij,ni->nj", _matrices(racks.rotation[rack]), offset)
    inside = (np.abs(turned) <= racks.size_lwh_m[rack] / 2).all(axis=1)
    ignored = raw.ignored.copy()
    ignored[cycle[inside]] = True
    return replace(raw, ignored=ignored)


def _matrices(quaternions: Floats) -> Floats:
    """``(N, 3, 3)`` rotations of quaternions w, x, y, z."""
    length = np.sqrt((quaternions**2).sum(axis=1, keepdims=True))
    w, x, y, z = (quaternions / np.where(length > 0, length, 1)).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.asarray(rows), -1, 0)


FORMAT = ResultFormat("nuscenes", "a nuScenes detection submission", read, recognises)
