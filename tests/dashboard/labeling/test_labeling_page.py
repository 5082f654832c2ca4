"""The page Labeling: an empty queue, a queue, and what its buttons do."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.actions import acting
from dashboard.exporting import Choice
from ridealong.lake import Lake
from ridealong.terminal.console import Console
from shadow.labeling.queue import AddRequest, add_to_queue, queue_rows

PAGE = Path(__file__).parents[3] / "dashboard" / "labeling" / "page.py"


@pytest.fixture
def lake(fleet_home: Path, tmp_path: Path) -> Lake:
    shutil.copytree(fleet_home, tmp_path / "home")
    return Lake.open(tmp_path / "home")


def opened(lake: Lake) -> AppTest:
    app = AppTest.from_file(str(PAGE), default_timeout=60)
    app.secrets["ridealong"] = {"home": str(lake.home), "media_key": "00ff"}
    return app.run()


def test_the_queue_is_listed_and_clips_can_be_removed(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acting, "refusal", lambda: None)
    empty = opened(lake)
    assert not empty.exception and "Nothing is queued" in empty.info[0].value
    added = add_to_queue(lake, AddRequest(budget=3), Console(as_json=True))["added"]
    app = opened(lake)
    assert not app.exception and app.caption[0].value == "3 queued"
    (table,) = [one.proto.body for one in app.get("html") if "<table" in one.proto.body]
    assert all(f"/clip?clip={row['clip_id']}" in table for row in added)
    app.multiselect[0].select(added[1]["clip_id"]).run()
    next(one for one in app.button if one.label == "Remove").click().run()
    assert not app.exception
    left = [row["clip_id"] for row in queue_rows(lake.snapshot())]
    assert left == [added[0]["clip_id"], added[2]["clip_id"]]


def test_an_export_of_the_queue_says_so(tmp_path: Path) -> None:
    choice: Any = Choice("run1", "cvat", 5, queued=True, frames="labelled")
    assert choice.command(tmp_path)[-1] == "--queued"
    assert choice.request(tmp_path).queued


def test_an_import_needs_a_whole_path(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acting, "refusal", lambda: None)
    app = opened(lake)
    for path, said in (("", "Name the file"), ("labels.zip", "beginning with /")):
        app.text_input(key="labels-path").set_value(path)
        next(one for one in app.button if one.label == "Import").click().run()
        assert not app.exception
        assert said in app.session_state["ridealong-messages"][-1].text


def test_exports_are_offered_from_which_labels_can_come_back(lake: Lake) -> None:
    for name, text in (("mine", '{"clips": [], "families": []}'), ("whole", "{}"), ("bad", "{")):
        (lake.home / "exports" / name).mkdir(parents=True)
        (lake.home / "exports" / name / "ridealong-manifest.json").write_text(text)
    app = opened(lake)
    assert app.selectbox(key="labels-export").options == ["found beside the labels", "mine"]


def test_the_dialog_queues_the_clips_of_a_check() -> None:
    choice = Choice("run1", "cvat", 5, ("objects/car@main", "f1", "all"), ("a",), "labelled")
    assert choice.queueing() == [
        *("labels", "queue", "add", "--run", "run1", "--budget", "5"),
        *("--prediction", "objects/car@main", "--metric", "f1", "--slice", "all"),
        *("--where", "clip_id in ('a')"),
    ]
