"""What is written is what is read."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.clips.dense import decode_depth, encode_depth
from ingest.clips.read import open_clip, sample_times
from ingest.clips.rows import read_rows, row_messages
from ingest.clips.verify import verify_clip
from ingest.clips.write import write_clip
from ingest.schemas import TELEMETRY
from ridealong.errors import RidealongError
from ridealong.perception.annotations import (
    ANNOTATIONS,
    Perception,
    Task,
    annotation_table,
    empty_perception,
)
from ridealong.perception.geometry import unknown_calibration

pytestmark = pytest.mark.slow


MAX_DEPTH_M = 655.35


def test_metadata_and_summary(tmp_path, make):
    path = tmp_path / "clip with | and spaces.mcap"
    summary = write_clip(path, make.content())
    assert summary.frames == 25
    assert summary.camera_frames == {"main": 25, "rear": 25}
    assert summary.triggers == ("hard_brake", "swerve")
    assert (summary.telemetry_rows, summary.labelled) == (50, True)
    assert summary.bytes == path.stat().st_size
    assert verify_clip(path, summary.sha256) == []
    with open_clip(path) as reader:
        told = reader.metadata
        assert reader.duration_s == pytest.approx(5.0)
    assert told.clip_id == "c0ffee"
    assert told.drive == {
        "drive_id": "drive",
        "source": "simulation",
        "country": "DE",
        "duration_s": None,
        "features": ["x"],
    }
    assert told.triggers == ("hard_brake", "swerve")
    assert [event["margin"] for event in told.events] == [0.5, None, 1.5]
    assert told.frames == {"main": 25, "rear": 25}
    assert (told.telemetry_rows, told.label_frames) == (50, 25)


def test_same_content_same_bytes(tmp_path, make):
    first, second = tmp_path / "1.mcap", tmp_path / "2.mcap"
    write_clip(first, make.content())
    write_clip(second, make.content())
    assert first.read_bytes() == second.read_bytes()


def test_telemetry_is_lossless(clip_file, make):
    with open_clip(clip_file) as reader:
        read = reader.telemetry()
    assert read.schema.equals(make.telemetry(50).schema, check_metadata=True)
    assert read.equals(make.telemetry(50))


def test_labels_are_lossless_and_depth_within_half_a_centimetre(clip_file, make):
    written = make.labels(25, ("main", "rear"))
    with open_clip(clip_file) as reader:
        read = reader.labels()
        sparse = reader.labels(with_dense=False)
    assert sparse.sparse.equals(read.sparse)
    assert (sparse.depth, sparse.segmentation, sparse.bev) == ({}, {}, {})
    assert np.array_equal(read.timestamps_ns, written.timestamps_ns)
    assert read.sparse.equals(written.sparse)
    assert read.tasks == written.tasks
    for camera in ("main", "rear"):
        np.testing.assert_allclose(read.depth[camera], written.depth[camera], atol=0.00501)
        assert read.depth[camera].dtype == np.float32
    assert np.array_equal(read.segmentation["main"], written.segmentation["main"])
    assert np.array_equal(read.bev["road"], written.bev["road"])


def test_depth_at_its_limits():
    metres = np.array([[0.0, 0.004, 0.01, MAX_DEPTH_M, 1e6, np.inf, np.nan]], np.float32)
    expected = [[0.01, 0.01, 0.01, MAX_DEPTH_M, MAX_DEPTH_M, MAX_DEPTH_M, np.nan]]
    np.testing.assert_allclose(decode_depth(encode_depth(metres)), expected, rtol=1e-6)


def test_calibrations_are_exact(tmp_path, make):
    cameras = {"main": make.calibration("main"), "rear": unknown_calibration("rear", 64, 48)}
    path = tmp_path / "c.mcap"
    write_clip(path, make.content(cameras=cameras))
    with open_clip(path) as reader:
        read = reader.cameras
    assert list(read) == ["main", "rear"]
    assert np.array_equal(read["main"].ego_SE3_camera, cameras["main"].ego_SE3_camera)
    assert (read["main"].fx, read["main"].cy) == (cameras["main"].fx, cameras["main"].cy)
    assert not read["rear"].known
    assert (read["rear"].width, read["rear"].height) == (64, 48)


def test_telemetry_only(tmp_path, make):
    path = tmp_path / "c.mcap"
    summary = write_clip(path, make.content(cameras={}, frames=iter([]), labels=None))
    assert (summary.frames, summary.camera_frames, summary.labelled) == (0, {}, False)
    assert verify_clip(path) == []
    with open_clip(path) as reader:
        assert reader.cameras == {}
        assert reader.labels() is None
        assert reader.telemetry().num_rows == 50
        times, images, present = reader.read_sets(["main"], 2.0)
    assert (len(times), images, present.shape) == (0, {}, (0, 1))


def test_video_only(tmp_path, make):
    path = tmp_path / "c.mcap"
    write_clip(path, make.content(telemetry=None, labels=None, events=[]))
    assert verify_clip(path) == []
    with open_clip(path) as reader:
        assert reader.telemetry().equals(TELEMETRY.schema.empty_table())
        assert reader.metadata.triggers == ()


def test_a_dead_camera_and_lost_frames(tmp_path, make):
    cameras = ("main", "rear", "wide")
    lost = [(i, "wide") for i in range(25)] + [(0, "rear"), (7, "rear"), (12, "main")]
    path = tmp_path / "c.mcap"
    given = make.frames(25, cameras, lost)
    summary = write_clip(path, make.content(cameras=cameras, frames=given))
    assert summary.camera_frames == {"main": 24, "rear": 23, "wide": 0}
    assert verify_clip(path) == []
    with open_clip(path) as reader:
        assert len(reader.timestamps("wide")) == 0
        assert list(reader.frames("wide")) == []
        times, images, present = reader.read_sets(["wide", "rear", "main", "narrow"], 5.0)
        assert np.array_equal(times, make.START_NS + np.arange(25) * make.STEP_NS)
        assert set(images) == {"wide", "rear", "main"}
        expected = np.ones((25, 4), bool)
        expected[:, [0, 3]] = False
        expected[[0, 7], 1] = False
        expected[12, 2] = False
        assert np.array_equal(present, expected)
        assert not images["rear"][7].any()
        main = [image for _, image in reader.frames("main")]
    assert np.array_equal(images["main"][present[:, 2]], np.stack(main))


def test_odd_sizes_come_back_as_they_were(tmp_path, make):
    cameras = {"main": make.calibration("main", 63, 47)}
    path = tmp_path / "c.mcap"
    given = make.frames(12, ["main"], width=63, height=47)
    write_clip(path, make.content(cameras=cameras, frames=given, labels=None))
    assert verify_clip(path) == []
    with open_clip(path) as reader:
        images = [image for _, image in reader.frames("main")]
    assert {image.shape for image in images} == {(47, 63, 3)}


@pytest.mark.parametrize(
    ("start", "stop", "step"),
    [(0, None, 1), (0, 1, 1), (9, 12, 1), (10, 20, 1), (13, 14, 1), (3, 25, 7), (0, 25, 11),
     (24, None, 1), (5, 5, 1), (25, None, 1), (20, 400, 2)],
)  # fmt: skip
def test_a_frame_range_equals_the_same_frames_of_a_full_decode(clip_file, start, stop, step):
    with open_clip(clip_file) as reader:
        whole = list(reader.frames("rear"))
        part = list(reader.frames("rear", start, stop, step))
    expected = whole[start:stop:step]
    assert [time for time, _ in part] == [time for time, _ in expected]
    for (_, image), (_, other) in zip(part, expected, strict=True):
        assert np.array_equal(image, other)


def test_full_decode_shows_what_was_filmed(clip_file, make):
    with open_clip(clip_file) as reader:
        read = list(reader.frames("main"))
    assert [time for time, _ in read] == [make.START_NS + i * make.STEP_NS for i in range(25)]
    filmed = np.stack([make.picture(i) for i in range(25)]).astype(int)
    assert np.abs(np.stack([image for _, image in read]) - filmed).mean() < 5


def test_a_seek_decodes_no_more_than_it_must(clip_file, monkeypatch):
    decoded = []
    import ingest.clips.decode as decode

    packet = decode.av.Packet
    monkeypatch.setattr(decode.av, "Packet", lambda data: decoded.append(data) or packet(data))
    with open_clip(clip_file) as reader:
        list(reader.frames("main", 12, 14))
        assert len(decoded) == 4  # 10 to 13
        list(reader.frames("main", 0, 25, 20))
        assert len(decoded) == 4 + 2  # two keyframes


def test_frames_at_gives_sets_in_time_also_where_nothing_is(clip_file, make):
    wanted = np.array([make.START_NS - 5, make.START_NS, make.START_NS + 7, make.START_NS + 2**50])
    with open_clip(clip_file) as reader:
        found = list(reader.frames_at(["rear", "main"], wanted))
        assert list(reader.frames_at([], wanted)) == []
    assert [time for time, _ in found] == wanted.tolist()
    assert [sorted(images) for _, images in found] == [[], ["main", "rear"], [], []]


@pytest.mark.parametrize("args", [(-1,), (0, -2), (0, None, 0)])
def test_a_range_that_is_none_is_refused(clip_file, args):
    with open_clip(clip_file) as reader, pytest.raises(ValueError, match="frames"):
        next(reader.frames("main", *args))


def test_an_unknown_camera_lists_the_known_ones(clip_file):
    with open_clip(clip_file) as reader, pytest.raises(RidealongError, match="main, rear"):
        reader.timestamps("roof")


def test_labels_of_no_frame_and_of_nobody(tmp_path, make):
    path = tmp_path / "c.mcap"
    for labels in (empty_perception(np.empty(0, np.int64)), empty_perception(np.arange(3))):
        write_clip(path, make.content(labels=labels))
        with open_clip(path) as reader:
            read = reader.labels()
        assert np.array_equal(read.timestamps_ns, labels.timestamps_ns)
        assert read.sparse.equals(ANNOTATIONS.empty_table())
        assert read.tasks == frozenset()


def test_bad_content_is_refused_and_leaves_no_file(tmp_path, make):
    path = tmp_path / "c.mcap"
    backwards = list(make.frames(3, ["main"]))[::-1]
    for changes, said in (
        ({"frames": make.frames(3, ["main", "roof"])}, "'roof', which has no calibration"),
        ({"frames": make.frames(3, ["main"], width=32)}, "expected"),
        ({"frames": iter(backwards)}, "ascending"),
    ):
        with pytest.raises(RidealongError, match=said) as caught:
            write_clip(path, make.content(**changes))
        assert "c0ffee" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_labels_that_contradict_themselves_are_refused(tmp_path, make):
    whole = make.labels(5, ["main"])
    for labels in (
        replace(whole, timestamps_ns=whole.timestamps_ns[::-1]),
        replace(whole, timestamps_ns=whole.timestamps_ns + 1),
        replace(whole, depth={"main": whole.depth["main"][:3]}),
    ):
        with pytest.raises(ValueError):
            write_clip(tmp_path / "c.mcap", make.content(labels=labels))


def test_memory_holds_no_more_than_a_few_sets(tmp_path, make):
    """The writer asks for a frame only when it has dealt with those before."""
    alive = []

    def watched():
        import weakref

        for time, images in make.frames(60, ["main"]):
            alive.append(weakref.ref(images["main"]))
            yield time, images

    cameras = {"main": make.calibration("main")}
    write_clip(tmp_path / "c.mcap", make.content(cameras=cameras, frames=watched(), labels=None))
    assert sum(ref() is not None for ref in alive) <= 1


finite32 = st.floats(width=32, allow_nan=True, allow_infinity=True)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "timestamp_ns": st.integers(0, 2**62),
                "f": st.none() | finite32,
                "d": st.none() | st.floats(),
                "i": st.none() | st.integers(-(2**63), 2**63 - 1),
                "b": st.none() | st.booleans(),
                "s": st.none() | st.text(),
            }
        ),
        unique_by=lambda row: row["timestamp_ns"],
    )
)
def test_any_row_survives_json(rows):
    types = {"timestamp_ns": pa.int64(), "f": pa.float32(), "d": pa.float64()}
    types |= {"i": pa.int64(), "b": pa.bool_(), "s": pa.string()}
    schema = pa.schema(list(types.items()))
    table = pa.Table.from_pylist(sorted(rows, key=lambda r: r["timestamp_ns"]), schema=schema)
    messages = list(row_messages(table))
    assert all(_strict(data) for _, data in messages)
    read = read_rows(messages, schema)
    assert repr(read.to_pylist()) == repr(table.to_pylist())  # repr: NaN equals itself


def _strict(data):
    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    return json.loads(data, parse_constant=refuse)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_labels_survive(tmp_path, make, data):
    times = sorted(data.draw(st.sets(st.integers(0, 2**62), min_size=1, max_size=5)))
    number = st.none() | finite32
    row = st.fixed_dictionaries(
        {
            "timestamp_ns": st.sampled_from(times),
            "camera": st.sampled_from(["main", "rear"]),
            "task": st.sampled_from([str(task) for task in Task]),
            "category": st.none() | st.text(),
            "x1": number, "y1": number, "x2": number, "y2": number, "yaw_rad": number,
            "points": st.none() | st.lists(st.tuples(finite32, finite32)).map(
                lambda pairs: [value for pair in pairs for value in pair]
            ),
            "track_id": st.none() | st.integers(-(2**63), 2**63 - 1),
        }
    )  # fmt: skip
    rows = sorted(data.draw(st.lists(row, max_size=8)), key=lambda r: r["timestamp_ns"])
    labels = Perception(np.array(times), annotation_table(rows), tasks=frozenset({Task.OBJECTS}))
    path = tmp_path / "any.mcap"
    write_clip(path, make.content(3, labels=labels, telemetry=None))
    with open_clip(path) as reader:
        read = reader.labels()
    assert repr(read.sparse.to_pylist()) == repr(labels.sparse.to_pylist())
    assert read.timestamps_ns.tolist() == times


@pytest.mark.parametrize(
    ("times", "rate", "expected"),
    [
        ([], 2.0, []),
        ([7], 2.0, [7]),
        (range(0, 2001, 200), 5.0, range(0, 2001, 200)),
        (range(0, 2001, 200), 50.0, range(0, 2001, 200)),
        (range(0, 2001, 200), 2.5, [0, 400, 800, 1200, 1600, 2000]),
        (range(0, 2001, 200), 2.0, [0, 400, 1000, 1400, 2000]),  # ties take the earlier
        ([0, 195, 405, 600, 801, 1000], 2.5, [0, 405, 801]),
        ([0, 400, 800, 4000, 4400], 2.5, [0, 400, 800, 4000, 4400]),  # a gap gives none
    ],
)
def test_sample_times(times, rate, expected):
    milliseconds = np.array(list(times), np.int64)
    found = sample_times(milliseconds * 10**6, rate)
    assert (found // 10**6).tolist() == list(expected)


@given(
    st.lists(st.integers(1, 10**9), min_size=1, max_size=40),
    st.floats(0.1, 100),
)
def test_sampled_times_are_recorded_ones_that_ascend_from_the_first(gaps, rate):
    times = np.cumsum(np.array(gaps, np.int64)) + 10**18
    found = sample_times(times, rate)
    assert found[0] == times[0]
    assert np.all(np.diff(found) > 0)
    assert np.isin(found, times).all()


def test_a_rate_must_be_positive():
    with pytest.raises(ValueError, match="positive"):
        sample_times(np.arange(3), 0.0)
