import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import lz4.frame
import numpy as np
import pyarrow.compute as pc
import pytest
from mcap.data_stream import RecordBuilder
from mcap.records import Chunk
from mcap.writer import CompressionType
from mcap.writer import Writer as McapWriter
from rosbags.rosbag2 import CompressionFormat, CompressionMode, Writer

from ingest.discovery import find_drives
from ingest.sources.bags.mcap_file import _unpacked
from ingest.sources.bags.recognition import MCAP_MAGIC
from ingest.sources.registry import open_drive
from ridealong.errors import RidealongError, UnreadableError
from tests.data import braking_bag as made
from tests.data.foxglove_log import write_plain_json, write_ros

NS = 1_000_000_000
ZSTD = b"\x28\xb5\x2f\xfd"  # what its frames start with
LZ4_BYTES = 1 << 20
LZ4 = lz4.frame.compress(bytes(LZ4_BYTES))
HUGE = ZSTD + b"\xe0" + (1 << 40).to_bytes(8, "little")  # the head of a frame of a terabyte


@pytest.fixture(scope="module")
def bags(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bags")
    messages = list(made.braking_messages(seconds=24, camera_hz=5))
    for storage in ("db3", "mcap"):
        made.write_bag(folder / storage, messages, storage)
    return folder


@pytest.fixture(scope="module")
def definitions():
    kinds = {sent.type for sent in made.braking_messages(seconds=0.3)}
    return {kind: made.STORE.generate_msgdef(kind)[0] for kind in kinds}


def opened(path, source=None, mapping=None):
    (files,) = find_drives(path, source, mapping).drives
    assert files.trouble is None, files.trouble
    return open_drive(files)


def why(path, source=None, mapping=None):
    with pytest.raises(UnreadableError) as caught:
        opened(path, source, mapping)
    return str(caught.value)


def reasons(recording):
    return [item.reason for item in recording.left_out()]


def values(recording, signal):
    return recording.telemetry()[signal].to_numpy()


@pytest.mark.parametrize("storage", ["db3", "mcap"])
def test_a_plain_bag_is_a_drive_with_cameras(bags, storage):
    (files,) = find_drives(bags / storage).drives
    assert files.source == "ros2" and files.drive_id.startswith(storage)
    drive = open_drive(files)
    rows = drive.telemetry()
    times = rows["timestamp_ns"].to_numpy()
    assert times[0] == made.START_NS and set(np.diff(times)) == {NS // 10}
    at = lambda seconds: int(seconds * 10)  # noqa: E731
    speed = rows["Vehicle.Speed"].to_numpy()
    assert speed[at(10)] == pytest.approx(72) and speed[at(22)] == pytest.approx(28.8, abs=0.5)
    assert rows["Vehicle.Acceleration.Longitudinal"][at(21)].as_py() == pytest.approx(-6)
    assert rows["Vehicle.Acceleration.Vertical"][at(10)].as_py() == pytest.approx(0, abs=1e-6)
    assert rows["Vehicle.AngularVelocity.Yaw"][at(10)].as_py() == pytest.approx(np.degrees(0.1))
    assert rows["Vehicle.CurrentLocation.Latitude"][at(10)].as_py() == pytest.approx(48.001)
    assert list(drive.cameras) == ["front", "rear"]
    front, rear = drive.cameras.values()
    assert (front.width, front.height, front.fx, front.cx) == (160, 96, 300, 80)
    assert np.isnan(rear.fx)
    assert drive.left_out() == []


@pytest.mark.parametrize("storage", ["db3", "mcap"])
def test_frames_are_those_of_the_window(bags, storage):
    drive = opened(bags / storage)
    start_ns = made.START_NS + 3 * NS
    found = list(drive.frames(start_ns, start_ns + NS, ["rear", "front"]))
    assert [(time - start_ns) / NS for time, _ in found] == pytest.approx(
        [0, 0.2, 0.4, 0.6, 0.8, 1]
    )
    images = found[0][1]
    assert images["front"].shape == (96, 160, 3)
    assert images["front"][5, 5, 0] > 150 and images["rear"][5, 5, 2] > 150
    assert [sorted(images) for _, images in drive.frames(start_ns, start_ns, ["rear"])] == [
        ["rear"]
    ]


def test_a_file_is_recognised_by_its_content(bags, tmp_path):
    shutil.copy(bags / "db3" / "db3.db3", tmp_path / "log.bin")
    shutil.copy(bags / "mcap" / "mcap.mcap", tmp_path / "other")
    found = find_drives(tmp_path).drives
    assert [(Path(f.path).name, f.source) for f in found] == [
        ("log.bin", "ros2"),
        ("other", "mcap"),
    ]
    for files in found:
        assert open_drive(files).telemetry().num_rows > 200


@pytest.mark.parametrize("options", [
    {"compression": CompressionType.LZ4},
    {"compression": CompressionType.NONE},
    {"compression": CompressionType.ZSTD, "index": False},
    {"use_chunking": False},
])  # fmt: skip
def test_every_form_of_mcap_is_read_alike(tmp_path, definitions, options):
    messages = list(made.braking_messages(seconds=3, camera_hz=5))
    plain = opened(write_ros(tmp_path / "plain.mcap", messages, definitions))
    other = opened(write_ros(tmp_path / "other.mcap", messages, definitions, **options))
    assert other.telemetry().to_pandas().equals(plain.telemetry().to_pandas())
    for (time, images), (due, expected) in zip(
        other.frames(0, 2**62, ["front"]), plain.frames(0, 2**62, ["front"]), strict=True
    ):
        assert time == due and np.array_equal(images["front"], expected["front"])
    assert other.left_out() == []


def packed(folder):
    with_packing = Writer(folder, version=9)
    with_packing.set_compression(CompressionMode.MESSAGE, CompressionFormat.ZSTD)
    kind = "geometry_msgs/msg/TwistStamped"
    with with_packing as bag:
        connection = bag.add_connection("/twist", kind, typestore=made.STORE)
        for number in range(50):
            data = made.STORE.serialize_cdr(made.twist_stamped(number / 50), kind)
            bag.write(connection, made.START_NS + number * NS // 50, data)
    return folder


def test_packed_messages_are_unpacked(tmp_path):
    drive = opened(packed(tmp_path / "packed"))
    assert values(drive, "Vehicle.Speed")[3] == pytest.approx(72) and drive.left_out() == []


def test_damaged_packed_messages_are_left_out(tmp_path):
    folder = packed(tmp_path / "packed")
    with closing(sqlite3.connect(next(folder.glob("*.db3")))) as database, database:
        for number, data in ((3, ZSTD + b"\xff" * 20), (4, HUGE)):
            database.execute("update messages set data = ? where id = ?", [data, number])
    drive = opened(folder)
    assert values(drive, "Vehicle.Speed")[3] == pytest.approx(72)
    assert [item.reason for item in drive.left_out()] == ["2 damaged messages were left out"]


def test_without_an_imu_acceleration_comes_from_speed(tmp_path):
    sent = [
        made.Sent("/twist", "geometry_msgs/msg/TwistStamped", made.START_NS + n * NS // 20,
                  made.twist_stamped(n / 20))
        for n in range(24 * 20)
    ]  # fmt: skip
    drive = opened(made.write_bag(tmp_path / "bag", sent))
    along = values(drive, "Vehicle.Acceleration.Longitudinal")
    assert along[210] == pytest.approx(-6, abs=0.1) and along[100] == pytest.approx(0, abs=1e-6)
    assert values(drive, "Vehicle.AngularVelocity.Yaw")[50] == pytest.approx(np.degrees(0.1))


def test_a_file_that_breaks_off_is_read_up_to_there(bags, tmp_path):
    data = (bags / "mcap" / "mcap.mcap").read_bytes()
    (tmp_path / "cut.mcap").write_bytes(data[: len(data) * 2 // 3])
    drive = opened(tmp_path / "cut.mcap")
    assert 100 < drive.telemetry().num_rows < 200
    assert "the file breaks off" in reasons(drive)


def chunk(packing, data, stated):
    out = RecordBuilder()
    Chunk(packing, data, 0, 0, 0, stated).write(out)
    return out.end()


@pytest.mark.parametrize(("packing", "data", "stated", "says"), [
    ("zstd", HUGE, 100, "unpacks to 1.1 TB"),
    ("lz4", LZ4, 100 * 10**9, "unpacks to 100.0 GB"),
    ("lz4", LZ4, 1000, "larger than it says"),
    ("lz4", LZ4[:-100], LZ4_BYTES, "larger than it says"),
    ("brotli", LZ4, LZ4_BYTES, "brotli"),
])  # fmt: skip
def test_a_chunk_that_lies_about_its_size_is_damaged(packing, data, stated, says, tmp_path):
    lying = chunk(packing, data, stated)
    with pytest.raises((ValueError, KeyError), match=says):
        _unpacked(lying[9:])  # without the head of the record


def test_a_chunk_of_a_hundred_gigabytes_is_one_line(tmp_path):
    path = tmp_path / "bomb.mcap"
    path.write_bytes(MCAP_MAGIC + chunk("lz4", LZ4, 100 * 10**9) + MCAP_MAGIC)
    assert why(path) == (
        f"{path}: contains no message that can be read; the file breaks off; 1 damaged chunk was "
        "left out: one says that it unpacks to 100.0 GB"
    )


def test_a_damaged_chunk_is_left_out(tmp_path, definitions):
    messages = list(made.braking_messages(seconds=6, camera_hz=5))
    path = write_ros(tmp_path / "a.mcap", messages, definitions)
    data = bytearray(path.read_bytes())
    at = data.index(ZSTD, data.index(ZSTD) + 1) + 500  # in the second chunk
    data[at : at + 40] = bytes(40)
    path.write_bytes(data)
    drive = opened(path)
    assert drive.telemetry().num_rows > 30
    assert reasons(drive) == ["1 damaged chunk was left out"]


def test_a_truncated_database(bags, tmp_path):
    data = (bags / "db3" / "db3.db3").read_bytes()
    (tmp_path / "cut.db3").write_bytes(data[: len(data) // 2])
    try:
        drive = opened(tmp_path / "cut.db3")
    except UnreadableError as error:
        assert "cannot be read as a ROS 2 bag" in str(error)
    else:
        assert any("breaks off" in reason for reason in reasons(drive))


def test_a_split_bag_is_one_drive_and_says_what_is_missing(bags, tmp_path):
    folder = tmp_path / "split"
    shutil.copytree(bags / "mcap", folder)
    metadata = folder / "metadata.yaml"
    text = metadata.read_text()
    listed = "- mcap.mcap\n"
    assert listed in text
    metadata.write_text(text.replace(listed, f"{listed}  - gone.mcap\n", 1))
    drive = opened(folder)
    assert drive.telemetry().num_rows == 240
    assert reasons(drive) == ["gone.mcap is missing"]


def test_empty_bags(tmp_path):
    with Writer(tmp_path / "none", version=9):
        pass
    assert "contains no message" in why(tmp_path / "none")
    (tmp_path / "zero.mcap").write_bytes(b"")
    assert "is not an MCAP file" in why(tmp_path / "zero.mcap")
    (tmp_path / "zero.db3").write_bytes(b"")
    assert "cannot be read as a ROS 2 bag" in why(tmp_path / "zero.db3")


def test_unknown_types_are_listed(tmp_path):
    path = write_plain_json(tmp_path / "a.mcap", "/x", "acme.Wheel", [(made.START_NS, {"a": 1})])
    assert "contains no type of message that gives telemetry or pictures: acme.Wheel" in why(path)


def test_unknown_topics_of_a_usable_bag_are_listed(tmp_path):
    text = made.ros("std_msgs/msg/String")("hello")
    sent = [*made.braking_messages(seconds=2), made.Sent("/words", "std_msgs/msg/String",
                                                        made.START_NS, text)]  # fmt: skip
    drive = opened(made.write_bag(tmp_path / "bag", sent))
    assert reasons(drive) == [
        "topic /words (std_msgs/msg/String, 1 message) is not used: its type is not recognised"
    ]


def test_a_schema_that_lies_costs_its_topic_alone(tmp_path, definitions):
    lying = definitions | {"sensor_msgs/msg/Imu": definitions["sensor_msgs/msg/NavSatFix"]}
    messages = list(made.braking_messages(seconds=3))
    drive = opened(write_ros(tmp_path / "a.mcap", messages, lying))
    assert "Vehicle.Speed" in drive.telemetry().column_names
    (reason,) = reasons(drive)
    assert reason.startswith("topic /imu/data (sensor_msgs/msg/Imu, 300 messages) is not used: no")
    only = [sent for sent in messages if sent.topic == "/imu/data"]
    assert "no topic of it can be used: /imu/data" in why(
        write_ros(tmp_path / "b.mcap", only, lying)
    )
    broken = definitions | {"sensor_msgs/msg/Imu": "float64 [["}
    assert "definition of sensor_msgs/msg/Imu cannot be read" in why(
        write_ros(tmp_path / "c.mcap", only, broken)
    )


def test_clocks_that_disagree(tmp_path):
    """The Imu's stamps count from its start; all others agree with the bag."""
    sent = [
        one._replace(message=made.imu((one.time_ns - made.START_NS) / NS, start_ns=5 * NS))
        if one.topic == "/imu/data"
        else one
        for one in made.braking_messages(seconds=22)
    ]
    drive = opened(made.write_bag(tmp_path / "bag", sent))
    assert values(drive, "Vehicle.Acceleration.Longitudinal")[210] == pytest.approx(-6)
    (note,) = reasons(drive)
    assert note.startswith("topic /imu/data: its stamps are") and "behind the bag's clock" in note
    assert drive.attributes.start_ns == made.START_NS


def test_a_simulation_has_a_clock_of_its_own(tmp_path):
    sent = [
        made.Sent("/odom", "nav_msgs/msg/Odometry", made.START_NS + n * NS // 20,
                  made.odometry(n / 20, start_ns=100 * NS))
        for n in range(40)
    ]  # fmt: skip
    drive = opened(made.write_bag(tmp_path / "bag", sent))
    assert drive.attributes.start_ns == 100 * NS and drive.left_out() == []


def test_a_clock_that_jumps_gives_no_rows_between(tmp_path):
    sent = [
        made.Sent("/odom", "nav_msgs/msg/Odometry", start_ns + n * NS // 20,
                  made.odometry(n / 20, start_ns=start_ns))
        for start_ns in (10 * NS, made.START_NS)
        for n in range(40)
    ]  # fmt: skip
    drive = opened(made.write_bag(tmp_path / "bag", sent))
    assert 40 <= drive.telemetry().num_rows <= 42


def test_commands_do_not_count_as_measured(tmp_path):
    stop = lambda t: made.ros("geometry_msgs/msg/TwistStamped")(  # noqa: E731
        made.header(t, "base_link"),
        made.ros("geometry_msgs/msg/Twist")(made.vector(0.0, 0, 0), made.vector(0.0, 0, 0)),
    )
    kind = "geometry_msgs/msg/TwistStamped"
    sent = [made.Sent("/cmd_vel", kind, made.START_NS + n * NS // 50, stop(n / 50))
            for n in range(100)]  # fmt: skip
    sent += [made.Sent("/twist", kind, made.START_NS + n * NS // 10, made.twist_stamped(n / 10))
             for n in range(20)]  # fmt: skip
    drive = opened(made.write_bag(tmp_path / "bag", sent))
    assert values(drive, "Vehicle.Speed")[5] == pytest.approx(72)
    assert reasons(drive) == [
        "topic /cmd_vel (geometry_msgs/msg/TwistStamped, 100 messages) is not used: "
        "/twist gives the same signals"
    ]


MAP = """
signals:
  /fix.altitude: {signal: Vehicle.Chassis.Axle.Row1.SteeringAngle, unit: rad, scale: 0.001}
  /odom.twist.twist.linear.x: {signal: Vehicle.Speed, unit: km/h}
  /fix.position_covariance.8: {signal: Vehicle.ADAS.ABS.IsEngaged, hold: 1 s}
cameras:
  /camera/front/image_raw/compressed: main
"""


def test_a_mapping_comes_before_what_is_recognised(bags, tmp_path):
    (tmp_path / "map.yaml").write_text(MAP)
    drive = opened(bags / "db3", "ros2", tmp_path / "map.yaml")
    rows = drive.telemetry()
    assert list(drive.cameras) == ["main", "rear"]
    assert rows["Vehicle.Speed"][100].as_py() == pytest.approx(20)
    steering = rows["Vehicle.Chassis.Axle.Row1.SteeringAngle"]
    assert steering[100].as_py() == pytest.approx(np.degrees(0.5))
    assert pc.all(pc.equal(rows["Vehicle.ADAS.ABS.IsEngaged"], False)).as_py()
    assert rows["Vehicle.Acceleration.Longitudinal"][210].as_py() == pytest.approx(-6)


@pytest.mark.parametrize(("text", "said"), [
    ("signals: {/speed.data: {signal: Vehicle.Speed}}", "there is no topic '/speed'"),
    ("signals: {/odom.speed: {signal: Vehicle.Speed}}", "/odom has no field 'speed'"),
    ("signals: {/odom.twist.x: {signal: Vehicle.Speed}}", "'x'; expected twist, covariance"),
    ("signals: {/odom.twist: {signal: Vehicle.Speed}}", "is not a number, a flag or a text"),
    ("cameras: {/odom: main}", "there are no pictures on topic '/odom'; expected one of /camera/"),
])  # fmt: skip
def test_a_mapping_that_the_bag_does_not_fit(bags, tmp_path, text, said):
    (tmp_path / "map.yaml").write_text(text)
    assert said in why(bags / "mcap", "ros2", tmp_path / "map.yaml")


@pytest.mark.parametrize(("text", "said"), [
    ("signals: {/odom: {signal: Vehicle.Speed}}", "is not a topic and a field"),
    ("signals: {/odom.x: {signal: Vehicle.Sped}}", "unknown signal 'Vehicle.Sped'"),
    ("signals: {/odom.x: {signal: Vehicle.Speed, unit: kg}}", "does not convert"),
    ("cameras: {/a: main, /b: main}", "is the name of two cameras"),
])  # fmt: skip
def test_a_mapping_that_is_none(bags, tmp_path, text, said):
    (tmp_path / "map.yaml").write_text(text)
    with pytest.raises(RidealongError, match=said):
        find_drives(bags / "mcap", "ros2", tmp_path / "map.yaml")


def test_damaged_pictures_are_counted(tmp_path):
    def damaged(one):
        if one.topic.startswith("/camera/rear") and one.time_ns == made.START_NS + NS:
            half = one.message.data[: len(one.message.data) // 2]
            one = one._replace(
                message=made.ros(one.type)(one.message.header, one.message.format, half)
            )
        return one

    sent = [damaged(one) for one in made.braking_messages(seconds=2, camera_hz=5)]
    drive = opened(made.write_bag(tmp_path / "bag", sent))
    assert reasons(drive) == ["camera rear: 1 of 10 frames are damaged"]
    assert sum("rear" in images for _, images in drive.frames(0, 2**62, ["rear"])) == 9


def test_two_channels_of_one_topic_are_one_topic(tmp_path):
    path = tmp_path / "a.mcap"
    with path.open("wb") as stream:
        out = McapWriter(stream)
        out.start()
        kind = "geometry_msgs/msg/TwistStamped"
        text = made.STORE.generate_msgdef(kind)[0].encode()
        schema = out.register_schema(kind, "ros2msg", text)
        channels = [out.register_channel("/twist", "cdr", schema, {"by": b}) for b in "ab"]
        other = out.register_channel("/twist", "json", out.register_schema("x", "jsonschema", b""))
        for number in range(60):
            data = bytes(made.STORE.serialize_cdr(made.twist_stamped(number / 20), kind))
            out.add_message(channels[number % 2], made.START_NS + number * NS // 20, data, 0)
        out.add_message(other, made.START_NS, b"{}", 0)
        out.finish()
    drive = opened(path)
    assert drive.telemetry().num_rows >= 29
    assert reasons(drive) == ["topic /twist (x, 1 message) is not used: its type is not recognised"]
