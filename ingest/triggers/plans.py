"""What DuckDB is asked: one query for a set of conditions, written once and kept.

Triggers are known here by their texts, which hash quickly.
"""

from collections.abc import Sequence
from functools import cache

from ingest.triggers.compile import Part, Writer
from ingest.triggers.expressions import (
    And,
    Node,
    holds,
    is_rowwise,
    is_separable,
    variables,
    without_holds,
)
from ingest.triggers.language import parse_when
from ingest.triggers.robustness import write_margin
from ingest.triggers.separable import leaves
from ingest.triggers.spec import TriggerSpec

Texts = tuple[str, str | None]  # `when` and `rearm` as written: what plans are kept by


def texts_of(trigger: TriggerSpec) -> Texts:
    """The texts of a trigger that has a condition."""
    assert trigger.when is not None
    return trigger.when, trigger.rearm


def nodes_of(texts: Texts) -> tuple[Node, Node | None]:
    """Their trees; no `rearm` is None."""
    when, rearm = texts
    return parse_when(when), None if rearm is None else parse_when(rearm)


@cache
def leaves_of(texts: tuple[Texts, ...]) -> tuple[Node, ...]:
    """The row-wise parts of separable conditions, each once."""
    found: dict[Node, None] = {}
    for when, rearm in map(nodes_of, texts):
        found.update(dict.fromkeys(leaves(when)))
        found.update({rearm: None} if rearm is not None else {})
    return tuple(found)


@cache
def are_sparse(texts: Texts) -> bool:
    """Whether single rows tell where it could fire and where it stays disarmed."""
    when, rearm = nodes_of(texts)
    return is_separable(when) and (rearm is None or is_rowwise(rearm))


@cache
def signals_of(texts: tuple[Texts, ...]) -> list[str]:
    """The signals that they read, sorted."""
    nodes = [node for pair in texts for node in nodes_of(pair) if node is not None]
    return sorted({name for node in nodes for name in variables(node)})


@cache
def leaves_query(texts: tuple[Texts, ...], chosen: bool) -> tuple[str, dict[str, str]]:
    """Truth of every leaf, at the samples that any of the triggers needs."""
    writer = Writer()
    parts = [writer.write(node) for node in leaves_of(texts)]
    tests = [test for pair in texts for test in _candidate_tests(writer, *nodes_of(pair))]
    condition = f" where {' or '.join(dict.fromkeys(tests))}" if chosen else ""
    return _select(writer, parts) + condition, writer.parameters


@cache
def margins_query(when: Node) -> tuple[str, dict[str, str]]:
    """Margin of every leaf of one condition."""
    writer = Writer()
    parts = [write_margin(writer, node) for node in dict.fromkeys(leaves(when))]
    return _select(writer, parts), writer.parameters


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


Outputs = tuple[str, str | None, str | None, str]  # columns of when, relaxed, rearm, margin


@cache
def windows_query(
    texts: tuple[Texts, ...],
) -> tuple[str, dict[str, str], tuple[Outputs, ...]]:
    """What `Trace` wants to know of every trigger, and the columns in which it stands."""
    writer = Writer()
    parts: list[Part] = []

    def output(part: Part) -> str:
        parts.append(part)
        return f"c{len(parts) - 1}"

    outputs = []
    for when, rearm in map(nodes_of, texts):
        relaxed = without_holds(when)
        held = output(writer.write(when))
        without = None if relaxed == when else output(writer.write(relaxed))
        rearmed = None if rearm is None else output(writer.write(rearm))
        outputs.append((held, without, rearmed, output(write_margin(writer, when))))
    return _select(writer, parts), writer.parameters, tuple(outputs)


def _select(writer: Writer, parts: Sequence[Part]) -> str:
    """A query for the parts, named ``c0``, …, at every position."""
    selected = ", ".join(f"{part.sql} as c{number}" for number, part in enumerate(parts))
    return f"select pos, {selected} from {writer.source('samples')}"
