"""What a report says of a run's cells beyond listing them."""

from typing import Any

import pytest

from shadow.report import cause_sentence, note_sentence, summary_of, summary_rows


def cell(where: str, verdict: str = "PASS", cause: str | None = None, **more: Any) -> Any:
    known = {"slice": where, "verdict": verdict, "because_of": cause, "better": False}
    return known | {"prediction": "depth@main"} | more


def test_cells_are_counted_by_cause() -> None:
    """At the night or because of it: four. The rain is where one of its two cells comes from."""
    night, rain = "light=night", "weather=rain"
    cells = [
        cell(night, "REGRESSED", night),
        cell("all", "REGRESSED", night),
        cell(rain, "REGRESSED", night),
        cell("light=night&road=city", "REGRESSED"),
        cell(rain, "REGRESSED", rain, prediction="bev/road"),
        cell("light=day", "INCONCLUSIVE"),
    ]
    summary = summary_of(cells)
    assert summary["verdicts"] == {"PASS": 0, "REGRESSED": 5, "INCONCLUSIVE": 1}
    assert list(summary["by_cause"].items()) == [(night, 4), (rain, 2)]
    assert cause_sentence(summary) == (
        "4 of 5 regressed checks are at light=night or only because of it"
    )


def test_predictions_that_got_better_are_named_once_a_slice() -> None:
    cells = [
        cell("light=day", better=True, metric="f1", prediction=name)
        for name in ("lights/red@narrow", "bev/road", "bev/road")
    ]
    found = summary_of([*cells, cell("all")])["better"]
    assert found == {"light=day": ["bev/road", "lights/red@narrow"]}


def test_no_cells_have_no_cause() -> None:
    summary = summary_of([])
    assert summary == {
        "verdicts": {"PASS": 0, "REGRESSED": 0, "INCONCLUSIVE": 0},
        "by_cause": {},
        "better": {},
    }
    assert cause_sentence(summary) is None


def test_a_summary_by_class_alone_is_shown_whole() -> None:
    car, cyclist = {"2d": {"easy": 0.5, "hard": None}}, {"3d": {"easy": 1}}
    summary = {"AP_R40": {"Car": car, "Cyclist": cyclist}}
    assert summary_rows({"deployed": summary, "candidate": summary}) == [
        ["AP_R40 Car 2d easy", "0.5000", "0.5000"],
        ["AP_R40 Car 2d hard", "-", "-"],
        ["AP_R40 Cyclist 3d easy", "1", "1"],
    ]
    beside = {"AP": 0.25, "per_class": {"car": {"AP": 0.25}}}
    assert summary_rows({"deployed": beside, "candidate": beside}) == [["AP", "0.2500", "0.2500"]]


@pytest.mark.parametrize(
    ("text", "of_one"),
    [
        (
            "boxes have classes that are not there; not scored",
            "box has classes that are not there; not scored",
        ),
        (
            "labels are outside of the image; counted like any other",
            "label is outside of the image; counted like any other",
        ),
        (
            "frames of the ground truth have no results; nothing was found there",
            "frame of the ground truth has no results; nothing was found there",
        ),
        (
            "classes have no score that reaches their threshold; none of their boxes counts",
            "class has no score that reaches their threshold; none of their boxes counts",
        ),
    ],
)
def test_a_note_about_one_and_about_several(text: str, of_one: str) -> None:
    note = {"whose": "deployed", "count": 1, "text": text, "examples": ["a"]}
    assert note_sentence(note) == f"deployed: 1 {of_one}: a"
    assert note_sentence(note | {"count": 1200}) == f"deployed: 1,200 {text}, for example a"
