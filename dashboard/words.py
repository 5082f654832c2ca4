"""The terms of the pages, each explained in one line; the page Glossary lists them all."""

TERMS = {
    "PASS": "The data show that the loss, if there is any, is smaller than the margin.",
    "REGRESSED": "The data show that the candidate is worse.",
    "INCONCLUSIVE": "The data show neither PASS nor REGRESSED. More drives would decide it.",
    "required": "This cell must be PASS before the candidate may be deployed.",
    "watched": "This cell raises an alert if it regresses. It never blocks a candidate.",
    "cell": "One prediction, one metric and one slice.",
    "delta": "How much better the candidate is. Above 0 is better, for every metric.",
    "margin": "The largest loss that we accept, in the unit of the metric.",
    "tag": "A word that people give to clips, to find them again.",
    "note": "A few lines about this clip for colleagues. Everybody sees them.",
    "share of the loss": "The part of the loss that one clip explains. All shares sum to 1.",
}


def help_of(term: str) -> str:
    """The line that explains a term.

    Raises:
        KeyError: The term has no line yet; every term on a page needs one.
    """
    return TERMS[term]
