"""BDD100K's ground truth and results, as Scalabel writes them."""

import json

import numpy as np
import pytest

from ingest.results.bdd100k import read, recognises
from ingest.results.format import ReadOptions, ResultPaths
from metrics.evaluation.registry import EVALUATIONS
from ridealong.errors import RidealongError


def label(id_, category="car", box=(10, 20, 29, 39), **fields):
    corners = dict(zip(("x1", "y1", "x2", "y2"), box, strict=True))
    return {"id": id_, "category": category, "box2d": corners} | fields


def found(id_, score=0.9, **fields):
    return label(id_, score=score, **fields)


def frame(name, *labels, **fields):
    return {"name": name, "labels": list(labels)} | fields


def video(*labels, name="v", index=0, **fields):
    return frame(f"{name}-{index}.jpg", *labels, videoName=name, frameIndex=index, **fields)


@pytest.fixture
def files(tmp_path):
    def read_all(truth, deployed=(), candidate=(), **options):
        paths = {}
        for name, content in (("truth", truth), ("deployed", deployed), ("candidate", candidate)):
            paths[name] = tmp_path / f"{name}.json"
            text = content if isinstance(content, str) else json.dumps(content)
            paths[name].write_text(text)
        return read(ResultPaths(**paths), ReadOptions(**options))

    return read_all


def notes_of(comparison, whose):
    return {one.kind: one.count for one in comparison.notes if one.whose == whose}


def test_a_box_includes_its_last_pixel(files):
    read = files([frame("a.jpg", label("1"))], [frame("a.jpg", found("7"))])
    assert read.truth.xywh.tolist() == read.deployed.xywh.tolist() == [[10, 20, 20, 20]]
    assert read.deployed.area.tolist() == [400]
    assert read.deployed.score.tolist() == [0.9]
    assert read.evaluation == "coco"
    assert read.drive_from == "each image"


def test_frames_are_by_drive_and_time_and_boxes_by_name(files):
    weather = {"attributes": {"weather": "rainy", "night": False}}
    truth = [
        frame("b.jpg", label("1"), videoName="x", frameIndex=1, **weather),
        frame("c.jpg", videoName="x", frameIndex=0),
        frame("a.jpg", label("2"), videoName="y", frameIndex=0, attributes={"scene": "city"}),
    ]
    read = files({"frames": truth}, [frame("b.jpg", found("1")), frame("a.jpg", found("2"))])
    frames = read.frames
    assert frames.name.to_pylist() == ["a.jpg", "c.jpg", "b.jpg"]
    assert frames.drive.to_pylist() == ["y", "x", "x"]
    assert frames.image.to_pylist() == ["y/a.jpg", "x/c.jpg", "x/b.jpg"]
    assert frames.attributes.to_pydict() == {
        "scene": ["city", None, None],
        "weather": [None, None, "rainy"],
        "night": [None, None, "false"],
    }
    assert read.deployed.frame.tolist() == [0, 2]
    assert read.drive_from == "videoName"


def test_times_are_those_of_the_frames_or_of_the_rate(files):
    truth = [video(index=n, timestamp=1000 + 250 * n) for n in range(3)]
    assert files(truth).frames.time_s.tolist() == [1.0, 1.25, 1.5]
    assert files(truth, rate_hz=5.0).frames.time_s.tolist() == [0.0, 0.2, 0.4]


def test_the_drive_can_be_any_field(files):
    truth = [frame("a.jpg", attributes={"city": "Oslo"}), frame("b.jpg", city="Bern")]
    assert files(truth, drive="city").frames.drive.to_pylist() == ["Oslo", "Bern"]
    with pytest.raises(RidealongError, match="frame 1 has no field 'town'"):
        files([frame("a.jpg", town="x"), frame("b.jpg")], drive="town")


def test_crowds_and_ignored_classes_as_scalabel_has_them(files):
    labels = [
        label("1", attributes={"crowd": True}),
        label("2", attributes={"ignored": True, "occluded": True}),
        label("3", category="other vehicle"),
        label("4", category="person"),
        label("5"),
    ]
    result = frame("a.jpg", found("1", category="motor"), found("2", category="trailer"))
    read = files([frame("a.jpg", *labels)], [result])
    assert read.categories == ("pedestrian", "car")
    assert read.truth.crowd.tolist() == read.truth.ignored.tolist() == [
        True, True, True, False, False,
    ]  # fmt: skip
    assert read.truth.category.tolist() == [1, 1, 1, 0, 1]
    assert notes_of(read, "truth")["labels-ignored"] == 1
    (note,) = [one for one in read.notes if one.kind == "unknown-classes"]
    assert (note.count, note.examples) == (2, ("motorcycle", "trailer"))


def test_labels_without_a_box_are_skipped_and_their_frame_has_results(files):
    silent = {"id": "1", "category": "car", "score": 0.5}
    truth = [frame("a.jpg", label("1")), frame("b.jpg", labels=None), frame("c.jpg")]
    read = files(truth, [frame("a.jpg", silent)], [])
    assert len(read.deployed) == len(read.candidate) == 0
    assert notes_of(read, "deployed") == {
        "labels-without-box": 1, "frames-without-results": 2, "nothing-found": 3,
    }  # fmt: skip
    assert notes_of(read, "candidate") == {"frames-without-results": 3}


def test_frames_that_the_truth_does_not_have_are_counted(files):
    result = [frame("a.jpg", found("1")), frame("z.jpg", found("2")), frame("y.jpg")]
    read = files([frame("a.jpg", label("1"))], result)
    (note,) = [one for one in read.notes if one.kind == "unknown-frames"]
    assert (note.count, note.examples) == (2, ("z.jpg", "y.jpg"))
    with pytest.raises(RidealongError, match="has no frame of the ground truth"):
        files([frame("a.jpg")], result[1:])


def test_one_name_in_several_videos(files):
    truth = [frame("0.jpg", label("1"), videoName=name) for name in "xy"]
    results = [frame("0.jpg", found("1"), videoName="y"), frame("0.jpg", found("1"))]
    read = files(truth, results)
    assert read.frames.name.to_pylist() == ["x/0.jpg", "y/0.jpg"]
    assert read.deployed.frame.tolist() == [1]
    assert notes_of(read, "deployed")["unknown-frames"] == 1


def test_normalised_boxes_are_refused(files):
    def of(box):
        return [video(label("1", box2d=box, score=0.5), index=n) for n in range(10)]

    pixels = of({"x1": 300, "y1": 200, "x2": 600, "y2": 400})
    small = of({"x1": 0.25, "y1": 0.3, "x2": 0.5, "y2": 0.6})
    with pytest.raises(RidealongError, match="the boxes look normalised: none reaches beyond"):
        files(pixels, small)
    assert len(files(pixels, small[:9]).deployed) == 9  # too few to tell
    assert len(files(small, small).deployed) == 10  # so is the ground truth


def test_two_result_frames_of_one_frame_are_refused(files):
    results = [frame("0.jpg", videoName="x"), frame("0.jpg", videoName="y")]
    with pytest.raises(RidealongError, match=r"frame 1 has the name 'y/0.jpg' of another one"):
        files([frame("0.jpg")], results)


def drive(ids, score=None):
    extra = {} if score is None else {"score": score}
    return [video(label(id_, **extra), index=n) for n, id_ in enumerate(ids)]


def test_tracking_is_where_identities_recur(files):
    tracks, boxes = drive(["a", "a", "b"]), drive(["1", "2", "3"], 0.5)
    read = files(tracks, tracks, tracks)
    assert read.evaluation == "clear_mot"
    assert read.truth.track.tolist() == [0, 0, 1]
    assert files(tracks, boxes, boxes).evaluation == "coco"
    assert files(tracks, boxes, boxes, task="tracks").evaluation == "clear_mot"
    with pytest.raises(RidealongError, match="3 of 3 boxes have no score"):
        files(tracks, tracks, tracks, task="objects")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty"),
        ("3", "holds a number"),
        ("{}", "has no frames"),
        ([5], "frame 0 is 5; expected an object"),
        ([{"labels": []}], "frame 0 has no 'name'"),
        ([frame(3)], "frame 0 has the name 3; expected text"),
        ([frame("a"), frame("a")], "frame 1 has the name 'a' of another one"),
        ([{"name": "a", "category": "car", "bbox": [1, 2, 3, 4]}], "no 'labels', but 'category'"),
        ([frame("a", labels={})], "frame 0 has the labels {}"),
        ([frame("a", labels=["x"])], "a label of 'a' is 'x'"),
        ([frame("a", frameIndex="1")], "frame 0 has the frameIndex '1'"),
        ([frame("a", videoName=[])], "frame 0 has the videoName"),
        ([frame("a", size=3)], "size of frame 0 is 3"),
        ([frame("a", found("1", box2d=[1, 2]))], "box2d of a label of 'a' is"),
        ([frame("a", found("1", box2d={"x1": 1}))], "box2d of a label of 'a' has no 'y1'"),
        ([frame("a", found("1", box=(1, 2, 3, "4")))], "has the y2 '4'"),
        ([frame("a", found("1", box=(1, 2, 3, 1e999)))], "has the y2 inf"),
        ([frame("a", found("1", score=float("nan")))], "has the score nan"),
        ([frame("a", found("1", score="1"))], "has the score '1'"),
        ([frame("a", found("1", attributes={"crowd": "no"}))], "has the crowd 'no'"),
        ([frame("a", found("1", attributes=3))], "attributes of a label of 'a' is 3"),
        ([frame("a", found([]))], "has the id"),
        ([frame("a", found("1", category=[]))], "has the category"),
    ],
)
def test_what_is_wrong_is_said(files, content, says):
    with pytest.raises(RidealongError, match=says) as caught:
        files([frame("a", label("1"))], content)
    assert "deployed.json" in str(caught.value)
    with pytest.raises(RidealongError, match=says) as caught:
        files(content)
    assert "truth.json" in str(caught.value)


def test_a_label_without_a_class_is_not_scored(files):
    read = files([frame("a", label("1"))], [frame("a", found("1", category=None))])
    (note,) = [one for one in read.notes if one.kind == "unknown-classes"]
    assert (note.count, note.examples) == (1, ("no class",))


def test_results_of_classes_with_other_names_are_refused(files):
    truth = [frame("a", label("1", category="bus"))]
    assert len(files(truth, [frame("a", found("1", category="car"))]).deployed) == 0
    with pytest.raises(RidealongError, match="no class of the ground truth; its first is 'Bus'"):
        files(truth, [frame("a", found("1", category="Bus"))])


def test_ground_truth_without_frames(files):
    with pytest.raises(RidealongError, match="has no frame; expected at least one"):
        files([])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([frame("a")], True),
        ({"frames": [video()]}, True),
        ([{"image_id": 1, "name": "a", "labels": []}], False),
        ({"images": [], "annotations": []}, False),
        (17, False),
    ],
)
def test_recognises(tmp_path, content, expected):
    path = tmp_path / "file.json"
    path.write_text(json.dumps(content))
    assert recognises(path) is expected


KNOWN = {
    "AP": 34.0294,
    "AP50": 55.3239,
    "AP75": 34.9387,
    "APs": 20.9162,
    "APm": 48.4365,
    "APl": 64.2853,
    "AR1": 23.8773,
    "AR10": 38.0500,
    "AR100": 40.9516,
}
BY_CLASS = {
    "pedestrian": 41.3767,
    "rider": 41.7099,
    "car": 66.1419,
    "truck": 50.0708,
    "bus": 0.3025,
    "motorcycle": 4.5746,
}


@pytest.mark.real
def test_a_real_detector_has_its_known_numbers(test_data):
    folder = test_data / "bdd100k_det_oracle"
    paths = ResultPaths(
        truth=folder / "track_sample_anns.json",
        deployed=folder / "bbox_predictions.json",
        candidate=folder / "bbox_predictions_empty.json",
    )
    read_ = read(paths, ReadOptions())
    assert (read_.evaluation, len(read_.frames), len(read_.truth)) == ("coco", 202, 3241)
    evaluate = EVALUATIONS.find("coco").evaluate
    thresholds = dict.fromkeys(read_.categories, 0.5)
    inputs = (read_.frames, read_.categories, read_.truth)
    summary = evaluate(*inputs, read_.deployed, thresholds).summary
    assert {name: 100 * summary[name] for name in KNOWN} == pytest.approx(KNOWN, abs=5e-5)
    by_class = {name: 100 * values["AP"] for name, values in summary["per_class"].items()}
    assert by_class == pytest.approx(BY_CLASS, abs=5e-5)
    silent = evaluate(*inputs, read_.candidate, thresholds).summary
    assert silent["AP"] == 0.0
    assert np.array_equal(read_.frames.drive.unique().to_pylist(), ["b1c66a42-6f7d68ca"])
