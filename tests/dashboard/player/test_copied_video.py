"""Video that was copied, with a lead-in, and video that was encoded, both in the player."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.dashboard.player.opening import opened
from tests.data.braking_bag import START_NS
from tests.data.encoded import packets
from tests.data.foxglove_log import odometry_rows, video_messages, write_protobuf

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FPS, SECONDS = 4, 26
TRIGGER = "ingest/triggers/library/hard_brake.yaml"  # its clip begins midway between keyframes
# The red of the left half of what a video shows.
LEFT = """(video) => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const pen = canvas.getContext("2d");
  pen.drawImage(video, 0, 0);
  return pen.getImageData(20, 40, 1, 1).data[0];
}"""


def test_both_show_the_frame_of_the_instant(
    tmp_path: Path, program: Any, ask: Any, serve: Any, page: Page
) -> None:
    def camera(codec: str, name: str, kind: str) -> list[Any]:
        frames = packets(codec, SECONDS * FPS, keyframe_every=40)
        data = [(START_NS + at * 1_000_000_000 // FPS, one) for at, one in enumerate(frames)]
        return video_messages(data, kind, name)

    log, home = tmp_path / "log.mcap", tmp_path / "home"
    cameras = camera("libx264", "front", "h264") + camera("libx265", "rear", "h265")
    write_protobuf(log, [*odometry_rows(SECONDS), *cameras])
    assert program("ingest", log, "--triggers", TRIGGER, "--home", home).returncode == 0
    (clip,) = ask("clips", "list", "--home", home)
    videos = ask("clips", "show", clip["clip_id"], "--home", home)["videos"]
    assert videos["front"]["made"] == "copied" and videos["front"]["lead_in"] > 5
    assert videos["rear"]["made"] == "encoded" and "H.265" in videos["rear"]["why"]
    ask("clips", "verify", "--all", "--home", home)
    with serve(home) as address:
        player = opened(page, f"{address}/clip?clip={clip['clip_id']}")
        shown_s = float((player.locator(".time").text_content() or "").removesuffix(" s"))
        first = -(-(clip["start_ns"] - START_NS) * FPS // 1_000_000_000)
        number = first + round(shown_s * FPS)
        left = [video.evaluate(LEFT) for video in player.locator("video").all()]
    assert len(left) == 2
    for shade in left:
        assert abs((shade - 20) / 2 - number) < 2.5, (left, number)
