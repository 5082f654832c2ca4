"""COCO's ground truth and results."""

import json

import numpy as np
import pytest

from ingest.results.coco import read, recognises
from ingest.results.format import ReadOptions, ResultPaths
from ridealong.errors import RidealongError


def image(id_, **fields):
    return {"id": id_, "file_name": f"{id_}.jpg", "width": 100, "height": 80} | fields


def annotation(id_, image_id, bbox=(10, 10, 20, 20), category=1, **fields):
    return {
        "id": id_,
        "image_id": image_id,
        "category_id": category,
        "bbox": list(bbox),
        "area": bbox[2] * bbox[3],
        "iscrowd": 0,
    } | fields


def result(image_id, bbox=(10, 10, 20, 20), score=0.9, category=1, **fields):
    row = {"image_id": image_id, "category_id": category, "bbox": list(bbox), "score": score}
    return row | fields


CATEGORIES = [{"id": 3, "name": "person"}, {"id": 1, "name": "car"}]


def truth_of(images, annotations, **parts):
    return {"images": images, "annotations": annotations, "categories": CATEGORIES} | parts


PLAIN = truth_of([image(1), image(2)], [annotation(1, 1), annotation(2, 2)])


class Files:
    """Writes files and reads them."""

    def __init__(self, folder):
        self.folder = folder

    def read(self, truth=PLAIN, deployed=(), candidate=(), **options):
        paths = {}
        for name, content in (("truth", truth), ("deployed", deployed), ("candidate", candidate)):
            path = self.folder / f"{name}.json"
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                path.write_text(content if isinstance(content, str) else json.dumps(content))
            paths[name] = path
        return read(ResultPaths(**paths), ReadOptions(**options))


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def notes_of(comparison, whose=None):
    return {one.kind: one.count for one in comparison.notes if whose is None or one.whose == whose}


def test_boxes_are_in_the_order_of_image_ids(files):
    rows = [result(2, (1, 2, 3, 4), 0.1), result(1, score=0.2), result(2, score=0.3, category=3)]
    found = files.read(deployed=rows, candidate={"annotations": rows[:1]})
    assert found.evaluation == "coco"
    assert found.categories == ("car", "person")
    assert found.frames.name.to_pylist() == ["1.jpg", "2.jpg"]
    assert found.deployed.frame.tolist() == [0, 1, 1]
    assert found.deployed.score.tolist() == [0.2, 0.1, 0.3]
    assert found.deployed.category.tolist() == [0, 0, 1]
    assert found.deployed.xywh[1].tolist() == [1, 2, 3, 4]
    assert found.deployed.area.tolist() == [400, 12, 400]
    assert len(found.candidate) == 1
    assert found.truth.area.tolist() == [400, 400]
    assert found.drive_from == "each image"
    assert found.frames.drive.to_pylist() == ["1.jpg", "2.jpg"]
    assert np.isnan(found.frames.time_s).all()


def test_every_float_is_exact(files):
    rng = np.random.default_rng(0)
    values = rng.random((200, 5)) * 10.0 ** rng.integers(-8, 8, (200, 5))
    rows = [result(1, tuple(map(float, v[:4])), float(v[4]) % 1) for v in values]
    found = files.read(deployed=rows)
    assert np.array_equal(found.deployed.xywh, values[:, :4])
    assert np.array_equal(found.deployed.score, values[:, 4] % 1)


def test_videos_are_drives_and_their_fields_attributes(files):
    images = [
        image(1, video_id=7, frame_id=2, night=True),
        image(2, video_id=7, frame_id=1, attributes={"weather": "rain"}),
        image(3, video_id=8, frame_id=5, weather="clear", city="Bern"),
    ]
    videos = [{"id": 7, "name": "monday", "city": "Oslo"}, {"id": 8, "name": "tuesday"}]
    found = files.read(truth_of(images, [annotation(1, 3)], videos=videos), rate_hz=2.0)
    frames = found.frames
    assert frames.drive.to_pylist() == ["monday", "monday", "tuesday"]
    assert frames.name.to_pylist() == ["2.jpg", "1.jpg", "3.jpg"]
    assert frames.time_s.tolist() == [0.5, 1.0, 2.5]
    assert frames.attributes.to_pydict() == {
        "city": ["Oslo", "Oslo", "Bern"],
        "weather": ["rain", None, "clear"],
        "night": [None, "true", None],
    }
    assert found.drive_from == "video_id"
    assert found.rate_hz == 2.0
    assert found.truth.frame.tolist() == [2]


def test_equal_scores_keep_the_order_of_image_ids_where_time_has_another(files):
    images = [image(1, video_id=7, frame_id=2), image(2, video_id=7, frame_id=1)]
    found = files.read(truth_of(images, []), deployed=[result(2), result(1)])
    assert found.frames.name.to_pylist() == ["2.jpg", "1.jpg"]
    assert found.deployed.frame.tolist() == [1, 0]


def test_any_field_can_name_the_drive(files):
    images = [image(1, log="a"), image(2, log=4)]
    found = files.read(truth_of(images, []), drive="log")
    assert found.frames.drive.to_pylist() == ["a", "4"]
    assert found.drive_from == "log"
    nested = [image(1, attributes={"log": "a"}), image(2, log="b", width=0)]
    assert files.read(truth_of(nested, []), drive="log").frames.drive.to_pylist() == ["a", "b"]
    with pytest.raises(RidealongError, match=r"image 0 has no field 'lag'.*'log'"):
        files.read(truth_of(images, []), drive="lag")


def test_names_of_videos_that_are_not_unique_give_way_to_ids(files):
    images = [image(1, video_id=7), image(2, video_id=8), image(3)]
    videos = [{"id": 7, "name": "x"}, {"id": 8, "name": "x"}]
    found = files.read(truth_of(images, [], videos=videos))
    assert found.frames.drive.to_pylist() == ["7", "8", "3.jpg"]
    assert notes_of(found)["images-without-video"] == 1


def test_names_of_images_that_are_not_unique_give_way_to_ids(files):
    found = files.read(truth_of([image(1, file_name="x"), image(2, file_name="x")], []))
    assert found.frames.name.to_pylist() == ["1", "2"]
    assert found.frames.image.to_pylist() == ["x", "x"]


def test_crowds_and_ignored_labels(files):
    labels = [annotation(1, 1, iscrowd=1), annotation(2, 1, ignore=1), annotation(3, 1)]
    found = files.read(truth_of([image(1)], labels))
    assert found.truth.crowd.tolist() == [True, False, False]
    assert found.truth.ignored.tolist() == [True, True, False]
    assert notes_of(found, "truth") == {"labels-ignored": 1, "boxes-repeated": 2}


def test_frames_without_results_are_counted_and_named(files):
    found = files.read(deployed=[result(1)])
    (one,) = [note for note in found.notes if note.whose == "deployed"]
    assert (one.kind, one.count, one.examples) == ("frames-without-results", 1, ("2.jpg",))
    assert notes_of(found, "candidate") == {"frames-without-results": 2}


def test_unknown_images_and_classes_are_counted_and_named(files):
    rows = [result(1), result(9), result(9), result("x"), result(2, category=5), result(2)]
    found = files.read(deployed=rows)
    noted = {one.kind: one for one in found.notes if one.whose == "deployed"}
    assert (noted["unknown-frames"].count, noted["unknown-frames"].examples) == (2, ("9", "x"))
    assert "; boxes not scored: 3" in noted["unknown-frames"].text
    assert (noted["unknown-classes"].count, noted["unknown-classes"].examples) == (1, ("5",))
    assert found.deployed.frame.tolist() == [0, 1]


def test_results_of_another_data_set_are_refused(files):
    for rows, says in (
        ([result(9)], "no frame of the ground truth; its first is 9; expected one like 1"),
        ([result("1")], "no frame of the ground truth; its first is '1'; expected one like 1"),
        ([result(1, category_id="car")], "no class of the ground truth; its first is 'car'"),
        ([result(1, category_id=90)], "no class of the ground truth; its first is 90; expected"),
    ):
        with pytest.raises(RidealongError, match=says):
            files.read(deployed=rows)


def test_boxes_without_size_outside_and_repeated(files):
    rows = [
        result(1, (10, 10, 0, 5)),
        result(1, (10, 10, -5, -5)),
        result(1, (200, 10, 5, 5)),
        result(2, (-9, 10, 5, 5)),
        result(2, (10, 10, 5, 5)),
        result(2, (10, 10, 5, 5)),
        result(2, (95, 75, 50, 50), 1.5),
    ]
    found = files.read(deployed=rows)
    assert len(found.deployed) == len(rows)
    assert notes_of(found, "deployed") == {
        "boxes-without-size": 2,
        "boxes-outside": 2,
        "boxes-repeated": 1,
        "scores-beyond": 1,
    }


def test_annotation_ids_and_areas(files):
    labels = [annotation(0, 1), annotation(4, 1, (0, 0, 5, 5)), annotation(4, 2)]
    del labels[2]["area"]
    found = files.read(truth_of([image(1), image(2)], labels))
    assert found.truth.area.tolist() == [400, 25, 400]
    assert notes_of(found, "truth") == {
        "labels-without-area": 1,
        "annotation-ids-repeated": 1,
        "annotation-id-zero": 1,
    }


def tracked(name, ids=(1, 1, 2)):
    images = [image(n, video_id=n // 2) for n in (2, 3, 4)]
    rows = [annotation(n, n, **{name: track}) for n, track in zip((2, 3, 4), ids, strict=True)]
    return truth_of(images, rows), [row | {"score": 0.5} for row in rows]


@pytest.mark.parametrize("name", ["track_id", "instance_id"])
def test_identities_that_recur_are_tracks(files, name):
    truth, rows = tracked(name)
    found = files.read(truth, rows, rows)
    assert found.evaluation == "clear_mot"
    assert found.truth.track.tolist() == [0, 0, 1]
    assert files.read(truth, rows, rows, task="objects").evaluation == "coco"
    # A network that says nothing is no argument against tracks.
    assert files.read(truth, rows, []).evaluation == "clear_mot"


def test_identities_that_never_recur_are_detections(files):
    truth, rows = tracked("track_id")
    _, alone = tracked("track_id", (1, 2, 3))
    assert files.read(truth, rows, alone).evaluation == "coco"
    # 1 recurs, but in another video.
    _, apart = tracked("track_id", (1, 2, 1))
    assert files.read(truth, rows, apart).evaluation == "coco"
    assert files.read(truth, [], []).evaluation == "coco"


def test_tracks_need_identities_and_detections_scores(files):
    truth, rows = tracked("track_id")
    plain = [result(2), result(3)]
    with pytest.raises(RidealongError, match=r"candidate.json: 2 of 2 boxes have no identity"):
        files.read(truth, rows, plain, task="tracks")
    del plain[0]["score"]
    with pytest.raises(RidealongError, match=r"1 of 2 boxes have no score"):
        files.read(truth, rows, plain)
    unscored = [{k: v for k, v in row.items() if k != "score"} for row in rows]
    assert files.read(truth, unscored, rows).deployed.score.tolist() == [1, 1, 1]
    with pytest.raises(RidealongError, match="no task 'boxes3d'; expected objects or tracks"):
        files.read(truth, rows, rows, task="boxes3d")


def without(row, key):
    return {name: value for name, value in row.items() if name != key}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[", "is cut off"),
        ("", "is empty"),
        ("17", "holds a number"),
        ("{}", "has no results"),
        ([3], "result 0 is 3; expected an object"),
        ([result(1), []], "result 1 is"),
        ([result(1, score=float("nan"))], "has the score nan; expected a finite number"),
        ([result(1, score=float("inf"))], "has the score inf"),
        (json.dumps([result(1)]).replace("0.9", "1e400"), "has the score inf"),
        (json.dumps([result(1)]).replace("0.9", "9" * 400), "has the score 999"),
        ([result(1, score="0.9")], "has the score '0.9'; expected a number"),
        ([result(1, score=True)], "has the score True"),
        ([result(1, score=[])], r"has the score \[\]"),
        ([result(1, (1, 2, 3))], r"has the bbox \[1, 2, 3\]; expected a list of four"),
        ([result(1, (1, 2, 3, "4"))], "has the bbox"),
        ([result(1, (1, 2, 3, None))], "has the bbox"),
        ([result(1, (1, 2, 3, float("nan")))], "has the bbox"),
        ([result(1) | {"bbox": {"x": 1}}], "has the bbox"),
        ([without(result(1), "bbox")], "result 0 has no 'bbox'"),
        ([without(result(1), "bbox") | {"keypoints": [1, 2, 2]}], "only boxes are judged"),
        ([result(1, (0, 0, 1e308, 1e308))], r"four finite numbers up to 1e\+100"),
        ([without(result(1), "image_id")], "has no 'image_id'"),
        ([without(result(1), "category_id")], "has no 'category_id'"),
        ([result(True)], "has the image_id True; expected a whole number or text"),
        ([result([1])], "has the image_id"),
        ([result(1.5)], "has the image_id 1.5"),
        ([result(1, track_id={})], "has the track_id"),
        (PLAIN | {"annotations": 5}, "'annotations' is a number"),
        (b"\x1f\x8b\x08\x00garbage", "is not"),
        ("image_id,score\n1,2\n", "is not valid JSON"),
    ],
)
def test_what_is_wrong_with_results_is_said(files, content, says):
    with pytest.raises(RidealongError, match=says) as caught:
        files.read(deployed=content)
    assert "deployed.json" in str(caught.value)


def test_strange_ids_that_work(files):
    huge = 10**40
    truth = truth_of([image("a"), image(huge)], [annotation("x", "a"), annotation(None, huge)])
    found = files.read(truth, deployed=[result(huge), result("a"), result(1e300)])
    assert found.frames.name.to_pylist() == [f"{huge}.jpg", "a.jpg"]
    assert found.deployed.frame.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ([], "holds a list; expected an object with images and annotations"),
        ({}, "has no list 'images'"),
        (without(PLAIN, "categories"), "has no list 'categories'"),
        (PLAIN | {"images": []}, "has no image"),
        (PLAIN | {"categories": []}, "has no category"),
        (truth_of([image(1), image(1)], []), "image 1 has the id 1 of another image"),
        (truth_of([image(1, width="a")], []), "image 0 has the width 'a'"),
        (truth_of([image(1, frame_id="a")], []), "image 0 has the frame_id 'a'"),
        (truth_of([image(1, video_id=[])], []), "image 0 has the video_id"),
        (truth_of([without(image(1), "id")], []), "image 0 has no 'id'"),
        (truth_of([image(1, file_name="\ud800")], []), "is not valid Unicode"),
        (PLAIN | {"categories": [{"id": 1, "name": "\ud800"}]}, "is not valid Unicode"),
        (PLAIN | {"categories": [{"id": 1}]}, "category 0 has no 'name'"),
        (PLAIN | {"categories": [*CATEGORIES, {"id": 1, "name": "x"}]}, "has the id 1 of another"),
        (PLAIN | {"categories": [*CATEGORIES, {"id": 2, "name": "car"}]}, "has the name 'car'"),
        (PLAIN | {"videos": [{"id": 1}, {"id": 1}]}, "video 1 has the id 1 of another video"),
        (truth_of([image(1)], [annotation(1, 1, iscrowd="0")]), "has the iscrowd '0'"),
        (truth_of([image(1)], [annotation(1, 1, area="0")]), "has the area '0'"),
        (truth_of([image(1)], [without(annotation(1, 1), "bbox")]), "annotation 0 has no 'bbox'"),
    ],
)
def test_what_is_wrong_with_the_ground_truth_is_said(files, content, says):
    with pytest.raises(RidealongError, match=says) as caught:
        files.read(content, [result(1)], [result(1)])
    assert "truth.json" in str(caught.value)


def test_labels_of_unknown_images_and_classes_are_counted(files):
    labels = [annotation(1, 1), annotation(2, 5), annotation(3, 1, category=8)]
    found = files.read(truth_of([image(1)], labels))
    assert len(found.truth) == 1
    assert notes_of(found, "truth") == {"unknown-frames": 1, "unknown-classes": 1}


def test_other_parts_and_their_order_do_not_matter(files):
    text = json.dumps(
        {
            "info": {"year": 2020},
            "annotations": [annotation(1, 2), annotation(2, 1)],
            "licenses": [{"id": 1}],
            "categories": CATEGORIES,
            "images": [image(2), image(1)],
        },
        indent=1,
    )
    found = files.read(text)
    assert found.frames.name.to_pylist() == ["1.jpg", "2.jpg"]
    assert found.truth.frame.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (PLAIN, True),
        ([result(1)], True),
        ({"annotations": [result(1)]}, True),
        ([{"name": "a.jpg", "labels": []}], False),
        ([], False),
        (17, False),
        ("text", False),
    ],
)
def test_recognises(tmp_path, content, expected):
    path = tmp_path / "file.json"
    path.write_text(json.dumps(content))
    assert recognises(path) is expected


def test_nothing_is_recognised_in_folders_and_binary_files(tmp_path):
    (tmp_path / "file").write_bytes(bytes(range(256)))
    assert not recognises(tmp_path)
    assert not recognises(tmp_path / "file")
    assert not recognises(tmp_path / "absent")
