"""Clips with networks' outputs added, as the MCAP library finds them."""

import json

import numpy as np
import pyarrow as pa
import pytest
from mcap.reader import make_reader
from mcap_protobuf.decoder import DecoderFactory

from ingest.clips.label_file import write_labels
from ingest.clips.read import open_clip
from ingest.clips.verify import verify_clip
from ingest.clips.write import ClipContent, write_clip
from ingest.labels.mcap import ReplayedClip, add_outputs, preview_mcaps, write_mcaps
from ridealong.errors import RidealongError
from ridealong.perception.annotations import empty_perception
from ridealong.perception.geometry import unknown_calibration


@pytest.fixture
def source(tmp_path, make):
    path = tmp_path / "source.mcap"
    content = ClipContent(
        clip_id="c1",
        drive={"drive_id": "d"},
        start_ns=0,
        end_ns=5000,
        events=[],
        telemetry=None,
        cameras={name: unknown_calibration(name, 64, 48) for name in ("main", "rear")},
        frames=make.frames(),
        labels=make.seen(*make.labels),
    )
    write_clip(path, content)
    return path


def test_outputs_are_added_and_nothing_is_lost(tmp_path, make, source):
    outputs = {"deployed": make.seen(*make.labels[:1]), "candidate": make.seen(*make.labels[1:3])}
    target = tmp_path / "copy.mcap"
    add_outputs(source, target, outputs)
    assert verify_clip(target) == []
    with open_clip(source) as old, open_clip(target) as new:
        assert new.metadata == old.metadata
        assert new.labels().sparse.equals(old.labels().sparse)
        assert [*new.video_packets("main")] == [*old.video_packets("main")]
        for network, seen in outputs.items():
            assert new.outputs(network).sparse.equals(seen.sparse)
            assert new.outputs(network).tasks == seen.tasks
            assert old.outputs(network) is None
    with target.open("rb") as stream:
        reader = make_reader(stream, decoder_factories=[DecoderFactory()])
        shown = [
            (channel.topic, len(decoded.points))
            for _, channel, _, decoded in reader.iter_decoded_messages(
                ["/deployed/camera/main/annotations", "/candidate/camera/rear/annotations"]
            )
        ]
    assert sorted(shown) == [
        *[("/candidate/camera/rear/annotations", count) for count in (0, 0, 1)],
        *[("/deployed/camera/main/annotations", count) for count in (0, 0, 1)],
    ]


def test_an_exported_clip_can_be_exported_again(tmp_path, make, source):
    first, second = tmp_path / "1.mcap", tmp_path / "2.mcap"
    add_outputs(source, first, {"deployed": make.seen(*make.labels)})
    add_outputs(first, second, {"deployed": make.seen(make.labels[2])})
    with open_clip(second) as reader:
        assert reader.outputs("deployed").sparse.equals(make.seen(make.labels[2]).sparse)
    assert verify_clip(second) == []


def test_a_folder_of_clips(tmp_path, make, source):
    silent = empty_perception(np.array([1000]))
    clips = [ReplayedClip(name, source, {"candidate": silent}, {"share": 1}) for name in "ba"]
    guess = preview_mcaps(tmp_path / "out", clips)
    assert not (tmp_path / "out").exists()
    written = write_mcaps(tmp_path / "out", clips, make.networks)
    assert (written.clips, guess.clips) == (2, 2)
    assert guess.megabytes == pytest.approx(written.megabytes, abs=0.1)
    assert verify_clip(tmp_path / "out" / "b.mcap") == []
    a, b = (tmp_path / "out" / f"{name}.mcap" for name in "ab")
    assert a.read_bytes() == b.read_bytes()
    told = json.loads((tmp_path / "out" / "clips.json").read_text())
    assert told == [{"clip_id": "b", "share": 1}, {"clip_id": "a", "share": 1}]
    thresholds = json.loads((tmp_path / "out" / "thresholds.json").read_text())
    assert thresholds["candidate"]["thresholds"] == {"objects/car@main": 0.4}
    assert "net-candidate" in (tmp_path / "out" / "README.md").read_text()


def test_a_damaged_clip_is_named_and_nothing_is_left(tmp_path, make, source):
    source.write_bytes(source.read_bytes()[:-100])
    out = tmp_path / "out"
    with pytest.raises(RidealongError, match=r"source\.mcap"):
        write_mcaps(out, [ReplayedClip("a", source, {})], make.networks)
    with pytest.raises(RidealongError, match="no clips"):
        write_mcaps(out, [], make.networks)
    assert not out.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["source.mcap"]


def test_a_later_version_of_the_labels_is_written(tmp_path, make, source):
    newest = make.seen(make.box(1000, "main", "bus", 1.0, 2.0, 9.0, 8.0))
    write_labels(tmp_path / "labels.parquet", newest)
    target = tmp_path / "copy.mcap"
    add_outputs(source, target, {"candidate": make.seen()}, tmp_path / "labels.parquet")
    assert verify_clip(target) == []
    with open_clip(target) as copy:
        assert copy.labels().sparse.equals(newest.sparse)
        assert copy.outputs("candidate") is not None
    with target.open("rb") as stream:
        reader = make_reader(stream, decoder_factories=[DecoderFactory()])
        shown = reader.iter_decoded_messages(["/camera/main/annotations"])
        assert [len(message.decoded_message.points) for message in shown] == [1, 0, 0]


def test_telemetry_is_typed_and_the_layout_plots_it(tmp_path, make):
    telemetry = pa.table(
        {
            "timestamp_ns": [2000, 1000],
            "Vehicle.Speed": pa.array([12.5, None], pa.float32()),
            "Vehicle.ADAS.ABS.IsEngaged": [True, False],
            "Vehicle.ActiveAutonomyLevel": ["SAE_2", None],
            "Vehicle.Unknown": pa.nulls(2, pa.float64()),
        }
    )
    source = tmp_path / "source.mcap"
    content = ClipContent(
        clip_id="c1", drive={}, start_ns=0, end_ns=5000, events=[], telemetry=telemetry,
        cameras={"main": unknown_calibration("main", 64, 48)}, frames=iter(()), labels=None,
    )  # fmt: skip
    write_clip(source, content)
    write_mcaps(tmp_path / "out", [ReplayedClip("c1", source, {})], make.networks)
    with (tmp_path / "out/c1.mcap").open("rb") as stream:
        reader = make_reader(stream, decoder_factories=[DecoderFactory()])
        found = [m.decoded_message for m in reader.iter_decoded_messages(["/signals"])]
    first, second = found
    assert not first.HasField("Vehicle_Speed") and first.Vehicle_ADAS_ABS_IsEngaged is False
    assert second.Vehicle_Speed == 12.5 and second.Vehicle_ActiveAutonomyLevel == "SAE_2"
    assert (second.timestamp.seconds, second.timestamp.nanos) == (0, 2000)
    assert "Vehicle_Unknown" not in second.DESCRIPTOR.fields_by_name
    layout = json.loads((tmp_path / "out/foxglove_layout.json").read_text())
    assert set(layout["configById"]) == {"Image!main", "Plot!telemetry"}
    paths = layout["configById"]["Plot!telemetry"]["paths"]
    assert [path["value"] for path in paths] == ["/signals.Vehicle_Speed"]
    # An export of an export has the topic once.
    add_outputs(tmp_path / "out/c1.mcap", tmp_path / "again.mcap", {})
    assert verify_clip(tmp_path / "again.mcap") == []
