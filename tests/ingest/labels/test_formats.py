"""Exports in every format, as strangers' readers find them."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from ingest.labels.folder import MANIFEST
from ingest.labels.formats.kitti import projection, upright_SE3_ego
from ingest.labels.formats.registry import FORMATS
from ingest.labels.lineage import ExportHead
from ingest.labels.writing import preview_export
from ridealong.errors import RidealongError
from ridealong.perception.annotations import annotation_table
from ridealong.perception.geometry import project


def by_id(items):
    return {item["id"]: item for item in items}


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_has_images_lineage_and_instructions(export, kind):
    folder = export(kind)
    told = json.loads((folder / MANIFEST).read_text())
    assert told["format"] == kind and told["run"] == "run"
    assert [clip["clip_id"] for clip in told["clips"]] == ["c1", "c2"]
    assert told["clips"][0]["labels"] == "v1"
    assert told["clips"][0]["cameras"]["main"] == {
        "width": 64, "height": 48, "timestamps_ns": [1000, 2000, 3000], "unlabelled_ns": [3000],
    }  # fmt: skip
    images = folder / FORMATS[kind].images
    assert len(list(images.iterdir())) == 12
    with Image.open(images / "c1-main-1000.png") as image:
        assert image.size == (64, 48)
    assert "net-candidate" in (folder / "README.md").read_text()
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize("kind", FORMATS)
def test_a_preview_counts_exactly_and_writes_nothing(export, rich, tmp_path, kind, make):
    head = ExportHead(make.every, make.networks, "run")
    told = preview_export(tmp_path / "out", FORMATS[kind], [rich], head)
    assert not (tmp_path / "out").exists()
    assert (told.clips, told.images, told.labelled, told.unlabelled) == (1, 6, 4, 2)
    assert told.prelabels == {"deployed": 0, "candidate": 1} and told.ignored == 1
    assert told.annotations == {"kitti": 4, "label-studio": 5}.get(kind, 6)
    with pytest.raises(RidealongError, match="nothing to export"):
        preview_export(tmp_path / "out", FORMATS[kind], [], head)


@pytest.mark.parametrize(("kind", "deployed", "candidate"), [("kitti", 1, 2), ("cvat", 0, 1)])
def test_only_pre_labels_that_are_written_count(rich, tmp_path, make, kind, deployed, candidate):
    seen = make.box(1000, "main", "car", 1.0, 2.0, 9.0, 8.0, score=0.5)  # where labels are
    tables = {
        "deployed": annotation_table([seen]),
        "candidate": pa.concat_tables([rich.reported["candidate"], annotation_table([seen])]),
    }
    clip = replace(rich, reported=tables)
    head = ExportHead(make.every, make.networks, "run")
    told = preview_export(tmp_path / "out", FORMATS[kind], [clip], head)
    assert told.prelabels == {"deployed": deployed, "candidate": candidate}


@pytest.mark.parametrize("kind", FORMATS)
def test_the_same_clips_give_the_same_bytes(export, rich, kind):
    folder = export(kind, [rich])
    first = json.loads((folder / MANIFEST).read_text())
    assert json.loads((export(kind, [rich]) / MANIFEST).read_text()) == first


@pytest.mark.slow
def test_cvat_images_in_datumaro(export, oracle):
    items = by_id(oracle("read_labels.py", export("cvat") / "annotations.xml", "cvat"))
    assert len(items) == 12 and all(item["shape"] == [48, 64, 3] for item in items.values())
    first = items["c1-main-1000"]["shapes"]
    assert [(s["label"], s["type"]) for s in first] == [
        ("car", "bbox"), ("bicycle", "bbox"), ("lane_line", "polyline"), ("red", "bbox"),
    ]  # fmt: skip
    assert first[0]["points"] == [4, 5, 24, 15.5]
    assert first[0]["attributes"]["occlusion"] == "0.25"
    assert first[0]["attributes"]["yaw_rad"] == "0.25"
    assert first[1]["attributes"]["ignored"] is True
    assert first[3]["attributes"]["relevant"] is True
    (said,) = items["c1-main-3000"]["shapes"]
    assert said["attributes"]["score"] == "0.75"
    tracks = {
        (item, shape["attributes"]["track"])
        for item, found in items.items()
        for shape in found["shapes"]
        if "track" in shape["attributes"]
    }
    ids = {track for _, track in tracks}
    assert len(ids) == 6  # three tracks in each clip, though all have the id 7 in it


@pytest.mark.slow
def test_cvat_videos_in_datumaro(export, oracle):
    items = by_id(oracle("read_labels.py", export("cvat") / "video/c1-main", "cvat"))
    assert all(item["shape"] == [48, 64, 3] for item in items.values()) and len(items) == 3
    cars = [
        (name, shape["attributes"]["track_id"], shape["attributes"]["outside"])
        for name, item in sorted(items.items())
        for shape in item["shapes"]
        if shape["label"] == "car"
    ]
    assert cars == [
        ("frame_000000", 0, False), ("frame_000001", 0, False), ("frame_000002", 0, True),
        ("frame_000002", cars[-1][1], False),
    ]  # fmt: skip


@pytest.mark.slow
def test_kitti_objects_in_datumaro(export, oracle, rich):
    folder = export("kitti")
    items = by_id(oracle("read_labels.py", folder / "object/training", "kitti3d"))
    assert len(items) == 8 and all(item["shape"] == [48, 64, 3] for item in items.values())
    car, ignored = items["c1-main-1000"]["shapes"]
    assert (car["label"], ignored["label"]) == ("Car", "DontCare")
    assert car["points"] == [4, 5, 24, 15.5] and car["attributes"]["occluded"] == 1
    assert car["attributes"]["dimensions"] == [1.5, 1.75, 4.0]
    # What a reader of KITTI projects is where we project it.
    camera = rich.cameras["main"]
    bottom = np.array([*car["attributes"]["location"], 1.0])
    u, v, w = projection(camera) @ bottom
    ours = project(camera, np.array([[20.0, 1.5, 0.0]]))[0]
    assert (u / w, v / w) == pytest.approx((ours[0], ours[1]))
    heading = car["attributes"]["rotation_y"]
    turned = np.array([np.cos(heading), 0.0, -np.sin(heading)])
    in_ego = upright_SE3_ego(camera)[:3, :3].T @ turned
    assert np.arctan2(in_ego[1], in_ego[0]) == pytest.approx(0.25)
    calibration = (folder / "object/training/calib/c1-main-1000.txt").read_text().splitlines()
    assert [line.split()[0] for line in calibration] == [
        "P0:", "P1:", "P2:", "P3:", "R0_rect:", "Tr_velo_to_cam:", "Tr_imu_to_velo:",
    ]  # fmt: skip


def test_kitti_tracking_has_the_tracks(export):
    folder = export("kitti")
    lines = (folder / "tracking/training/label_02/c1-main.txt").read_text().splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["0", "1", "Car"], ["0", "-1", "DontCare"], ["1", "1", "Car"], ["2", "-1", "DontCare"],
    ]  # fmt: skip
    assert lines[-1].split()[6:10] == ["0.0", "0.0", "64.0", "48.0"]  # nobody labelled this frame
    assert len(list((folder / "tracking/training/image_02/c1-main").iterdir())) == 3
    said = (folder / "prelabels/candidate/data/c1-main-3000.txt").read_text().split()
    assert len(said) == 16 and float(said[-1]) == 0.75


@pytest.mark.slow
def test_openlabel_keeps_to_the_schema(export, oracle):
    folder = export("openlabel")
    assert oracle("check_openlabel.py", *(folder / "openlabel").iterdir()) == []
    told = json.loads((folder / "openlabel/c1.json").read_text())["openlabel"]
    assert len(told["frames"]) == 3 and set(told["streams"]) == {"main", "rear"}
    names = {one["type"] for one in told["objects"].values()}
    assert names == {"car", "bicycle", "pedestrian", "lane_line", "red"}
    car = told["frames"]["0"]["objects"]["1"]["object_data"]
    assert car["bbox"][0]["val"] == [14.0, 10.25, 20.0, 10.5]
    assert car["cuboid"][0]["val"] == [20.0, 1.5, 0.75, 0.0, 0.0, 0.25, 4.0, 1.75, 1.5]


@pytest.mark.slow
def test_label_studio_accepts_every_task(export, oracle, rich):
    clip = rich
    object.__setattr__(clip, "video", lambda camera: b"mp4")
    object.__setattr__(clip, "video_times", lambda camera: np.arange(500, 4000, 500))
    folder = export("label-studio", [clip])
    told = oracle("read_label_studio.py", folder / "interface.xml", folder / "tasks.json")
    assert told["wrong"] == [] and len(told["tasks"]) == 6
    video = folder / "video_interface.xml", folder / "video_tasks.json"
    told = oracle("read_label_studio.py", *video)
    assert told["wrong"] == [] and len(told["tasks"]) == 2
    tasks = json.loads((folder / "tasks.json").read_text())
    first = next(t for t in tasks if t["data"]["image"].endswith("c1-main-1000.png"))
    values = [one["value"] for one in first["annotations"][0]["result"]]
    assert values[0]["rectanglelabels"] == ["car"] and values[0]["x"] == pytest.approx(6.25)
    unlabelled = next(t for t in tasks if t["data"]["image"].endswith("c1-main-3000.png"))
    assert unlabelled["annotations"] == [] and unlabelled["predictions"][0]["score"] == 0.75
    (main, _) = json.loads((folder / "video_tasks.json").read_text())
    car = next(r for r in main["annotations"][0]["result"] if r["value"]["labels"] == ["car"])
    assert [(one["frame"], one["enabled"]) for one in car["value"]["sequence"]] == [
        (2, True), (4, False),
    ]  # fmt: skip


def test_fiftyone_has_a_sample_for_each_image(export):
    folder = export("fiftyone")
    samples = json.loads((folder / "samples.json").read_text())["samples"]
    assert len(samples) == 12 and all((folder / s["filepath"]).is_file() for s in samples)
    assert "version" not in json.loads((folder / "metadata.json").read_text())
    first = samples[0]
    car, ignored = first["ground_truth"]["detections"][:2]
    assert car["bounding_box"] == [4 / 64, 5 / 48, 20 / 64, 10.5 / 48] and car["index"] == 1
    assert (car["iscrowd"], ignored["iscrowd"]) == (0, 1)
    assert first["ground_truth_lines"]["polylines"][0]["closed"] is False
    unlabelled = next(s for s in samples if s["filepath"].endswith("c1-main-3000.png"))
    assert "ground_truth" not in unlabelled
    assert unlabelled["candidate"]["detections"][0]["confidence"] == 0.75
