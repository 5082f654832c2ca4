"""Round trips of made-up labels through every format: an edit changes what it says, no more."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.clips.read import open_clip
from ingest.clips.write import ClipContent, write_clip
from ingest.labels.coco import write_coco
from ingest.labels.formats.registry import FORMATS
from ingest.labels.importing import import_labels
from ingest.labels.incoming import ImportRequest, Rules
from ingest.labels.lineage import ExportHead
from ingest.labels.size import smaller
from ingest.labels.writing import write_export
from ingest.listing import list_clips
from ingest.schemas import CLIPS, DRIVES
from ridealong.lake import Lake, write_blob, write_data_file
from ridealong.perception.annotations import ObjectCategory
from ridealong.terminal.console import Console
from tests.ingest.labels.editing import EDITORS, NEW

TIMES, CAMERAS = (1000, 2000), ("main", "rear")
ACROSS, DOWN, CELL_PX = 4, 3, 16
EDGES = ("x1", "y1", "x2", "y2")
SPACE = ("x_m", "y_m", "z_m", "length_m", "width_m", "height_m", "yaw_rad")


def hidden(labels):
    return pc.fill_null(pc.greater(labels["truncation"], 0.8), False).to_numpy(False)


@st.composite
def cuboids(draw):
    place = [draw(st.floats(-40, 40, width=32)) for _ in range(3)]
    size = [draw(st.floats(0.25, 20, width=32)) for _ in range(3)]
    return dict(zip(SPACE, [*place, *size, draw(st.floats(-7, 7, width=32))], strict=True))


@st.composite
def boxes(draw, cell):
    """A box inside a cell of a grid, so that boxes never overlap."""
    left, top = CELL_PX * (cell % ACROSS), CELL_PX * (cell // ACROSS)
    near, far = st.integers(0, 24), st.integers(88, 120)
    x1, y1, x2, y2 = (draw(one) / 8 for one in (near, near, far, far))
    return left + x1, top + y1, left + x2, top + y2


@st.composite
def objects(draw, make_box):
    """The labels of two frames and two cameras."""
    rows = []
    for time in TIMES:
        for camera in CAMERAS:
            cells = draw(st.lists(st.integers(0, ACROSS * DOWN - 2), max_size=3, unique=True))
            tracks = draw(st.permutations([None, None, 1, 2, 3]))
            for cell, track in zip(cells, tracks, strict=False):
                category = draw(st.sampled_from(list(ObjectCategory)))
                more = draw(st.none() | cuboids()) or {}
                more["occlusion"] = draw(st.sampled_from([None, 0.0, 0.25, 0.75]))
                more["truncation"] = draw(st.sampled_from([None, 0.5, 0.875]))
                box = draw(boxes(cell))
                rows.append(make_box(time, camera, category, *box, track_id=track, **more))
    return rows


@st.composite
def choices(draw):
    """The frames and cameras that are exported, and the longest side of their images."""
    times = draw(st.lists(st.sampled_from(TIMES), min_size=1, unique=True))
    cameras = draw(st.lists(st.sampled_from(CAMERAS), min_size=1, unique=True))
    return sorted(times), cameras, draw(st.sampled_from([64, 32]))


class Trip:
    """A lake with one clip, and an export of it."""

    def __init__(self, folder, clip, kind, head, frames, choice):
        self.folder, self.clip = folder, clip
        self.kind, self.editor = EDITORS[kind]
        self.times, self.cameras, self.longest = choice
        self.tasks = head.tasks
        self.lake = Lake.create(folder / "home")
        self._store(frames)
        self.before = self.labels()
        self.out = folder / "out"
        self._export(head)

    def _store(self, frames):
        path = self.folder / "clip.mcap"
        content = ClipContent(
            clip_id="c1", drive={"drive_id": "d"}, start_ns=0, end_ns=5000, events=[],
            telemetry=None, cameras=self.clip.cameras, frames=frames, labels=self.clip.labels,
        )  # fmt: skip
        write_clip(path, content)
        commit = self.lake.new_commit_id()
        blob = write_blob(self.lake.home, commit, path, ".mcap")
        row = {"clip_id": "c1", "drive_id": "d", "start_ns": 0, "labelled": True}
        row |= {"blob": blob.path, "cameras": list(CAMERAS), "by_disagreement": False}
        tables = {CLIPS: row, DRIVES: {"drive_id": "d", "vehicle_id": "v"}}
        files = [
            write_data_file(
                self.lake.home, commit, spec, pa.Table.from_pylist([one], schema=spec.schema)
            )
            for spec, one in tables.items()
        ]
        self.lake.commit(commit, "test", [blob, *files], ["test"])

    def _export(self, head):
        wanted = [
            image
            for image in self.clip.images
            if image.timestamp_ns in self.times and image.camera in self.cameras
        ]
        labels = self.before
        clip = replace(
            self.clip,
            images=wanted,
            labels=labels,
            ignored=hidden(labels.sparse),
            video=lambda camera: b"mp4",
            video_times=lambda camera: np.array([500, 1000, 1500, 2000, 3000]),
        )
        clip = smaller(clip, self.longest)
        if self.kind == "coco":
            write_coco(self.out, [clip], head)
        else:
            write_export(self.out, FORMATS[self.kind], [clip], head)

    def labels(self):
        (row,) = list_clips(self.lake.snapshot()).to_pylist()
        newest = self.lake.path(row["labels_blob"]) if row["labels_blob"] else None
        with open_clip(self.lake.path(row["blob"]), newest) as reader:
            return reader.labels(with_dense=False)

    def bring(self, path):
        request = ImportRequest(path, self.kind, manifest=self.out)
        rules = Rules(self.tasks, hidden)
        return import_labels(self.lake, request, rules, Console(as_json=True, quiet=True))

    def exported(self):
        """The labels that can be edited in the files."""
        counts = self.before.sparse.filter(pa.array(~hidden(self.before.sparse)))
        return [
            row
            for row in counts.to_pylist()
            if row["task"] == "objects"
            and row["timestamp_ns"] in self.times
            and row["camera"] in self.cameras
        ]

    def in_file(self, row):
        """The name of a row's image, and its box in the file."""
        by = self.longest / 64
        stem = f"c1-{row['camera']}-{row['timestamp_ns']}"
        return stem, [row[edge] * by for edge in EDGES]


def rows_of(labels):
    return Counter(map(repr, labels.sparse.to_pylist()))


@pytest.fixture
def trip(rich, make):
    """Makes a lake and an export of made-up labels."""
    line = {"timestamp_ns": 1000, "camera": "main", "task": "lanes", "category": "lane_line"}
    fixed = [line | {"points": [1.0, 40.0, 20.5, 30.25], "score": 1.0, "track_id": 7}]
    fixed += [make.box(1000, "main", "red", 1.0, 1.0, 2.0, 3.0) | {"task": "lights"}]

    def run(folder, kind, rows, choice, every=False):
        clip = replace(rich, labels=make.seen(*rows, *fixed, times=TIMES))
        forms = FORMATS[EDITORS[kind][0]].forms if EDITORS[kind][0] in FORMATS else ()
        held = [task for task in make.every if task.form in forms]
        tasks = (every and held) or make.every[:1]
        head = ExportHead(tasks, make.networks, "run")
        return Trip(folder, clip, kind, head, make.frames(), choice)

    return run


EASY = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.parametrize("kind", EDITORS)
@EASY
@given(data=st.data())
def test_what_was_not_edited_is_the_same(trip, make, kind, data):
    rows, choice = data.draw(objects(make.box)), data.draw(choices())
    with TemporaryDirectory() as folder:
        found = trip(Path(folder), kind, rows, choice, every=True)
        report = found.bring(found.editor(found.out).save())
        assert report["versions"] == []
        assert rows_of(found.labels()) == rows_of(found.before)


@pytest.mark.parametrize("kind", EDITORS)
@EASY
@given(data=st.data())
def test_an_edit_changes_these_labels_and_no_others(trip, make, kind, data):
    rows, choice = data.draw(objects(make.box)), data.draw(choices())
    with TemporaryDirectory() as folder:
        found = trip(Path(folder), kind, rows, choice)
        editor = found.editor(found.out)
        editor.size = found.longest, found.longest * 48 // 64
        there = data.draw(st.permutations(found.exported()))
        expected = rows_of(found.before)
        if there:
            editor.delete(*found.in_file(there[0]))
            expected[repr(there[0])] -= 1
        if len(there) > 1:
            moved = there[1] | {"x2": there[1]["x2"] - 1.5, "y1": there[1]["y1"] + 1.0}
            editor.move(*found.in_file(there[1]), found.in_file(moved)[1])
            expected[repr(there[1])] -= 1
            expected[repr(moved)] += 1
        added = dict.fromkeys(found.before.sparse.column_names) | make.box(
            data.draw(st.sampled_from(found.times)),
            data.draw(st.sampled_from(found.cameras)),
            NEW,
            *data.draw(boxes(ACROSS * DOWN - 1)),
        )
        editor.add(*found.in_file(added))
        if kind == "openlabel":  # every object is a track
            known = [row["track_id"] or 0 for row in found.before.sparse.to_pylist()]
            added["track_id"] = max(known) + 1
        expected[repr(added)] += 1
        (version,) = found.bring(editor.save())["versions"]
        after = found.labels()
        assert rows_of(after) == +expected
        assert after.timestamps_ns.tolist() == list(TIMES) and after.partial == found.before.partial
        assert version["clip_id"] == "c1"


def test_a_box_in_space_that_was_moved_in_kitti_comes_in(trip, make, tmp_path):
    space = dict(zip(SPACE, (20.0, 1.5, 0.75, 4.0, 1.75, 1.5, 3.0), strict=True))
    rows = [make.box(1000, camera, "car", 2.0, 2.0, 14.0, 13.0, track_id=1, **space)
            for camera in CAMERAS]  # fmt: skip
    found = trip(tmp_path, "kitti", rows, (list(TIMES), CAMERAS, 64))
    editor = found.editor(found.out)
    lines, at = editor.find("c1-rear-1000", [2.0, 2.0, 14.0, 13.0])
    words = lines[at].split()
    words[8] = "2.5"  # a metre higher, on the same ground
    words[13] = repr(float(words[13]) - 1.0)  # a metre nearer along the axis of the rear camera
    words[14] = repr(float(words[14]) + 2 * np.pi)  # a whole turn
    lines[at] = " ".join(words)
    found.bring(editor.save())
    front, rear = (
        next(row for row in found.labels().sparse.to_pylist()
             if row["task"] == "objects" and row["camera"] == camera)
        for camera in CAMERAS
    )  # fmt: skip
    assert {name: front[name] for name in SPACE} == space
    changed = {name: rear[name] for name in SPACE}
    assert changed == pytest.approx(space | {"x_m": 21.0, "z_m": 1.25, "height_m": 2.5}, abs=1e-5)
    assert all(changed[name] == space[name] for name in ("length_m", "width_m", "yaw_rad"))


BOX = (2.0, 2.0, 14.0, 13.0)


@pytest.mark.parametrize(
    ("kind", "old", "step", "new"),
    [
        ("kitti", 0.25, "1", 0.25),
        ("kitti", 0.25, "0", 0.0),
        ("kitti", 0.0, "2", 0.75),
        ("kitti", None, "0", None),
        ("kitti", 0.25, "3", 0.25),
        ("cvat", 0.25, "0", 0.25),
        ("cvat", 0.25, "1", 0.75),
        ("cvat", 0.75, "0", 0.0),
        ("cvat", None, "1", 0.75),
        ("cvat-video", 0.25, "1", 0.75),
    ],
)
def test_what_is_hidden_changes_by_steps(trip, make, tmp_path, kind, old, step, new):
    rows = [make.box(1000, "main", "car", *BOX, occlusion=old)]
    found = trip(tmp_path, kind, rows, ([1000], ["main"], 64))
    editor = found.editor(found.out)
    if kind == "kitti":
        lines, at = editor.find("c1-main-1000", BOX)
        words = lines[at].split()
        words[2] = step
        lines[at] = " ".join(words)
    else:
        editor.find("c1-main-1000", BOX)[1].set("occluded", step)
    found.bring(editor.save())
    (car,) = [row for row in found.labels().sparse.to_pylist() if row["task"] == "objects"]
    assert car["occlusion"] == new


def test_how_much_is_hidden_counts_before_the_step(trip, make, tmp_path):
    found = trip(
        tmp_path,
        "cvat",
        [make.box(1000, "main", "car", *BOX, occlusion=0.25)],
        ([1000], ["main"], 64),
    )
    editor = found.editor(found.out)
    (text,) = [
        one
        for one in editor.find("c1-main-1000", BOX)[1].iter("attribute")
        if one.get("name") == "occlusion"
    ]
    text.text = "0.625"  # the box itself still says that it is not hidden
    found.bring(editor.save())
    (car,) = [row for row in found.labels().sparse.to_pylist() if row["task"] == "objects"]
    assert car["occlusion"] == 0.625
