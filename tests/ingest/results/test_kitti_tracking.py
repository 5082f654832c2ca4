"""KITTI's tracking labels: classes, regions, neighbours, and what can be wrong."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ingest.results.format import ReadOptions, ResultPaths
from ingest.results.kitti.tracking import looks_like_tracking, read_tracking
from metrics.evaluation.tracking.evaluation import EVALUATION
from ridealong.errors import RidealongError
from ridealong.perception.result_files import NO_CATEGORY, Boxes2D, Comparison

TAIL = "1.5 1.6 4.0 1.0 1.5 20.0 0.1"


def row(frame: int, track: int, kind: str, left: float, score: str = "") -> str:
    return f"{frame} {track} {kind} 0 0 -1.5 {left} 100 {left + 50} 150 {TAIL} {score}".strip()


TRUTH = "\n".join(
    [
        row(0, 1, "Car", 0),
        row(0, 2, "Van", 100),
        row(0, -1, "DontCare", 300),
        row(0, -1, "DontCare", 500),
        row(2, 3, "Pedestrian", 0),
        row(2, 4, "Truck", 200),
    ]
)
RESULT = "\n".join(
    [
        row(0, 7, "Car", 0, "0.9"),
        row(0, 8, "Car", 100, "0.8"),  # on the van
        row(0, 9, "Car", 310, "0.7"),  # in a region
        row(2, 10, "Pedestrian", 0, "0.6"),
        row(2, 11, "Car", 200, "0.6"),  # on the truck
    ]
)


@pytest.fixture
def comparison(tmp_path: Path) -> Callable[..., Comparison[Boxes2D]]:
    def read(
        truth: str = TRUTH, deployed: str = RESULT, candidate: str = RESULT, **options: Any
    ) -> Comparison[Boxes2D]:
        paths = []
        for name, text in (("truth", truth), ("deployed", deployed), ("candidate", candidate)):
            folder = tmp_path / name
            folder.mkdir(exist_ok=True)
            folder.joinpath("0001.txt").write_text(text)
            paths.append(folder)
        return read_tracking(ResultPaths(*paths), ReadOptions(**options))

    return read


def evaluated(found: Comparison[Boxes2D]) -> Any:
    return EVALUATION.evaluate(
        found.frames, found.categories, found.truth, found.deployed, {}
    ).summary


def test_classes_regions_and_neighbours(comparison: Callable[..., Comparison[Boxes2D]]) -> None:
    found = comparison()
    assert found.categories == ("Car", "Pedestrian")
    assert (found.rate_hz, found.drive_from) == (10.0, "sequence")
    assert found.frames.name.to_pylist() == ["0001/000000", "0001/000001", "0001/000002"]
    assert found.frames.image[2].as_py() == "0001/000002.png"
    assert found.truth.crowd.sum() == 2
    assert (found.truth.category[found.truth.crowd] == NO_CATEGORY).all()
    told = evaluated(found)
    assert told["labels"] == 2
    assert told["per_class"]["Car"]["FP"] == 1  # on the truck: another class, no neighbour
    assert told["per_class"]["Pedestrian"]["MOTA"] == 1


def test_other_classes_are_judged_where_results_have_them(
    comparison: Callable[..., Comparison[Boxes2D]],
) -> None:
    more = "\n".join([RESULT, row(0, 12, "van", 100, "1"), row(2, 13, "Boat", 0, "1")])
    found = comparison(candidate=more)
    assert found.categories == ("Car", "Pedestrian", "Van")
    (note,) = found.notes
    assert (note.kind, note.count, note.examples) == ("unknown-classes", 1, ("Boat",))
    told = evaluated(found)
    assert told["per_class"]["Van"]["FN"] == 1
    assert told["per_class"]["Car"]["FP"] == 1


def test_ground_truth_against_itself_is_perfect(
    comparison: Callable[..., Comparison[Boxes2D]],
) -> None:
    told = evaluated(comparison(deployed=TRUTH))
    assert [told[name] for name in ("MOTA", "IDF1", "HOTA")] == [1, 1, 1]


@pytest.mark.real
def test_a_real_sequence_against_itself(test_data: Path) -> None:
    path = test_data / "kitti_tracking_0001/training/label_02"
    assert looks_like_tracking(path)
    assert looks_like_tracking(path / "0001.txt")
    found = read_tracking(ResultPaths(path, path, path / "0001.txt"), ReadOptions())
    assert len(found.frames) == 447
    told = evaluated(found)
    assert told["labels"] == 2681 + 140 + 112 + 77 + 20
    assert [told[name] for name in ("MOTA", "IDF1", "HOTA")] == [1, 1, 1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (row(0, 1, "Car", 0) + "\n0 1 Car", "line 2: has 3 fields, not 17"),
        (row(0, 1, "Car", 0).replace("-1.5", "left"), None),
        (row(0, 1, "Car", 0).replace(" 100 ", " nan "), "line 1: top is nan"),
        ("Car 0 0 -1.5 0 100 50 150 " + TAIL, "line 1: frame is 'Car', not a number"),
        ("0,1,0,0,10,10,1", "line 1: has 1 field"),
    ],
)
def test_bad_rows(
    comparison: Callable[..., Comparison[Boxes2D]], text: str, says: str | None
) -> None:
    if says is None:
        assert len(comparison(candidate=text).candidate) == 1  # a field that is not read
        return
    with pytest.raises(RidealongError, match=says):
        comparison(candidate=text)


def test_what_looks_like_tracking(tmp_path: Path) -> None:
    for text, tracking in (
        (TRUTH, True),
        ("Car 0 0 -1.5 0 100 50 150 " + TAIL, False),
        ("1,7,10,20,30,40,-1", False),
        ("1 7 10 20 30 40 -1 -1 -1 -1 -1", False),
        ("", False),
        ("\0", False),
    ):
        tmp_path.joinpath("a.txt").write_text(text)
        assert looks_like_tracking(tmp_path / "a.txt") is tracking
        assert looks_like_tracking(tmp_path) is tracking
    assert not looks_like_tracking(tmp_path / "nowhere")


def test_a_field_as_drive_is_refused(comparison: Callable[..., Comparison[Boxes2D]]) -> None:
    with pytest.raises(RidealongError, match="a sequence is a drive"):
        comparison(drive="city")
