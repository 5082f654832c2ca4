"""Labels that come back: a round trip changes nothing, an edit only what it says, or nothing."""

import json
import re
import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ingest.clips.label_versions import labels_blob, newest_labels, version_in
from ingest.clips.read import open_clip
from ingest.clips.write import ClipContent, write_clip
from ingest.labels.coco import write_coco
from ingest.labels.formats.registry import FORMATS
from ingest.labels.importing import import_labels
from ingest.labels.incoming import ImportRequest, Rules
from ingest.labels.lineage import ExportHead
from ingest.labels.reading.registry import READERS
from ingest.labels.size import smaller
from ingest.labels.writing import write_export
from ingest.listing import list_clips
from ingest.schemas import CLIP_LABELS, CLIPS, DRIVES
from ridealong.errors import RidealongError
from ridealong.lake import Lake, write_blob, write_data_file
from ridealong.terminal.console import Console

XML = "annotations.xml"


def hidden(labels):
    return pc.fill_null(pc.greater(labels["truncation"], 0.8), False).to_numpy(False)


@pytest.fixture
def lake(tmp_path, rich, make):
    """A lake with the rich clip, whose third frame is not labelled."""
    lake = Lake.create(tmp_path / "home")
    path = tmp_path / "clip.mcap"
    content = ClipContent(
        clip_id="c1", drive={"drive_id": "d"}, start_ns=0, end_ns=5000, events=[], telemetry=None,
        cameras=rich.cameras, frames=make.frames(), labels=rich.labels,
    )  # fmt: skip
    write_clip(path, content)
    commit = lake.new_commit_id()
    blob = write_blob(lake.home, commit, path, ".mcap")
    clip = {"clip_id": "c1", "drive_id": "d", "start_ns": 0, "labelled": True, "blob": blob.path}
    clip |= {"cameras": ["main", "rear"], "by_disagreement": False}
    tables = {CLIPS: clip, DRIVES: {"drive_id": "d", "vehicle_id": "v"}}
    rows = [
        write_data_file(lake.home, commit, spec, pa.Table.from_pylist([row], schema=spec.schema))
        for spec, row in tables.items()
    ]
    lake.commit(commit, "test", [blob, *rows], ["test"])
    return lake


@pytest.fixture
def exported(rich, make, tmp_path):
    """Exports the clip; gives the folder."""

    def run(kind, clip=rich):
        folder = tmp_path / f"export-{kind}"
        head = ExportHead(make.every, make.networks, "run")
        if kind == "coco":
            write_coco(folder, [clip], replace(head, tasks=make.every[:1]))
        else:
            held = [task for task in make.every if task.form in FORMATS[kind].forms]
            write_export(folder, FORMATS[kind], [clip], replace(head, tasks=held))
        return folder

    return run


@pytest.fixture
def bring(lake, make):
    """Imports labels; gives the report."""

    def run(path, kind, **more):
        rules = Rules(make.every, hidden)
        return import_labels(lake, ImportRequest(path, kind, **more), rules, Console(as_json=True))

    return run


@pytest.fixture
def labels(lake):
    """The newest labels of the clip."""

    def read():
        (row,) = list_clips(lake.snapshot()).to_pylist()
        newest = lake.path(row["labels_blob"]) if row["labels_blob"] else None
        with open_clip(lake.path(row["blob"]), newest) as reader:
            return reader.labels(with_dense=False)

    return read


def rows(seen, **where):
    found = [row for row in seen.sparse.to_pylist()]
    return [row for row in found if all(row[name] == value for name, value in where.items())]


def edit(path, *pairs):
    text = path.read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text)


@pytest.mark.parametrize("longest", [64, 32])
@pytest.mark.parametrize("kind", READERS)
def test_a_round_trip_changes_no_labelled_frame(exported, bring, labels, rich, kind, longest):
    before = labels()
    report = bring(exported(kind, smaller(rich, longest)), kind, families=("objects",)
                   if kind in ("coco", "kitti") else ())  # fmt: skip
    after = labels()
    for time in (1000, 2000):
        assert rows(after, timestamp_ns=time) == rows(before, timestamp_ns=time)
    assert report["manifest"] and report["unconfirmed"] == (kind in ("cvat", "openlabel"))
    if kind in ("coco", "kitti", "label-studio"):  # nobody labelled the third frame there
        assert report["versions"] == [] and after.timestamps_ns.tolist() == [1000, 2000]
    else:  # it came back empty, but for a camera with a pre-label that nobody confirmed
        assert ("objects", "main") not in after.partial[3000]
        assert ("objects", "rear") in after.partial[3000]


def test_an_edit_changes_what_it_says_and_nothing_else(exported, bring, labels, lake):
    before, folder = labels(), exported("cvat")
    text = (folder / XML).read_text()
    car = re.search(r'<box label="car".*?</box>\n', text, re.S)[0]
    moved = car.replace('xtl="4.0"', 'xtl="2.0"')
    new = '<box label="bus" source="manual" occluded="0" xtl="40" ytl="20" xbr="60.5" ybr="40"/>\n'
    (folder / XML).write_text(text.replace(car, moved + new))
    (version,) = bring(folder, "cvat", families=("objects", "lanes", "lights"))["versions"]
    after = labels()
    was, now = (rows(seen, timestamp_ns=1000, category="car")[0] for seen in (before, after))
    assert now == was | {"x1": 2.0}  # its box in space and its track stay
    (bus,) = rows(after, category="bus")
    assert (bus["x2"], bus["score"], bus["track_id"], bus["x_m"]) == (60.5, 1.0, None, None)
    for time in (1000, 2000):
        rest = [r for r in rows(after, timestamp_ns=time) if r not in (now, bus)]
        assert rest == [r for r in rows(before, timestamp_ns=time) if r != was]
    # Both versions are there, and the first one is as it was.
    (row,) = list_clips(lake.snapshot()).to_pylist()
    assert version["before"] == version_in(row["blob"])
    assert version["version"] == version_in(row["labels_blob"])
    snapshot = lake.snapshot()
    assert labels_blob(snapshot, row, version["before"]) is None
    assert labels_blob(snapshot, row, version["version"]) == row["labels_blob"]
    assert newest_labels(snapshot) == {"c1": row["labels_blob"]}
    with open_clip(lake.path(row["blob"])) as reader:
        assert reader.labels(with_dense=False).sparse.equals(before.sparse)
    assert lake.check().sound


def test_a_label_that_was_removed_is_gone_and_an_empty_frame_is_empty(exported, bring, labels):
    folder = exported("coco")
    file = folder / "annotations/instances_default.json"
    document = json.loads(file.read_text())
    document["annotations"] = []
    file.write_text(json.dumps(document))
    bring(folder, "coco")
    after = labels()
    assert rows(after, task="objects") == []
    assert len(rows(after, task="lanes")) == 1 and len(rows(after, task="lights")) == 1
    assert after.partial == {}  # nothing else was ever labelled, and both frames are whole


def test_frames_that_nobody_labelled_are_judged_only_where_labels_came(exported, bring, labels):
    folder = exported("cvat")
    text = (folder / XML).read_text()
    score = '<attribute name="score">0.75</attribute>'
    (folder / XML).write_text(text.replace(score, '<attribute name="score"></attribute>'))
    bring(folder, "cvat", families=("objects", "lanes", "lights"))
    seen = labels()
    assert seen.timestamps_ns.tolist() == [1000, 2000, 3000]
    assert set(seen.partial) == {3000}
    assert seen.judged_times("objects", "main").tolist() == [1000, 2000, 3000]
    assert seen.judged_times("depth", "main").tolist() == [1000, 2000]
    assert len(rows(seen, timestamp_ns=3000)) == 1


def test_a_second_import_goes_on_from_the_first(exported, bring, labels, lake):
    folder = exported("cvat")
    edit(folder / XML, ('xtl="4.0"', 'xtl="3.0"'))
    bring(folder, "cvat")
    first = lake.snapshot().read(CLIP_LABELS).num_rows
    assert bring(folder, "cvat")["versions"] == [] and first == 1
    edit(folder / XML, ('xtl="3.0"', 'xtl="1.0"'))
    (version,) = bring(folder, "cvat")["versions"]
    done = lake.snapshot().read(CLIP_LABELS).sort_by("time_ns").to_pylist()
    assert [row["before"] for row in done][1] == done[0]["version"] != version["version"]
    assert rows(labels(), timestamp_ns=1000, category="car")[0]["x1"] == 1.0


def test_video_tracks_come_back(exported, bring, labels):
    before, folder = labels(), exported("cvat")
    xml = folder / "video/c1-main" / XML
    edit(xml, ('ytl="5.0"', 'ytl="6.0"'))
    report = bring(xml, "cvat", manifest=folder)
    assert report["images"] == 3
    after = labels()
    assert rows(after, camera="rear") == rows(before, camera="rear")
    was, now = (rows(seen, timestamp_ns=1000, category="car")[0] for seen in (before, after))
    assert now == was | {"y1": 6.0}


def test_archives_and_lists_of_images(exported, bring, labels, tmp_path):
    folder = exported("cvat")
    edit(folder / XML, ('xtl="4.0"', 'xtl="3.0"'), ('name="c1-main-1000.png"', 'name="a.png"'))
    archive = tmp_path / "labels.zip"
    with zipfile.ZipFile(archive, "w") as out:
        out.write(folder / XML, XML)
    with pytest.raises(RidealongError, match=r"'a.png' belongs to no known clip.*--match"):
        bring(archive, "cvat")
    match = tmp_path / "match.csv"
    match.write_text("file,clip_id,camera,timestamp_ns\na.png,c1,main,1000\n")
    report = bring(archive, "cvat", match=match)
    assert not report["manifest"] and len(report["versions"]) == 1
    assert rows(labels(), timestamp_ns=1000, category="car")[0]["x1"] == 3.0


def broken(tmp_path, folder, kind):
    """Ways in which a folder of CVAT's XML can be bad: what is done, and what is said."""
    xml = folder / XML
    if kind == "no such clip":
        edit(xml, ("c1-main-1000.png", "c9-main-1000.png"))
    elif kind == "not in the export":
        edit(xml, ("c1-main-1000.png", "c1-main-999.png"))
    elif kind == "another size":
        edit(xml, ('width="64"', 'width="640"'))
    elif kind == "unknown class":
        edit(xml, ('<box label="car"', '<box label="spaceship"'))
    elif kind == "duplicate id":
        edit(xml, ('<image id="1"', '<image id="0"'))
    elif kind == "the same image twice":
        edit(xml, ("c1-main-2000.png", "c1-main-1000.png"))
    elif kind == "half-written":
        xml.write_text(xml.read_text()[:-200])
    elif kind == "entities":
        edit(xml, ("<annotations>", "<!DOCTYPE a [<!ENTITY b 'c'>]><annotations>"))
    elif kind == "no number":
        edit(xml, ('xtl="4.0"', 'xtl="nan"'))
    elif kind == "inside out":
        edit(xml, ('xtl="4.0"', 'xtl="40"'))
    elif kind == "polygon":
        edit(xml, ("<polyline", "<polygon"), ("</polyline", "</polygon"))
    return folder


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("no such clip", "there is no clip 'c9'"),
        ("not in the export", "not in the export's manifest"),
        ("another size", "is 640x48 pixels; expected 64x48"),
        ("unknown class", "unknown class 'spaceship'"),
        ("duplicate id", "the id 0 of images occurs twice"),
        ("the same image twice", "several images are the same frame"),
        ("half-written", "is not a whole XML file"),
        ("entities", "declares entities"),
        ("no number", "xtl is 'nan'"),
        ("inside out", "expected a box"),
        ("polygon", "a shape of the kind 'polygon'"),
    ],
)
def test_bad_labels_are_one_line_and_nothing_changes(exported, bring, lake, tmp_path, kind, said):
    folder = broken(tmp_path, exported("cvat"), kind)
    with pytest.raises(RidealongError, match=re.escape(said)) as caught:
        bring(folder, "cvat")
    assert "\n" not in str(caught.value)
    assert lake.snapshot().read(CLIP_LABELS).num_rows == 0


@pytest.mark.parametrize("given", READERS)
@pytest.mark.parametrize("stated", READERS)
def test_another_format_than_stated_is_refused(exported, bring, lake, given, stated):
    if given == stated:
        return
    with pytest.raises(RidealongError):
        bring(exported(given), stated)
    assert lake.snapshot().read(CLIP_LABELS).num_rows == 0


def test_bad_archives_are_refused(bring, lake, tmp_path):
    bomb, evil, half = (tmp_path / name for name in ("bomb.zip", "evil.zip", "half.zip"))
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr(XML, b" " * (200 << 20))
    with zipfile.ZipFile(evil, "w") as out:
        out.writestr("../../evil.xml", "x")
    with zipfile.ZipFile(half, "w") as out:
        out.writestr(XML, np.random.default_rng(0).bytes(10_000))
    half.write_bytes(half.read_bytes()[:-300])
    for path, said in (
        (bomb, "unpacks to more than 100 times its size"),
        (evil, "leaves the archive's folder"),
        (half, "not a whole ZIP archive"),
        (tmp_path / "none.zip", "no such file"),
    ):
        with pytest.raises(RidealongError, match=said):
            bring(path, "cvat")
    assert not (tmp_path.parent / "evil.xml").exists()
    assert lake.snapshot().read(CLIP_LABELS).num_rows == 0


def test_coco_ids_that_occur_twice_are_refused(exported, bring):
    folder = exported("coco")
    file = folder / "annotations/instances_default.json"
    document = json.loads(file.read_text())
    document["annotations"].append(document["annotations"][0])
    file.write_text(json.dumps(document))
    with pytest.raises(RidealongError, match="id 1 of annotations occurs twice"):
        bring(folder, "coco")


def test_confirmed_in_openlabel_and_submitted_in_label_studio(exported, bring, labels):
    folder = exported("openlabel")
    file = folder / "openlabel/c1.json"
    document = json.loads(file.read_text())
    shape = document["openlabel"]["frames"]["2"]["objects"]
    (data,) = shape.values()
    for flag in data["object_data"]["bbox"][0]["attributes"]["boolean"]:
        flag["val"] = flag["name"] == "confirmed"
    file.write_text(json.dumps(document))
    assert bring(folder, "openlabel")["unconfirmed"] == 0
    assert [row["category"] for row in rows(labels(), timestamp_ns=3000)] == ["car"]
    folder = exported("label-studio")
    tasks = json.loads((folder / "tasks.json").read_text())
    for task in tasks:
        if task["data"]["timestamp_ns"] == "3000":
            task["annotations"] = [{"id": 99, "result": []}]
    (folder / "tasks.json").write_text(json.dumps(tasks))
    bring(folder, "label-studio")
    assert rows(labels(), timestamp_ns=3000) == []


def test_an_export_without_its_manifest_needs_names(exported, bring, labels, tmp_path):
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(exported("cvat") / XML, alone / XML)
    edit(alone / XML, ('xtl="4.0"', 'xtl="3.0"'))
    report = bring(alone, "cvat")
    assert not report["manifest"] and len(report["versions"]) == 1
    assert rows(labels(), timestamp_ns=1000, category="car")[0]["x1"] == 3.0


def video_tasks(rich, exported):
    """The video tasks of an export whose video has a frame between those that are exported."""
    clip = replace(
        rich, video=lambda camera: b"mp4", video_times=lambda camera: np.arange(1000, 3500, 500)
    )
    file = exported("label-studio", clip) / "video_tasks.json"
    return file, {task["data"]["camera"]: task for task in json.loads(file.read_text())}


def test_video_tasks_of_label_studio_come_back(exported, bring, labels, rich):
    before = labels()
    file, tasks = video_tasks(rich, exported)
    assert [one["frame"] for one in tasks["main"]["data"]["frames"]] == [1, 3, 5]
    assert bring(file, "label-studio", families=("objects", "lights"))["versions"] == []
    regions = tasks["main"]["annotations"][0]["result"]
    (car,) = [one for one in regions if one["value"]["labels"] == ["car"]]
    first, last = car["value"]["sequence"]
    assert (first["frame"], last["frame"]) == (1, 3)
    # The labeller moves the end of the track to the last frame: frame 3 is half way.
    last |= {"frame": 5, "x": first["x"] + 10.0, "enabled": False}
    file.write_text(json.dumps(list(tasks.values())))
    bring(file, "label-studio", families=("objects", "lights"))
    cars = [row for row in rows(labels(), category="car") if row["camera"] == "main"]
    assert [row["timestamp_ns"] for row in cars] == [1000, 2000, 3000]
    assert [row["x1"] for row in cars] == pytest.approx([4.0, 7.2, 10.4])
    assert {row["track_id"] for row in cars} == {7}
    assert rows(labels(), camera="rear") == rows(before, camera="rear")
    # Nobody had labelled the third frame: it counts where there is a box now.
    assert labels().judged_times("objects", "main").tolist() == [1000, 2000, 3000]
    assert labels().judged_times("objects", "rear").tolist() == [1000, 2000]


def test_a_video_that_nobody_had_labelled_counts_in_all_its_frames(exported, bring, labels, rich):
    empty = replace(rich, labels=None, ignored=np.zeros(0, bool))
    file, tasks = video_tasks(empty, exported)
    box = {"x": 60, "y": 60, "width": 20, "height": 20, "rotation": 0}
    sequence = [box | {"frame": 2, "enabled": True}]
    region = {"id": "a", "type": "videorectangle", "value": {"sequence": sequence}}
    region["value"]["labels"] = ["bus"]
    assert tasks["main"]["annotations"] == []
    tasks["main"]["annotations"] = [{"id": 1, "result": [region]}]
    file.write_text(json.dumps(list(tasks.values())))
    report = bring(file, "label-studio", families=("objects",))
    assert report["images"] == 3
    found = [row for row in rows(labels(), task="objects") if row["camera"] == "main"]
    assert [(row["timestamp_ns"], row["category"]) for row in found] == [
        (2000, "bus"), (3000, "bus"),
    ]  # fmt: skip
    assert found[0]["track_id"] == found[1]["track_id"] == 8  # a new one


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"frames": None}, "does not list the frames of its clip"),
        ({"frames": [{"frame": 1}]}, "does not list the frames of its clip"),
        ({"width": "wide"}, "does not list the frames of its clip"),
        ({"width": 640}, "is 640x48 pixels"),
        ({"clip_id": "c9"}, "there is no clip 'c9'"),
    ],
)
def test_video_tasks_of_other_videos_are_refused(exported, bring, lake, rich, change, said):
    file, tasks = video_tasks(rich, exported)
    tasks["main"]["data"] |= change
    file.write_text(json.dumps(list(tasks.values())))
    with pytest.raises(RidealongError, match=said):
        bring(file, "label-studio")
    assert lake.snapshot().read(CLIP_LABELS).num_rows == 0


def test_boxes_that_are_turned_are_refused(exported, bring):
    folder = exported("label-studio")
    edit(folder / "tasks.json", ('"rotation":0', '"rotation":12.5'))
    with pytest.raises(RidealongError, match=r"turned by 12\.5 degrees; expected an upright box"):
        bring(folder, "label-studio")
    folder = exported("cvat")
    edit(folder / XML, ('<box label="car"', '<box rotation="7.0" label="car"'))
    with pytest.raises(RidealongError, match=r"turned by 7\.0 degrees"):
        bring(folder, "cvat")


@pytest.mark.parametrize(
    "manifest",
    [
        [],
        {"clips": 3, "families": []},
        {"clips": [3], "families": ["objects"]},
        {"clips": [{"clip_id": "c1", "cameras": {"main": {}}}], "families": ["objects"]},
        {"clips": [{"clip_id": "c1", "cameras": 3}], "families": ["objects"]},
    ],
)
def test_a_manifest_that_is_none_is_one_line(exported, bring, tmp_path, manifest):
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(manifest))
    with pytest.raises(RidealongError, match="is not the manifest of an export of images"):
        bring(exported("cvat"), "cvat", manifest=path)


@pytest.mark.parametrize(
    "corners", ['xtl="4.0"|xtl="-1e300"', 'xtl="4.0"|xtl="-70"', 'xbr="24.0"|xbr="1e300"']
)
def test_shapes_far_outside_their_image_are_refused(exported, bring, corners):
    folder = exported("cvat")
    edit(folder / XML, tuple(corners.split("|")))
    with pytest.raises(RidealongError, match="expected a shape in an image of 64x48 pixels"):
        bring(folder, "cvat")


def test_mistakes_in_an_archive_name_the_archive(exported, bring, tmp_path):
    archive = tmp_path / "labels.zip"
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("a/annotations.xml", "<annotations/>")
    with pytest.raises(RidealongError) as caught:
        bring(archive, "cvat")
    assert str(caught.value).startswith(f"{archive}/a/annotations.xml: is not an XML file of CVAT")


def test_an_import_says_which_clips_were_labelled_since_the_export(exported, bring, lake, rich):
    (row,) = list_clips(lake.snapshot()).to_pylist()
    first = exported("cvat", replace(rich, lineage={"labels": version_in(row["blob"])}))
    edit(first / XML, ('xtl="4.0"', 'xtl="3.0"'))
    assert bring(first, "cvat")["relabelled"] == []
    assert bring(first, "cvat")["relabelled"] == ["c1"]
