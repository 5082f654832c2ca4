"""Every page runs through without an error, on a full home and on an empty one."""

import re
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from dashboard import session
from ridealong.errors import RidealongError
from ridealong.lake import Lake, write_data_file
from shadow.schemas import RUNS

PAGES = sorted((Path(__file__).parents[2] / "dashboard").glob("*/page.py"))

APP = Path(__file__).parents[2] / "dashboard" / "app.py"


def run_page(page: Path, home: Path, **asked: str) -> AppTest:
    app = AppTest.from_file(str(page), default_timeout=60)
    app.secrets["ridealong"] = {"home": str(home), "media_key": "00ff"}
    for name, value in asked.items():
        app.query_params[name] = value
    return app.run()


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_a_page_of_the_demo(page: Path, demo_home: Path) -> None:
    app = run_page(page, demo_home)
    assert not app.exception
    assert app.title[0].value.lower() == page.parent.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_a_page_of_an_empty_home_says_what_to_do(page: Path, home: Path) -> None:
    Lake.create(home)
    app = run_page(page, home)
    assert not app.exception
    assert "ridealong" in app.info[0].value


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_a_page_of_a_fleet(page: Path, fleet_home: Path) -> None:
    app = run_page(page, fleet_home)
    assert not app.exception
    assert app.title[0].value.lower() == page.parent.name


def test_a_run_from_result_files_is_shown(home: Path, tmp_path: Path, program: Any) -> None:
    head = "drive,item,prediction,metric,value,weather\n"
    for name, right in (("a.csv", 1.0), ("b.csv", 0.5)):
        rows = [
            f"d{drive},{item},stop signs,recall,{right if drive % 2 else 1},{weather}\n"
            for drive in range(20)
            for item in range(2)
            for weather in [("rain", "sun")[drive % 2]]
        ]
        (tmp_path / name).write_text(head + "".join(rows))
    done = program(
        "--home", home, "shadow", "score", "--format", "statistics",
        "--deployed", tmp_path / "a.csv", "--candidate", tmp_path / "b.csv",
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    app = run_page(page_named("regressions"), home)
    assert not app.exception
    tables = [table.value for table in app.dataframe]
    behind = next(table for table in tables if "item" in table.columns)
    assert list(behind.columns) == [
        "share", "deployed", "candidate", "weather", "drive", "item"
    ]  # fmt: skip
    assert set(behind["weather"][behind["share"] < 0]) == {"sun"}


def unmarked(text: str) -> str:
    """Text without the signs that keep Markdown from marking it up."""
    return text.replace("\\", "")


def page_named(name: str) -> Path:
    return next(page for page in PAGES if page.parent.name == name)


def test_regressions_opens_the_worst_cell_of_the_newest_run(fleet_home: Path) -> None:
    app = run_page(page_named("regressions"), fleet_home)
    said = [part.value for part in app.markdown]
    assert said[0].startswith("##### :red-badge[**REGRESSED**]") and "required cells" in said[0]
    figures = {metric.label: metric.value for metric in app.metric}
    assert int(figures["Required, regressed"]) >= 5
    assert float(figures["Delta"]) < -0.1
    assert any("light" in part and "night" in part for part in said[1:3])
    cause = r"\d+ of \d+ regressed cells are at light=night or only because of it"
    assert re.fullmatch(cause, unmarked(said[1]))
    assert [part.value for part in app.caption][1:3] == ["Required", "Watched"]
    required, watched = app.dataframe[0].value, app.dataframe[1].value
    assert len(required) == 21 and required["verdict"].iloc[0] == "REGRESSED"
    assert len(watched) > 100


def test_regressions_opens_the_cell_that_the_address_names(fleet_home: Path) -> None:
    asked = {"prediction": "lights/yellow@narrow", "metric": "f1", "slice": "light=day"}
    app = run_page(page_named("regressions"), fleet_home, **asked)
    assert not app.warning
    assert "yellow" in app.subheader[0].value


def test_regressions_tells_what_an_old_link_lost(fleet_home: Path) -> None:
    app = run_page(page_named("regressions"), fleet_home, run="gone", prediction="objects/ufo@main")
    assert not app.exception
    assert "gone" in app.warning[0].value and "ufo" in app.warning[1].value
    asked = {"prediction": "objects/car@main", "metric": "f1", "slice": "light=dusk"}
    app = run_page(page_named("regressions"), fleet_home, **asked)
    (said,) = app.warning
    assert "no slice light=dusk for objects/car@main f1" in unmarked(said.value)
    assert "car" in app.subheader[0].value


def test_regressions_shows_another_run(fleet_home: Path) -> None:
    app = run_page(page_named("regressions"), fleet_home)
    older = app.selectbox[0].options.index(
        next(name for name in app.selectbox[0].options if "hydra-1.0b" in name)
    )
    app.selectbox[0].select_index(older).run()
    assert not app.exception
    assert "orange-badge" in app.markdown[0].value


def test_a_run_that_is_deleted_while_it_is_looked_at(fleet_home: Path, home: Path) -> None:
    app = run_page(page_named("regressions"), fleet_home)
    older = next(i for i, name in enumerate(app.selectbox[0].options) if "hydra-1.0b" in name)
    app.selectbox[0].select_index(older).run()
    shutil.copytree(fleet_home, home)
    Lake.open(home).delete({RUNS: "candidate = 'hydra-1.0b'"}, "test")
    app.secrets["ridealong"] = {"home": str(home), "media_key": "00ff"}
    app.run()
    assert not app.exception
    assert len(app.selectbox[0].options) == 1 and "hydra-1.1" in app.selectbox[0].options[0]
    assert "gone" not in app.markdown[0].value and "REGRESSED" in app.markdown[0].value


def test_a_network_compared_with_itself_is_no_pages_default(fleet_home: Path, home: Path) -> None:
    shutil.copytree(fleet_home, home)
    lake = Lake.open(home)
    run = max(lake.snapshot().read(RUNS).to_pylist(), key=lambda row: row["created_ns"])
    same = {"deployed": "itself", "candidate": "itself", "candidate_sha256": run["deployed_sha256"]}
    later = {"run_id": lake.new_commit_id(), "created_ns": run["created_ns"] + 1}
    rows = pa.Table.from_pylist([run | same | later], RUNS.schema)
    file = write_data_file(home, later["run_id"], RUNS, rows)
    assert file is not None
    lake.commit(later["run_id"], "shadow run", [file], ["test"])
    app = run_page(page_named("regressions"), home)
    assert ["itself" in name for name in app.selectbox[0].options] == [True, False, False]
    assert app.selectbox[0].index == 1
    lake.delete({RUNS: "candidate <> 'itself'"}, "test")
    session.snapshot.clear()
    app = run_page(page_named("regressions"), home)
    assert not app.exception and app.selectbox[0].index is None
    assert "network with itself" in app.info[0].value
    app.selectbox[0].select_index(0).run()
    assert app.info[0].value == "This run has no cells."
    assert app.query_params["run"] == later["run_id"]


def test_what_is_damaged_is_said_in_a_sentence(
    fleet_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(folder: Path) -> None:
        raise RidealongError("is *damaged*", where="drives/<b>.parquet", expected="its bytes")

    monkeypatch.setattr(session, "snapshot", damaged)
    monkeypatch.setattr(PagesManager, "uses_pages_directory", False)  # as `serve` does
    app = run_page(APP, fleet_home)
    assert not app.exception
    (said,) = app.error
    assert unmarked(said.value) == "drives/<b>.parquet: is *damaged*; expected its bytes"
    assert "\\*damaged\\*" in said.value
