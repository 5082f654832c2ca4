"""What others make of our files: the MCAP library alone, Foxglove's schemas, FFmpeg."""

import io
import json
from collections import Counter

import av
import numpy as np
import pytest
from mcap.reader import make_reader
from mcap_protobuf.decoder import DecoderFactory
from PIL import Image

from ingest.clips.read import open_clip
from ingest.clips.write import write_clip

pytestmark = pytest.mark.slow


def _messages(path, topics=None):
    with path.open("rb") as stream:
        reader = make_reader(stream, validate_crcs=True, decoder_factories=[DecoderFactory()])
        return [
            (channel.topic, schema.name, message, decoded)
            for schema, channel, message, decoded in reader.iter_decoded_messages(topics)
        ]


def _raw(path, topics=None):
    with path.open("rb") as stream:
        return list(make_reader(stream).iter_messages(topics))


def test_topics_schemas_and_counts(clip_file):
    found = Counter((c.topic, s.name, s.encoding) for s, c, _ in _raw(clip_file))
    expected = {
        ("/telemetry", "ridealong.Telemetry", "jsonschema"): 50,
        ("/labels", "ridealong.Annotations", "jsonschema"): 25,
        ("/camera/main/segmentation", "foxglove.CompressedImage", "protobuf"): 25,
        ("/bev/road", "foxglove.CompressedImage", "protobuf"): 25,
    }
    for camera in ("main", "rear"):
        expected |= {
            (f"/camera/{camera}/video", "foxglove.CompressedVideo", "protobuf"): 25,
            (f"/camera/{camera}/calibration", "foxglove.CameraCalibration", "protobuf"): 1,
            (f"/camera/{camera}/annotations", "foxglove.ImageAnnotations", "protobuf"): 25,
            (f"/camera/{camera}/depth", "foxglove.CompressedImage", "protobuf"): 25,
        }
    assert found == expected


def test_header_and_metadata(clip_file, make):
    with clip_file.open("rb") as stream:
        reader = make_reader(stream)
        header = reader.get_header()
        [record] = reader.iter_metadata()
    assert (header.library, header.profile) == ("ridealong", "")
    assert record.name == "ridealong"
    assert record.metadata["clip_id"] == "c0ffee"
    assert json.loads(record.metadata["drive"])["country"] == "DE"
    assert int(record.metadata["start_ns"]) == make.START_NS


def test_video_messages_decode_as_foxglove_asks(clip_file, make):
    """Annex B, one frame a message, parameter sets at keyframes, times in the message too."""
    decoder = av.CodecContext.create("h264", "r")
    images = []
    for at, (_, _, message, video) in enumerate(_messages(clip_file, "/camera/main/video")):
        assert video.format == "h264"
        assert video.frame_id == "main"
        assert video.timestamp.ToNanoseconds() == message.log_time == make.START_NS + at * 2 * 10**8
        assert (b"\x00\x00\x00\x01\x67" in video.data) == (at % 10 == 0)
        images += decoder.decode(av.Packet(video.data))
    images += decoder.decode(None)
    assert len(images) == 25
    assert (images[0].width, images[0].height) == (64, 48)


def test_calibration_message(clip_file, make):
    [(_, _, _, message)] = _messages(clip_file, "/camera/rear/calibration")
    camera = make.calibration("rear")
    assert list(message.K) == [camera.fx, 0, camera.cx, 0, camera.fy, camera.cy, 0, 0, 1]
    assert (message.width, message.height) == (64, 48)


def test_annotations_show_boxes_lines_and_words(clip_file):
    shown = [decoded for *_, decoded in _messages(clip_file, "/camera/main/annotations")]
    first = shown[0]
    box, _, lane = first.points
    assert [(round(p.x, 3), round(p.y, 3)) for p in box.points] == [
        (0.1, 5.3), (12.7, 5.3), (12.7, 17.0), (0.1, 17.0)
    ]  # fmt: skip
    assert (box.type, lane.type, len(lane.points)) == (box.LINE_LOOP, lane.LINE_STRIP, 3)
    assert [text.text for text in first.texts] == ["car", "red"]
    assert len(shown[3].points) == 0  # an empty frame is told as such: overlays disappear


def test_telemetry_is_json_by_its_schema(clip_file):
    schema, _, message = _raw(clip_file, "/telemetry")[0]
    row, described = json.loads(message.data), json.loads(schema.data)
    assert row["timestamp"] == {"sec": 1_700_000_000, "nsec": 123_456_789}
    assert "Vehicle.Never" not in row  # nulls are left out
    assert set(row) <= set(described["properties"])
    assert described["properties"]["Vehicle.Speed"] == {
        "type": "number", "description": "v [km/h]"
    }  # fmt: skip
    kinds = {"integer": int, "number": float, "string": str, "boolean": bool, "object": dict}
    for name, value in row.items():
        assert isinstance(value, kinds[described["properties"][name]["type"]]), name


def test_depth_is_16_bit_png_in_centimetres(clip_file, make):
    *_, image = _messages(clip_file, "/camera/main/depth")[0]
    assert image.format == "png"
    pixels = np.array(Image.open(io.BytesIO(image.data)))
    depth_m = make.labels(25, ["main"]).depth["main"][0]
    assert pixels.dtype == np.uint16
    assert np.array_equal(pixels == 0, np.isnan(depth_m))
    assert np.array_equal(pixels[1:], np.rint(depth_m[1:].astype(float) * 100))


def test_mp4_holds_the_same_frames_at_the_same_times(tmp_path, make):
    path = tmp_path / "c.mcap"
    write_clip(
        path, make.content(frames=make.frames(25, ["main", "rear"], [(0, "rear"), (9, "rear")]))
    )
    with open_clip(path) as reader:
        movie = reader.video_mp4("rear")
        assert movie == reader.video_mp4("rear")
        times = reader.timestamps("rear")
        ours = [image for _, image in reader.frames("rear")]
    assert movie.index(b"moov") < movie.index(b"mdat")  # plays before it has come whole
    with av.open(io.BytesIO(movie)) as container:
        stream = container.streams.video[0]
        decoded = list(container.decode(stream))
        assert stream.codec_context.codec_tag == "avc1"
    seconds = [frame.time for frame in decoded]
    np.testing.assert_allclose(seconds, (times - times[0]) / 1e9, atol=1e-4)
    theirs = np.stack([frame.to_ndarray(format="rgb24") for frame in decoded])
    assert np.array_equal(theirs, np.stack(ours))


def test_an_mp4_of_one_frame(tmp_path, make):
    path = tmp_path / "c.mcap"
    write_clip(path, make.content(frames=make.frames(1, ["main"]), labels=None))
    with open_clip(path) as reader, av.open(io.BytesIO(reader.video_mp4("main"))) as container:
        assert len(list(container.decode(video=0))) == 1


def test_a_real_video_goes_through(tmp_path, make, examples):
    """Half a second of real highway, 960x540 at 25 fps, against the original's own pixels."""
    source = examples / "udacity_highway_video" / "solidWhiteRight.mp4"
    with av.open(str(source)) as container:
        decoded = [f for _, f in zip(range(13), container.decode(video=0), strict=False)]
    real = [frame.to_ndarray(format="rgb24") for frame in decoded]
    path = tmp_path / "c.mcap"
    write_clip(
        path,
        make.content(
            cameras={"main": make.calibration("main", 960, 540)},
            frames=((make.START_NS + i * 40_000_000, {"main": f}) for i, f in enumerate(real)),
            labels=None,
        ),
    )
    with open_clip(path) as reader:
        shown = np.stack([image for _, image in reader.frames("main")])
        tail = [image for _, image in reader.frames("main", 7, 12)]
    error = shown.astype(float) - np.stack(real)
    psnr = 10 * np.log10(255**2 / (error**2).mean())
    assert psnr > 33
    assert np.array_equal(np.stack(tail), shown[7:12])
