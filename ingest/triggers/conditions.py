"""The names in a trigger's conditions: the recorded signals, and the columns of drives."""

from functools import cache

from ingest.schemas import DRIVES
from ingest.telemetry.signals import Signal, lookup, recorded
from ridealong.expressions.language import parse_condition
from ridealong.expressions.namespaces import Namespace, table_namespace
from ridealong.expressions.nodes import Kind, Node, Variable


@cache
def parse_when(text: str) -> Node:
    """A condition over telemetry's signals.

    Raises:
        RidealongError: It is not a valid condition; the message names the column.
    """
    return parse_condition(text, telemetry_namespace())


@cache
def parse_drive_filter(text: str) -> Node:
    """A condition over the columns of drives.

    Raises:
        RidealongError: It is not a valid condition; the message names the column.
    """
    return parse_condition(text, drives_namespace())


@cache
def telemetry_namespace() -> Namespace:
    """The recorded signals, for `when` and `rearm`."""
    known = {signal.name: _signal_variable(signal) for signal in recorded()}
    return Namespace(known, noun="signal", timed=True, refuse=lookup)


@cache
def drives_namespace() -> Namespace:
    """The columns of drives, for `where`."""
    return table_namespace(DRIVES.schema)


def _signal_variable(signal: Signal) -> Variable:
    kinds = {"boolean": Kind.BOOLEAN, "string": Kind.TEXT}
    return Variable(
        signal.name,
        kinds.get(signal.datatype, Kind.NUMBER),
        signal.unit,
        signal.allowed,
        single=signal.datatype == "float",
        whole=signal.datatype not in ("float", "double", "boolean", "string"),
    )
