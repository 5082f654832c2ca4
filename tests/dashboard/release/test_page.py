"""The page Release in all its states, without a browser."""

import re
import shutil
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.release.markup import sentence
from dashboard.release.queries import Run, Summary, runs, summary
from metrics.gate.cells import Verdict
from metrics.gate.schemas import VERDICTS
from ridealong.lake import Lake, write_data_file
from shadow.schemas import RUNS

PAGE = Path(__file__).parents[3] / "dashboard/release/page.py"
Show = Callable[..., AppTest]


@pytest.fixture
def show() -> Show:
    """Run the page on a home."""

    def run(home: Path, **asked: str) -> AppTest:
        app = AppTest.from_file(str(PAGE), default_timeout=60)
        app.secrets["ridealong"] = {"home": str(home), "media_key": "00ff"}
        for name, value in asked.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception
        return app

    return run


def markup(app: AppTest) -> str:
    return "".join(part.proto.body for part in app.get("html"))


def said(app: AppTest) -> str:
    """The text of the page's markup."""
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", markup(app), flags=re.DOTALL)
    return " ".join(unescape(text).split())


def links(app: AppTest) -> list[str]:
    return [unescape(found) for found in re.findall(r'href="([^"]+)"', markup(app))]


def test_the_newest_run_says_what_broke_and_where(fleet_home: Path, show: Show) -> None:
    app = show(fleet_home)
    text = said(app)
    assert re.search(r"hydra-1\.1 may not replace hydra-1\.0: \d+ of 21 required checks reg", text)
    assert re.search(
        r"\d+ of \d+ regressed checks are at light=night or only because of it\.", text
    )
    assert "Failed" in text and "Passed" in text and "The worst loss" in text
    run = runs(Lake.open(fleet_home).snapshot())[0]
    chips = [link for link in links(app) if link.startswith(f"/compare?run={run.run_id}&pred")]
    assert len(chips) >= 21 and any("slice=light%3Dnight" in link for link in chips)
    assert f"/?run={run.run_id}" in links(app)


def test_every_chip_explains_itself(fleet_home: Path, show: Show) -> None:
    text = markup(show(fleet_home))
    chips = re.findall(r'<a [^>]*class="chip"[^>]*>.*?</a>', text)
    assert len(chips) == 21
    for chip in chips:
        assert 'role="tooltip"' in chip and "margin" in chip and 'aria-label="' in chip
        assert "higher is better" in chip or "lower is better" in chip


def test_an_undecided_run_says_what_it_needs(fleet_home: Path, show: Show) -> None:
    older = runs(Lake.open(fleet_home).snapshot())[1]
    text = said(show(fleet_home, run=older.run_id))
    assert "It is open whether hydra-1.0b may replace hydra-1.0" in text
    assert re.search(r"needs \d+ more drives?", text)
    assert re.search(r"\d+ more drives would decide the checks", text)


def test_a_run_that_is_gone_is_said_beside_the_newest(fleet_home: Path, show: Show) -> None:
    app = show(fleet_home, run="<b>gone</b>")
    (warning,) = app.warning
    assert "deleted" in warning.value and "\\<b\\>gone" in warning.value
    assert "hydra-1.1 may not replace" in said(app)


def test_a_home_without_anything_leads_to_the_first_step(home: Path, show: Show) -> None:
    Lake.create(home)
    app = show(home)
    assert "nothing to judge yet" in said(app) and "/triggers" in links(app)


def test_a_home_without_runs_leads_to_the_first_run(
    fleet_home: Path, home: Path, show: Show
) -> None:
    shutil.copytree(fleet_home, home)
    Lake.open(home).delete({RUNS: "true", VERDICTS: "true"}, "test")
    app = show(home)
    assert "No candidate was compared" in said(app) and "/runs?view=start" in links(app)


def changed(fleet_home: Path, home: Path, **values: Any) -> str:
    """A home with one more run, the newest, which is the newest one with other values."""
    if not home.exists():
        shutil.copytree(fleet_home, home)
    lake = Lake.open(home)
    row = max(lake.snapshot().read(RUNS).to_pylist(), key=lambda row: row["created_ns"])
    run_id = lake.new_commit_id()
    newest = row["run_id"]
    row |= {"run_id": run_id, "created_ns": row["created_ns"] + 1} | values
    cells = lake.snapshot().query(
        "select * from verdicts where run_id = ? and verdict = 'PASS'", VERDICTS, params=[newest]
    )
    ids = pa.array([run_id] * cells.num_rows, pa.string())
    files = [
        write_data_file(home, run_id, spec, rows)
        for spec, rows in (
            (RUNS, pa.Table.from_pylist([row], RUNS.schema)),
            (VERDICTS, cells.set_column(0, "run_id", ids).cast(VERDICTS.schema)),
        )
    ]
    lake.commit(run_id, "shadow run", [file for file in files if file], [f"test:{run_id}"])
    return run_id


def test_a_run_that_passed_leads_to_its_promotion(fleet_home: Path, home: Path, show: Show) -> None:
    run_id = changed(fleet_home, home, verdict="PASS")
    app = show(home)
    assert re.search(
        r"hydra-1\.1 may replace hydra-1\.0: all \d+ required checks passed", said(app)
    )
    assert f"/runs?view=networks&network=hydra-1.1&run={run_id}" in links(app)
    assert "within its margin" in said(app) or "Nothing got worse" in said(app)


def test_a_network_against_itself_is_shown_only_when_asked_for(
    fleet_home: Path, home: Path, show: Show
) -> None:
    shutil.copytree(fleet_home, home)
    row = Lake.open(home).snapshot().read(RUNS).to_pylist()[0]
    same = {"candidate": "hydra-1.0", "candidate_sha256": row["deployed_sha256"]}
    run_id = changed(fleet_home, home, **same)
    assert "hydra-1.1 may not replace" in said(show(home))
    assert "compared with itself: there is nothing to decide" in said(show(home, run=run_id))
    Lake.open(home).delete({RUNS: f"run_id <> '{run_id}'"}, "test")
    app = show(home)
    assert "compare a network with itself" in said(app) and app.selectbox[0].index is None


def test_a_run_of_result_files_is_told_in_items(home: Path, show: Show, program: Any) -> None:
    folder = Path(__file__).parents[3] / "examples/predictions"
    done = program(
        "--home", home, "shadow", "score", "--format", "coco", "--truth", folder / "truth.json",
        "--deployed", folder / "deployed.json", "--candidate", folder / "candidate.json",
    )  # fmt: skip
    assert done.returncode in (0, 1, 3), done.stderr
    app = show(home)
    assert re.search(r"\d+ items", said(app)) and "candidate" in said(app)
    assert "fleet no longer runs" not in said(app)


def test_names_are_never_markup(fleet_home: Path, home: Path, show: Show) -> None:
    mark = "<img src=x onerror=hacked=1>"
    changed(fleet_home, home, candidate=mark, verdict="PASS")
    app = show(home)
    assert mark not in markup(app)
    assert f"{mark} may replace hydra-1.0" in said(app)


def test_what_holds_a_pass_back_is_in_the_banner(fleet_home: Path) -> None:
    snapshot = Lake.open(fleet_home).snapshot()
    found = runs(snapshot)[0]
    cells = summary(snapshot, found.run_id)
    some = cells.required[Verdict.REGRESSED][:1]
    required = {Verdict.REGRESSED: [], Verdict.INCONCLUSIVE: [], Verdict.PASS: some}
    why = "the required check passes; the deployed network finds next to nothing: check its file"
    held = {"deployed": "a", "candidate": "b", "verdict": Verdict.INCONCLUSIVE, "reason": why}
    said = sentence(Run(**vars(found) | held), Summary(**vars(cells) | {"required": required}))
    assert said == f"It is open whether b may replace a: {why}."


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((3, 7, 10), "b may not replace a: 3 of 20 required checks regressed, 7 are undecided, 10 "
         "passed."),
        ((1, 0, 0), "b may not replace a: 1 of 1 required check regressed."),
        ((0, 1, 2), "It is open whether b may replace a: 1 of 3 required checks is undecided, 2 "
         "passed."),
        ((0, 0, 1), "b may replace a: the only required check passed."),
        ((0, 0, 2), "b may replace a: all 2 required checks passed."),
        ((0, 0, 0), "Nothing is known about b: this run has no required checks."),
    ],
)  # fmt: skip
def test_the_verdict_in_plain_words(
    counts: tuple[int, int, int], expected: str, fleet_home: Path
) -> None:
    snapshot = Lake.open(fleet_home).snapshot()
    found = runs(snapshot)[0]
    cells = summary(snapshot, found.run_id)
    verdicts = (Verdict.REGRESSED, Verdict.INCONCLUSIVE, Verdict.PASS)
    verdict = next((v for v, n in zip(verdicts, counts, strict=True) if n), Verdict.INCONCLUSIVE)
    any_cell = cells.required[Verdict.REGRESSED][0]
    required = {v: [any_cell] * n for v, n in zip(verdicts, counts, strict=True)}
    run = Run(**vars(found) | {"deployed": "a", "candidate": "b", "verdict": verdict})
    assert sentence(run, Summary(**vars(cells) | {"required": required})) == expected
