"""COCO exports, as pycocotools finds them."""

import contextlib
import io
import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from ingest.labels.coco import preview_coco, write_coco
from ingest.labels.content import LabelImage
from metrics.inference.precision import coco_average_precision
from metrics.tasks.clip_view import ClipView
from metrics.tasks.objects import FAMILY, ignored_labels
from metrics.tasks.prediction import Prediction
from ridealong.errors import RidealongError
from ridealong.perception.annotations import ObjectCategory, Perception, Task, empty_perception

LABELS = "annotations/instances_default.json"


@pytest.fixture(autouse=True)
def quiet():
    with contextlib.redirect_stdout(io.StringIO()):
        yield


@pytest.fixture
def write(tmp_path, make):
    """Write clips to ``tmp_path / "out"``; gives what was written."""

    def run(*clips):
        return write_coco(tmp_path / "out", clips or [make.clip()], make.head)

    return run


@pytest.fixture
def read(tmp_path):
    """One of the written JSON files."""
    return lambda name=LABELS: json.loads((tmp_path / "out" / name).read_text())


def evaluate(folder, network):
    truth = COCO(str(folder / LABELS))
    results = truth.loadRes(str(folder / f"{network}.json"))
    judge = COCOeval(truth, results, "bbox")
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    return judge.stats


def test_annotations(tmp_path, write):
    summary = write()
    assert (summary.clips, summary.images, summary.annotations, summary.ignored) == (1, 6, 3, 0)
    truth = COCO(str(tmp_path / "out" / LABELS))
    names = {entry["id"]: entry["name"] for entry in truth.loadCats(truth.getCatIds())}
    assert names == {at: str(name) for at, name in enumerate(ObjectCategory, start=1)}
    first = truth.loadAnns([1])[0]
    assert first == {
        "id": 1, "image_id": 1, "category_id": 1, "bbox": [4.0, 5.0, 20.0, 10.0],
        "area": 200.0, "segmentation": [], "iscrowd": 0, "ignore": 0,
        "attributes": {
            "occlusion": 0.25, "track_id": 1, "track_id_in_clip": 7, "ignored": False,
        },
    }  # fmt: skip
    assert truth.loadAnns([2])[0]["attributes"] == {"ignored": False}  # unknown is left out
    image = truth.loadImgs(truth.loadAnns([3])[0]["image_id"])[0]
    assert (image["clip_id"], image["camera"], image["timestamp_ns"]) == ("c1", "rear", 2000)


def test_images_are_there_as_they_were(tmp_path, make, write):
    write()
    truth = COCO(str(tmp_path / "out" / LABELS))
    for (_, images), at in zip(make.frames(), range(1, 7, 2), strict=True):
        for image_id, image in zip((at, at + 1), images.values(), strict=True):
            entry = truth.loadImgs(image_id)[0]
            path = tmp_path / "out/images/default" / entry["file_name"]
            assert np.array_equal(np.asarray(Image.open(path)), image)
            assert (entry["width"], entry["height"]) == (64, 48)


def test_only_the_images_asked_for_are_written(tmp_path, make, write, read):
    one = LabelImage(2000, "rear", 64, 48, {"share": 0.5})
    write(replace(make.clip(), images=[one]))
    assert [path.name for path in (tmp_path / "out/images/default").iterdir()] == [
        "c1-rear-2000.png"
    ]
    assert [image["share"] for image in read()["images"]] == [0.5]
    assert [label["image_id"] for label in read()["annotations"]] == [1]


def test_results_load_and_evaluate(tmp_path, make, write):
    """The labels themselves score 1; one of two cars found, at full recall of people, less."""
    perfect = make.seen(*make.labels)
    half = make.seen(*make.labels[:2], make.box(3000, "rear", "car", 1, 1, 9, 9, score=0.3))
    summary = write(make.clip(deployed=perfect, candidate=half))
    assert summary.results == {"deployed": 3, "candidate": 3}
    assert evaluate(tmp_path / "out", "deployed")[0] == pytest.approx(1.0)
    # people: 1; cars: precision 1 up to recall 0.5, so 51 of 101 recall points
    assert evaluate(tmp_path / "out", "candidate")[0] == pytest.approx((1 + 51 / 101) / 2)


def hidden_car(make):
    """Two cars, of which one is hidden by 90%, and four detections.

    The first car is found. Of the three around the hidden one, the best matches it and is ignored;
    the second overlaps it as well, and the third lies inside it: both are false.
    """
    labels = make.seen(
        make.box(1000, "main", "car", 0, 0, 10, 10, occlusion=0.1),
        make.box(1000, "main", "car", 20, 0, 40, 20, occlusion=0.9),
    )
    found = make.seen(
        make.box(1000, "main", "car", 20, 0, 40, 20, score=0.9),
        make.box(1000, "main", "car", 20, 0, 40, 19, score=0.8),
        make.box(1000, "main", "car", 25, 5, 30, 10, score=0.7),
        make.box(1000, "main", "car", 0, 0, 10, 10, score=0.6),
    )
    return make.clip(labels=labels, ignored=ignored_labels(labels.sparse), deployed=found)


def test_ignored_labels_are_ignored_by_plain_pycocotools(tmp_path, make, write, read):
    """By the ordinary rule: a crowd would also excuse the second and the third (then AP is 1)."""
    summary = write(hidden_car(make))
    assert (summary.annotations, summary.ignored) == (2, 1)
    flags = [(a["ignore"], a["iscrowd"], a["attributes"]["ignored"]) for a in read()["annotations"]]
    assert flags == [(0, 0, False), (1, 0, True)]
    # one match at rank 3: precision 1/3 at every recall
    assert evaluate(tmp_path / "out", "deployed")[1] == pytest.approx(1 / 3)
    for area in (3, 4, 5):  # small, medium, large: ignored in each
        assert evaluate(tmp_path / "out", "deployed")[area] in (-1, pytest.approx(1 / 3))


@pytest.mark.parametrize("seed", range(6))
def test_crowded_images_score_as_ours(tmp_path, make, write, seed):
    """Many boxes on top of each other, half of them ignored: as our own matching says."""
    rng = np.random.default_rng(seed)

    def boxes(count, column):
        corners = rng.uniform(0, 20, (count, 2)), rng.uniform(8, 16, (count, 2))
        return [
            make.box(int(rng.choice([1000, 2000, 3000])), "main", "car", x, y, x + w, y + h)
            | {column: float(rng.uniform())}
            for (x, y), (w, h) in zip(*(pairs.tolist() for pairs in corners), strict=True)
        ]

    labels = make.seen(*boxes(30, "occlusion"))
    hidden = pc.greater(labels.sparse["occlusion"], 0.5).to_numpy()
    half = labels.sparse.set_column(
        labels.sparse.schema.get_field_index("occlusion"),
        labels.sparse.schema.field("occlusion"),
        pa.array(np.where(hidden, 0.9, 0.1), pa.float32()),
    )
    labels = replace(labels, sparse=half)
    ignored = ignored_labels(half)
    assert 0 < ignored.sum() < 30
    found = make.seen(*boxes(80, "score"))
    write(make.clip(labels=labels, ignored=ignored, deployed=found))
    result = FAMILY.against_labels(
        ClipView(found), ClipView(labels), [Prediction(Task.OBJECTS, "car", "main")]
    )
    rows = result.matches
    ours = coco_average_precision(
        rows["score"].to_numpy(), np.array(rows["matched"].to_pylist()), int((~ignored).sum())
    )
    assert 0 < ours < 1
    assert evaluate(tmp_path / "out", "deployed")[1] == pytest.approx(ours, abs=1e-12)


def test_a_network_that_found_nothing_loads_and_scores_zero(tmp_path, make, write):
    nothing = empty_perception(np.array([1000, 2000, 3000]))
    summary = write(make.clip(deployed=nothing))
    assert summary.results == {"deployed": 0, "candidate": 0}
    truth = COCO(str(tmp_path / "out" / LABELS))
    for network in ("deployed", "candidate"):
        results = truth.loadRes(str(tmp_path / "out" / f"{network}.json"))
        assert results.getAnnIds(catIds=truth.getCatIds()) == []
        assert evaluate(tmp_path / "out", network)[0] == 0.0


def test_the_placeholder_does_not_change_what_an_empty_list_would_score(tmp_path, write):
    """pycocotools cannot load [], but it can evaluate an empty COCO: both count the same."""
    write()
    truth = COCO(str(tmp_path / "out" / LABELS))
    with pytest.raises(IndexError):
        truth.loadRes([])
    empty = COCO()
    empty.dataset = truth.dataset | {"annotations": []}
    empty.createIndex()
    judge = COCOeval(truth, empty, "bbox")
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    assert np.array_equal(judge.stats, evaluate(tmp_path / "out", "deployed"))


def test_images_that_nobody_labelled_are_listed_apart(tmp_path, make, write, read):
    some = make.seen(make.labels[0], times=(1000,))
    not_objects = Perception(np.array([1000, 2000]), make.seen().sparse, tasks=frozenset())
    found = make.seen(*(make.box(time, "main", "car", 1, 1, 9, 9) for time in (1000, 2000)))
    summary = write(make.clip("a", some, deployed=found), make.clip("b", not_objects))
    assert (summary.images, summary.labelled, summary.unlabelled) == (12, 2, 10)
    assert summary.results["deployed"] == 1  # what is said where nobody looked is no result
    told, apart = read(), read("annotations/unlabelled.json")
    assert {(i["clip_id"], i["timestamp_ns"]) for i in told["images"]} == {("a", 1000)}
    assert {a["image_id"] for a in told["annotations"]} == {1} and apart["annotations"] == []
    images = told["images"] + apart["images"]
    assert sorted(i["id"] for i in images) == list(range(1, 13))
    assert {i["file_name"] for i in images} == {
        path.name for path in (tmp_path / "out/images/default").iterdir()
    }
    assert all(i["labelled"] for i in told["images"])
    assert not any(i["labelled"] for i in apart["images"])


def test_where_nobody_labelled_anything_the_files_say_so(tmp_path, make, write, read):
    nobody = Perception(np.array([], np.int64), make.seen().sparse, tasks=frozenset())
    write(make.clip(labels=nobody, candidate=make.seen(make.labels[0])))
    assert read()["images"] == [] == read("candidate.json")
    assert len(read("annotations/prelabels-candidate.json")["images"]) == 6
    assert "nothing to evaluate" in (tmp_path / "out/README.md").read_text()


def test_prelabels_are_what_was_said_on_every_image(make, write, read):
    boxes = [make.box(time, "main", "car", 1, 1, 9, 9, score=0.75) for time in (1000, 2000, 3000)]
    labels = make.seen(make.labels[0], times=(1000,))
    summary = write(
        make.clip(labels=labels, candidate=make.seen(*boxes), reported={"candidate": boxes[1:]})
    )
    assert summary.prelabels == {"deployed": 0, "candidate": 2}
    told = read("annotations/prelabels-candidate.json")
    time_of = {image["id"]: image["timestamp_ns"] for image in told["images"]}
    assert len(time_of) == 6
    assert [time_of[a["image_id"]] for a in told["annotations"]] == [2000, 3000]
    assert [a["attributes"] for a in told["annotations"]] == [{"score": 0.75}] * 2
    assert read("thresholds.json")["candidate"] == {
        "network": "net-candidate", "sha256": "candidate" * 8,
        "thresholds": {"objects/car@main": 0.4},
    }  # fmt: skip


def test_ids_are_unique_over_the_export(tmp_path, make, write, read):
    """Also those of tracks: the car 7 of one clip is not the car 7 of another."""
    again = make.box(2000, "main", "car", 4.0, 5.0, 24.0, 15.0, track_id=7)
    labels = make.seen(*make.labels, again)
    found = make.seen(*make.labels)
    reported = {"candidate": make.labels[:3]}
    write(*(make.clip(name, labels, candidate=found, reported=reported) for name in "abc"))
    told, prelabels = read(), read("annotations/prelabels-candidate.json")
    assert (
        [i["id"] for i in told["images"]]
        == list(range(1, 19))
        == [i["id"] for i in prelabels["images"]]
    )
    ids = [a["id"] for a in told["annotations"] + prelabels["annotations"]]
    assert sorted(ids) == list(range(1, 22)) and len(told["annotations"]) == 12
    tracks = [a["attributes"] for a in told["annotations"] if "track_id" in a["attributes"]]
    assert [t["track_id"] for t in tracks] == [1, 1, 2, 2, 3, 3]
    assert {t["track_id_in_clip"] for t in tracks} == {7}
    assert len({i["file_name"] for i in told["images"]}) == 18


def test_clips_are_listed_with_what_is_known_about_them(make, write, read):
    write(replace(make.clip("b"), about={"share": 0.5}), make.clip("a"))
    assert read()["clips"] == [{"clip_id": "b", "share": 0.5}, {"clip_id": "a"}]


def test_same_clips_same_bytes(tmp_path, make):
    def contents(folder):
        write_coco(folder, [make.clip(deployed=make.seen(*make.labels))], make.head)
        files = {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        assert not any(path.parts[0].startswith(".") for path in files)
        return files

    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_a_preview_counts_what_would_be_written_and_writes_nothing(tmp_path, make, write):
    clips = [hidden_car(make), make.clip("a", deployed=make.seen(*make.labels))]
    guess = preview_coco(tmp_path / "out", clips, make.head)
    assert list(tmp_path.iterdir()) == []
    written = write(*clips)
    assert replace(guess, megabytes=written.megabytes) == written
    assert guess.megabytes == pytest.approx(written.megabytes, rel=0.2, abs=0.1)


def test_nothing_to_export(tmp_path, make, write):
    for clips in ([make.clip(times=())], [replace(make.clip(), images=[])] * 2):
        with pytest.raises(RidealongError, match="nothing to export"):
            write(*clips)
        with pytest.raises(RidealongError, match="nothing to export"):
            preview_coco(tmp_path / "out", clips, make.head)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"category": "unicorn"}, "'unicorn'.*car, truck"),
        ({"category": "car", "x1": float("nan")}, "nan.*finite"),
    ],
)
def test_bad_outputs_are_told_and_nothing_is_left(tmp_path, make, write, row, said):
    bad = make.seen(make.box(1000, "main", "car", 1, 1, 5, 5) | row)
    with pytest.raises(RidealongError, match=said):
        write(make.clip(deployed=bad))
    assert list(tmp_path.iterdir()) == []


def test_a_failure_midway_keeps_the_earlier_export(tmp_path, make, write):
    write(make.clip("old"))

    def breaks():
        yield make.clip("new")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_coco(tmp_path / "out", breaks(), make.head)
    names = [path.name for path in (tmp_path / "out/images/default").iterdir()]
    assert names and all(name.startswith("old-") for name in names)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
