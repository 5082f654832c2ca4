from fractions import Fraction

import av
import numpy as np
import pytest

from ingest.clips.encode import VideoEncoder
from ingest.discovery import find_drives
from ingest.sources.registry import open_drive
from ridealong.errors import UnreadableError
from tests.data.braking_bag import START_NS
from tests.data.foxglove_log import (
    foxglove_messages,
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


def grey(number):
    return np.full((96, 160, 3), 20 + 8 * number, np.uint8)


def packets(count=25):
    encoder = VideoEncoder(160, 96)
    found = []
    for number in range(count):
        found += encoder.push(START_NS + number * NS // 10, grey(number))
    return [(one.timestamp_ns, one.data) for one in found + encoder.finish()]


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


def test_a_video_may_be_entered_at_any_frame(tmp_path):
    drive = opened(write_protobuf(tmp_path / "log.mcap", video_messages(packets())))
    at_ns = START_NS + 14 * NS // 10
    ((time, images),) = drive.frames(at_ns, at_ns, ["front"])
    assert time == at_ns
    assert abs(float(images["front"].mean()) - grey(14)[0, 0, 0]) < 4


def test_hevc_is_decoded(tmp_path):
    codec = av.CodecContext.create("libx265", "w")
    codec.width, codec.height, codec.pix_fmt = 160, 96, "yuv420p"
    codec.time_base, codec.framerate = Fraction(1, 25), Fraction(25)
    codec.options = {"x265-params": "log-level=none:bframes=0:keyint=5:repeat-headers=1"}
    found = []
    for number in range(12):
        frame = av.VideoFrame.from_ndarray(grey(number), format="rgb24").reformat(format="yuv420p")
        frame.pts = number
        found += codec.encode(frame)
    found += codec.encode(None)
    data = [(START_NS + n * NS // 10, bytes(packet)) for n, packet in enumerate(found)]
    drive = opened(write_protobuf(tmp_path / "log.mcap", video_messages(data, "h265")))
    at_ns = START_NS + 7 * NS // 10
    ((_, images),) = drive.frames(at_ns, at_ns, ["front"])
    assert abs(float(images["front"].mean()) - grey(7)[0, 0, 0]) < 4


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
    same = [("/CAM_FRONT/video", t, m) for _, t, m in video_messages(packets())]
    drive = opened(write_protobuf(tmp_path / "log.mcap", more + same))
    assert list(drive.cameras) == ["CAM_BACK", "CAM_FRONT"]
    (reason,) = [item.reason for item in drive.left_out()]
    assert reason == ("topic /CAM_FRONT/image is not used: /CAM_FRONT/video is of the same camera")
