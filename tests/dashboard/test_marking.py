"""Tags and the note of one clip, changed with their widgets."""

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.actions import acting
from dashboard.schemas import AUDIT
from ingest.clips.notes import note_clip, note_of
from ingest.clips.tags import tag_clips, tags_of
from ridealong.lake import Lake

CLIP = "drive-003-clip-1"


@pytest.fixture
def lake(fleet_home: Path, home: Path) -> Lake:
    shutil.copytree(fleet_home, home)
    return Lake.open(home)


def show(clip_id: str) -> None:
    from dashboard.actions import messages
    from dashboard.marking import show_marks

    with messages.shown():
        show_marks(clip_id)


@pytest.fixture
def app(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setattr(acting, "refusal", lambda: None)
    app = AppTest.from_function(show, default_timeout=60, args=(CLIP,))
    app.secrets["ridealong"] = {"home": str(lake.home), "media_key": "00ff"}
    return app.run()


def test_tags_are_changed_and_recorded(app: AppTest, lake: Lake) -> None:
    app.multiselect[0].set_value(["glare", "wet road"]).run()
    app.multiselect[0].set_value(["glare"]).run()
    assert tags_of(lake.snapshot()) == {CLIP: ["glare"]}
    tag_clips(lake, ["drive-004-clip-0"], ["of a colleague"])
    app.run()
    assert app.multiselect[0].options == ["glare", "of a colleague"]
    assert lake.snapshot().read(AUDIT)["action"].to_pylist() == ["clips tag"] * 2


def test_a_text_that_cannot_be_a_tag_is_said_and_goes(app: AppTest, lake: Lake) -> None:
    app.multiselect[0].set_value(["x" * 41]).run()
    assert "cannot be a tag" in app.error[0].value and not app.exception
    assert app.multiselect[0].value == [] and tags_of(lake.snapshot()) == {}


def test_a_note_is_saved_and_the_second_writer_keeps_the_draft(app: AppTest, lake: Lake) -> None:
    app.text_area[0].set_value(" first ").run()
    app.button[0].click().run()
    assert note_of(lake.snapshot(), CLIP) == app.text_area[0].value == "first"
    app.text_area[0].set_value("draft").run()
    note_clip(lake, CLIP, "of a colleague")
    app.button[0].click().run()
    assert "it is now" in app.error[0].value
    assert app.text_area[0].value == "draft"
    assert note_of(lake.snapshot(), CLIP) == "of a colleague"


def test_without_permission_nothing_can_be_changed(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acting, "refusal", lambda: "this dashboard is read-only")
    app.run()
    assert app.multiselect[0].disabled and app.text_area[0].disabled and app.button[0].disabled
    assert "read-only" in app.multiselect[0].help
