"""The page Triggers runs on every kind of home and address, and tells what is wrong."""

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import dashboard.triggers
from dashboard.triggers.queries import TEMPLATE
from ingest.triggers.home import find_trigger, home_triggers, save_trigger
from ridealong.lake import Lake

PAGE = Path(dashboard.triggers.__file__).with_name("page.py")


def run_page(home: Path, **asked: str) -> AppTest:
    app = AppTest.from_file(str(PAGE), default_timeout=60)
    app.secrets["ridealong"] = {"home": str(home), "media_key": "00ff"}
    for name, value in asked.items():
        app.query_params[name] = value
    return app.run()


def drawn(app: AppTest) -> str:
    return " ".join(str(part.proto) for part in app.get("html"))


def conflicts(app: AppTest) -> list[str]:
    return [part.value for part in app.warning if "while you were editing" in part.value]


@pytest.mark.parametrize(
    "asked, title",
    [
        ({}, "Triggers"),
        ({"trigger": "hard_brake"}, "hard\\_brake"),
        ({"copy": "hard_brake"}, "New trigger"),
        ({"new": "1"}, "New trigger"),
        ({"trigger": "<b>gone"}, "Triggers"),
    ],
)
def test_every_address_of_a_fleet(fleet_home: Path, asked: dict[str, str], title: str) -> None:
    app = run_page(fleet_home, **asked)
    assert not app.exception and app.title[0].value == title
    if "gone" in str(asked):
        assert "There is no trigger \\<b\\>gone" in app.warning[0].value


def test_a_home_without_drives_teaches_the_next_step(home: Path) -> None:
    Lake.create(home)
    app = run_page(home)
    assert "ridealong ingest" in app.info[0].value and "hard_brake" in drawn(app)
    editing = run_page(home, trigger="hard_brake")
    assert not editing.exception and "no telemetry" not in editing.info[0].value.lower()
    assert "nothing to try the trigger on" in editing.info[0].value


def test_a_filter_that_is_wrong_is_a_sentence(fleet_home: Path) -> None:
    app = run_page(fleet_home, trigger="hard_brake", over="lihgt = 'day'")
    assert not app.exception and "lihgt" in app.error[0].value
    assert app.error[0].value.startswith(app.text_input(key="over").label)
    app.text_input(key="over").set_value("light = 'day'").run()
    assert not app.exception and not app.error
    assert app.query_params["over"] == "light = 'day'"


def test_the_second_of_two_editors_is_told_and_keeps_the_text(fleet_home: Path, home: Path) -> None:
    shutil.copytree(fleet_home, home)
    lake = Lake.open(home)
    save_trigger(lake, TEMPLATE, where="mine")
    app = run_page(home, trigger="my_trigger")
    assert not conflicts(app)
    (draft,) = app.session_state["trigger-drafts"].values()
    draft.text = TEMPLATE.replace("pre: 10 s", "pre: 11 s")
    theirs = TEMPLATE.replace("pre: 10 s", "pre: 12 s")
    base = find_trigger(home_triggers(lake.snapshot()), "my_trigger").sha256
    save_trigger(lake, theirs, where="theirs", replaces=base, who="ann")
    app.run()
    assert "was saved by ann while you were editing" in conflicts(app)[0]
    assert "+pre: 11 s" in app.code[0].value and "-pre: 12 s" in app.code[0].value
    (draft,) = app.session_state["trigger-drafts"].values()
    assert "11 s" in draft.text
    next(button for button in app.button if button.label == "Take theirs").click().run()
    assert not conflicts(app)
    (draft,) = app.session_state["trigger-drafts"].values()
    assert draft.text == theirs
