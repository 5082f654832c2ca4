"""Reading KITTI's object labels and results, and what is odd or wrong in them."""

from pathlib import Path

import numpy as np
import pytest

from ingest.results.format import ReadOptions, ResultPaths
from ingest.results.kitti.format import FORMAT
from ridealong.errors import RidealongError

LABEL = "Car 0.10 1 -1.5 10 20 110 70 1.5 1.6 3.9 2 1.65 20 0.5"
RESULT = "Car -1 -1 -1.5 10 20 110 70 1.5 1.6 3.9 2 1.65 20 0.5 0.9"
FLAT = "Car -1 -1 -10 10 20 110 70 -1 -1 -1 -1000 -1000 -1000 -10 0.9"
REGION = "DontCare -1 -1 -10 500 150 550 190 -1 -1 -1 -1000 -1000 -1000 -10"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Three folders with two frames each."""
    folders = {name: tmp_path / name for name in ("truth", "deployed", "candidate")}
    for name, folder in folders.items():
        folder.mkdir()
        for frame in ("000000", "000007"):
            (folder / f"{frame}.txt").write_text((LABEL if name == "truth" else RESULT) + "\n")
    return folders


def read(files, **options):
    return FORMAT.read(ResultPaths(**files), ReadOptions(**options))


def notes(comparison):
    return {(n.kind, n.whose): (n.count, n.examples) for n in comparison.notes}


def test_frames_and_boxes(files) -> None:
    (files["truth"] / "000007.txt").write_text(f"{LABEL}\n{REGION}\n")
    found = read(files)
    assert found.frames.name.to_pylist() == ["000000", "000007"]
    assert found.frames.drive.to_pylist() == ["000000", "000007"]
    assert found.frames.image.to_pylist() == ["000000.png", "000007.png"]
    assert found.drive_from == "each frame"
    assert found.categories == ("Car", "DontCare")
    assert found.notes == ()
    truth = found.truth
    assert truth.image.frame.tolist() == [0, 1, 1]
    assert truth.image.xywh[0].tolist() == [10, 20, 100, 50]
    assert truth.image.ignored.tolist() == [False, False, True]
    assert truth.truncation.tolist() == [0.1, 0.1, -1]
    assert truth.occlusion.tolist() == [1, 1, -1]
    assert truth.space.center_m[0] == pytest.approx([20, -2, -0.9])
    assert truth.space.size_lwh_m[0].tolist() == [3.9, 1.6, 1.5]
    assert truth.space.yaw_rad[0] == pytest.approx(-0.5 - np.pi / 2)
    assert np.isnan(truth.space.center_m[2]).all()
    assert found.candidate.image.score.tolist() == [0.9, 0.9]


@pytest.mark.parametrize("below", ["label_2", "data"])
def test_folders_as_kitti_has_them(files, below) -> None:
    for folder in files.values():
        inner = folder / below
        inner.mkdir()
        for file in folder.glob("*.txt"):
            file.rename(inner / file.name)
    assert len(read(files).candidate) == 2


def test_windows_line_ends_empty_lines_and_a_byte_order_mark(files) -> None:
    text = f"\r\n{RESULT}\r\n\r\n{RESULT}\r\n"
    (files["candidate"] / "000000.txt").write_bytes(b"\xef\xbb\xbf" + text.encode())
    found = read(files)
    assert found.candidate.image.frame.tolist() == [0, 0, 1]
    assert found.candidate.image.score.tolist() == [0.9, 0.9, 0.9]


def test_an_empty_file_is_a_frame_without_objects(files) -> None:
    for name in ("truth", "candidate"):
        (files[name] / "000007.txt").write_text("")
    found = read(files)
    assert len(found.frames) == 2
    assert found.candidate.image.frame.tolist() == [0]
    assert found.notes == ()


def test_frames_on_one_side_are_named(files) -> None:
    (files["candidate"] / "000007.txt").unlink()
    (files["deployed"] / "000099.txt").write_text("anything")
    assert notes(read(files)) == {
        ("unknown-frames", "deployed"): (1, ("000099",)),
        ("frames-without-results", "candidate"): (1, ("000007",)),
    }


def test_files_of_other_names_are_named(files) -> None:
    (files["truth"] / "readme.txt").write_text("labels of last week")
    (files["candidate"] / "000000.json").write_text("{}")
    assert notes(read(files)) == {
        ("other-files", "truth"): (1, ("readme.txt",)),
        ("other-files", "candidate"): (1, ("000000.json",)),
    }


def test_odd_lines_are_counted_and_named(files) -> None:
    lines = [
        RESULT.replace("0.9", "nan"),
        RESULT.replace("0.9", "1e400"),
        RESULT.replace("0.9", "7"),
        RESULT.replace("Car", "Bus"),
        RESULT.replace("10 20 110 70", "110 20 10 70"),
        RESULT.replace("10 20 110 70", "nan 20 10 70"),
        RESULT.replace("10 20 110 70", "1e300 20 2e300 70"),
        RESULT.replace("1.5 1.6 3.9", "1.5 -1.6 3.9"),
        RESULT.replace("1.5 1.6 3.9", "inf 1.7e308 1.7e308").replace("1.65", "inf"),
    ]
    (files["candidate"] / "000007.txt").write_text("\n".join(lines))
    found = read(files)
    assert notes(found) == {
        ("scores-not-finite", "candidate"): (2, ("000007",)),
        ("scores-beyond", "candidate"): (1, ("000007",)),
        ("unknown-classes", "candidate"): (1, ("Bus",)),
        ("boxes-without-size", "candidate"): (4, ("000007",)),
        ("boxes-not-in-space", "candidate"): (4, ("000007",)),
    }
    assert found.categories == ("Car", "Bus")
    assert len(found.candidate) == 8
    assert np.isnan(found.candidate.image.xywh[-3]).all()


def test_labels_without_shape_are_left_out(files) -> None:
    (files["truth"] / "000007.txt").write_text(LABEL.replace("110 70", "10 20"))
    found = read(files)
    assert notes(found) == {("boxes-without-size", "truth"): (1, ("000007",))}
    assert len(found.truth) == 1


def test_space_is_compared_where_files_have_it(files) -> None:
    assert read(files, task="objects").truth.space is None
    for folder in (files["deployed"], files["candidate"]):
        for file in folder.iterdir():
            file.write_text(FLAT)
    assert read(files).truth.space is None
    with pytest.raises(RidealongError, match=r"no line has a box in space.*--task objects"):
        read(files, task="boxes3d")
    (files["deployed"] / "000000.txt").write_text(RESULT)
    found = read(files)
    assert found.truth.space is not None
    assert notes(found)["boxes-not-in-space", "candidate"] == (2, ("000000", "000007"))


@pytest.mark.parametrize(
    ("whose", "line", "message"),
    [
        ("truth", LABEL.rsplit(" ", 1)[0], r"000007.txt, line 2: 14 fields; expected 15: type and"),
        ("truth", RESULT, "16 fields; expected 15.*16 fields are a result with its score"),
        ("truth", f"0 1 {LABEL}", "17 fields; expected 15.*--task tracks"),
        ("candidate", LABEL, "15 fields; expected 16.*is the score missing"),
        ("candidate", f"{RESULT} 7", "17 fields; expected 16"),
        ("candidate", RESULT.replace("3.9", "3_9"), "'3_9' in the line.*expected a number"),
        ("candidate", RESULT.replace("3.9", "long"), "'long' in the line.*expected a number"),
        ("candidate", RESULT.replace("3.9", "3.9\0"), "expected a number"),
        ("candidate", '{"images": []}', "2 fields; expected 16"),
        ("candidate", RESULT.replace("3.9", "9" * 4000 + "x"), "expected a number"),
    ],
)
def test_malformed_lines(files, whose, line, message) -> None:
    (files[whose] / "000007.txt").write_text(f"{LABEL if whose == 'truth' else RESULT}\n{line}\n")
    with pytest.raises(RidealongError, match=message) as raised:
        read(files)
    assert len(str(raised.value)) < 500


def test_text_in_another_encoding(files) -> None:
    (files["candidate"] / "000007.txt").write_bytes(RESULT.encode("utf-16"))
    with pytest.raises(RidealongError, match=r"000007.txt: is not UTF-8 text"):
        read(files)


def test_a_folder_in_place_of_a_file(files) -> None:
    (files["candidate"] / "000007.txt").unlink()
    (files["candidate"] / "000007.txt").mkdir()
    assert notes(read(files)) == {("frames-without-results", "candidate"): (1, ("000007",))}


def test_a_link_to_nothing(files) -> None:
    (files["candidate"] / "000007.txt").unlink()
    (files["candidate"] / "000007.txt").symlink_to("nowhere")
    with pytest.raises(RidealongError, match=r"000007.txt: no such file"):
        read(files)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f | {"truth": f["truth"] / "000000.txt"}, "is not a folder; expected a folder"),
        (lambda f: f | {"deployed": f["truth"] / "none"}, "there is no such folder"),
        (lambda f: f | {"candidate": f["truth"].parent}, "has no label files; expected a text"),
    ],
)
def test_folders_that_are_none(files, change, message) -> None:
    with pytest.raises(RidealongError, match=message):
        read(change(files))


def test_results_of_other_frames(files) -> None:
    for file in list(files["candidate"].iterdir()):
        file.rename(file.with_name(f"1{file.name}"))
    with pytest.raises(
        RidealongError, match=r"none of its 2 frames is in the ground truth; .*1000"
    ):
        read(files)


def test_labels_of_no_judged_class(files) -> None:
    for file in files["truth"].iterdir():
        file.write_text(REGION)
    with pytest.raises(RidealongError, match="no label is a Car, a Pedestrian, a Cyclist"):
        read(files)


def test_the_devkits_mapping_tells_drive_and_time(files) -> None:
    place = files["truth"].parent / "mapping"
    place.mkdir()
    lines = [f"2011_09_26 2011_09_26_drive_{k:04d}_sync {10 * k:010d}" for k in range(8)]
    (place / "train_mapping.txt").write_text("\n".join(lines))
    (place / "train_rand.txt").write_text("8,7,6,5,4,3,2,1")
    found = read(files)
    assert found.drive_from == "drive"
    assert found.frames.name.to_pylist() == ["000007", "000000"]  # in the order of drive and time
    assert found.frames.drive.to_pylist() == [f"2011_09_26_drive_{k:04d}_sync" for k in (0, 7)]
    assert found.frames.time_s.tolist() == [0, 7]
    assert found.frames.attributes.column("date").to_pylist() == ["2011_09_26"] * 2
    assert read(files, drive="date").frames.drive.to_pylist() == ["2011_09_26"] * 2
    with pytest.raises(RidealongError, match="no field 'city'"):
        read(files, drive="city")
    for order in ("8,7,6", "8,7,6,5,4,3,2,0", "8,7,6,5,4,3,2,9", "a,b", ""):
        (place / "train_rand.txt").write_text(order)
        with pytest.raises(RidealongError, match="do not give the drive of every frame"):
            read(files)
    (place / "train_rand.txt").unlink()
    with pytest.raises(RidealongError, match=r"train_mapping.txt is here without train_rand.txt"):
        read(files)


def test_a_drive_field_without_mapping(files) -> None:
    with pytest.raises(RidealongError, match=r"no field 'drive'.*train_rand.txt"):
        read(files, drive="drive")


def test_recognises(files, tmp_path) -> None:
    assert FORMAT.recognises(files["truth"])
    assert FORMAT.recognises(files["candidate"])
    (files["truth"] / "000000.txt").write_text("")
    assert FORMAT.recognises(files["truth"])
    (files["truth"] / "000007.txt").write_text("a b c")
    assert not FORMAT.recognises(files["truth"])
    (files["truth"] / "000007.txt").write_bytes(b"\xff\xfe\x00")
    assert not FORMAT.recognises(files["truth"])
    assert not FORMAT.recognises(tmp_path)
    assert not FORMAT.recognises(tmp_path / "none")


def test_tracking_labels_are_read_as_such(files) -> None:
    for name, folder in files.items():
        for file in folder.iterdir():
            text = LABEL if name == "truth" else RESULT
            file.write_text("".join(f"{frame} 3 {text}\n" for frame in range(3)))
    found = read(files)
    assert found.evaluation == "clear_mot"
    assert found.frames.drive.to_pylist() == ["000000"] * 3 + ["000007"] * 3
    assert FORMAT.recognises(files["truth"])
    with pytest.raises(RidealongError, match="17 fields; expected 15"):
        read(files, task="objects")


def test_reading_twice_gives_the_same(files) -> None:
    one, two = read(files), read(files)
    assert one.frames.name.equals(two.frames.name)
    assert np.array_equal(one.candidate.image.xywh, two.candidate.image.xywh)
