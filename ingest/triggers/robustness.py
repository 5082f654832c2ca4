"""By how much a condition is true: signed robustness, as signal temporal logic defines it.

``a <= c`` has the margin ``c - a``; ``and`` the least, ``or`` the greatest of its parts' margins,
``not`` the opposite, ``held`` the least over its window. What has no number (a flag, a text, an
equality) is infinitely true or false. Parts that are unknown are left out.
"""

from ingest.triggers.compile import Part, Writer, chain, put
from ingest.triggers.expressions import And, Compare, Kind, Node, Not, Or

INFINITE = "(case {0} when true then 'inf'::double when false then '-inf'::double end)"


def write_margin(writer: Writer, node: Node) -> Part:
    """The margin of a row-wise condition, as SQL."""
    match node:
        case And(operands):
            parts = [write_margin(writer, operand) for operand in operands]
            return put("least" + chain(", ", len(parts)), parts)
        case Or(operands):
            parts = [write_margin(writer, operand) for operand in operands]
            return put("greatest" + chain(", ", len(parts)), parts)
        case Not(operand):
            return put("(-{0})", [write_margin(writer, operand)])
        case Compare(operator, left, right, Kind.NUMBER) if operator not in ("=", "<>"):
            ends = [right, left] if operator in ("<", "<=") else [left, right]
            return put("({0}::double - {1}::double)", [writer.finite(end) for end in ends])
        case _:
            return put(INFINITE, [writer.write(node)])
