"""Files of labels that are not what they should be: each mistake is one line."""

import json
import zipfile

import pytest

from ingest.labels.reading.archive import opened
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
    file.write_bytes((text + CVAT.format("<image/>")).encode("utf-16"))
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
