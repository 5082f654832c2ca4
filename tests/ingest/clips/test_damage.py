"""Files that are not whole, not clips, or not ours."""

import random
import shutil
import struct

import pytest
from mcap.writer import Writer

from ingest.clips.container import TopicWriter
from ingest.clips.messages import video_message
from ingest.clips.read import open_clip
from ingest.clips.verify import verify_clip
from ingest.clips.write import write_clip
from ridealong.errors import RidealongError, UnreadableError


def read_everything(path):
    """Use all that a reader has."""
    with open_clip(path) as reader:
        reader.telemetry()
        reader.labels()
        for camera in reader.cameras:
            for _ in reader.frames(camera):
                pass
        reader.read_sets(list(reader.cameras), 1.0)
        return [reader.video_mp4(camera) for camera in reader.cameras]


def test_a_whole_clip_reads(clip_file):
    assert len(read_everything(clip_file)) == 2


@pytest.mark.slow
def test_a_clip_cut_off_anywhere_is_one_clear_error(clip_file, tmp_path):
    whole = clip_file.read_bytes()
    path = tmp_path / "cut | off.mcap"
    places = {*range(40), *range(len(whole) - 300, len(whole)), *range(40, len(whole), 997)}
    for length in sorted(places):
        path.write_bytes(whole[:length])
        with pytest.raises(RidealongError) as caught:
            read_everything(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)
        assert verify_clip(path) != []


def test_flipped_bits_never_escape_as_another_error_and_verify_finds_each(clip_file, tmp_path):
    whole = bytearray(clip_file.read_bytes())
    path = tmp_path / "flipped.mcap"
    chance = random.Random(0)
    for _ in range(120):
        at, bit = chance.randrange(len(whole)), 1 << chance.randrange(8)
        whole[at] ^= bit
        path.write_bytes(whole)
        whole[at] ^= bit
        try:
            read_everything(path)
        except RidealongError as error:
            assert str(path) in str(error)
        assert verify_clip(path) != [], f"byte {at}"


@pytest.mark.parametrize(
    "content",
    [b"", b"no", b"\x89MCAP0\r\n", b"\x89MCAP0\r\n" * 2, b"x" * 1000, bytes(5000)],
    ids=["empty", "two bytes", "magic", "magics", "text", "zeros"],
)
def test_not_an_mcap(tmp_path, content):
    path = tmp_path / "no.mcap"
    path.write_bytes(content)
    with pytest.raises(UnreadableError, match=r"not an MCAP clip.*cut the clip again"):
        read_everything(path)


def test_missing_and_folder(tmp_path):
    for path in (tmp_path / "none.mcap", tmp_path):
        with pytest.raises(UnreadableError, match=str(path)), open_clip(path):
            pass
        assert len(verify_clip(path, "0" * 64)) >= 1


def test_somebody_elses_mcap(tmp_path):
    path = tmp_path / "theirs.mcap"
    with path.open("wb") as stream:
        writer = Writer(stream)
        writer.start()
        writer.finish()
    with pytest.raises(UnreadableError, match="not a ridealong clip"), open_clip(path):
        pass


def test_a_newer_format_is_told(tmp_path):
    path = tmp_path / "newer.mcap"
    with path.open("wb") as stream:
        TopicWriter(stream).finish({"format_version": "99"})
    with pytest.raises(RidealongError, match=r"format 99; expected at most 1; .*newer ridealong"):
        read_everything(path)


def test_a_failed_write_leaves_the_old_clip_alone(clip_file, make):
    before = clip_file.read_bytes()

    def breaks():
        yield from make.frames(3, ["main"])
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_clip(clip_file, make.content(frames=breaks()))
    assert clip_file.read_bytes() == before
    assert [path.name for path in clip_file.parent.iterdir()] == [clip_file.name]


def test_verify_names_a_wrong_hash(clip_file):
    [problem] = verify_clip(clip_file, "0" * 64)
    assert "expected 000" in problem


def _rewrite(path, change):
    """Copy a clip message by message through ``change(topic, time, data)``, metadata included."""
    from mcap.reader import make_reader

    copy = path.with_suffix(".copy")
    with path.open("rb") as source, copy.open("wb") as target:
        reader = make_reader(source)
        summary = reader.get_summary()
        out = TopicWriter(target)
        for channel in summary.channels.values():
            schema = summary.schemas[channel.schema_id]
            out.copy_topic(channel, schema.name, schema.encoding, schema.data)
        for _, channel, message in reader.iter_messages():
            for topic, time, data in change(channel.topic, message.log_time, message.data):
                out.add(topic, time, data)
        [record] = reader.iter_metadata()
        out.finish(record.metadata)
    shutil.move(copy, path)


def test_a_copy_message_by_message_is_still_whole(clip_file):
    _rewrite(clip_file, lambda *message: [message])
    assert verify_clip(clip_file) == []


VIDEO = "/camera/main/video"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t, n, d, s: [] if (t, n) == (VIDEO, s[24]) else [(t, n, d)], "24 frames, its meta"),
        (lambda t, n, d, s: [] if t == VIDEO and n == s[0] else [(t, n, d)], "cadence"),
        (lambda t, n, d, s: [(t, n + 10**12 * (t == VIDEO and n == s[24]), d)], "outside"),
        (lambda t, n, d, s: [(t, s[3] if t == VIDEO and n == s[4] else n, d)], "do not ascend"),
        (lambda t, n, d, s: [] if t == "/telemetry" and n == s[0] else [(t, n, d)], "49 rows"),
        (lambda t, n, d, s: [] if t == "/labels" and n == s[0] else [(t, n, d)], "24 frames"),
        (lambda t, n, d, s: [] if t == "/bev/road" and n == s[0] else [(t, n, d)], "bev of road"),
        (
            lambda t, n, d, s: [(t, n, d[:40] + b"\x55" * 9 + d[49:] if t == VIDEO else d)],
            "cannot be decoded",
        ),
        (lambda t, n, d, s: [(t, n, b"{" if t == "/labels" else d)], "damaged"),
    ],
    ids=["frame", "keyframe", "late", "order", "telemetry", "labels", "bev", "packet", "json"],
)
def test_verify_names_what_is_wrong_in_a_well_formed_file(clip_file, make, change, said):
    times = [make.START_NS + i * make.STEP_NS for i in range(25)]
    _rewrite(clip_file, lambda topic, time, data: change(topic, time, data, times))
    problems = verify_clip(clip_file)
    assert any(said in problem for problem in problems), problems


def test_a_frame_that_cannot_be_decoded_is_named(clip_file, make):
    times = [make.START_NS + i * make.STEP_NS for i in range(25)]

    def spoil(topic, time, data):
        if topic == VIDEO and time == times[12]:
            data = video_message("main", time, b"\x00\x00\x00\x01\x41" + b"\x55" * 40)
        return [(topic, time, data)]

    _rewrite(clip_file, spoil)
    with open_clip(clip_file) as reader:
        assert len(list(reader.frames("main", 0, 12))) == 12
        with pytest.raises(UnreadableError, match=r"'main' at 20.*Z cannot be decoded"):
            list(reader.frames("main", 12, 14))
        assert len(list(reader.frames("main", 20, 25))) == 5
        assert len(list(reader.frames("rear"))) == 25


def test_lengths_that_lie_do_not_eat_memory(clip_file, tmp_path):
    """A record that claims 3 GB is refused by the size of the file."""
    whole = bytearray(clip_file.read_bytes())
    whole[-37 + 1 : -37 + 9] = struct.pack("<Q", 3 * 2**30)
    path = tmp_path / "liar.mcap"
    path.write_bytes(whole)
    with pytest.raises(UnreadableError):
        read_everything(path)
    assert verify_clip(path) != []


def test_reading_after_the_clip_was_closed_does_not_blame_the_file(clip_file):
    with open_clip(clip_file) as reader:
        pass
    with pytest.raises(ValueError, match="closed"):
        reader.labels()
    with pytest.raises(ValueError, match="closed"):
        list(reader.frames("main"))
