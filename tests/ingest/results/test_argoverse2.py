"""Argoverse 2 files: real ones with their known numbers, and files that are odd or broken."""

import contextlib
import json

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from ingest.results.argoverse2.format import FORMAT
from ingest.results.format import ReadOptions, ResultPaths
from metrics.evaluation.boxes3d.argoverse2 import EVALUATION
from ridealong.errors import RidealongError

LOG = "3bffdcff-c3a7-38b6-a0f2-64196d130958"


def read(truth, results, **options):
    return FORMAT.read(ResultPaths(truth, results, results), ReadOptions(**options))


def summary(truth, results):
    told = read(truth, results)
    levels = dict.fromkeys(told.categories, 0.5)
    return EVALUATION.evaluate(
        told.frames, told.categories, told.truth, told.candidate, levels
    ).summary


@pytest.mark.real
def test_shadow_predictions_have_their_known_numbers(test_data):
    folder = test_data / "av2_shadow_predictions"
    truth, results = (folder / f"{LOG}__{part}.parquet" for part in ("ground_truth", "predictions"))
    assert FORMAT.recognises(truth) and FORMAT.recognises(results)
    told = summary(truth, results)
    at = [
        told[f"{name}@{level}m"] for level in ("2", "0.5") for name in ("recall", "precision", "AP")
    ]
    assert at == pytest.approx([0.66600, 0.26444, 0.62317, 0.57633, 0.22883, 0.51392], abs=5e-6)
    referred = told["per_class"]["REFERRED_OBJECT"]
    at_2m = [referred[f"{name}@2m"] for name in ("recall", "precision", "AP")]
    assert at_2m == pytest.approx([0.19547, 0.75465, 0.19074], abs=5e-6)


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("detections_identity", {"mAP": 1.0, "mATE": 0.0, "mASE": 0.0, "mAOE": 0.0, "mCDS": 1.0}),
        ("detections_assignment", {"mAP": 0.999}),
        ("detections", {"mATE": 0.017, "mASE": 0.033, "mAOE": 0.524}),
    ],
)
def test_the_fixtures_of_av2_api_have_their_known_numbers(test_data, name, known):
    folder = test_data / "av2_detection_oracle"
    told = summary(folder / "labels.feather", folder / f"{name}.feather")
    assert {key: round(told[key], 3) for key in known} == known


def cuboids(rows, **columns):
    """A table of (timestamp, class, x, y) rows as cuboids; a column of None is left out."""
    n = len(rows)
    table = {
        "log_id": ["a"] * n,
        "timestamp_ns": [row[0] for row in rows],
        "category": [row[1] for row in rows],
        "tx_m": [float(row[2]) for row in rows],
        "ty_m": [float(row[3]) for row in rows],
        **{name: [0.0] * n for name in ("tz_m", "qx", "qy", "qz")},
        **{name: [2.0] * n for name in ("length_m", "width_m", "height_m")},
        "qw": [1.0] * n,
        "score": [0.9] * n,
        **columns,
    }
    return pa.table({name: values for name, values in table.items() if values is not None})


TRUTH = cuboids([(0, "CAR", 1, 2), (1, "CAR", 3, 4), (1, "DOG", 5, 6)], num_interior_pts=[3, 0, 1])


@pytest.fixture
def truth(tmp_path):
    return written(tmp_path / "truth.feather", TRUTH)


def written(path, table):
    path.parent.mkdir(exist_ok=True, parents=True)
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    else:
        pyarrow.feather.write_feather(table, path)
    return path


def test_what_a_file_holds(truth):
    told = read(truth, truth)
    assert told.frames.name.to_pylist() == ["a/0", "a/1"]
    assert told.frames.drive.to_pylist() == ["a", "a"]
    assert told.frames.time_s.tolist() == [0, 1e-9]
    assert told.categories == ("CAR", "DOG")
    assert told.truth.ignored.tolist() == [False, True, False]
    assert told.truth.range_m.tolist() == [np.sqrt(5), 5.0, np.sqrt(61)]
    assert told.notes == () and told.drive_from == "log_id"


def test_a_folder_of_logs_takes_their_names_from_the_folders(tmp_path):
    bare = TRUTH.drop_columns(["log_id", "score"])
    for log in ("x", "y"):
        written(tmp_path / "val" / log / "annotations.feather", bare)
        written(tmp_path / "val" / log / "city_SE3_egovehicle.feather", pa.table({"a": [1]}))
    results = written(tmp_path / "r.parquet", cuboids([(1, "CAR", 0, 0)], log_id=["y"]))
    told = read(tmp_path / "val", results)
    assert told.frames.name.to_pylist() == ["x/0", "x/1", "y/0", "y/1"]
    assert told.candidate.frame.tolist() == [3]


def test_oddities_are_counted_and_named(truth, tmp_path):
    nan = float("nan")
    table = cuboids(
        [(0, "CAR", 1, 2)] * 2 + [(0, "CAR", nan, 0), (0, "CAR", 0, 0), (0, "CAT", 0, 0)]
        + [(7, "CAR", 0, 0), (0, "CAR", 0, 0)],
        score=[0.9, 0.9, 0.9, nan, 0.9, 0.9, 7.0],
        length_m=[2.0, 2.0, 2.0, 2.0, 2.0, 2.0, -1.0],
        qw=[1.0, 1.0, 1.0, 2.0, 1.0, 1.0, 1.0],
    )  # fmt: skip
    told = read(truth, written(tmp_path / "r.feather", table))
    notes = {n.kind: n for n in told.notes if n.whose == "candidate"}
    assert {kind: note.count for kind, note in notes.items()} == {
        "frames-not-in-truth": 1,
        "unknown-classes": 1,
        "boxes-without-shape": 2,
        "scores-not-finite": 1,
        "scores-not-probabilities": 1,
        "quaternions-not-normalised": 1,
        "duplicate-rows": 1,
        "frames-without-results": 1,
    }
    assert notes["frames-not-in-truth"].examples == ("a/7",)
    assert notes["unknown-classes"].examples == ("CAT",)
    assert len(told.candidate) == 4
    assert np.isnan(told.candidate.center_m[[2, 3]]).all()


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"tx_m": ["1", "2", "3"]}, "tx_m is of type text; expected numbers"),
        ({"tx_m": None}, "lacks the columns tx_m"),
        ({"score": None}, "lacks the columns score"),
        ({"log_id": ["a", None, "a"]}, "log_id has 1 empty values"),
        ({"log_id": [1, 2, 3]}, "log_id is of type int64; expected text"),
        ({"timestamp_ns": [0.0, 1.0, 1.0]}, "timestamp_ns is of type double"),
        ({"timestamp_ns": pa.array([2**63] * 3, pa.uint64())}, "timestamp_ns is too large"),
        ({"category": [True, False, True]}, "category is of type bool"),
    ],
)
def test_columns_of_another_kind(truth, tmp_path, columns, words):
    table = cuboids([(0, "CAR", 1, 2), (1, "CAR", 3, 4), (1, "DOG", 5, 6)], **columns)
    with pytest.raises(RidealongError, match=words):
        read(truth, written(tmp_path / "r.feather", table))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b'{"results": 1}', "looks like JSON"),
        (b"log_id,timestamp_ns\n", "is of another kind; expected a Feather or Parquet file"),
        (b"ARROW1\0\0", "cannot be read"),
        (b"PAR1", "cannot be read"),
        (b"FEA1", "old Feather"),
    ],
)
def test_files_of_another_kind(truth, tmp_path, content, words):
    path = tmp_path / "r.feather"
    path.write_bytes(content)
    assert not FORMAT.recognises(path)
    with pytest.raises(RidealongError, match=words):
        read(truth, path)


def test_cut_short_at_any_place(truth, tmp_path):
    whole = truth.read_bytes()
    path = tmp_path / "r.feather"
    for end in range(0, len(whole) - 1, 97):
        path.write_bytes(whole[:end])
        with pytest.raises(RidealongError):
            read(truth, path)


@pytest.mark.parametrize("suffix", [".feather", ".parquet"])
def test_damage_is_an_error_and_no_crash(truth, tmp_path, suffix):
    whole = written(tmp_path / f"whole{suffix}", TRUTH).read_bytes()
    path = tmp_path / f"r{suffix}"
    rng = np.random.default_rng(0)
    for _ in range(150):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), 3):
            damaged[place] = rng.integers(0, 256)
        path.write_bytes(damaged)
        with contextlib.suppress(RidealongError):
            read(truth, path)


def test_a_column_that_is_there_twice(truth, tmp_path):
    names = [*TRUTH.column_names, "tx_m"]
    twice = pa.Table.from_arrays([*TRUTH.columns, TRUTH["tx_m"]], names=names)
    with pytest.raises(RidealongError, match="has the column tx_m twice"):
        read(truth, written(tmp_path / "r.feather", twice))


def test_no_such_file_and_a_folder_without_files(truth, tmp_path):
    with pytest.raises(RidealongError, match="No such file"):
        read(truth, tmp_path / "none.feather")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RidealongError, match=r"no \.feather or \.parquet"):
        read(truth, tmp_path / "empty")


def test_the_drive_may_be_another_column(tmp_path):
    table = TRUTH.append_column("city", pa.array(["PIT", "MIA", "MIA"]))
    table = table.append_column("owner", pa.array(["u", "v", "w"]))
    path = written(tmp_path / "truth.parquet", table)
    told = read(path, path)
    assert told.frames.attributes.to_pydict() == {"city": ["PIT", "MIA"]}
    assert read(path, path, drive="city").frames.drive.to_pylist() == ["PIT", "MIA"]
    with pytest.raises(RidealongError, match=r"no column .citi.*city"):
        read(path, path, drive="citi")
    with pytest.raises(RidealongError, match="one value in each sweep"):
        read(path, path, drive="owner")


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("category", "cat", "no class of the ground truth; its first is 'cat'"),
        ("log_id", "other", "no frame of the ground truth; its first is 'other/0'"),
        ("timestamp_ns", 7, "no frame of the ground truth; its first is 'a/7'"),
    ],
)
def test_results_with_other_names_are_refused(truth, tmp_path, column, value, words):
    rows = [(0, "CAR", 1, 2), (1, "DOG", 3, 4)]
    with pytest.raises(RidealongError, match=words):
        read(truth, written(tmp_path / "r.feather", cuboids(rows, **{column: [value] * 2})))
    assert len(read(truth, written(tmp_path / "r.feather", cuboids(rows)[:0])).deployed) == 0


def test_layouts_do_not_mix(truth, tmp_path):
    flat = pa.table(
        {
            "log_id": ["a"], "timestamp_ns": [0], "role": ["CAR"], "yaw_rad": [0.0], "score": [1.0],
            **{name: [1.0] for name in ("x_m", "y_m", "z_m", "length_m", "width_m", "height_m")},
        }
    )  # fmt: skip
    with pytest.raises(RidealongError, match="the same columns as in the ground truth"):
        read(truth, written(tmp_path / "flat.parquet", flat))


def random_cuboids(seed, truth):
    """Boxes of three classes in four logs; a few far away, and some without points."""
    rng = np.random.default_rng(seed)
    rows = []
    for log in range(4):
        for stamp in range(6):
            # A seed of the sweep: labels and detections are of the same objects.
            objects = np.random.default_rng([7, log, stamp])
            for _ in range(40):
                place, heading = objects.uniform(-120, 120, 2), objects.uniform(-3, 3)
                name = str(objects.choice(["BUS", "DOG", "PEDESTRIAN"], p=[0.3, 0.1, 0.6]))
                moved = np.zeros(2) if truth else rng.normal(0, 1, 2)
                turned = heading + (0 if truth else rng.normal(0, 0.3))
                rows.append((log, stamp, name, *(place + moved), turned))
            for _ in range(0 if truth else 150):
                rows.append((log, stamp, "PEDESTRIAN", *rng.uniform(-99, 99, 2), 0.0))
    count = len(rows)
    logs, stamps, names, x, y, yaw = zip(*rows, strict=True)
    size = {name: rng.uniform(1, 3, count).tolist() for name in ("length_m", "width_m", "height_m")}
    half = np.asarray(yaw) / 2
    return cuboids(
        [(0, "", 0, 0)] * count, log_id=[f"log{log}" for log in logs], timestamp_ns=stamps,
        category=names, tx_m=list(map(float, x)), ty_m=list(map(float, y)),
        tz_m=rng.normal(0, 0.3, count).tolist(), **size, qw=np.cos(half).tolist(),
        qz=np.sin(half).tolist(), score=rng.random(count).tolist(),
        num_interior_pts=rng.poisson(2, count).tolist(),
    )  # fmt: skip


def test_official_numbers_are_those_of_av2_api(oracle, tmp_path):
    tables = {"labels": random_cuboids(1, True), "found": random_cuboids(2, False)}
    for name, table in tables.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(table.to_pydict()))
    paths = [written(tmp_path / f"{name}.feather", table) for name, table in tables.items()]
    theirs = oracle("read_argoverse2.py", tmp_path / "labels.json", tmp_path / "found.json")
    ours = summary(*paths)
    for name in ("AP", "ATE", "ASE", "AOE", "CDS"):
        assert ours[f"m{name}"] == pytest.approx(theirs["mean"][name], abs=1e-9)
        for category, row in ours["per_class"].items():
            assert row[name] == pytest.approx(theirs["per_class"][category][name], abs=1e-9)
    assert 0.05 < ours["mAP"] < 0.9
