"""What DuckDB is asked: queries over single rows for a set of conditions, written once and kept.

Triggers are known here by their texts, which hash quickly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from ingest.triggers.compile import Writer
from ingest.triggers.expressions import (
    And,
    Node,
    Window,
    holds,
    is_rowwise,
    is_separable,
    variables,
    without_holds,
)
from ingest.triggers.language import parse_when
from ingest.triggers.lowering import Lowering, Sliding
from ingest.triggers.robustness import write_margin
from ingest.triggers.separable import leaves
from ingest.triggers.spec import TriggerSpec

Texts = tuple[str, str | None]  # `when` and `rearm` as written: what plans are kept by
Condition = tuple[Node, Node | None]  # their trees


@dataclass(frozen=True)
class Query:
    """SQL over the relation ``samples`` for nodes, which come back as ``c0``, …, by ``pos``."""

    sql: str
    parameters: dict[str, str]
    nodes: tuple[Node, ...]
    signals: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Plan:
    """How a set of conditions is worked out. Kept and known by identity.

    Attributes:
        levels: Columns of time functions, to be added level by level.
        conditions: The conditions over those columns and the signals.
    """

    levels: tuple[tuple[Sliding, ...], ...]
    conditions: tuple[Condition, ...]


def texts_of(trigger: TriggerSpec) -> Texts:
    """The texts of a trigger that has a condition."""
    assert trigger.when is not None
    return trigger.when, trigger.rearm


@cache
def plan_of(texts: tuple[Texts, ...]) -> Plan:
    """The plan for these conditions."""
    lowering = Lowering()
    conditions = tuple(
        (
            lowering.condition(parse_when(when)),
            None if rearm is None else lowering.condition(parse_when(rearm)),
        )
        for when, rearm in texts
    )
    return Plan(tuple(map(tuple, lowering.levels)), conditions)


@cache
def has_columns(texts: Texts) -> bool:
    """Whether it has time functions that become columns, for which all samples are looked at."""
    return bool(plan_of((texts,)).levels)


@cache
def is_sparse(texts: Texts) -> bool:
    """Whether single rows tell where it could fire and where it stays disarmed."""
    ((when, rearm),) = plan_of((texts,)).conditions
    return is_separable(when) and (rearm is None or is_rowwise(rearm))


@cache
def truth_query(plan: Plan, chosen: bool) -> Query:
    """Truth of every leaf, at the samples that any of the conditions needs, or at all."""
    writer = Writer()
    condition = _candidates(writer, plan) if chosen else ""
    nodes = [node for pair in plan.conditions for tree in pair if tree for node in leaves(tree)]
    return _query(writer, nodes, condition)


@cache
def operands_query(columns: tuple[Sliding, ...]) -> Query:
    """What the time functions of one level are functions of."""
    operands = [column.operand for column in columns if column.window is not Window.ELAPSED]
    return _query(Writer(), operands)


@cache
def margins_query(plan: Plan, wanted: tuple[int, ...]) -> Query:
    """Margin of every leaf of those conditions."""
    writer = Writer()
    nodes = dict.fromkeys(leaf for index in wanted for leaf in leaves(plan.conditions[index][0]))
    parts = [write_margin(writer, node).sql for node in nodes]
    return _select(writer, tuple(nodes), parts)


def _candidates(writer: Writer, plan: Plan) -> str:
    tests = [test for pair in plan.conditions for test in _candidate_tests(writer, *pair)]
    return f" where {' or '.join(dict.fromkeys(tests))}"


def _candidate_tests(writer: Writer, when: Node, rearm: Node | None) -> list[str]:
    """True at every sample that is not known to be false and to re-arm."""
    relaxed = without_holds(when)
    needed = [hold.operand for hold in holds(when)]
    # What is one of several conditions together is false no less often than they are.
    if not (isinstance(relaxed, And) and any(part in needed for part in relaxed.operands)):
        needed.append(relaxed)
    tests = [f"coalesce({writer.write(node).sql}, true)" for node in needed]
    if rearm is not None:
        tests.append(f"not coalesce({writer.write(rearm).sql}, false)")
    return tests


def _query(writer: Writer, nodes: Sequence[Node], condition: str = "") -> Query:
    once = tuple(dict.fromkeys(nodes))
    return _select(writer, once, [writer.finite(node).sql for node in once], condition)


def _select(
    writer: Writer, nodes: tuple[Node, ...], parts: Sequence[str], condition: str = ""
) -> Query:
    selected = "".join(f", {part} as c{number}" for number, part in enumerate(parts))
    sql = f"select pos{selected} from {writer.source('samples')}{condition}"
    signals = sorted({name for node in nodes for name in variables(node)})
    return Query(sql, writer.parameters, nodes, tuple(signals))
