"""By how much a condition is true: signed robustness, as signal temporal logic defines it.

``a <= c`` has the margin ``c - a``. ``and`` has the minimum and ``or`` the maximum of its parts'
margins, ``not`` the negative, and ``held`` the minimum over its window. A part without a number (a
flag, a text, an equality) is infinitely true or false. Unknown parts are left out: NaN.
"""

from collections.abc import Mapping
from functools import reduce

import numpy as np

from ingest.triggers.grid import Positions
from ingest.triggers.rowwise import Rows
from ingest.triggers.separable import greatest_since, least_since
from ridealong.arrays import Floats
from ridealong.expressions.nodes import And, Node, Not, Or, Timed, Window


def margin(node: Node, rows: Rows, starts: Mapping[int, Positions]) -> Floats:
    """``(N,)`` the margin of a condition.

    Args:
        node: The condition.
        rows: The samples.
        starts: By a window's duration, for each sample the first sample of its window.
    """
    match node:
        case Timed(Window.HELD, operand, int(length)):
            return least_since(margin(operand, rows, starts), starts[length])
        case Timed(Window.ANY, operand, int(length)):
            return greatest_since(margin(operand, rows, starts), starts[length])
        case Not(operand):
            return -margin(operand, rows, starts)
        case And(operands):
            return reduce(np.fmin, (margin(part, rows, starts) for part in operands))
        case Or(operands):
            return reduce(np.fmax, (margin(part, rows, starts) for part in operands))
        case _:
            return rows.margin(node)
