"""Pictures: frames of clips and of result files, each as both networks saw it."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dashboard.reports.clip_pictures import clip_pictures
from dashboard.reports.content import Content, Costly, content_of
from dashboard.reports.frame_pictures import frame_pictures
from dashboard.reports.pictures import WIDTH
from ingest.clips.messages import NETWORK_COLOURS
from ridealong.errors import RidealongError
from ridealong.lake import Lake
from ridealong.terminal.console import Console

GREY = (90, 90, 90)
DRIVES, FRAMES = 8, 2


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """COCO files of grey images with one car each, which the candidate misses in the last drive."""
    images, labels, found = [], [], []
    for place in range(DRIVES * FRAMES):
        name = f"drive{place // FRAMES}/{place}.png"
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (200, 100), GREY).save(tmp_path / "images" / name)
        one = {"id": place, "file_name": name, "width": 200, "height": 100}
        images.append(one | {"video_id": place // FRAMES})
        box = {"image_id": place, "category_id": 1, "bbox": [50, 20, 60, 40]}
        labels.append(box | {"id": place + 1, "area": 2400, "iscrowd": 0})
        found.append(box | {"score": 0.9})
    truth = {"images": images, "annotations": labels, "categories": [{"id": 1, "name": "car"}]}
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    (tmp_path / "deployed.json").write_text(json.dumps(found))
    (tmp_path / "candidate.json").write_text(json.dumps(found[:-FRAMES]))
    return tmp_path


@pytest.fixture
def content(files: Path, program: Any, home: Path) -> Content:
    done = program(
        *("shadow", "score", "--format", "coco", "--home", home),
        *("--truth", files / "truth.json", "--deployed", files / "deployed.json"),
        *("--candidate", files / "candidate.json"),
    )
    assert done.returncode == 1, done.stderr
    found = content_of(Lake.open(home).snapshot(), "latest")
    last = f"drive{DRIVES - 1}/{DRIVES * FRAMES - 1}.png"
    return Content(found.run, found.document, found.lost, [Costly(last, "7", 0.5, found.lost[0])])


def has_colour(jpeg: bytes, colour: tuple[int, int, int]) -> bool:
    pixels = np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB")).astype(int)
    assert pixels.shape == (WIDTH // 2, WIDTH, 3)
    return bool((np.abs(pixels - colour).max(axis=2) < 60).any())


def test_a_frame_of_result_files(content: Content, files: Path, home: Path) -> None:
    assert [one.item for one in content.costly] == [f"drive{DRIVES - 1}/{DRIVES * FRAMES - 1}.png"]
    (shown,) = frame_pictures(Lake.open(home).snapshot(), content, files / "images")
    assert shown.caption == f"image {content.costly[0].item}"
    deployed, candidate = shown.images.items()
    assert (deployed[0], candidate[0]) == ("deployed: deployed.json", "candidate: candidate.json")
    assert has_colour(deployed[1], NETWORK_COLOURS["deployed"])
    assert not has_colour(candidate[1], NETWORK_COLOURS["candidate"])  # it missed the car


def test_what_is_in_the_way_is_said(content: Content, files: Path, home: Path) -> None:
    snapshot = Lake.open(home).snapshot()
    for folder, line in ((None, "--images names the folder"), (files / "no", "is not a folder")):
        with pytest.raises(RidealongError, match=line):
            frame_pictures(snapshot, content, folder)
    image = files / "images" / content.costly[0].item
    image.write_bytes(b"no image")
    (shown,) = frame_pictures(snapshot, content, files / "images")
    assert shown.caption.startswith(f"no picture: {image}: ") and not shown.images
    image.unlink()
    (shown,) = frame_pictures(snapshot, content, files / "images")
    assert shown.caption == f"no picture: {image}: No such file or directory"
    image.symlink_to(files / "truth.json")
    (shown,) = frame_pictures(snapshot, content, files / "images")
    assert shown.caption.endswith("is outside the folder of the images")


def test_files_that_have_changed_give_no_boxes(content: Content, files: Path, home: Path) -> None:
    (files / "candidate.json").write_text("[]")
    (shown,) = frame_pictures(Lake.open(home).snapshot(), content, files / "images")
    assert "without boxes: " in shown.caption and "has moved or changed" in shown.caption
    assert len(shown.images) == 2


def test_the_costliest_clips_of_a_fleet(demo_home: Path) -> None:
    lake = Lake.open(demo_home)
    found = content_of(lake.snapshot(), "latest")
    assert found.costly
    one = Content(found.run, found.document, found.lost, found.costly[:1])
    (shown,) = clip_pictures(lake, one, Console())
    assert [*shown.images] == ["deployed: hydra-1.0", "candidate: hydra-1.1"]
    assert shown.caption.startswith("the frame that costs most: ")
