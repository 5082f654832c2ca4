"""From a check with a loss to better labels and a new verdict, in a real Chromium."""

import json
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from ridealong.lake import Lake
from shadow.labeling.queue import queue_rows
from tests.dashboard.conftest import JOB_MS

pytestmark = [pytest.mark.browser, pytest.mark.slow]
CHECK = "objects/pedestrian@main", "f1", "all"
Keep = Callable[[Page, str], Path]


def choose(place: Page | Locator, page: Page, box: str, option: str) -> None:
    """Choose from a list; it closes if the page is drawn again, and then it is opened again."""
    for _ in range(10):
        place.get_by_role("combobox", name=box).click()
        with suppress(PlaywrightTimeout):
            page.get_by_role("option", name=option).click(timeout=3_000)
            return
    raise AssertionError(f"{option} cannot be chosen from {box}")


def said(page: Page, text: str) -> None:
    """Wait until the page says how a command ended."""
    expect(page.get_by_text(re.compile(text))).to_be_visible(timeout=JOB_MS)


def without_a_pedestrian(xml: Path) -> None:
    """Delete a pedestrian of the main camera that counts."""
    text = xml.read_text("utf-8")
    images = re.findall(r"<image [^>]*-main-.*?</image>\n", text, re.S)
    boxes = [box for image in images
             for box in re.findall(r'<box label="pedestrian".*?</box>\n', image, re.S)]  # fmt: skip
    counts = next(box for box in boxes if ">true<" not in box)
    xml.write_text(text.replace(counts, "", 1), "utf-8")


def value_of(report: dict[str, Any]) -> float:
    (found,) = (
        cell["candidate"]
        for cell in report["cells"]
        if (cell["prediction"], cell["metric"], cell["slice"]) == CHECK
    )
    return float(found)


def test_from_a_check_to_the_queue_an_export_an_import_and_a_new_verdict(
    page: Page, demo_home: Path, tmp_path: Path, program: Any, serve: Any, keep: Keep
) -> None:
    home = tmp_path / "own" / "home"
    shutil.copytree(demo_home, home)

    def report(run: str = "latest") -> dict[str, Any]:
        done = program("--home", home, "shadow", "report", run, "--json")
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    before = report()
    prediction, metric, where = CHECK
    with serve(home) as address:
        page.goto(f"{address}/compare?prediction={prediction}&metric={metric}&slice={where}")
        page.get_by_role("button", name="Send to labeling").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Add to the queue").click()
        said(page, "Added 1 clip to the queue")
        page.get_by_role("link", name="Open the queue").click()
        page.get_by_role("button", name="Export 1 queued clip").click()
        choose(dialog, page, "Format", "CVAT")
        choose(dialog, page, "Frames", "frames with labels")
        name = dialog.get_by_role("textbox", name="Name")
        name.fill("better")
        name.press("Enter")
        said(page, "exports/better")
        dialog.get_by_role("button", name="Start export").click()
        said(page, r"Wrote 1 clip, .* images, .* MB to ")
        expect(page.get_by_text("1 exported", exact=True)).to_be_visible()
        keep(page, "labeling")

        xml = tmp_path / "from-cvat" / "annotations.xml"
        xml.parent.mkdir()
        shutil.copyfile(home / "exports/better/annotations.xml", xml)
        without_a_pedestrian(xml)
        page.get_by_label("File, folder or ZIP archive").fill(str(xml))
        choose(page, page, "Export that they belong to", "better")
        choose(page, page, "Format", "CVAT")
        page.get_by_role("button", name="Import", exact=True).click()
        said(page, "Changed the labels of 1 clip")
        expect(page.get_by_text("1 imported", exact=True)).to_be_visible()
        keep(page, "labeling-imported")
        page.goto("about:blank")  # the server ends first

    (row,) = queue_rows(Lake.open(home).snapshot())
    pair = ("--deployed", before["deployed"], "--candidate", before["candidate"])
    run = program("--home", home, "shadow", "run", *pair, "--json")
    assert json.loads(run.stdout)["clips"] == before["clips"], run.stderr
    after = report()
    (clip,) = after["imported_labels"]
    assert clip == row["clip_id"] and after["labels"] != before["labels"]
    assert value_of(after) != value_of(before)
    # The old run keeps its labels, and the new one says which it was judged on.
    assert report(before["run"]) == before | {"name": None}
    text = program("--home", home, "shadow", "report", "latest").stdout
    assert f"labels: version {after['labels']}, with imported labels of 1 of 3 clips" in text
