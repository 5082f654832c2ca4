"""The legend of the grid: what its colours and marks mean."""

from dashboard.compare.charts import CHANGE_MARKS, step_names
from dashboard.compare.queries import Change
from dashboard.elements import tip
from dashboard.reports.markup import Html, element
from dashboard.theme import MARKS
from dashboard.words import help_of
from metrics.gate.cells import Verdict


def legend(compared: bool) -> Html:
    """What the colours and marks of the grid mean; with another run also those of changes."""
    changes = [
        element("span", f"{CHANGE_MARKS[change]} {change}", tip(help_of(change)), tabindex=0)
        for change in (Change if compared else ())
    ]
    parts = [_scale(), *_boxes(), *changes]
    return element("div", *parts, class_="compare legend", role="group", aria_label="Legend")


def _scale() -> Html:
    """The colours from a loss to a gain."""
    steps = [
        element("i", style=f"background: var(--effect-{at})", title=f"{name} margins")
        for at, name in enumerate(step_names())
    ]
    about = (
        f"{help_of('delta in margins')} The steps end at −2, −1, −0.25, +0.25, +1 and +2 margins. "
        "+ and − beside a mark repeat the direction."
    )
    colours = element("span", *steps, class_="steps", aria_hidden="true")
    return element("span", "loss", colours, "gain", tip(about), tabindex=0)


def _boxes() -> list[Html]:
    """The marks and frames of a check."""
    known = [
        (MARKS[Verdict.REGRESSED], "", "regressed", help_of("REGRESSED")),
        (MARKS[Verdict.INCONCLUSIVE], "unsure", "hatched: undecided", help_of("INCONCLUSIVE")),
        (MARKS[Verdict.PASS], "", "passed", help_of("PASS")),
        ("", "framed", "required", help_of("required")),
        ("", "chosen", "shown beside", "This check is shown beside the grid."),
        ("", "unknown", "no number", "One of the networks has no value here."),
    ]
    return [
        element(
            "span",
            element("span", mark, class_=f"box {kind}".strip(), aria_hidden="true"),
            name,
            tip(about),
            tabindex=0,
        )
        for mark, kind, name, about in known
    ]
