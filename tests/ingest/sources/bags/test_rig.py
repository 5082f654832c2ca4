"""A rig of any number of cameras, each with its own name, size and rate, becomes a clip."""

from ingest.clips.picture import TILE_WIDTH, clip_picture
from ingest.clips.read import open_clip
from ingest.clips.verify import verify_clip
from ingest.clips.write import ClipContent, write_clip
from ingest.discovery import find_drives
from ingest.rig import shown_cameras
from ingest.sources.registry import open_drive
from tests.data.braking_bag import START_NS, Sent, compressed_image, write_bag

NS = 1_000_000_000
# Name, size, frames a second, delay of the first frame in milliseconds.
RIG = [
    ("CAM_BACK", (160, 90), 5, 12),
    ("CAM_FRONT", (192, 108), 20, 0),
    ("CAM_FRONT_LEFT", (120, 80), 10, 31),
    ("CAM_FRONT_RIGHT", (120, 80), 10, 0),
    ("dome", (96, 96), 1, 0),
]


def test_a_rig_of_its_own(tmp_path):
    sent = []
    for name, size, rate, late_ms in RIG:
        for number in range(3 * rate):
            at_s = number / rate + late_ms / 1000
            image = compressed_image(at_s, 0, size, START_NS)
            topic = f"/{name}/image_raw/compressed"
            kind = "sensor_msgs/msg/CompressedImage"
            sent.append(Sent(topic, kind, START_NS + round(at_s * NS), image))
    bag = write_bag(tmp_path / "bag", sorted(sent, key=lambda one: one.time_ns))
    (files,) = find_drives(bag).drives
    drive = open_drive(files)
    assert {n: (c.width, c.height) for n, c in drive.cameras.items()} == {
        name: size for name, size, _, _ in RIG
    }
    clip = tmp_path / "clip.mcap"
    end_ns = START_NS + 3 * NS
    content = ClipContent(
        clip_id="c",
        drive={"drive_id": "d", "source": "ros2"},
        start_ns=START_NS,
        end_ns=end_ns,
        events=[],
        telemetry=None,
        cameras=drive.cameras,
        frames=drive.frames(START_NS, end_ns, list(drive.cameras)),
        labels=None,
    )
    summary = write_clip(clip, content)
    assert summary.camera_frames == {name: 3 * rate for name, _, rate, _ in RIG}
    assert verify_clip(clip) == []
    with open_clip(clip) as reader:
        shown = shown_cameras(reader.cameras, "ros2")
        picture = clip_picture(reader, 1.0)
    assert shown == ["CAM_FRONT_LEFT", "CAM_FRONT", "CAM_FRONT_RIGHT", "CAM_BACK", "dome"]
    assert picture.width == 3 * TILE_WIDTH + 4 * 4  # two rows of at most three
