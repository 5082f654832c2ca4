"""Plans for evaluating the conditions of a set of triggers; computed once and cached.

The key is the triggers' texts, which hash quickly.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from ingest.triggers.conditions import parse_when
from ingest.triggers.lowering import Lowering, Sliding
from ingest.triggers.spec import TriggerSpec
from ridealong.expressions.nodes import And, Node, holds, is_rowwise, is_separable, without_holds

Texts = tuple[str, str | None]  # `when` and `rearm` as written: the key of a plan


@dataclass(frozen=True, eq=False)
class Condition:
    """One trigger's condition, over the plan's columns and the signals.

    Attributes:
        when: The condition to fire.
        rearm: The condition to re-arm; None: when `when` is known to be false.
        relaxed: `when` without its holds.
        separable: Whether single rows show where it could fire and where it stays disarmed.
        needed: If separable, the parts that must be false at samples that are left out.
    """

    when: Node
    rearm: Node | None
    relaxed: Node
    separable: bool
    needed: tuple[Node, ...]


@dataclass(frozen=True, eq=False)
class Plan:
    """How to evaluate a set of conditions.

    Attributes:
        columns: Time functions that become columns, by name.
        conditions: The conditions.
    """

    columns: Mapping[str, Sliding]
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
        _condition(
            lowering.condition(parse_when(when)),
            None if rearm is None else lowering.condition(parse_when(rearm)),
        )
        for when, rearm in texts
    )
    return Plan(lowering.columns, conditions)


def _condition(when: Node, rearm: Node | None) -> Condition:
    separable = is_separable(when) and (rearm is None or is_rowwise(rearm))
    return Condition(when, rearm, without_holds(when), separable, _needed(when))


def _needed(when: Node) -> tuple[Node, ...]:
    relaxed = without_holds(when)
    needed = [hold.operand for hold in holds(when)]
    # A conjunction is false wherever one of its conditions is false.
    if not (isinstance(relaxed, And) and any(part in needed for part in relaxed.operands)):
        needed.append(relaxed)
    return tuple(dict.fromkeys(needed))
