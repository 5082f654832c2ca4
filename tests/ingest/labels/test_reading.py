"""Files of labels that are not what they should be: each mistake is one line."""

import json
import re
import zipfile

import pytest

from ingest.labels.reading.archive import opened
from ingest.labels.reading.numbers import known_attributes
from ingest.labels.reading.registry import read_labels
from ridealong.errors import RidealongError

CVAT = "<annotations><meta/>{}</annotations>"
VIDEO = "<annotations><meta><task><size>{}</size></task></meta></annotations>"


@pytest.mark.parametrize(
    ("kind", "name", "content"),
    [
        ("coco", "one.json", {"images": [{"id": [1]}], "annotations": []}),
        ("coco", "one.json", {"images": [], "annotations": [], "categories": [{"id": 1}]}),
        ("label-studio", "tasks.json", [{"data": 3}]),
        ("label-studio", "tasks.json", [{"data": {}, "annotations": [5]}]),
        ("openlabel", "one.json", {"openlabel": []}),
        ("openlabel", "one.json", {"openlabel": {"metadata": {"clip_id": "c"}, "objects": [1]}}),
        ("cvat", "one.xml", CVAT.format('<image id="0" name="a.png" width="wide"/>')),
        ("cvat", "one.xml", VIDEO.format("many")),
        ("cvat", "one.xml", VIDEO.format(10**15)),
    ],
)
def test_what_is_not_of_the_format_is_one_line(tmp_path, kind, name, content):
    file = tmp_path / name
    file.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    with pytest.raises(RidealongError) as caught:
        read_labels(kind, file)
    assert "\n" not in str(caught.value)


def test_entities_cannot_hide_in_another_encoding(tmp_path):
    file = tmp_path / "one.xml"
    text = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a [<!ENTITY b "c">]>'
    file.write_bytes((text + CVAT.format("<image/>")).encode("utf-16-le"))
    with pytest.raises(RidealongError, match="is not UTF-8 text"):
        read_labels("cvat", file)


def test_an_archive_with_damaged_bytes_or_a_drive_is_refused(tmp_path):
    damaged, drive = tmp_path / "damaged.zip", tmp_path / "drive.zip"
    with zipfile.ZipFile(damaged, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a.xml", "abc" * 1000)
    data = bytearray(damaged.read_bytes())
    start = 30 + len("a.xml")  # after the head of the first file
    data[start : start + 4] = b"\xff" * 4
    damaged.write_bytes(data)
    with zipfile.ZipFile(drive, "w") as out:
        out.writestr("C:/evil.xml", "x")
    for path, said in ((damaged, "damaged"), (drive, "leaves the archive's folder")):
        with pytest.raises(RidealongError, match=said), opened(path):
            pass


@pytest.mark.parametrize("kind", ["coco", "cvat", "label-studio", "openlabel"])
@pytest.mark.parametrize("content", ["", "{", "<a/>", "[]", "car 0 0", "\x89PNG"])
def test_a_file_of_another_format_says_check_the_format(tmp_path, kind, content):
    file = tmp_path / "labels"
    file.write_text(content)
    starts = {"coco": "{", "openlabel": "{", "cvat": "<", "label-studio": "["}
    if content.startswith(starts[kind]):
        return
    with pytest.raises(RidealongError, match="check --format") as caught:
        read_labels(kind, file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Car 7 0 0 1 1 9 9 -1 -1 -1 -1000 -1000 -1000 -10", "truncation is 7"),
        ("Car 0 0 0 1 1 9 9 1 -2 3 0 0 9 0", "dimensions 1, -2, 3"),
        ("Car 0 0 0 1 1 9 9 1 2 3 0 0 1e300 0", "z_m is 1e+300"),
        ("Car 0 0 0 9 9 1 1 1 2 3 0 0 9 0", "expected a box"),
        ("Car 0 0 0 1 1 9 9", "a line has 8 words"),
    ],
)
def test_lines_of_kitti_that_no_label_has(tmp_path, line, said):
    (tmp_path / "label_2").mkdir()
    (tmp_path / "label_2/a.txt").write_text(line)
    with pytest.raises(RidealongError, match=re.escape(said)):
        read_labels("kitti", tmp_path)


def test_special_files_are_not_read(tmp_path):
    (tmp_path / "label_2").mkdir()
    (tmp_path / "label_2/a.txt").symlink_to("/dev/zero")
    with pytest.raises(RidealongError, match="is a device"):
        read_labels("kitti", tmp_path)


@pytest.mark.parametrize("name", ["occlusion", "length_m", "yaw_rad", "x_m"])
@pytest.mark.parametrize("value", [-1e6, 1e300])
def test_attributes_that_no_label_has_are_refused(tmp_path, name, value):
    with pytest.raises(RidealongError, match=name):
        known_attributes({name: value}, "a car", tmp_path)


def test_a_folder_of_openlabel_must_be_whole(tmp_path):
    (tmp_path / "openlabel").mkdir()
    (tmp_path / "openlabel/c1.json").write_text("{}")
    with pytest.raises(RidealongError, match=r"c1\.json: is not a file of OpenLABEL"):
        read_labels("openlabel", tmp_path)


def test_an_archive_with_one_name_twice_is_refused(tmp_path):
    path = tmp_path / "twice.zip"
    with zipfile.ZipFile(path, "w") as out, pytest.warns(UserWarning, match="Duplicate"):
        out.writestr("a.xml", "<a/>")
        out.writestr("a.xml", "<b/>")
    with pytest.raises(RidealongError, match=r"holds 'a\.xml' twice"), opened(path):
        pass
