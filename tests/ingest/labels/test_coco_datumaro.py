"""COCO exports, as Datumaro (and CVAT through it) finds them."""

import pytest

from ingest.labels.coco import write_coco

BOXES = {"c1-main-1000": 2, "c1-main-2000": 0, "c1-rear-1000": 0, "c1-rear-2000": 1}


@pytest.fixture
def folder(tmp_path, make):
    labels = make.seen(*make.labels, times=(1000, 2000))  # nobody labelled the third frame
    reported = {"candidate": (make.box(3000, "rear", "car", 1, 2, 9, 8, score=0.75),)}
    clip = make.clip(labels=labels, candidate=make.seen(), reported=reported)
    write_coco(tmp_path / "out", [clip], make.head)
    return tmp_path / "out"


@pytest.mark.slow
def test_the_folder_is_recognised_with_every_image_and_attribute(folder, oracle):
    told = oracle("read_coco.py", folder)
    assert told["detected"] == ["coco_instances"] and told["warnings"] == []
    assert {item["id"]: len(item["boxes"]) for item in told["items"]} == BOXES
    assert {item["subset"] for item in told["items"]} == {"default"}
    assert all(item["shape"] == [48, 64, 3] for item in told["items"])
    boxes = {item["id"]: item["boxes"] for item in told["items"]}["c1-main-1000"]
    car = next(box for box in boxes if box["label"] == 0)
    assert (car["type"], car["box"]) == ("bbox", [4, 5, 20, 10])
    assert car["attributes"] == {
        "track_id": 1, "track_id_in_clip": 7, "occlusion": 0.25, "ignored": False,
        "is_crowd": False,
    }  # fmt: skip


@pytest.mark.slow
def test_prelabels_load_with_their_images(folder, oracle):
    path = folder / "annotations/prelabels-candidate.json"
    told = oracle("read_coco.py", path, "coco_instances")
    assert len(told["items"]) == 6 and all(item["shape"] for item in told["items"])
    (said,) = (item for item in told["items"] if item["boxes"])
    assert (said["id"], said["boxes"][0]["box"]) == ("c1-rear-3000", [1, 2, 8, 6])
    assert said["boxes"][0]["attributes"] == {"score": 0.75, "is_crowd": False}
