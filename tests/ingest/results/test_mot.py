"""MOTChallenge's files: folders and single files, classes, and everything that can be wrong."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest.results.format import ReadOptions, ResultPaths
from ingest.results.mot import FORMAT
from metrics.evaluation.tracking.evaluation import EVALUATION
from ridealong.errors import RidealongError
from ridealong.perception.result_files import NO_CATEGORY, NO_TRACK, Boxes2D, Comparison

TRUTH = "1,1,10,20,30,40,1,1,1\n2,1,12,20,30,40,1,1,1\n4,2,50,20,30,40,1,1,0.5\n"
RESULT = "1,7,10,20,30,40,-1,-1,-1,-1\n2,7,12,20,30,40,-1,-1,-1,-1\n"


@pytest.fixture
def comparison(tmp_path: Path) -> Callable[..., Comparison[Boxes2D]]:
    """Read three texts, or bytes, each a file of its own."""

    def read(
        truth: str | bytes = TRUTH,
        deployed: str | bytes = RESULT,
        candidate: str | bytes = RESULT,
        **options: Any,
    ) -> Comparison[Boxes2D]:
        paths = []
        for name, text in (("truth", truth), ("deployed", deployed), ("candidate", candidate)):
            paths.append(tmp_path / f"{name}.txt")
            paths[-1].write_bytes(text.encode() if isinstance(text, str) else text)
        return FORMAT.read(ResultPaths(*paths), ReadOptions(**options))

    return read


def kinds(found: Comparison[Boxes2D]) -> dict[tuple[str, str], int]:
    return {(note.whose, note.kind): note.count for note in found.notes}


def test_one_file_each(comparison: Callable[..., Comparison[Boxes2D]]) -> None:
    found = comparison(rate_hz=25.0)
    assert found.evaluation == "clear_mot"
    assert found.categories == ("pedestrian",)
    assert found.frames.name.to_pylist() == [f"truth/{n:06d}" for n in range(1, 5)]
    assert found.frames.drive.to_pylist() == ["truth"] * 4
    assert found.frames.time_s.tolist() == [0, 0.04, 0.08, 0.12]
    assert found.frames.attributes.num_columns == 0
    assert found.truth.frame.tolist() == [0, 1, 3]
    assert found.truth.xywh[0].tolist() == [10, 20, 30, 40]
    assert found.deployed.score.tolist() == [1, 1]
    assert found.deployed.track.tolist() == [7, 7]
    assert (found.notes, found.rate_hz, found.drive_from) == ((), 25.0, "sequence")


@pytest.mark.parametrize(
    "text",
    [
        RESULT.replace("\n", "\r\n"),
        b"\xef\xbb\xbf" + RESULT.encode(),
        RESULT.replace(",", ", "),
        RESULT.replace(",", " "),
        RESULT.replace(",", ";"),
        RESULT.replace(",", "\t"),
        RESULT.replace(",", "   ").replace("\n", " \n\n"),
        RESULT.rstrip(),
        RESULT.replace("7", "7.0").replace("-1", "-1.0"),
        "1,7,10,20,30,40\n2,7,12,20,30,40\n",
    ],
    ids=["crlf", "bom", "blanks", "blank", "semicolon", "tab", "wide", "end", "floats", "short"],
)
def test_spellings_of_the_same_rows(
    comparison: Callable[..., Comparison[Boxes2D]], text: str | bytes
) -> None:
    plain, other = comparison().candidate, comparison(candidate=text).candidate
    for name, column in vars(plain).items():
        np.testing.assert_array_equal(getattr(other, name), column)


def folder_of(root: Path, sequences: dict[str, tuple[str, int]]) -> Path:
    for name, (text, length) in sequences.items():
        gt = root / name / "gt/gt.txt"
        gt.parent.mkdir(parents=True)
        gt.write_text(text)
        gt.parents[1].joinpath("seqinfo.ini").write_text(
            f"[Sequence]\nname={name}\nimDir=img1\nframeRate=30\nseqLength={length}\nimExt=.png\n"
        )
    return root


def flat_of(root: Path, texts: dict[str, str]) -> Path:
    root.mkdir(parents=True)
    for name, text in texts.items():
        root.joinpath(f"{name}.txt").write_text(text)
    return root


def test_a_folder_of_sequences(tmp_path: Path) -> None:
    truth = folder_of(tmp_path / "train", {"A": (TRUTH, 6), "B": (TRUTH, 4)})
    one = flat_of(tmp_path / "one/data", {"A": RESULT, "B": RESULT}).parent
    two = flat_of(tmp_path / "two", {"A": RESULT, "C": RESULT})
    found = FORMAT.read(ResultPaths(truth, one, two), ReadOptions())
    assert found.frames.drive.to_pylist() == ["A"] * 6 + ["B"] * 4
    assert found.frames.image[0].as_py() == "A/img1/000001.png"
    assert found.rate_hz == 30
    assert found.deployed.frame.tolist() == [0, 1, 6, 7]
    assert found.candidate.frame.tolist() == [0, 1]
    assert kinds(found) == {
        ("candidate", "sequences-without-results"): 1,
        ("candidate", "sequences-without-truth"): 1,
    }
    assert all(FORMAT.recognises(path) for path in (truth, one, two, two / "A.txt"))


def test_folders_of_flat_files(tmp_path: Path) -> None:
    truth = flat_of(tmp_path / "truth", {"A": TRUTH, "B": TRUTH})
    found = flat_of(tmp_path / "found", {"A": RESULT, "B": ""})
    told = FORMAT.read(ResultPaths(truth, found, found), ReadOptions())
    assert told.frames.drive.to_pylist() == ["A"] * 4 + ["B"] * 4
    assert told.frames.image.null_count == 8
    assert np.isnan(told.frames.time_s).all()
    assert told.rate_hz is None
    assert told.notes == ()


def test_classes_of_the_benchmark(comparison: Callable[..., Comparison[Boxes2D]]) -> None:
    truth = "\n".join(
        f"1,{number},{50 * number},0,30,30,{int(number == 1)},{number},1" for number in range(1, 14)
    )
    found = comparison(truth)
    assert found.categories == ("pedestrian",)
    distractors = {2, 7, 8, 12}
    category = dict(zip(found.truth.track.tolist(), found.truth.category.tolist(), strict=True))
    ignored = dict(zip(found.truth.track.tolist(), found.truth.ignored.tolist(), strict=True))
    assert {n for n, place in category.items() if place == 0} == distractors | {1}
    assert {n for n, place in category.items() if place == NO_CATEGORY} == set(range(3, 14)) - (
        distractors
    )
    assert {n for n, flag in ignored.items() if not flag} == {1}


def test_a_row_marked_as_ignored_is_not_judged(
    comparison: Callable[..., Comparison[Boxes2D]],
) -> None:
    found = comparison("1,1,10,20,30,40,0,-1,-1,-1\n2,1,12,20,30,40,1,-1,-1,-1\n")
    assert found.truth.ignored.tolist() == [True, False]
    told = EVALUATION.evaluate(found.frames, found.categories, found.truth, found.deployed, {})
    assert (told.summary["labels"], told.summary["FP"]) == (1, 1)


def test_other_classes_are_judged_where_results_name_them(
    comparison: Callable[..., Comparison[Boxes2D]],
) -> None:
    truth = "1,1,10,20,30,40,1,1,1\n1,2,50,20,30,40,1,3,1\n1,3,90,20,30,40,1,4,1\n"
    result = "1,7,10,20,30,40,0.9,1\n2,7,12,20,30,40,0.5,3\n2,8,12,20,30,40,0.5,77\n"
    found = comparison(truth, candidate=result)
    assert found.categories == ("pedestrian", "car")
    assert found.truth.category.tolist() == [0, 1, NO_CATEGORY]
    assert kinds(found)["candidate", "unknown-classes"] == 1


def test_a_single_class_needs_no_name_in_results(
    comparison: Callable[..., Comparison[Boxes2D]],
) -> None:
    found = comparison(TRUTH.replace(",1,1,", ",1,3,"))
    assert found.categories == ("car",)
    assert len(found.deployed) == 2


def test_detections_without_ids_are_judged_as_detections(
    comparison: Callable[..., Comparison[Boxes2D]],
) -> None:
    detections = RESULT.replace(",7,", ",-1,").replace("40,-1", "40,0.5")
    found = comparison(deployed=detections)
    assert found.evaluation == "coco"
    assert found.deployed.track.tolist() == [NO_TRACK] * 2
    assert comparison(deployed=detections, task="tracks").evaluation == "clear_mot"
    assert comparison(task="objects").evaluation == "coco"


def test_ids_that_never_recur_are_those_of_detections(
    comparison: Callable[..., Comparison[Boxes2D]],
) -> None:
    once = "1,1,10,20,30,40,0.5\n2,2,10,20,30,40,0.5\n2,3,60,20,30,40,0.5\n3,4,10,20,30,40,0.5\n"
    assert comparison(candidate=once).evaluation == "coco"
    assert comparison(candidate=once.replace("3,4,", "3,2,")).evaluation == "clear_mot"


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ("9,7,10,20,30,40,-1\n", "unknown-frames"),
        ("0,7,10,20,30,40,-1\n", "unknown-frames"),
        ("1,7,10,20,-30,40,-1\n", "boxes-without-size"),
        ("1,7,10,20,30,0,-1\n", "boxes-without-size"),
        ("1,7,10,20,30,40,0.5\n1,7,11,20,30,40,0.5\n", "duplicate-ids"),
        ("1,7,10,20,30,40,nan\n", "scores-not-finite"),
        ("1,7,10,20,30,40,1e400\n", "scores-not-finite"),
        ("", "no-results"),
        (" \n\n", "no-results"),
    ],
)
def test_oddities_are_counted(
    comparison: Callable[..., Comparison[Boxes2D]], row: str, kind: str
) -> None:
    found = comparison(candidate=row)
    assert kinds(found) == {("candidate", kind): 1}
    told = EVALUATION.evaluate(found.frames, found.categories, found.truth, found.candidate, {})
    assert told.summary["labels"] == 3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("frame,id,x,y,w,h,conf\n1,7,1,1,1,1,1\n", "line 1: frame is 'frame', not a number"),
        ("1,7,10,20,30,40,-1\n2,7,10,abc,30,40,-1\n", "line 2: top is 'abc', not a number"),
        ("1,7,10,20,30,40,-1\n\n2,7,10,20,30\n", "line 3: has 5 fields, not 7"),
        ("1,7,10,20\n", "line 1: has 4 fields"),
        ("1,7,10,20,30,40,-1\n2,7,nan,20,30,40,-1\n", "line 2: left is nan"),
        ("1,7,10,20,30,1e400,-1\n", "line 1: height is inf"),
        ("1,7,10,,30,40,-1\n", "line 1: top is '', not a number"),
        ("1.5,7,10,20,30,40,-1\n", "line 1: frame is 1.5"),
        ("1,7,10,20,30,40,1,1\n2,7,10,20,30,40,1,nan\n", "line 2: class is nan"),
        ("1,1e300,10,20,30,40,-1\n", "line 1: id is 1e+300"),
        ('{"images": []}', "line 1: has 2 fields"),
        ("5", "line 1: has 1 field"),
        (b"\x00\x01\x02\x03", "is a binary file"),
        (RESULT.encode("utf-16"), "is UTF-16"),
        (b"1,7,10,20,30,40,\xff\xff\n", "conf is"),
        ("0 7 Car 0 0 0 1 2 3 4 1 1 1 1 1 1 1", "left is 'Car'"),
    ],
)
def test_a_bad_file_is_one_line(
    comparison: Callable[..., Comparison[Boxes2D]], text: str | bytes, says: str
) -> None:
    for role in ("truth", "candidate"):
        with pytest.raises(RidealongError) as caught:
            comparison(**{role: text})
        assert says in str(caught.value)
        assert f"{role}.txt" in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("truth", "says"),
    [
        ("", "has no rows"),
        ("1000000000000,1,10,20,30,40,1\n", "expected 1 to 1,000,000 frames"),
        ("-4,1,10,20,30,40,1\n", "has frames -4"),
        ("1,1,10,20,30,40,0,1,1\n", "has no label to judge"),
    ],
)
def test_bad_ground_truth(
    comparison: Callable[..., Comparison[Boxes2D]], truth: str, says: str
) -> None:
    with pytest.raises(RidealongError, match=says):
        comparison(truth)


def test_duplicate_labels_are_counted(comparison: Callable[..., Comparison[Boxes2D]]) -> None:
    found = comparison(TRUTH + TRUTH)
    assert kinds(found) == {("truth", "duplicate-ids"): 3}


def test_boxes_outside_of_their_image_are_counted(tmp_path: Path) -> None:
    truth = folder_of(tmp_path / "train", {"A": (TRUTH, 6)})
    with (truth / "A/seqinfo.ini").open("a") as file:
        file.write("imWidth=100\nimHeight=100\n")
    rows = "1,7,100,0,9,9\n1,8,99,0,9,9\n1,9,-9,0,9,9\n1,10,-8,0,9,9\n"
    result = flat_of(tmp_path / "good", {"A": rows})
    found = FORMAT.read(ResultPaths(truth, result, result), ReadOptions())
    assert kinds(found)["candidate", "boxes-outside"] == 2


@pytest.mark.parametrize("options", [{"drive": "city"}, {"task": "boxes3d"}])
def test_options_that_do_not_fit(
    comparison: Callable[..., Comparison[Boxes2D]], options: dict[str, str]
) -> None:
    with pytest.raises(RidealongError, match="MOTChallenge"):
        comparison(**options)


def test_paths_that_do_not_fit(tmp_path: Path) -> None:
    truth = folder_of(tmp_path / "train", {"A": (TRUTH, 6), "B": (TRUTH, 4)})
    good = flat_of(tmp_path / "good", {"A": RESULT, "B": RESULT})
    other = flat_of(tmp_path / "other", {"X": RESULT})
    empty = tmp_path / "empty"
    empty.mkdir()
    for path, says in (
        (good / "A.txt", "is one file"),
        (other, "holds results of X, but the ground truth is of A, B"),
        (empty, "holds no sequences"),
        (tmp_path / "nowhere", "no such file or folder"),
    ):
        with pytest.raises(RidealongError, match=says):
            FORMAT.read(ResultPaths(truth, good, path), ReadOptions())
        assert path == good / "A.txt" or path == other or not FORMAT.recognises(path)


@pytest.mark.parametrize(
    "text",
    ["", "[Sequence]\nseqLength=many\n", "[Sequence]\nseqLength=0\nframeRate=3\n", "nothing", "\0"],
)
def test_a_bad_seqinfo(tmp_path: Path, text: str) -> None:
    truth = folder_of(tmp_path / "train", {"A": (TRUTH, 6)})
    (truth / "A/seqinfo.ini").write_text(text)
    result = flat_of(tmp_path / "good", {"A": RESULT})
    with pytest.raises(RidealongError, match=r"seqinfo\.ini"):
        FORMAT.read(ResultPaths(truth, result, result), ReadOptions())


def made_up(generator: np.random.Generator, frames: int) -> tuple[str, str]:
    """A crowd of all classes, and a tracker that follows pedestrians and most others."""
    truth, results = [], []
    for track in range(1, 40):
        number = int(generator.choice([1, 1, 1, 2, 3, 4, 7, 8, 12]))
        place, speed = generator.uniform(0, 200, 2), generator.normal(0, 3, 2)
        size = generator.uniform(20, 50, 2)
        for frame in range(1, frames + 1):
            place = place + speed
            row = ",".join(f"{value:.3f}" for value in (*place, *size))
            judged = int(number == 1 and generator.random() > 0.05)
            truth.append(f"{frame},{track},{row},{judged},{number},1")
            if generator.random() < 0.7:
                found = np.r_[place, size] + generator.normal(0, 4, 4)
                row = ",".join(f"{value:.3f}" for value in found)
                results.append(f"{frame},{track + 100 * (frame // 20)},{row},1,-1,-1,-1")
    return "\n".join(truth), "\n".join(results)


def test_distractors_agree_with_trackeval(oracle: Callable[..., Any], tmp_path: Path) -> None:
    generator = np.random.default_rng(8)
    texts = {name: made_up(generator, 40) for name in ("MOT17-02", "MOT17-04")}
    truth = folder_of(tmp_path / "gt", {name: (text, 45) for name, (text, _) in texts.items()})
    results = flat_of(
        tmp_path / "trackers/tracker/data", {name: text for name, (_, text) in texts.items()}
    )
    told = FORMAT.read(ResultPaths(truth, results, results), ReadOptions())
    found = EVALUATION.evaluate(told.frames, told.categories, told.truth, told.deployed, {}).summary
    for name, value in oracle("read_tracks.py", "mot", tmp_path).items():
        assert found[name] == pytest.approx(value, abs=1e-9), name
    everything = replace(told.truth, ignored=np.zeros_like(told.truth.ignored))
    assert everything.ignored.sum() < told.truth.ignored.sum()  # there was something to ignore
