"""Changes from a page: permission, the record, and what the page says."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.actions import acting
from dashboard.actions.audit import Entry, as_json, count, entries, record
from dashboard.permission import NO_TOKEN, READ_ONLY
from dashboard.text import plain
from ridealong.errors import RidealongError
from ridealong.lake import Lake

STATE = {"name": "<b>old</b>"}


def script() -> None:
    """A page with two buttons; AppTest runs its source alone."""
    import streamlit as st

    from dashboard.actions import messages
    from dashboard.actions.acting import act
    from ridealong.errors import RidealongError
    from ridealong.lake import Lake

    def change(_: Lake) -> tuple[object, object]:
        return {"name": "<b>old</b>"}, {"name": "new"}

    def fail(_: Lake) -> tuple[object, object]:
        raise RidealongError("*no* such run")

    with messages.shown():
        st.button("Name", on_click=act, args=("runs name", "r1", change, "It is named."))
        st.button("Fail", on_click=act, args=("runs name", "r2", fail, "Never."))


@pytest.fixture
def app(home: Path) -> AppTest:
    Lake.create(home)
    app = AppTest.from_function(script, default_timeout=60)
    app.secrets["ridealong"] = {"home": str(home), "media_key": "00ff"}
    return app.run()


def recorded(home: Path) -> list[dict[str, Any]]:
    return entries(Lake.open(home).snapshot())


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acting, "refusal", lambda: None)


@pytest.mark.usefixtures("allowed")
def test_a_change_is_recorded_and_said_once(app: AppTest, home: Path) -> None:
    app.button[0].click().run()
    assert not app.exception and app.success[0].value == "It is named\\."
    (row,) = recorded(home)
    assert (row["action"], row["subject"], row["who"]) == ("runs name", "r1", None)
    assert row["before"] == STATE and row["after"] == {"name": "new"} and row["refused"] is None
    assert row["address"] == "localhost" and row["time_ns"] > 0
    assert not app.run().success


@pytest.mark.usefixtures("allowed")
def test_a_mistake_is_recorded_and_said(app: AppTest, home: Path) -> None:
    app.button[1].click().run()
    assert not app.exception and "\\*no\\* such run" in app.error[0].value
    (row,) = recorded(home)
    assert row["refused"] == "*no* such run" and row["before"] is row["after"] is None


def test_a_browser_without_the_token_changes_nothing(app: AppTest, home: Path) -> None:
    app.secrets["ridealong"] = {"home": str(home), "cookie": "ridealong-1", "token": "secret"}
    app.button[0].click().run()
    assert not app.exception and app.error and not app.success
    (row,) = recorded(home)
    assert row["after"] is None and "reload the page" in row["refused"]
    assert NO_TOKEN.endswith("reload the page.")


def test_a_read_only_server_writes_nothing(
    app: AppTest, home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    app.secrets["ridealong"] = {"home": str(home), "read_only": True}
    app.button[0].click().run()
    assert app.error[0].value == plain(READ_ONLY)
    assert recorded(home) == [] and "refused: runs name r1" in capfd.readouterr().err


@pytest.mark.usefixtures("allowed")
def test_what_cannot_be_recorded_is_said(
    app: AppTest, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise RidealongError("the disk is full")

    monkeypatch.setattr(acting, "record", full)
    app.button[0].click().run()
    assert "it was done, but it could not be recorded" in app.error[0].value
    shutil.rmtree(home)
    app.button[0].click().run()
    assert not app.exception and "no such folder" in app.error[0].value


def test_the_record_is_read_by_pages_newest_first(home: Path) -> None:
    lake = Lake.create(home)
    for number in range(5):
        record(lake, Entry(number, "ada", None, "runs name", f"r{number}", after=as_json(number)))
    snapshot = lake.snapshot()
    assert count(snapshot) == 5
    assert [row["subject"] for row in entries(snapshot, 2, 1)] == ["r3", "r2"]
    assert [row["after"] for row in entries(snapshot)] == [4, 3, 2, 1, 0]


def test_a_long_state_is_not_kept() -> None:
    assert as_json(None) is None and as_json({"b": 1, "a": Path("x")}) == '{"a": "x", "b": 1}'
    assert json.loads(as_json("x" * 20_000) or "") == {"characters": 20_002}


def test_the_command_lists_it(home: Path, program: Any, ask: Any) -> None:
    lake = Lake.create(home)
    assert ask("audit", "--home", home) == []
    record(lake, Entry(1_772_000_000 * 10**9, "ada", "10.0.0.1", "runs name", "r1", None, '"a"'))
    (row,) = ask("audit", "--home", home)
    assert row == {
        "time": "2026-02-25T06:13:20Z", "who": "ada", "address": "10.0.0.1", "action": "runs name",
        "subject": "r1", "before": None, "after": "a", "refused": None,
    }  # fmt: skip
    assert "runs name" in program("audit", "--home", home).stdout
