"""The views of the page, on a made-up fleet and on empty homes."""

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import session
from dashboard.actions import acting, jobs
from dashboard.actions.audit import entries
from dashboard.runs import deploying, listing, starting
from dashboard.runs.starting import Wish
from dashboard.text import plain
from ridealong.errors import RidealongError
from ridealong.lake import Lake, write_data_file
from ridealong.lake.tables import TableSpec
from shadow.releases.promotion import promote, releases
from shadow.runs import list_runs, name_run
from shadow.schemas import NETWORKS, RELEASES

PAGE = Path(__file__).parents[3] / "dashboard/runs/page.py"


def show(home: Path, **asked: str) -> AppTest:
    app = AppTest.from_file(str(PAGE), default_timeout=60)
    app.secrets["ridealong"] = {"home": str(home), "media_key": "00ff"}
    for name, value in asked.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


@pytest.mark.parametrize("view", ["runs", "start", "networks", "changes"])
def test_a_view_of_an_empty_home_says_the_next_step(view: str, home: Path) -> None:
    Lake.create(home)
    (said,) = show(home, view=view).info
    assert "](/" in said.value or view == "networks"


@pytest.mark.parametrize("view", ["runs", "start", "networks", "changes", "gone"])
def test_a_view_of_a_fleet(view: str, fleet_home: Path) -> None:
    app = show(fleet_home, view=view)
    assert app.title[0].value == "Runs and networks"
    assert len(app.warning) == (view == "gone")


@pytest.mark.parametrize("view", ["runs", "changes"])
def test_page_0_is_the_first(view: str, fleet_home: Path) -> None:
    shown, first = (show(fleet_home, view=view, page=page) for page in "01")
    assert [one.proto.body for one in shown.get("html")] == [
        one.proto.body for one in first.get("html")
    ]


def test_a_run_that_is_gone_is_said(fleet_home: Path) -> None:
    app = show(fleet_home, run="<b>gone</b>", page="99999999999", archived="x")
    assert "There is no run" in app.warning[0].value
    assert "There is no run" not in show(fleet_home, page="³").main.children


def test_the_second_of_two_editors_is_told(
    fleet_home: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acting, "refusal", lambda: None)
    monkeypatch.setattr(listing, "refusal", lambda: None)
    lake = Lake.open(Path(shutil.copytree(fleet_home, home)))
    newest = list_runs(lake.snapshot())[0]["run_id"]
    app = show(home)
    app.text_input[0].set_value("mine")
    name_run(lake, newest, "theirs")
    app.button[0].click().run()
    assert list_runs(lake.snapshot())[0]["name"] == "theirs"
    app = show(home)
    app.text_input[0].set_value("mine")
    app.button[0].click().run()
    assert list_runs(lake.snapshot())[0]["name"] == "mine"


def test_what_is_started(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    started: list[Any] = []
    lake = Lake.create(home)

    def act(action: str, subject: str, change: Any) -> None:
        started.append((action, subject, change(lake)[1]["command"]))

    monkeypatch.setattr(starting, "act", act)
    monkeypatch.setattr(session, "home", lambda: home)
    monkeypatch.setattr(jobs, "JOBS", jobs.Jobs(most_running=0))
    starting._begin(Wish("a-1", "b-1", "light = 'night'", "2", None))
    command = "shadow run --deployed=a-1 --candidate=b-1 --where=light = 'night' --baseline=2"
    assert started == [("shadow run", "b-1 against a-1", command)]
    with pytest.raises(RidealongError, match="in progress already"):
        starting._begin(Wish("a-1", "b-1", "light = 'night'", "2", None))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the gate is empty"),
        ("required: [", "^line "),
        ("required:\n  - {prediction: bev/nothing, metric: iou}", "^line 2: required.0"),
    ],
)
def test_a_mistake_in_a_gate_names_its_line(text: str, said: str) -> None:
    with pytest.raises(RidealongError, match=said):
        starting._check_gate(text)


def test_a_verdict_is_told_with_a_link() -> None:
    said = starting._result({"verdict": "PASS", "reason": "all *pass*", "run": "r1"})
    assert said == "✓ **PASS**: all \\*pass\\* [Open the run](/?run=r1)"


def test_a_network_is_deployed_with_a_waiver_after_a_look(
    fleet_home: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (acting, deploying):
        monkeypatch.setattr(module, "refusal", lambda: None)
    lake = Lake.open(Path(shutil.copytree(fleet_home, home)))
    run = list_runs(lake.snapshot())[0]
    for role in ("deployed", "candidate"):
        row = {"network": run[role], "network_sha256": run[f"{role}_sha256"]}
        row |= {"predictions": 1, "added_ns": 1}
        add(lake, NETWORKS, row | {"manifest": '{"description": "a network"}'})
    promote(lake, "hydra-1.0", waiver_reason="the first", waiver_by="ada")
    assert "There is no network" in show(home, view="networks", network="<b>gone").warning[0].value
    gone = show(home, view="start", deployed="gone", candidate="<b>gone", baseline="9")
    assert [one.value.split(" in ")[0] for one in gone.warning] == [
        f"There is no {name}" for name in ("deployed gone", r"candidate \<b\>gone", "baseline 9")
    ]
    app = show(home, view="networks", network="hydra-1.1")
    deploy = next(one for one in app.button if one.label == "Deploy …")
    assert deploy.disabled and any("has passed" in one.value for one in app.markdown)
    app.text_area[0].set_value("it is *urgent*")
    app.text_input[0].set_value("eve")
    app.run()
    next(one for one in app.button if one.label == "Deploy …").click().run()
    said = " ".join(one.value for one in app.markdown)
    assert "Release 2: the fleet will run **hydra\\-1\\.1** instead of hydra\\-1\\.0" in said
    assert len(releases(lake.snapshot())) == 1
    next(one for one in app.button if one.label == f"Deploy {plain('hydra-1.1')}").click().run()
    assert not app.exception
    made = releases(lake.snapshot())[-1]
    assert (made.network, made.waiver_by, made.run_id) == ("hydra-1.1", "eve", run["run_id"])
    (entry,) = entries(lake.snapshot())
    assert entry["before"]["network"] == "hydra-1.0" and entry["after"]["network"] == "hydra-1.1"


def test_somebody_else_deployed_meanwhile(
    fleet_home: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake.open(Path(shutil.copytree(fleet_home, home)))
    refused: list[str] = []

    def act(action: str, subject: str, change: Any, done: str) -> None:
        with pytest.raises(RidealongError) as error:
            change(lake)
        refused.append(str(error.value))

    monkeypatch.setattr(deploying, "act", act)
    row = {"release": 1, "network": "a-1", "network_sha256": "a", "time_ns": 1}
    add(lake, RELEASES, row)
    deploying._promote(deploying.Wish("b-1", None, None, "why", "eve"))
    assert "somebody made another release meanwhile" in refused[0]


def add(lake: Lake, spec: TableSpec, row: dict[str, Any]) -> None:
    commit_id = lake.new_commit_id()
    written = write_data_file(
        lake.home, commit_id, spec, pa.Table.from_pylist([row], schema=spec.schema)
    )
    assert written is not None
    lake.commit(commit_id, "test", [written])
