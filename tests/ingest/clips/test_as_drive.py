import numpy as np

from ingest.clips.read import open_clip
from ingest.discovery import find_drives
from ingest.sources.registry import open_drive


def test_a_clip_is_a_drive_again(clip_file):
    (files,) = find_drives(clip_file).drives
    assert files.source == "mcap"
    drive = open_drive(files)
    with open_clip(clip_file) as reader:
        telemetry, labels = reader.telemetry(), reader.labels()
        camera = next(iter(reader.cameras))
        due, (_, first) = reader.timestamps(camera), next(reader.frames(camera))
    read = drive.telemetry()
    assert read.equals(telemetry.select(read.column_names))
    found = list(drive.frames(0, 2**62, [camera]))
    assert [time for time, _ in found] == due.tolist()
    assert np.array_equal(found[0][1][camera], first)
    again = drive.labels(0, 2**62)
    assert again is not None and labels is not None
    assert again.sparse.equals(labels.sparse) and again.tasks == labels.tasks
    assert drive.attributes.labelled
