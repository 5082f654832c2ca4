"""Queries of the page Release: the runs, what one run says, and the loss to look at first.

A run may have more than 50,000 cells. So cells are counted and chosen in SQL, and only those that
the page shows become rows of Python.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from metrics.gate.cells import RANKS, Cell, Verdict, cells_from
from metrics.gate.schemas import VERDICTS
from metrics.tasks.metric import Reference
from ridealong.lake import Snapshot
from shadow.judged import of_items
from shadow.releases.promotion import Release, deployed, releases
from shadow.report import cause_sentence, summary_of
from shadow.runs import list_runs
from shadow.sharing import not_shared_in, not_shared_sentence

TREND = 12  # runs in the chart
SUREST = "p_value nulls last, delta, prediction, slice"  # as `metrics.gate.cells.surest_losses`

Row = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """A run, without its lists of clips.

    Attributes:
        run_id, name, note, archived, deployed, candidate, verdict, reason, created_ns,
            against_itself: As in `shadow.runs.list_runs`.
        judged: How many clips or items were judged.
        left_out: How many clips could not be replayed.
        of_items: Whether items of result files were judged, and not clips.
        latency_ratio: The candidate's time per set of camera frames over the deployed network's.
        baseline: The frozen release that it was also compared with.
        candidate_sha256, deployed_sha256: Hashes of the networks.
    """

    run_id: str
    name: str | None
    note: str | None
    archived: bool
    deployed: str
    candidate: str
    verdict: Verdict
    reason: str
    created_ns: int
    against_itself: bool
    judged: int
    left_out: int
    of_items: bool
    latency_ratio: float | None
    baseline: str | None
    candidate_sha256: str
    deployed_sha256: str

    @property
    def usual(self) -> bool:
        """Whether it compares two networks and is not archived."""
        return not (self.against_itself or self.archived)

    @property
    def noun(self) -> str:
        """What was judged."""
        return "item" if self.of_items else "clip"


@dataclass(frozen=True)
class Summary:
    """What a run says.

    Attributes:
        required: Its required cells, by verdict, in each the largest loss first.
        cells: How many cells it has.
        alerts: How many watched cells have an alert.
        alerting: The surest of them; None without any.
        cause: The slice that most of the loss comes from, in a sentence; None without one.
        worst: The loss to look at first; None if nothing that has clips got worse.
        worse_than_baseline: How many cells are worse than the frozen release.
        not_shared: What was not compared, in a sentence; None if the networks have the same.
    """

    required: Mapping[Verdict, Sequence[Cell]]
    cells: int
    alerts: int
    alerting: Cell | None
    cause: str | None
    worst: Cell | None
    worse_than_baseline: int
    not_shared: str | None


@dataclass(frozen=True)
class Deployment:
    """What the fleet runs now, and which release the candidate of a run became.

    Attributes:
        now: The newest release; None before the first.
        became: The release that was made with the run; None if there is none.
    """

    now: Release | None
    became: Release | None


def runs(snapshot: Snapshot) -> list[Run]:
    """All runs, the newest first."""
    return [_run(row) for row in list_runs(snapshot)]


def _run(row: Mapping[str, Any]) -> Run:
    same = ("run_id", "name", "note", "archived", "deployed", "candidate", "reason", "created_ns")
    kept = (*same, "latency_ratio", "baseline", "candidate_sha256", "deployed_sha256")
    return Run(
        **{name: row[name] for name in (*kept, "against_itself")},
        verdict=Verdict(row["verdict"]),
        judged=len(row["clip_ids"]),
        left_out=len(row["clips_left_out"]),
        of_items=of_items(row),
    )


def deployment(snapshot: Snapshot, run: Run) -> Deployment:
    """What the fleet runs, and what became of a run."""
    made = [release for release in releases(snapshot) if release.run_id == run.run_id]
    return Deployment(deployed(snapshot), made[-1] if made else None)


def summary(snapshot: Snapshot, run_id: str) -> Summary:
    """What a run says."""
    required = _cells(snapshot, run_id, "required")
    counts = snapshot.query(
        "select count(*) as cells, count(*) filter (alert) as alerts, "
        "count(*) filter (worse_than_baseline) as worse_than_baseline "
        "from verdicts where run_id = ?",
        VERDICTS,
        params=[run_id],
    ).to_pylist()[0]
    alerting = _cells(snapshot, run_id, f"alert order by {SUREST} limit 1")
    return Summary(
        required={verdict: _worst_first(required, verdict) for verdict in RANKS},
        alerting=alerting[0] if alerting else None,
        cause=_cause(snapshot, run_id),
        worst=_worst(snapshot, run_id),
        not_shared=_not_shared(snapshot, run_id),
        **counts,
    )


def _cells(snapshot: Snapshot, run_id: str, where: str) -> list[Cell]:
    rows = snapshot.query(
        "select * exclude (run_id) replace (coalesce(scope, 'drives') as scope) from verdicts "
        f"where run_id = ? and {where}",
        VERDICTS,
        params=[run_id],
    )
    return cells_from(rows)


def _worst_first(cells: Sequence[Cell], verdict: Verdict) -> list[Cell]:
    return sorted((cell for cell in cells if cell["verdict"] == verdict), key=_badness)


def _badness(cell: Cell) -> tuple[float, str, str, str]:
    return margins(cell, unknown=float("-inf")), cell["prediction"], cell["metric"], cell["slice"]


def margins(cell: Cell, unknown: float) -> float:
    """A cell's delta as a multiple of its margin."""
    delta, margin = cell["delta"], cell["margin"]
    return unknown if delta is None or not margin else delta / margin


def _cause(snapshot: Snapshot, run_id: str) -> str | None:
    """The slice that most of the loss comes from; only the columns that tell it are read."""
    rows = snapshot.query(
        "select verdict, prediction, slice, because_of, better from verdicts "
        f"where run_id = ? and verdict = '{Verdict.REGRESSED}'",
        VERDICTS,
        params=[run_id],
    )
    return cause_sentence(summary_of(cast(list[Cell], rows.to_pylist())))


def _not_shared(snapshot: Snapshot, run_id: str) -> str | None:
    run = next((row for row in list_runs(snapshot) if row["run_id"] == run_id), None)
    if run is None:
        return None
    return not_shared_sentence({**run, "not_shared": not_shared_in(snapshot, run)})


def _worst(snapshot: Snapshot, run_id: str) -> Cell | None:
    """The largest loss in margins, of those whose clips are known.

    Required cells that did not pass come first, then watched ones with an alert, then the rest.
    """
    found = _cells(
        snapshot,
        run_id,
        f"delta < 0 and reference in ('{Reference.LABELS}', '{Reference.SELF}') "
        f"order by case when required and verdict = '{Verdict.REGRESSED}' then 0 "
        f"when required and verdict <> '{Verdict.PASS}' then 1 when alert then 2 "
        "when required then 3 else 4 end, "
        "delta / nullif(margin, 0) nulls last, prediction, metric, slice limit 1",
    )
    return found[0] if found else None


def trend(snapshot: Snapshot, shown: Sequence[Run]) -> list[Row]:
    """The newest runs of two networks, none archived, as points of a chart, the oldest first.

    Each has the run's names, how many required cells have each verdict, the number of the
    ``release`` that was made with it, and its worst required ``cell``: ``worst``, ``low`` and
    ``high`` are its delta and the ends of its interval, in margins. None is unknown.
    """
    compared = [run for run in shown if run.usual][:TREND]
    made = {release.run_id: release.release for release in releases(snapshot)}
    worst = {row["run_id"]: row for row in _worst_of_runs(snapshot, compared)}
    return list(_points(compared[::-1], worst, made))


def _points(
    shown: Sequence[Run], worst: Mapping[str, Row], made: Mapping[str | None, int]
) -> Iterator[Row]:
    unknown = dict.fromkeys(("worst", "low", "high", "cell"))
    for place, run in enumerate(shown):
        yield {
            "place": place,
            "run_id": run.run_id,
            "name": run.name,
            "deployed": run.deployed,
            "candidate": run.candidate,
            "verdict": run.verdict,
            "created_ns": run.created_ns,
            "release": made.get(run.run_id),
            **worst.get(run.run_id, unknown | dict.fromkeys(Verdict, 0)),
        }


def _worst_of_runs(snapshot: Snapshot, shown: Sequence[Run]) -> list[Row]:
    """The worst required cell of each run, one that regressed before all others."""
    counts = ", ".join(
        f"count(*) filter (verdict = '{name}') over (partition by run_id) as \"{name}\""
        for name in Verdict
    )
    rows = snapshot.query(
        "select run_id, prediction || ' ' || metric || ' at ' || slice as cell, "
        "delta / nullif(margin, 0) as worst, low / nullif(margin, 0) as low, "
        f"high / nullif(margin, 0) as high, {counts} "
        "from verdicts where required and list_contains(?, run_id) "
        "qualify row_number() over (partition by run_id order by "
        f"verdict <> '{Verdict.REGRESSED}', delta / nullif(margin, 0) nulls last) = 1",
        VERDICTS,
        params=[[run.run_id for run in shown]],
    )
    found: list[Row] = rows.to_pylist()
    return found
