"""Clips that were left out: no check passes without them, and a loss stays a loss."""

from typing import Any

import pyarrow as pa
import pytest

from ingest.listing import CLIPS_OF_DRIVES
from metrics.gate.schemas import CELLS
from metrics.gate.verdicts import RunVerdict, Verdict
from ridealong.terminal.console import Console
from shadow.left_out import NAMED, LeftOut, fail_closed, name_them


def cell(slice_: str = "all", verdict: str = "PASS", required: bool = True, **more: Any) -> Any:
    known = {"prediction": "objects/car@main", "metric": "f1", "reference": "labels"}
    known |= {"slice": slice_, "verdict": verdict, "required": required, "reason": "so"}
    known |= {"clips": 9, "delta": 0.1, "margin": 0.02}
    return known | more


def lost(light: str | None = "night", **more: Any) -> dict[str, Any]:
    known = {"clip_id": "c", "drive_id": "d", "by_disagreement": False, "labelled": True}
    return known | {"cameras": ["main", "rear"], "light": light} | more


def closed(cells: list[Any], *clips: dict[str, Any], verdict: Verdict = Verdict.PASS) -> RunVerdict:
    table = pa.Table.from_pylist(cells, schema=CELLS)
    rows = pa.Table.from_pylist(list(clips), schema=CLIPS_OF_DRIVES.schema)
    return fail_closed(RunVerdict(verdict, "all pass", table), rows)


def verdicts(run: RunVerdict) -> list[str]:
    found: list[str] = run.cells["verdict"].to_pylist()
    return found


def test_nothing_left_out_changes_nothing() -> None:
    run = closed([cell()])
    assert (run.verdict, run.reason, verdicts(run)) == (Verdict.PASS, "all pass", ["PASS"])


def test_a_cell_that_lacks_a_clip_does_not_pass() -> None:
    run = closed([cell(), cell("light=day"), cell("light=night", required=False)], lost(), lost())
    assert verdicts(run) == ["INCONCLUSIVE", "PASS", "INCONCLUSIVE"]
    assert run.cells["reason"].to_pylist() == [
        "missing: 2 of its clips were left out; without: so",
        "so",
        "missing: 2 of its clips were left out; without: so",
    ]
    assert run.verdict is Verdict.INCONCLUSIVE
    assert run.reason == (
        "1 of 2 required checks undecided: objects/car@main f1 (+0.100); 2 clips left out"
    )


def test_what_the_candidate_lacks_stays_said() -> None:
    table = pa.Table.from_pylist([cell()], schema=CELLS)
    rows = pa.Table.from_pylist([lost()], schema=CLIPS_OF_DRIVES.schema)
    passed = RunVerdict(Verdict.PASS, "all pass", table, dropped=("bev/road",))
    assert fail_closed(passed, rows).reason == (
        "the required check is undecided: objects/car@main f1 (+0.100); "
        "the candidate lacks bev/road; 1 clip left out"
    )


def test_a_clip_of_another_slice_is_not_lacked() -> None:
    run = closed([cell("light=day"), cell("all", required=False)], lost())
    assert (
        run.verdict is Verdict.PASS and run.reason == "the required check passes; 1 clip left out"
    )
    assert verdicts(run) == ["PASS", "INCONCLUSIVE"]


@pytest.mark.parametrize(
    ("clip", "lacked"),
    [
        (lost(None), True),  # in no slice of light, and in all
        (lost(by_disagreement=True), False),  # it counts in no check
        (lost(by_disagreement=None), False),
        (lost(labelled=False), False),
        (lost(labelled=None), True),
        (lost(cameras=["rear"]), False),
    ],
    ids=["dark or not", "by disagreement", "perhaps so", "no labels", "perhaps some", "rear"],
)
def test_only_a_clip_that_could_say_something_is_lacked(clip: Any, lacked: bool) -> None:
    run = closed([cell(), cell("light=night")], clip)
    in_all, at_night = verdicts(run)
    assert (in_all == "INCONCLUSIVE") is lacked
    assert (at_night == "INCONCLUSIVE") is (lacked and clip["light"] == "night")


def test_a_clip_without_labels_is_lacked_where_a_network_is_compared_with_itself() -> None:
    run = closed([cell(metric="flicker", reference="self")], lost(labelled=False))
    assert verdicts(run) == ["INCONCLUSIVE"]


def test_top_down_predictions_have_no_camera() -> None:
    run = closed([cell(prediction="bev/road", metric="iou")], lost(cameras=["rear"]))
    assert verdicts(run) == ["INCONCLUSIVE"]


def test_the_reason_counts_the_cells_that_became_undecided() -> None:
    cells = [cell(), cell("light=day", "INCONCLUSIVE")]
    run = closed(cells, lost(), verdict=Verdict.INCONCLUSIVE)
    assert verdicts(run) == ["INCONCLUSIVE", "INCONCLUSIVE"]
    assert run.reason.startswith("2 of 2 required checks undecided: ")


def test_a_loss_stays_a_loss() -> None:
    cells = [cell(), cell("light=night", "REGRESSED")]
    run = closed(cells, lost(), verdict=Verdict.REGRESSED)
    assert run.verdict is Verdict.REGRESSED
    said = "1 of 2 required checks regressed: objects/car@main f1 at light=night (+0.100)"
    assert run.reason == f"{said}; 1 clip left out"
    assert verdicts(run) == ["INCONCLUSIVE", "REGRESSED"]


def test_clips_are_named_up_to_a_limit(capsys: pytest.CaptureFixture[str]) -> None:
    name_them(Console(), [LeftOut(f"clip{n}", "damaged [bold]") for n in range(NAMED + 3)])
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "left out: clip clip0: damaged [bold]"
    assert lines[NAMED:] == ["left out: 3 more clips (--json lists all)"]
