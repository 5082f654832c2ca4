"""The page Compare runs through, and says in a sentence what it cannot show."""

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
from streamlit.testing.v1 import AppTest

from dashboard.compare import cached, queries
from ingest.schemas import CLIPS
from metrics.gate.schemas import VERDICTS
from ridealong.lake import Lake, write_data_file
from shadow.runs import archive_run
from shadow.schemas import RUNS
from tests.dashboard.compare.made import check, score_signs, write_runs

PAGE = Path(__file__).parents[3] / "dashboard" / "compare" / "page.py"


def page_of(home: Path, **asked: Any) -> AppTest:
    app = AppTest.from_file(str(PAGE), default_timeout=60)
    app.secrets["ridealong"] = {"home": str(home), "media_key": "00ff"}
    for name, value in asked.items():
        app.query_params[name] = value
    return app.run()


def markup_of(app: AppTest) -> str:
    assert not app.exception
    return "".join(part.proto.body for part in app.get("html"))


def unmarked(text: str) -> str:
    return text.replace("\\", "")


def chosen(app: AppTest) -> str:
    """The heading of the chosen check, without its markup."""
    return markup_of(app).partition("<h2>")[2].partition("<")[0].strip()


def test_it_opens_the_worst_check_of_the_newest_run(fleet_home: Path) -> None:
    app = page_of(fleet_home)
    drawn = markup_of(app)
    assert "✕</span> REGRESSED" in drawn and "required checks" in drawn
    assert "regressed checks are at light=night or only because of it" in drawn
    assert not app.warning and "light=night" in drawn and "higher is better" in drawn
    assert "The clips behind it" in app.subheader[0].value


def test_it_opens_the_check_that_the_address_names(fleet_home: Path) -> None:
    asked = {"prediction": "lights/yellow@narrow", "metric": "f1", "slice": "light=day"}
    app = page_of(fleet_home, **asked)
    assert not app.warning and chosen(app) == "lights/yellow@narrow"


def test_it_tells_what_an_old_link_lost(fleet_home: Path) -> None:
    app = page_of(fleet_home, run="gone", other="<b>", prediction="objects/ufo@main", tasks="x")
    said = [unmarked(warning.value) for warning in app.warning]
    assert [
        part for part in ("gone", "<b>", "objects/ufo@main", "no task x") if part in "".join(said)
    ]
    assert len(said) == 4 and not app.exception
    asked = {"prediction": "objects/car@main", "metric": "f1", "slice": "light=dusk"}
    app = page_of(fleet_home, **asked)
    (warning,) = app.warning
    assert "no slice light=dusk for objects/car@main f1" in unmarked(warning.value)
    assert chosen(app) == "objects/car@main"


def test_it_tells_which_words_of_an_address_it_does_not_know(fleet_home: Path) -> None:
    app = page_of(fleet_home, show="all", view="Tree", page="last", changed="fixed")
    said = unmarked(" ".join(warning.value for warning in app.warning))
    assert "no checks of the kind all, no change fixed. These filters are left out" in said
    assert "no view Tree" in said and "no page last" in said and not app.exception


def test_a_commit_to_other_tables_reads_nothing_again(fleet_home: Path, home: Path) -> None:
    shutil.copytree(fleet_home, home)
    lake = Lake.open(home)
    run_id = page_of(home).selectbox[0].value
    before = cached.checks(lake.snapshot(), run_id, None)
    lake.delete({CLIPS: "true"}, "test")
    assert cached.checks(lake.snapshot(), run_id, None) is before
    lake.delete({VERDICTS: "slice = 'light=night'"}, "test")
    assert cached.checks(lake.snapshot(), run_id, None) is not before


def test_archived_runs_are_offered_only_by_name(fleet_home: Path, home: Path) -> None:
    shutil.copytree(fleet_home, home)
    lake = Lake.open(home)
    _, older, *_ = queries.runs(lake.snapshot())
    archive_run(lake, older["run_id"])
    assert [older["run_id"][:8] in name for name in page_of(home).selectbox[0].options] == [False]
    app = page_of(home, run=older["run_id"])
    assert app.selectbox[0].value == older["run_id"] and not app.warning
    assert app.selectbox[0].options[1].endswith("archived")


def test_another_run_and_two_runs_side_by_side(fleet_home: Path) -> None:
    app = page_of(fleet_home)
    older = next(at for at, name in enumerate(app.selectbox[0].options) if "hydra-1.0b" in name)
    app.selectbox[0].select_index(older).run()
    assert "INCONCLUSIVE" in markup_of(app) and "other run" not in markup_of(app)
    app.selectbox[1].select_index(0).run()
    drawn = markup_of(app)
    assert "Against the other run:" in drawn and "fixed" in drawn and "other run" in drawn
    assert set(app.query_params) >= {"run", "other"}


def test_a_filter_is_in_the_address(fleet_home: Path) -> None:
    app = page_of(fleet_home, page="2")
    app.multiselect(key="verdicts").select("REGRESSED").run()
    assert app.query_params["verdicts"] == "REGRESSED" and "page" not in app.query_params
    app.text_input(key="text").input("no such check").run()
    assert app.info[0].value == "No check fits these filters."
    assert "Show all checks" in markup_of(app)


def test_a_run_that_is_deleted_while_it_is_looked_at(fleet_home: Path, home: Path) -> None:
    app = page_of(fleet_home)
    older = next(at for at, name in enumerate(app.selectbox[0].options) if "hydra-1.0b" in name)
    app.selectbox[0].select_index(older).run()
    shutil.copytree(fleet_home, home)
    Lake.open(home).delete({RUNS: "candidate = 'hydra-1.0b'"}, "test")
    app.secrets["ridealong"] = {"home": str(home), "media_key": "00ff"}
    app.run()
    assert len(app.selectbox[0].options) == 1 and "hydra-1.1" in app.selectbox[0].options[0]
    assert "was deleted" in app.warning[0].value and "REGRESSED" in markup_of(app)


def test_a_network_compared_with_itself_is_not_the_default(fleet_home: Path, home: Path) -> None:
    shutil.copytree(fleet_home, home)
    lake = Lake.open(home)
    run = max(lake.snapshot().read(RUNS).to_pylist(), key=lambda row: row["created_ns"])
    same = {"deployed": "itself", "candidate": "itself", "candidate_sha256": run["deployed_sha256"]}
    later = {"run_id": lake.new_commit_id(), "created_ns": run["created_ns"] + 1}
    rows = pa.Table.from_pylist([run | same | later], RUNS.schema)
    file = write_data_file(home, later["run_id"], RUNS, rows)
    assert file is not None
    lake.commit(later["run_id"], "shadow run", [file], ["test"])
    app = page_of(home)
    assert ["itself" in name for name in app.selectbox[0].options] == [True, False, False]
    assert app.selectbox[0].index == 1
    lake.delete({RUNS: "candidate <> 'itself'"}, "test")
    app = page_of(home)
    assert not app.exception and app.selectbox[0].index is None
    assert "network with itself" in app.info[0].value
    app.selectbox[0].select_index(0).run()
    assert "This run has no checks" in app.info[0].value
    assert app.query_params["run"] == later["run_id"]


def test_an_empty_home_leads_to_the_first_run(home: Path) -> None:
    Lake.create(home)
    app = page_of(home)
    assert "ridealong" in app.info[0].value and 'href="/runs?view=start"' in markup_of(app)


def test_checks_without_labels_or_numbers(home: Path) -> None:
    made = [check("a", reference=None, margin=None), check("a", "light=night")]
    write_runs(home, made, baseline="hydra-0.9")
    app = page_of(home)
    drawn = markup_of(app)
    assert "No slice of this prediction has a number" in drawn and "None" not in drawn
    assert "hydra-0.9" in drawn


def test_a_run_from_result_files(home: Path, tmp_path: Path, program: Any) -> None:
    score_signs(program, home, tmp_path)
    app = page_of(home)
    assert "stop signs" in markup_of(app)
    assert "The frames behind it" in app.subheader[0].value
