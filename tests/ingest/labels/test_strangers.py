"""What strangers' readers count in an export: images, labels, ids, scores, tracks, and the media.

The export is the rich clip, twice: 12 images, of which 8 are labelled. In each clip there are
labels of a car in two frames (one track), of a bicycle that is ignored, of a pedestrian (a track),
of a line (a track) and of a light, and one pre-label with a score of 0.75.
"""

import shutil

import numpy as np
import pyarrow as pa
import pytest

from ingest.clips.write import ClipContent, write_clip
from ingest.labels.formats.label_studio import LOCAL
from ingest.labels.mcap import ReplayedClip, write_mcaps

pytestmark = pytest.mark.slow


def test_fiftyone_loads_every_sample(export, oracle):
    folder = export("fiftyone")
    told = oracle("read_fiftyone.py", folder)
    samples = {sample["file"]: sample for sample in told["samples"]}
    assert len(samples) == len(told["samples"]) == 12
    assert set(samples) == {path.name for path in (folder / "data").iterdir()}
    assert all(s["shape"] == [48, 64, 3] and s["size"] == [64, 48] for s in samples.values())
    assert told["info"] == {"run": "run"}
    assert {"car", "bicycle", "pedestrian", "red"} <= set(told["classes"])
    truth = [one for s in samples.values() for one in s["labels"].get("ground_truth", ())]
    assert sorted(one["label"] for one in truth) == [
        *["bicycle"] * 2, *["car"] * 4, *["pedestrian"] * 2, *["red"] * 2,
    ]  # fmt: skip
    assert sum(one["iscrowd"] for one in truth) == 2
    assert len({one["index"] for one in truth if one["index"] is not None}) == 4
    first = samples["c1-main-1000.png"]["labels"]
    assert first["ground_truth"][0]["bounding_box"] == [4 / 64, 5 / 48, 20 / 64, 10.5 / 48]
    assert first["ground_truth"][0]["yaw_rad"] == 0.25
    (line,) = first["ground_truth_lines"]
    assert (line["label"], line["closed"], len(line["points"][0])) == ("lane_line", False, 3)
    unlabelled = samples["c2-main-3000.png"]
    assert unlabelled["tags"] == ["unlabelled"] and "ground_truth" not in unlabelled["labels"]
    assert [one["confidence"] for one in unlabelled["labels"]["candidate"]] == [0.75]


def test_trackeval_finds_the_tracks_of_kitti(export, oracle):
    told = oracle("read_kitti_tracks.py", export("kitti") / "tracking/training")
    assert {name: found["ids"] for name, found in told.items()} == {
        "c1-main": [[1], [1], []], "c1-rear": [[], [2], []],
        "c2-main": [[3], [3], []], "c2-rear": [[], [4], []],
    }  # fmt: skip
    assert told["c1-main"]["boxes"] == [[[4, 5, 24, 15.5]], [[5, 5, 25, 15.5]], []]
    # A label that does not count, and all of a frame that nobody labelled.
    assert told["c1-main"]["ignored"] == [1, 0, 1]


def test_datumaro_finds_the_scores_of_kitti_s_prelabels(export, oracle, tmp_path):
    folder = export("kitti")
    shutil.copytree(folder / "object/training/image_2", tmp_path / "k/image_2")
    shutil.copytree(folder / "prelabels/candidate/data", tmp_path / "k/label_2")
    items = oracle("read_labels.py", tmp_path / "k", "kitti_detection")
    assert len(items) == 12 and all(item["shape"] == [48, 64, 3] for item in items)
    said = {item["id"]: item["shapes"] for item in items if item["shapes"]}
    assert set(said) == {"c1-main-3000", "c2-main-3000"}
    (box,) = said["c1-main-3000"]
    assert (box["label"], box["points"]) == ("Car", [1, 2, 9, 8])
    assert box["attributes"]["score"] == 0.75


def test_vcd_loads_openlabel(export, oracle):
    folder = export("openlabel")
    told = oracle("read_openlabel.py", folder / "openlabel/c1.json")
    assert told["streams"] == ["main", "rear"] and len(told["frames"]) == 3
    uris = [uri for frame in told["frames"].values() for uri in frame["uris"].values()]
    assert len(set(uris)) == 6
    assert all((folder / "openlabel" / uri).is_file() for uri in uris)
    seen = sorted((one["type"], one["frames"]) for one in told["objects"].values())
    assert seen == [
        ("bicycle", [0]), ("car", [0, 1]), ("car", [2]), ("lane_line", [0]), ("pedestrian", [1]),
        ("red", [0]),
    ]  # fmt: skip
    (said,) = told["frames"]["2"]["objects"].values()
    about = {one["name"]: one["val"] for kind in said["bbox"][0]["attributes"].values()
             for one in kind}  # fmt: skip
    assert about == {"ignored": False, "confirmed": False, "score": 0.75}
    other = oracle("read_openlabel.py", folder / "openlabel/c2.json")
    assert not set(told["objects"]) & set(other["objects"])  # ids are unique in the export


def test_label_studio_finds_regions_scores_and_media(export, oracle):
    folder = export("label-studio")
    told = oracle("read_label_studio.py", folder / "interface.xml", folder / "tasks.json")
    tasks = told["tasks"]
    assert told["wrong"] == [] and len({task["id"] for task in tasks}) == len(tasks) == 12
    media = [one for task in tasks for one in task["media"]]
    assert len(set(media)) == 12
    assert all((folder / one.removeprefix(LOCAL)).is_file() for one in media)
    regions = [one for task in tasks for found in task["annotations"] for one in found]
    said = [one for task in tasks for found in task["predictions"] for one in found["result"]]
    assert (len(regions), len(said)) == (10, 2)
    assert len({one["id"] for one in regions + said}) == 12
    assert [one["score"] for one in said] == [0.75, 0.75]
    tracks = [text for one in regions for text in one["meta"]["text"] if text.startswith("track=")]
    assert len(tracks) == 6 and len(set(tracks)) == 4
    assert sum(bool(task["annotations"]) for task in tasks) == 8


def test_rerun_finds_every_message_of_an_mcap_export(make, oracle, tmp_path):
    telemetry = pa.table(
        {
            "timestamp_ns": np.arange(1, 6) * 1000,
            "Vehicle.Speed": pa.array([12.5] * 5, pa.float32()),
            "Vehicle.ADAS.ABS.IsEngaged": [False] * 5,
        }
    )
    content = ClipContent(
        clip_id="c1", drive={}, start_ns=0, end_ns=5000, events=[], telemetry=telemetry,
        cameras=make.cameras, frames=make.frames(), labels=make.seen(*make.labels),
    )  # fmt: skip
    write_clip(tmp_path / "c1.mcap", content)
    outputs = {role: make.seen(make.labels[0]) for role in ("deployed", "candidate")}
    clip = ReplayedClip("c1", tmp_path / "c1.mcap", outputs)
    write_mcaps(tmp_path / "out", [clip], make.networks)
    told = oracle("read_rerun.py", tmp_path / "out/c1.mcap")
    rows = {entity: one["rows"] for entity, one in told["entities"].items()}
    for camera in make.cameras:
        assert rows[f"/camera/{camera}/video"]["VideoStream:sample"] == 3
        assert rows[f"/camera/{camera}/calibration"]["Pinhole:image_from_camera"] == 1
        shown = rows[f"/camera/{camera}/annotations"]
        assert shown == {"foxglove.ImageAnnotations:message": 3}
    for role in outputs:  # each saw something in one camera
        shown = rows[f"/{role}/camera/main/annotations"]
        assert shown == {"foxglove.ImageAnnotations:message": 3}
        assert rows[f"/{role}/outputs"] == {"McapMessage:data": 3}
    assert rows["/signals"] == {"ridealong.Signals:message": 5}
    assert told["signals"] == {"Vehicle_Speed": "Float64", "Vehicle_ADAS_ABS_IsEngaged": "Boolean"}
    for entity in ("/signals", "/camera/main/video", "/candidate/camera/main/annotations"):
        assert "message_log_time" in told["entities"][entity]["timelines"]
