import pytest
from foxglove_schemas_protobuf.ImageAnnotations_pb2 import ImageAnnotations

from ingest.clips.packets import CopiedVideo
from ingest.discovery import find_drives
from ingest.sources.registry import open_drive
from ridealong.errors import UnreadableError
from tests.data.braking_bag import START_NS
from tests.data.encoded import grey, packets
from tests.data.foxglove_log import (
    foxglove_messages,
    timestamp,
    video_messages,
    write_json,
    write_plain_json,
    write_protobuf,
)

NS = 1_000_000_000


def opened(path):
    (files,) = find_drives(path).drives
    assert files.source == "mcap"
    return open_drive(files)


def timed(packets, hz=10):
    return [(START_NS + n * NS // hz, data) for n, data in enumerate(packets)]


@pytest.mark.parametrize("write", [write_protobuf, write_json])
def test_foxglove_messages_are_a_drive(tmp_path, write):
    drive = opened(write(tmp_path / "log.mcap", foxglove_messages()))
    assert list(drive.cameras) == ["CAM_BACK", "CAM_FRONT"]
    front = drive.cameras["CAM_FRONT"]
    assert (front.width, front.height, front.fx) == (160, 96, 100)
    # One metre ahead of the camera, in the ego frame.
    assert front.ego_SE3_camera @ [0, 0, 1, 1] == pytest.approx([2.5, 0, 1.2, 1])
    time, images = next(drive.frames(START_NS, START_NS, ["CAM_BACK", "CAM_FRONT"]))
    assert time == START_NS and images["CAM_BACK"].shape == (2, 4, 3)
    assert images["CAM_BACK"][0, 0].tolist() == [255, 0, 0]
    rows = drive.telemetry()
    assert rows["Vehicle.CurrentLocation.Latitude"][10].as_py() == pytest.approx(48.0001)
    assert drive.left_out() == []


@pytest.mark.parametrize(("codec", "name"), [("libx264", "h264"), ("libx265", "h265")])
def test_a_video_may_be_entered_at_any_frame(tmp_path, codec, name):
    data = timed(packets(codec, 20, keyframe_every=8))
    drive = opened(write_protobuf(tmp_path / "log.mcap", video_messages(data, name)))
    at_ns = START_NS + 14 * NS // 10
    ((time, images),) = drive.frames(at_ns, at_ns, ["front"])
    assert time == at_ns and abs(int(images["front"][40, 40, 0]) - int(grey(14)[0, 0, 0])) < 4


def test_h264_is_copied_from_the_keyframe_before_the_window(tmp_path):
    data = timed(packets("libx264", 30, keyframe_every=8))
    path = write_protobuf(tmp_path / "log.mcap", video_messages(data))
    found = opened(path).copied_video("front", START_NS + 13 * NS // 10, START_NS + 2 * NS)
    assert isinstance(found, CopiedVideo) and (found.lead_in, found.keyframe_every) == (5, 8)
    assert [one.data for one in found.packets] == [packet for _, packet in data[8:21]]
    late = write_protobuf(tmp_path / "late.mcap", video_messages(data[3:]))
    why = opened(late).copied_video("front", START_NS, START_NS + NS)
    assert why == "no keyframe comes before the window"
    hevc = video_messages(timed(packets("libx265", 9, 8)), "h265")
    why = opened(write_protobuf(tmp_path / "hevc.mcap", hevc)).copied_video("front", 0, 2**62)
    assert why == "it is H.265, which not all browsers play"
    pictures = opened(write_protobuf(tmp_path / "jpeg.mcap", foxglove_messages()))
    assert pictures.copied_video("CAM_BACK", 0, 2**62) == "its frames are single pictures"


def test_distances_and_unknown_video_are_no_cameras(tmp_path):
    rows = [(START_NS, {"format": "theora", "data": "AAAA", "frame_id": "x"})]
    path = write_plain_json(tmp_path / "a.mcap", "/v", "foxglove.CompressedVideo", rows)
    with pytest.raises(UnreadableError, match="video of the format 'theora' is not decoded"):
        opened(path)
    rows = [(START_NS, {"encoding": "32FC1", "width": 2, "height": 1, "step": 8, "data": "AAAA"})]
    path = write_plain_json(tmp_path / "b.mcap", "/depth", "foxglove.RawImage", rows)
    with pytest.raises(UnreadableError, match="'32fc1' is not that of a colour or grey image"):
        opened(path)


def test_one_camera_in_two_forms_is_one_camera(tmp_path):
    more = foxglove_messages()
    same = [
        ("/CAM_FRONT/video", t, m) for _, t, m in video_messages(timed(packets("libx264", 25, 10)))
    ]
    drive = opened(write_protobuf(tmp_path / "log.mcap", more + same))
    assert list(drive.cameras) == ["CAM_BACK", "CAM_FRONT"]
    (reason,) = [item.reason for item in drive.left_out()]
    assert reason == ("topic /CAM_FRONT/image is not used: /CAM_FRONT/video is of the same camera")


def test_boxes_are_listed_but_not_used(tmp_path):
    boxes = ("/CAM_FRONT/boxes", START_NS, ImageAnnotations(timestamp=timestamp(START_NS)))
    drive = opened(write_protobuf(tmp_path / "a.mcap", [*foxglove_messages(), boxes]))
    assert [item.reason for item in drive.left_out()] == [
        "topic /CAM_FRONT/boxes (foxglove.ImageAnnotations, 1 message) is recognised, but not "
        "used: nothing says who drew its boxes"
    ]
    with pytest.raises(UnreadableError, match="no type of message that gives telemetry"):
        opened(write_protobuf(tmp_path / "b.mcap", [boxes]))
