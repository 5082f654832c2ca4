"""Statistics files, from the files to a verdict."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ridealong.lake import Lake
from shadow.costs import cell_costs, run_loss_parts
from shadow.judging import judge_again
from shadow.report import run_cells
from shadow.runs import find_run

HEAD = "drive,item,prediction,metric,numerator,denominator,weather,city\n"
Rows = list[tuple[object, ...]]
DRIVES, ITEMS = 24, 10


def fleet(seed: int, loss: float = 0.0, drives: int = DRIVES, items: int = ITEMS) -> Rows:
    """Items of drives; every third drive is in the rain, where the loss is."""
    fixed, own = np.random.default_rng(0), np.random.default_rng(seed)
    rows: Rows = []
    for drive in range(drives):
        rain = drive % 3 == 0
        share = 0.8 + fixed.normal(0, 0.03) - loss * rain
        for item in range(items):
            for prediction in ("stop signs", "lane/centre@x"):
                count = 20
                right = own.binomial(count, min(share, 1.0) if prediction == "stop signs" else 0.8)
                rows.append(
                    (f"drive {drive:02}", f"{item}", prediction, "recall", right, count,
                     "rain" if rain else "sun", ("Ulm", "Bern")[drive % 2])
                )  # fmt: skip
    return rows


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, Rows], Path]:
    def to_file(name: str, rows: Rows) -> Path:
        path = tmp_path / name
        path.write_text(HEAD + "".join(",".join(map(str, row)) + "\n" for row in rows))
        return path

    return to_file


@pytest.fixture
def score(home: Path, program: Any) -> Callable[..., tuple[int, Any, str]]:
    def run(deployed: Path, candidate: Path, *more: object) -> tuple[int, Any, str]:
        done = program(
            "--home", home, "shadow", "score", "--format", "statistics", "--json",
            "--deployed", deployed, "--candidate", candidate, *more,
        )  # fmt: skip
        return done.returncode, json.loads(done.stdout or "null"), done.stderr

    return run


def cell(document: Any, prediction: str, where: str = "all") -> Any:
    return next(
        one for one in document["cells"] if (one["prediction"], one["slice"]) == (prediction, where)
    )


def test_a_loss_in_one_slice_is_found_and_named(write: Any, score: Any) -> None:
    ours, theirs = fleet(1), fleet(2, loss=0.2)
    code, document, told = score(write("a.csv", ours), write("b.csv", theirs))
    assert (code, document["verdict"]) == (1, "REGRESSED")
    assert told == "score: 7/7\n"
    assert (document["deployed"], document["candidate"]) == ("a.csv", "b.csv")
    assert document["slices"] == ["weather", "city"]
    assert document["margins"] == {"recall": 0.03}
    assert document["summary"]["by_cause"] == {"weather=rain": 2}
    assert (document["drives"], document["drive_from"]) == (DRIVES, "drive")
    found = cell(document, "stop signs")
    assert (found["verdict"], found["scope"], found["clusters"]) == ("REGRESSED", "drives", DRIVES)
    totals = [
        sum(float(str(r[4])) for r in rows if r[2] == "stop signs") for rows in (ours, theirs)
    ]
    assert found["deployed"] == pytest.approx(totals[0] / (DRIVES * ITEMS * 20))
    summary = document["metrics"]["candidate"]["stop signs"]["recall"]
    assert summary == pytest.approx(found["candidate"])
    # Equal denominators: the linearised interval is the t interval of the drives' differences.
    change = np.zeros(DRIVES)
    for sign, rows in ((-1, ours), (1, theirs)):
        for row in rows:
            if row[2] == "stop signs":
                change[int(str(row[0])[6:])] += sign * float(str(row[4])) / (ITEMS * 20)
    low, high = stats.t.interval(0.95, DRIVES - 1, change.mean(), stats.sem(change))
    assert found["low"] == pytest.approx(low, abs=1e-9)
    assert found["high"] == pytest.approx(high, abs=1e-9)


def test_equal_networks_pass_and_the_run_stands_in_the_lake(
    home: Path, program: Any, write: Any, score: Any
) -> None:
    files = write("a.csv", fleet(1)), write("b.csv", fleet(2))
    code, document, _ = score(*files)
    assert (code, document["verdict"]) == (0, "PASS")
    again = json.loads(program("--home", home, "shadow", "report", "latest", "--json").stdout)
    assert again == document
    listed = json.loads(program("--home", home, "shadow", "runs", "list", "--json").stdout)
    assert [(row["run"], row["clips"]) for row in listed] == [(document["run"], DRIVES * ITEMS)]
    text = program("--home", home, "shadow", "report", "latest").stdout
    assert "margins: recall 0.03" in text
    assert "statistics: 24 drives, by drive; slices: weather, city" in text
    assert program("--home", home, "shadow", "runs", "delete", "latest").returncode == 0


def test_the_lake_of_a_run_is_sound_and_can_be_compacted(
    home: Path, write: Any, score: Any
) -> None:
    files = write("a.csv", fleet(1)), write("b.csv", fleet(2))
    _, document, _ = score(*files)
    lake = Lake.open(home)
    assert lake.check().sound
    score(files[0], write("c.csv", fleet(3)))
    lake.compact()
    assert lake.check().sound
    assert run_cells(lake.snapshot(), document["run"]) == document["cells"]


def test_the_same_files_again_are_stored_once(home: Path, write: Any, score: Any) -> None:
    files = write("a.csv", fleet(1)), write("b.csv", fleet(2))
    _, first, _ = score(*files)
    scores = Lake.open(home).snapshot().read("scores").num_rows
    _, second, _ = score(*files)
    _, other, _ = score(files[0], write("c.csv", fleet(3)))
    drop = {"run"}
    assert {k: v for k, v in first.items() if k not in drop} == {
        k: v for k, v in second.items() if k not in drop
    }
    assert other["cells"] != first["cells"]
    snapshot = Lake.open(home).snapshot()
    assert snapshot.read("scores").num_rows == 2 * scores
    assert len(snapshot.read("items")) == DRIVES * ITEMS


def test_a_run_is_judged_again_from_the_lake(home: Path, write: Any, score: Any) -> None:
    _, document, _ = score(write("a.csv", fleet(1)), write("b.csv", fleet(2, loss=0.2)))
    snapshot = Lake.open(home).snapshot()
    run = find_run(snapshot, "latest")
    from metrics.gate.spec import GateSpec

    verdict = judge_again(snapshot, run, GateSpec.model_validate_json(run["gate"]))
    assert verdict.reason == document["reason"]
    assert verdict.cells.num_rows == len(document["cells"])
    cells = run_cells(snapshot, run["run_id"])
    worst = next(c for c in cells if (c["prediction"], c["slice"]) == ("stop signs", "all"))
    rows = cell_costs(snapshot, run, worst)
    assert sum(rows["share"].to_pylist()) == pytest.approx(worst["delta"])
    parts = run_loss_parts(snapshot, run, [worst])
    assert parts.parts.sum() == pytest.approx(1)


def test_one_sided_items_are_named_and_never_refused(write: Any, score: Any) -> None:
    ours, theirs = fleet(1), fleet(2)
    code, document, told = score(write("a.csv", ours), write("b.csv", theirs[2:]))
    assert (code, document["verdict"]) == (0, "PASS")
    assert document["one_sided"]["of"] == {"deployed": 1, "candidate": 0}
    assert "drive 00/0" in told
    code, document, told = score(write("a.csv", ours), write("b.csv", theirs[10:]))
    assert (code, document["verdict"]) == (1, "INCONCLUSIVE")
    assert document["one_sided"]["share"] == pytest.approx(5 / 240)
    assert "5 items have rows" in told and "do not count, for example drive 00/0" in told
    assert "2.1% of the items have rows in one file only" in document["reason"]
    assert cell(document, "stop signs")["clips"] == DRIVES * ITEMS - 5
    code, document, _ = score(write("a.csv", ours), write("b.csv", fleet(2, loss=0.2)[10:]))
    assert (code, document["verdict"]) == (1, "REGRESSED")


def test_files_without_a_common_item_are_undecided(write: Any, score: Any) -> None:
    theirs = [("other", *row[1:]) for row in fleet(2, drives=1)]
    code, document, _ = score(write("a.csv", fleet(1, drives=1)), write("b.csv", theirs))
    assert (code, document["verdict"], document["clips"]) == (1, "INCONCLUSIVE", 0)
    assert document["one_sided"]["share"] == 1


def test_a_prediction_that_the_candidate_lacks_does_not_pass(
    home: Path, tmp_path: Path, program: Any, write: Any, score: Any
) -> None:
    theirs = [row for row in fleet(2) if row[2] != "stop signs"]
    code, document, told = score(write("a.csv", fleet(1)), write("b.csv", theirs))
    assert (code, document["verdict"]) == (1, "INCONCLUSIVE")
    assert cell(document, "stop signs")["reason"].startswith("missing")
    assert "stop signs recall" in told
    gate = tmp_path / "gate.yaml"  # it may name what has no scores
    gate.write_text("margins: {recall: 0.1}\nrequired: [{prediction: stop signs, metric: recall}]")
    done = program("--home", home, "gate", "check", gate)
    assert done.returncode == 1
    assert "the required check is undecided: stop signs recall" in done.stdout


def test_a_plan_of_one_drive_asks_for_others(
    home: Path, tmp_path: Path, program: Any, write: Any, score: Any
) -> None:
    files = [write(name, fleet(1, drives=1, items=200)) for name in ("a.csv", "b.csv")]
    score(files[0], files[1])
    gate = tmp_path / "gate.yaml"
    gate.write_text("margins: {recall: 0.1}\nrequired: [{prediction: stop signs, metric: recall}]")
    run = json.loads(program("--home", home, "shadow", "runs", "list", "--json").stdout)[0]["run"]
    done = program("--home", home, "gate", "plan", gate, run)
    assert (done.returncode, "judge at least 8 drives" in done.stdout) == (0, True), done.stdout


def test_one_drive_is_judged_by_blocks_and_never_passes(write: Any, score: Any) -> None:
    ours, theirs = fleet(1, drives=1, items=200), fleet(2, drives=1, items=200)
    code, document, _ = score(write("a.csv", ours), write("b.csv", theirs))
    assert (code, document["verdict"]) == (1, "INCONCLUSIVE")
    assert "only one drive" in document["reason"]
    assert document["scope"] == "within-drive"
    found = cell(document, "stop signs")
    assert (found["clusters"], found["scope"], found["low"] is not None) == (
        20, "within-drive", True,
    )  # fmt: skip
    _, document, _ = score(write("a.csv", ours), write("b.csv", fleet(2, 0.3, 1, 200)))
    assert document["verdict"] == "REGRESSED"
    _, document, _ = score(write("a.csv", ours[:80]), write("b.csv", fleet(2, 0.3, 1, 200)[:80]))
    assert document["verdict"] == "INCONCLUSIVE"
    assert cell(document, "stop signs")["clusters"] == 4


def test_the_same_file_on_both_sides_is_scored_with_a_warning(write: Any, score: Any) -> None:
    path = write("a.csv", fleet(1))
    code, document, told = score(path, path)
    assert (code, document["verdict"], document["against_itself"]) == (0, "PASS", True)
    assert "have the same content" in told


def test_slices_that_are_named(write: Any, score: Any) -> None:
    files = write("a.csv", fleet(1)), write("b.csv", fleet(2))
    _, document, _ = score(*files, "--slices", "city")
    assert {one["slice"] for one in document["cells"]} == {"all", "city=Ulm", "city=Bern"}
    code, _, told = score(*files, "--slices", "cty")
    assert code == 2
    assert "there is no column 'cty' to slice by; did you mean 'city'?" in told


def test_a_gate_may_name_what_the_files_have(tmp_path: Path, write: Any, score: Any) -> None:
    files = write("a.csv", fleet(1)), write("b.csv", fleet(2))
    gate = tmp_path / "gate.yaml"
    gate.write_text(
        "margins: {recall: 0.2}\nrequired:\n"
        "- {prediction: lane/centre@x, metric: recall, slice: weather=rain}\n"
    )
    code, document, _ = score(*files, "--gate", gate)
    assert (code, document["margins"]) == (0, {"recall": 0.2})
    required = [(c["prediction"], c["slice"]) for c in document["cells"] if c["required"]]
    assert required == [("lane/centre@x", "weather=rain")]
    for text, hint in (
        ("prediction: stop sign, metric: recall", "did you mean 'stop signs'?"),
        ("prediction: stop signs, metric: recal", "did you mean 'recall'?"),
        ("prediction: stop signs, metric: recall, slice: weathr=rain", "did you mean 'weather'?"),
    ):
        gate.write_text(f"margins: {{recall: 0.2}}\nrequired:\n- {{{text}}}\n")
        code, _, told = score(*files, "--gate", gate)
        assert code == 2
        assert hint in told
        assert told.count("error:") == 1


def test_lower_is_better_if_the_file_says_so(tmp_path: Path, score: Any) -> None:
    def write(name: str, error: float) -> Path:
        path = tmp_path / name
        rows = "".join(f"d{n},{n},p,error,{error + n / 100},lower,0.5\n" for n in range(12))
        path.write_text("drive,item,prediction,metric,value,better,margin\n" + rows)
        return path

    code, document, _ = score(write("a.csv", 3.0), write("b.csv", 4.0))
    assert (code, document["verdict"]) == (1, "REGRESSED")
    found = cell(document, "p")
    assert (found["delta"], found["margin"]) == (pytest.approx(-1), 0.5)
    code, document, _ = score(write("b.csv", 4.0), write("a.csv", 3.0))
    assert (code, document["verdict"]) == (0, "PASS")


def test_the_costliest_items_are_exported(
    home: Path, tmp_path: Path, program: Any, write: Any, score: Any
) -> None:
    score(write("a.csv", fleet(1)), write("b.csv", fleet(2, loss=0.2)))
    out = tmp_path / "out"
    done = program("--home", home, "labels", "export", "--limit", "7", "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["items"], document["order"]) == (7, "loss")
    items = json.loads((out / "items.json").read_text())
    assert [item["share"] for item in items] == sorted((i["share"] for i in items), reverse=True)
    assert all(item["attributes"]["weather"] == "rain" for item in items)
    assert items[0]["cell"]["slice"] == "weather=rain"
    done = program("--home", home, "labels", "export", "--out", out, "--frames", "every:5")
    assert done.returncode == 2
    assert "is over result files" in done.stderr


@pytest.mark.slow
def test_two_commands_at_once_store_everything_once(
    home: Path, write: Any, score: Any, repository: Path
) -> None:
    files = write("a.csv", fleet(1)), write("b.csv", fleet(2))
    command = [
        sys.executable, "-m", "ridealong", "--home", str(home), "shadow", "score", "--format",
        "statistics", "--deployed", str(files[0]), "--candidate", str(files[1]), "--json",
    ]  # fmt: skip
    Lake.create(home)
    started = [
        subprocess.Popen(command, cwd=repository, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    documents = [json.loads(one.communicate()[0]) for one in started]
    assert [one.returncode for one in started] == [0, 0]
    assert documents[0]["cells"] == documents[1]["cells"]
    rows = Lake.open(home).snapshot().read("scores").num_rows
    _, third, _ = score(*files)
    assert third["cells"] == documents[0]["cells"]
    assert Lake.open(home).snapshot().read("scores").num_rows == rows
