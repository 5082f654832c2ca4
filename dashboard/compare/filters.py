"""The filters of the page Compare: which checks of a run are shown, as the address has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metrics.gate.cells import Verdict
from metrics.slices import ALL

KINDS = ("required", "watched")
NAMES = ("show", "verdicts", "tasks", "cameras", "metrics", "fields", "changed", "text")
NOUNS = {
    "show": "checks of the kind",
    "verdicts": "verdict",
    "tasks": "task",
    "cameras": "camera",
    "metrics": "metric",
    "fields": "attribute",
    "changed": "change",
}

# What a filter compares, as SQL over the columns of `dashboard.compare.queries.CHECKS`.
CONDITIONS = {
    "verdicts": "list_contains($verdicts, verdict)",
    "tasks": "list_contains($tasks, task)",
    "cameras": "list_contains($cameras, camera)",
    "metrics": "list_contains($metrics, metric)",
    "fields": "list_has_any($fields, fields)",
    "changed": "list_contains($changed, change)",
}
TEXT = "contains(lower(concat_ws(' ', prediction, metric, slice)), {})"


@dataclass(frozen=True)
class Filters:
    """What a check must have to be shown; an empty filter filters nothing.

    Attributes:
        show: ``required`` or ``watched``; empty for both.
        verdicts, tasks, cameras, metrics: Some of these.
        fields: Attributes of slices, such as ``light``; ``all`` is the slice of everything.
        changed: Kinds of change against the other run; see `dashboard.compare.queries.Change`.
        text: Words of its prediction, metric or slice; all of them must be there.
    """

    show: str = ""
    verdicts: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    text: str = ""

    def condition(self) -> tuple[str, dict[str, Any]]:
        """The filters as a condition in SQL, and its parameters."""
        parts, given = [], dict[str, Any]()
        if self.show:
            parts.append("required" if self.show == "required" else "not required")
        for name, condition in CONDITIONS.items():
            if wanted := getattr(self, name):
                parts.append(condition)
                given[name] = list(wanted)
        for place, word in enumerate(self.text.casefold().split()):
            parts.append(TEXT.format(f"$word{place}"))
            given[f"word{place}"] = word
        return " and ".join(parts) or "true", given


@dataclass(frozen=True)
class Known:
    """What the checks of a run have, for the choices of its filters."""

    tasks: tuple[str, ...]
    cameras: tuple[str, ...]
    metrics: tuple[str, ...]
    fields: tuple[str, ...]


def read_filters(
    asked: Mapping[str, Sequence[str]], known: Known, changes: Sequence[str] = ()
) -> tuple[Filters, list[str]]:
    """The filters in an address, and what this run does not have: ``no task x``.

    Args:
        asked: The values of each parameter of the address.
        known: What the run has.
        changes: The kinds of change; none without another run.
    """
    choices: dict[str, Sequence[str]] = {
        "show": KINDS,
        "verdicts": list(Verdict),
        "tasks": known.tasks,
        "cameras": known.cameras,
        "metrics": known.metrics,
        "fields": known.fields,
        "changed": changes,
    }
    kept: dict[str, tuple[str, ...]] = {}
    lost = []
    for name, possible in choices.items():
        wanted = dict.fromkeys(asked.get(name, ()))
        kept[name] = tuple(value for value in wanted if value in possible)
        lost += [f"no {NOUNS[name]} {value}" for value in wanted if value not in possible]
    show = next(iter(kept.pop("show")), "")
    return Filters(show=show, text=" ".join(asked.get("text", ())), **kept), lost


def field_names(fields: Sequence[str]) -> list[str]:
    """Attributes of slices in the order of a choice: ``all`` first."""
    return sorted(fields, key=lambda name: (name != ALL, name))
