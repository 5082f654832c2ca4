"""COCO exports, as pycocotools finds them."""

import contextlib
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from ingest.annotations import ObjectCategory, Perception, empty_perception
from ingest.errors import RidealongError
from ingest.labels.coco import CATEGORY_IDS, write_coco
from ingest.labels.folder import MANIFEST


@pytest.fixture(autouse=True)
def quiet():
    with contextlib.redirect_stdout(io.StringIO()):
        yield


def evaluate(folder, network):
    truth = COCO(str(folder / "annotations.json"))
    results = truth.loadRes(str(folder / f"{network}.json"))
    judge = COCOeval(truth, results, "bbox")
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    return judge.stats


def test_annotations(tmp_path, make):
    summary = write_coco(tmp_path / "out", [make.clip()])
    assert (summary.clips, summary.images, summary.annotations) == (1, 6, 3)
    truth = COCO(str(tmp_path / "out" / "annotations.json"))
    names = {entry["id"]: entry["name"] for entry in truth.loadCats(truth.getCatIds())}
    assert names == {at: str(name) for at, name in enumerate(ObjectCategory, start=1)}
    first = truth.loadAnns([1])[0]
    assert first == {
        "id": 1, "image_id": 1, "category_id": CATEGORY_IDS["car"], "bbox": [4.0, 5.0, 20.0, 10.0],
        "area": 200.0, "iscrowd": 0, "track_id": 7, "occlusion": 0.25,
    }  # fmt: skip
    assert "track_id" not in truth.loadAnns([2])[0]  # unknown is left out
    image = truth.loadImgs(truth.loadAnns([3])[0]["image_id"])[0]
    assert (image["clip_id"], image["camera"], image["timestamp_ns"]) == ("c1", "rear", 2000)


def test_images_are_there_as_they_were(tmp_path, make):
    write_coco(tmp_path / "out", [make.clip()])
    truth = COCO(str(tmp_path / "out" / "annotations.json"))
    for (_, images), at in zip(make.frames(), range(1, 7, 2), strict=True):
        for image_id, image in zip((at, at + 1), images.values(), strict=True):
            entry = truth.loadImgs(image_id)[0]
            assert np.array_equal(
                np.asarray(Image.open(tmp_path / "out" / entry["file_name"])), image
            )
            assert (entry["width"], entry["height"]) == (64, 48)


def test_results_load_and_evaluate(tmp_path, make):
    """The labels themselves score 1; one of two cars found, at full recall of people, less."""
    perfect = make.seen(*make.labels)
    half = make.seen(*make.labels[:2], make.box(3000, "rear", "car", 1, 1, 9, 9, score=0.3))
    out = tmp_path / "out"
    summary = write_coco(out, [make.clip(deployed=perfect, candidate=half)])
    assert summary.results == {"deployed": 3, "candidate": 3}
    assert evaluate(out, "deployed")[0] == pytest.approx(1.0)
    # people: 1; cars: precision 1 up to recall 0.5, so 51 of 101 recall points
    assert evaluate(out, "candidate")[0] == pytest.approx((1 + 51 / 101) / 2)


def test_a_network_that_found_nothing_loads_and_scores_zero(tmp_path, make):
    out = tmp_path / "out"
    nothing = empty_perception(np.array([1000, 2000, 3000]))
    summary = write_coco(out, [make.clip(deployed=nothing)])
    assert summary.results == {"deployed": 0, "candidate": 0}
    truth = COCO(str(out / "annotations.json"))
    for network in ("deployed", "candidate"):
        results = truth.loadRes(str(out / f"{network}.json"))
        assert results.getAnnIds(catIds=truth.getCatIds()) == []
        assert evaluate(out, network)[0] == 0.0


def test_the_placeholder_does_not_change_what_an_empty_list_would_score(tmp_path, make):
    """pycocotools cannot load [], but it can evaluate an empty COCO: both count the same."""
    out = tmp_path / "out"
    write_coco(out, [make.clip()])
    truth = COCO(str(out / "annotations.json"))
    with pytest.raises(IndexError):
        truth.loadRes([])
    empty = COCO()
    empty.dataset = truth.dataset | {"annotations": []}
    empty.createIndex()
    judge = COCOeval(truth, empty, "bbox")
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    assert np.array_equal(judge.stats, evaluate(out, "deployed"))


def test_frames_that_nobody_judged_say_so_and_have_no_annotations(tmp_path, make):
    some = make.seen(make.labels[0], times=(1000,))
    not_objects = Perception(np.array([1000, 2000]), make.seen().sparse, tasks=frozenset())
    clips = [make.clip("a", some), make.clip("b", not_objects)]
    write_coco(tmp_path / "out", clips)
    told = json.loads((tmp_path / "out" / "annotations.json").read_text())
    labelled = {(i["clip_id"], i["timestamp_ns"]) for i in told["images"] if i["labelled"]}
    assert labelled == {("a", 1000)}
    assert {a["image_id"] for a in told["annotations"]} == {1}


def test_ids_do_not_clash_over_clips(tmp_path, make):
    seen = make.seen(*make.labels)
    clips = [make.clip(name, candidate=seen) for name in "abc"]
    write_coco(tmp_path / "out", clips)
    told = json.loads((tmp_path / "out" / "annotations.json").read_text())
    assert [i["id"] for i in told["images"]] == list(range(1, 19))
    assert [a["id"] for a in told["annotations"]] == list(range(1, 10))
    assert len({i["file_name"] for i in told["images"]}) == 18
    assert evaluate(tmp_path / "out", "candidate")[0] == pytest.approx(1.0)


def test_clips_are_listed_with_what_is_known_about_them(tmp_path, make):
    clips = [replace(make.clip("b"), about={"share": 0.5}), make.clip("a")]
    write_coco(tmp_path / "out", clips)
    told = json.loads((tmp_path / "out" / "annotations.json").read_text())
    assert told["clips"] == [{"clip_id": "b", "share": 0.5}, {"clip_id": "a"}]


def test_same_clips_same_bytes(tmp_path, make):
    def contents(folder):
        write_coco(folder, [make.clip(deployed=make.seen(*make.labels))])
        return {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_nothing_to_export(tmp_path, make):
    for clips in ([], [make.clip()] * 0):
        with pytest.raises(RidealongError, match="nothing to export"):
            write_coco(tmp_path / "out", clips)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"category": "unicorn"}, "'unicorn'.*car, truck"),
        ({"category": "car", "x1": float("nan")}, "nan.*finite"),
    ],
)
def test_bad_outputs_are_told_and_nothing_is_left(tmp_path, make, row, said):
    bad = make.seen(make.box(1000, "main", "car", 1, 1, 5, 5) | row)
    with pytest.raises(RidealongError, match=said):
        write_coco(tmp_path / "out", [make.clip(deployed=bad)])
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_export_is_replaced_and_nothing_else_is(tmp_path, make):
    out = tmp_path / "out"
    write_coco(out, [make.clip("old")])
    write_coco(out, [make.clip("new")])
    assert all("new-" in path.name for path in (out / "images").iterdir())
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("touch", ["edit", "add", "remove"])
def test_an_export_that_somebody_worked_in_is_kept(tmp_path, make, touch):
    out = tmp_path / "out"
    write_coco(out, [make.clip()])
    if touch == "edit":
        (out / "annotations.json").write_text("{}")
    elif touch == "add":
        (out / "notes.txt").write_text("mine")
    else:
        next((out / "images").iterdir()).unlink()
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    with pytest.raises(RidealongError, match=r"changed since.*name another folder"):
        write_coco(out, [make.clip("new")])
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before


def test_foreign_targets_are_refused_and_an_empty_folder_is_fine(tmp_path, make):
    file, full, broken = tmp_path / "file", tmp_path / "full", tmp_path / "broken"
    file.write_text("x")
    for folder, name in ((full, "thesis.tex"), (broken, MANIFEST)):
        folder.mkdir()
        (folder / name).write_text("[]")
        with pytest.raises(RidealongError, match="no export of ridealong's"):
            write_coco(folder, [make.clip()])
    with pytest.raises(RidealongError, match="is a file"):
        write_coco(file, [make.clip()])
    (tmp_path / "empty").mkdir()
    write_coco(tmp_path / "empty", [make.clip()])
    write_coco(tmp_path / "with | space" / "deep", [make.clip()])


def test_a_failure_midway_keeps_the_earlier_export(tmp_path, make):
    out = tmp_path / "out"
    write_coco(out, [make.clip("old")])

    def breaks():
        yield make.clip("new")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_coco(out, breaks())
    assert all("old-" in path.name for path in (out / "images").iterdir())
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
