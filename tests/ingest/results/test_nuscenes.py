"""nuScenes submissions and tables: made-up ones, compared with the devkit, and broken ones."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pytest

from ingest.results import json_stream
from ingest.results.format import ReadOptions, ResultPaths
from ingest.results.json_stream import members_in
from ingest.results.nuscenes.format import CATEGORIES, FORMAT
from metrics.evaluation.boxes3d.nuscenes import EVALUATION, RANGE_M
from ridealong.errors import RidealongError
from tests.oracles.nuscenes_world import SPLIT, VERSION, write_submission, write_world


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return write_world(tmp_path_factory.mktemp("nuscenes"), scenes=3, samples=8, objects=40)


@pytest.fixture(scope="module")
def submission(world):
    return write_submission(world, world.folder / "submission.json")


@pytest.fixture
def copied(world, tmp_path):
    """The tables, to be changed."""
    shutil.copytree(world.folder / VERSION, tmp_path / VERSION)
    return tmp_path / VERSION


def read(truth, results, candidate=None, **options):
    return FORMAT.read(ResultPaths(truth, results, candidate or results), ReadOptions(**options))


def changed(path, change):
    """Rewrite a JSON file; what the change returns, if anything, replaces its content."""
    content = json.loads(path.read_text())
    path.write_text(json.dumps(change(content) or content))
    return path


def test_the_reader_and_the_evaluation_name_the_same_classes():
    assert tuple(RANGE_M) == CATEGORIES


def test_the_numbers_are_those_of_the_devkit(oracle, world, submission):
    ties = write_submission(world, world.folder / "ties.json", 3, digits=1, wrong=20)
    told = oracle("read_nuscenes.py", world.folder, VERSION, SPLIT, submission, ties)
    read_back = read(world.folder, submission, ties)
    assert read_back.notes == ()
    names = {
        "trans_err": "ATE", "scale_err": "ASE", "orient_err": "AOE", "vel_err": "AVE",
        "attr_err": "AAE",
    }  # fmt: skip
    levels = dict.fromkeys(read_back.categories, 0.5)
    sides = (read_back.deployed, read_back.candidate)
    for side, theirs in zip(sides, told["submissions"], strict=True):
        ours = EVALUATION.evaluate(
            read_back.frames, read_back.categories, read_back.truth, side, levels
        ).summary
        assert ours["mAP"] == pytest.approx(theirs["mean_ap"], abs=1e-9) and ours["mAP"] > 0.2
        assert ours["NDS"] == pytest.approx(theirs["nd_score"], abs=1e-9)
        for their, our in names.items():
            assert ours[f"m{our}"] == pytest.approx(theirs["tp_errors"][their], abs=1e-9)
        for name, row in ours["per_class"].items():
            assert row["AP"] == pytest.approx(theirs["mean_dist_aps"][name], abs=1e-9)
            for their, our in names.items():
                if row[our] is not None:
                    expected = theirs["label_tp_errors"][name][their]
                    assert row[our] == pytest.approx(expected, abs=1e-9)


def test_frames_have_scenes_times_pictures_and_attributes(world, submission):
    told = read(world.folder, submission)
    frames = told.frames
    assert len(frames) == 24 and told.drive_from == "scene"
    assert frames.drive.unique().to_pylist() == ["scene-0000", "scene-0001", "scene-0002"]
    assert all(np.diff(frames.time_s[:8]) > 0.4)
    assert frames.image[0].as_py().startswith("samples/CAM_FRONT/")
    assert frames.attributes.slice(8, 1).to_pylist() == [
        {"location": "singapore-onenorth", "vehicle": "n001", "light": "day", "weather": "rain"}
    ]
    assert set(read(world.folder, submission, drive="location").frames.drive.to_pylist()) == {
        "boston-seaport", "singapore-onenorth", "singapore-queenstown",
    }  # fmt: skip
    with pytest.raises(RidealongError, match=r"no field 'scen'.*scene"):
        read(world.folder, submission, drive="scen")


def test_bicycles_in_racks_and_labels_without_points_are_ignored(world, submission):
    told = read(world.folder, submission)
    bicycle = told.truth.category == CATEGORIES.index("bicycle")
    assert told.truth.ignored[~bicycle].any() and (told.candidate.ignored).sum() > 0
    assert set(told.candidate.category[told.candidate.ignored].tolist()) <= {6, 7}


def test_scenes_of_another_split_are_left_out(world, submission, tmp_path):
    def only_last(content):
        content["results"] = dict(list(content["results"].items())[17:])

    path = changed(shutil.copy(submission, tmp_path / "s.json"), only_last)
    told = read(world.folder, path)
    assert told.frames.drive.unique().to_pylist() == ["scene-0002"]
    kinds = {(n.kind, n.whose): n.count for n in told.notes}
    assert kinds == {
        ("drives-without-results", "truth"): 2,
        ("frames-without-results", "deployed"): 1,
        ("frames-without-results", "candidate"): 1,
    }
    whole = read(world.folder, submission, path)
    assert len(whole.frames) == 24
    assert [n.count for n in whole.notes] == [17]


def test_oddities_are_counted_and_named(world, submission, tmp_path):
    def odd(content):
        results = content["results"]
        first = max(results, key=lambda name: len(results[name]))
        second, third = [name for name in results if name != first][:2]
        boxes = results[first]
        boxes[0]["detection_name"] = "spaceship"
        boxes[1]["detection_score"] = float("nan")
        boxes[2]["translation"] = [1e400, 0, 0]
        boxes[3]["size"] = [1, -1, 1]
        boxes[4]["attribute_name"] = "flying"
        boxes[5]["rotation"] = [2, 0, 0, 0]
        boxes[5]["detection_score"] = 10**400
        results[second] = [results[second][0]] * 501
        results[third][0]["sample_token"] = second
        results["\ud800nowhere"] = [results[third][0]]

    told = read(world.folder, changed(shutil.copy(submission, tmp_path / "s.json"), odd))
    notes = {n.kind: (n.count, n.examples) for n in told.notes if n.whose == "candidate"}
    (first,) = notes["scores-not-finite"][1]
    assert notes.pop("duplicate-rows")[0] == 500
    assert notes.pop("other-sample")[0] == 2
    assert notes.pop("too-many-boxes")[0] == 1
    assert notes == {
        "unknown-classes": (1, ("spaceship",)),
        "unknown-attributes": (1, ("flying",)),
        "frames-not-in-truth": (1, ("?nowhere",)),
        "boxes-without-shape": (2, (first,)),
        "scores-not-finite": (2, (first,)),
        "quaternions-not-normalised": (1, (first,)),
    }


def box(**fields):
    whole = {
        "sample_token": "a", "translation": [0, 0, 0], "size": [1, 1, 1], "velocity": [0, 0],
        "rotation": [1, 0, 0, 0], "detection_name": "car", "detection_score": 0.5,
        "attribute_name": "",
    } | fields  # fmt: skip
    return {name: value for name, value in whole.items() if value != "absent"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"results": {"a": [box(translation=[0, 0])]}}, "translation is not 3 numbers"),
        ({"results": {"a": [box(), box(size="1")]}}, "box 2 of sample a: size is not 3 numbers"),
        ({"results": {"a": [box(size=["1", "2", "3"])]}}, "size is not 3 numbers"),
        ({"results": {"a": [box(velocity=[None, 0])]}}, "velocity is not 2 numbers"),
        ({"results": {"a": [box(rotation={})]}}, "rotation is not 4 numbers"),
        ({"results": {"a": [box(detection_score="high")]}}, "detection_score is not a number"),
        ({"results": {"a": [box(detection_score="absent")]}}, "it has no detection_score"),
        ({"results": {"a": [box(detection_name=["car"])]}}, "detection_name is not text"),
        (
            {"results": {"a": [box(detection_name="absent", tracking_name="car")]}},
            "it has no detection_name.*tracking submissions are not read",
        ),
        ({"results": {"a": [7]}}, "box 1 of sample a: it is not an object"),
        ({"results": {"a": {"b": 1}}}, "the results of sample a are not a list"),
        ({"results": [box()]}, "holds a list"),
        ({"results": None}, "holds null"),
        ({"meta": {}}, "has no 'results'"),
        ([1, 2], "holds a list"),
        (3, "holds a number"),
    ],
)
def test_what_is_no_submission(world, tmp_path, content, words):
    path = tmp_path / "s.json"
    path.write_text(json.dumps(content))
    with pytest.raises(RidealongError, match=words) as raised:
        read(world.folder, path)
    assert str(path) in str(raised.value) and "expected a nuScenes" in str(raised.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"   \n", "is empty"),
        (b"{", "is cut off"),
        (b'{"results": {"a": [', "is cut off"),
        (b'{"results": {"a": []}} x', "there is more after its end"),
        (b'{"results": {"a": []},}', "is not valid JSON"),
        (b"{'results': 1}", "is not valid JSON"),
        (b"a,b\n1,2\n", "is not valid JSON"),
        (b'{"results": "\xff"}', "is not text"),
        (b'{"results": {"a": ' + b"[" * 100_000, "is nested too deeply"),
        (b'{"x": ' + b"9" * 5000 + b"}", "is not valid JSON"),
        (b'{"results": {"a": [}}', r"Expecting value \(character 19\)"),
    ],
)
def test_what_is_no_json(world, tmp_path, content, words):
    path = tmp_path / "s.json"
    path.write_bytes(content)
    with pytest.raises(RidealongError, match=words):
        read(world.folder, path)


def test_no_such_file_and_a_folder(world, tmp_path):
    with pytest.raises(RidealongError, match="No such file"):
        read(world.folder, tmp_path / "none.json")
    with pytest.raises(RidealongError, match="is a folder"):
        read(world.folder, tmp_path)
    assert not FORMAT.recognises(tmp_path) and not FORMAT.recognises(tmp_path / "none.json")


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 1000])
def test_members_do_not_depend_on_the_window(tmp_path, monkeypatch, chunk):
    content = {"meta": [1, {"a": "]}"}], "results": {'ä\\"': [1.25, -3], "b": {}, "c": 123456}}
    path = tmp_path / "m.json"
    path.write_text("\ufeff " + json.dumps(content, indent=1), encoding="utf-8")
    monkeypatch.setattr(json_stream, "CHUNK_OF_MEMBERS", chunk)
    assert list(members_in(path, "results", "something")) == list(content["results"].items())


def test_the_last_of_two_lists_of_a_sample_counts(world, submission, tmp_path):
    name = next(iter(world.annotations))
    twice = f'{{"results": {{"{name}": [{json.dumps(box())}], "{name}": []}}}}'
    (tmp_path / "s.json").write_text(twice)
    told = read(world.folder, tmp_path / "s.json")
    assert len(told.candidate) == 0
    assert "duplicate-frames" in {n.kind for n in told.notes}


@pytest.mark.parametrize(
    ("table", "change", "words"),
    [
        ("sample", lambda rows: rows[0].update(scene_token="x"), "rows of scene .* 'x'"),
        ("sample", lambda rows: rows[0].pop("timestamp"), "1 rows have no timestamp"),
        ("sample", lambda rows: rows[0].update(timestamp="soon"), "is no table of nuScenes"),
        ("sample", lambda rows: {"a": rows}, "is no table of nuScenes|no token"),
        ("sample_annotation", lambda rows: rows[3].update(next="x"), "rows of sample_annotation"),
        ("sample_annotation", lambda rows: rows[3].update(size=[1, 2]), "row 4 does not have 3"),
        ("sample_annotation", lambda rows: rows[3].update(size=None), "1 rows have no size"),
        ("sample_annotation", lambda rows: rows[3].update(attribute_tokens=["x"]), "attribute"),
        ("instance", lambda rows: rows.pop(), "rows of instance that are not there"),
        ("category", lambda rows: rows.clear(), "rows of category that are not there"),
        ("ego_pose", lambda rows: rows.clear(), "rows of ego_pose that are not there"),
        ("sensor", lambda rows: rows.clear(), "no key frame of LIDAR_TOP"),
    ],
)
def test_broken_tables(copied, submission, table, change, words):
    def only(rows):
        result = change(rows)
        return result if isinstance(result, dict) and "a" in result else None

    content = json.loads((copied / f"{table}.json").read_text())
    (copied / f"{table}.json").write_text(json.dumps(only(content) or content))
    with pytest.raises(RidealongError, match=words) as raised:
        read(copied, submission)
    assert "\n" not in str(raised.value)


def test_a_table_that_is_missing_cut_short_or_empty(copied, submission):
    path = copied / "instance.json"
    whole = path.read_text()
    for content in ("", whole[: len(whole) // 2], "7"):
        path.write_text(content)
        with pytest.raises(RidealongError):
            read(copied, submission)
    path.unlink()
    with pytest.raises(RidealongError, match="has no table instance"):
        read(copied, submission)


def test_folders_of_versions(copied, submission):
    assert len(read(copied.parent, submission).frames) == 24
    shutil.copytree(copied, copied.parent / "v1.0-mini")
    with pytest.raises(RidealongError, match=r"versions: v1\.0-mini, v1\.0-trainval"):
        read(copied.parent, submission)
    with pytest.raises(RidealongError, match=r"is a file; expected a folder"):
        read(submission, submission)
    with pytest.raises(RidealongError, match="does not exist"):
        read(copied / "none", submission)


def test_results_of_another_version(world, tmp_path):
    (tmp_path / "s.json").write_text(json.dumps({"results": {"elsewhere": []}}))
    with pytest.raises(RidealongError, match="no sample of the submissions is in the tables"):
        read(world.folder, tmp_path / "s.json")


def test_results_with_other_names_are_refused(world, submission, tmp_path):
    other = tmp_path / "other.json"
    content = json.loads(submission.read_text("utf-8"))
    results = {f"{token}x": boxes for token, boxes in content["results"].items()}
    other.write_text(json.dumps({**content, "results": results}))
    with pytest.raises(RidealongError, match=r"other\.json: has no sample of the ground truth"):
        read(world.folder, other, submission)
    for boxes in content["results"].values():
        for box in boxes:
            box["detection_name"] = box["detection_name"].title()
    other.write_text(json.dumps(content))
    with pytest.raises(RidealongError, match=r"no class of the ground truth; .* one like 'car'"):
        read(world.folder, other, submission)


def test_labels_with_several_attributes_have_none(copied, submission):
    def twice(rows):
        row = next(row for row in rows if row["attribute_tokens"])
        row["attribute_tokens"] *= 2

    changed(copied / "sample_annotation.json", twice)
    assert [(n.kind, n.count) for n in read(copied, submission).notes] == [
        ("several-attributes", 1)
    ]


def test_only_boxes_in_space(world, submission):
    with pytest.raises(RidealongError, match="not tracks"):
        read(world.folder, submission, task="tracks")
    assert pa.types.is_string(read(world.folder, submission, task="boxes3d").frames.name.type)
