"""Evaluation against a plain row-by-row evaluator that is written from docs/triggers.md alone."""

import math
import operator
from itertools import pairwise
from statistics import median

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.triggers.evaluate import evaluate
from ingest.triggers.spec import TriggerSpec
from ridealong.expressions.nodes import (
    Absolute,
    And,
    Arithmetic,
    Compare,
    Extreme,
    Flag,
    IsUnknown,
    Kind,
    Not,
    Number,
    Or,
    Text,
    Timed,
    Variable,
    Window,
)

START = 1_700_000_000_000_000_000
A, B = "Vehicle.Acceleration.Longitudinal", "Vehicle.Acceleration.Lateral"
TRACK, FLAG = "Perception.Lead.TrackId", "Vehicle.ADAS.ABS.IsEngaged"
MODE = "Vehicle.Body.Windshield.Front.Wiping.Mode"
TYPES = {
    A: pa.float32(),
    B: pa.float32(),
    TRACK: pa.int32(),
    FLAG: pa.bool_(),
    MODE: pa.string(),
}
COMPARE = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Oracle:
    """One drive, one sample at a time. Unknown is None."""

    def __init__(self, times, rows):
        self.times, self.rows = times, rows
        steps = [b - a for a, b in pairwise(times)]
        self.limit = 2.5 * median(steps) if steps else 0

    def gap_before(self, i):
        return i == 0 or self.times[i] - self.times[i - 1] > self.limit

    def window(self, i, length):
        return [j for j in range(i + 1) if self.times[j] >= self.times[i] - length]

    def complete(self, i, length):
        """No gap, and the drive's beginning, between the window's start and now."""
        j = i
        while not self.gap_before(j):
            j -= 1
        return self.times[j] <= self.times[i] - length

    def earlier(self, i, length):
        """The sample that lag reads, or None."""
        if length is None:
            return None if self.gap_before(i) else i - 1
        then = self.times[i] - length
        before = [j for j in range(i + 1) if self.times[j] <= then]
        return before[-1] if before and then - self.times[before[-1]] <= self.limit else None

    def used(self, node, i):
        """A value where it is used: what is not finite is unknown."""
        value = self.value(node, i)
        return None if isinstance(value, float) and not math.isfinite(value) else value

    def value(self, node, i):
        match node:
            case Variable(name):
                raw = self.rows[i][name]
                return None if isinstance(raw, float) and not math.isfinite(raw) else raw
            case Number(value) | Text(value) | Flag(value):
                return value
            case Not(operand):
                value = self.value(operand, i)
                return None if value is None else not value
            case And(operands):
                values = [self.value(o, i) for o in operands]
                return False if False in values else None if None in values else True
            case Or(operands):
                values = [self.value(o, i) for o in operands]
                return True if True in values else None if None in values else False
            case IsUnknown(operand):
                return self.used(operand, i) is None
            case Compare(op, left, right, kind):
                a, b = self.used(left, i), self.used(right, i)
                if a is not None and b is not None:
                    return COMPARE[op](a, b)
                return self.decided(op, left, right, i) if kind is Kind.NUMBER else None
            case Absolute(operand):
                value = self.value(operand, i)
                return None if value is None else abs(value)
            case Extreme(name, operands):
                values = [self.used(o, i) for o in operands]
                if None in values:
                    return None
                return min(values) if name == "least" else max(values)
            case Arithmetic(op, left, right):
                return self.arithmetic(op, self.value(left, i), self.value(right, i))
            case Timed(window, operand, length):
                return self.timed(window, operand, length, i)

    def arithmetic(self, op, a, b):
        if a is None or b is None or (op == "/" and b == 0):
            return None
        return {"+": a + b, "-": a - b, "*": a * b}[op] if op != "/" else a / b

    def timed(self, window, operand, length, i):
        now = self.times[i]
        if window is Window.ELAPSED:
            j = self.earlier(i, length)
            return None if j is None else (now - self.times[j]) / 1e9
        if window is Window.LAG:
            j = self.earlier(i, length)
            return None if j is None else self.used(operand, j)
        if window is Window.CHANGED:
            if self.gap_before(i):
                return None
            a, b = self.used(operand, i), self.used(operand, i - 1)
            return None if a is None or b is None else a != b
        if window is Window.SINCE:
            shortest, longest = self.since(operand, i)
            return longest if shortest == longest else None
        seen = [self.used(operand, j) for j in self.window(i, length)]
        if window is Window.HELD:
            return self.held(operand, length, i, seen)
        if window is Window.ANY:
            if True in seen:
                return True
            return False if self.complete(i, length) and None not in seen else None
        known = [value for value in seen if value is not None]
        if not self.complete(i, length):
            return None
        if window is Window.COUNT:
            return None if None in seen else float(sum(seen))
        if not known:
            return None
        if window is Window.AVERAGE:
            return sum(known) / len(known)
        return min(known) if window is Window.LEAST else max(known)

    # What is sure of a number though it is unknown

    def decided(self, op, left, right, i):
        """True or false where it is so at whatever ends of the two ranges."""
        ends = [(a, b) for a in self.range(left, i) for b in self.range(right, i)]
        if op in ("=", "<>"):
            apart = all(a < b for a, b in ends) or all(a > b for a, b in ends)
            return (op == "<>") if apart else None
        answers = {COMPARE[op](a, b) for a, b in ends}
        return answers.pop() if len(answers) == 1 else None

    def range(self, node, i):
        """The least and the greatest that a number can be."""
        value = self.value(node, i)
        if value is not None and math.isfinite(value):
            return value, value
        match node:
            case Timed(Window.COUNT, operand, length):
                seen = [self.value(operand, j) for j in self.window(i, length)]
                more = seen.count(None) if self.complete(i, length) else math.inf
                return seen.count(True), seen.count(True) + more
            case Timed(Window.LEAST | Window.GREATEST as window, operand, length):
                seen = known(self.used(operand, j) for j in self.window(i, length))
                if window is Window.LEAST:
                    return -math.inf, min(seen, default=math.inf)
                return max(seen, default=-math.inf), math.inf
            case Timed(Window.SINCE, operand):
                return self.since(operand, i)
            case Timed(Window.LAG, operand, length):
                j = self.earlier(i, length)
                return (-math.inf, math.inf) if j is None else self.range(operand, j)
            case Absolute(operand):
                low, high = self.range(operand, i)
                if (low, high) == (-math.inf, math.inf):
                    return low, high
                return (0 if low < 0 < high else min(abs(low), abs(high))), max(-low, high)
            case Extreme(name, operands):
                ranges = [self.range(o, i) for o in operands]
                if (-math.inf, math.inf) in ranges:
                    return -math.inf, math.inf
                pick = min if name == "least" else max
                return pick(low for low, _ in ranges), pick(high for _, high in ranges)
            case Arithmetic(op, left, right):
                return self.range_of(op, self.range(left, i), self.range(right, i))
        return -math.inf, math.inf

    def range_of(self, op, one, two):
        if op == "/" and two[0] <= 0 <= two[1]:
            return -math.inf, math.inf
        if op in "+-":
            ends = {"+": (two[0], two[1]), "-": (-two[1], -two[0])}[op]
            return one[0] + ends[0], one[1] + ends[1]
        ends = [a * b if op == "*" else a / b for a in one for b in two]
        ends = [0 if math.isnan(end) else end for end in ends]
        return min(ends), max(ends)

    def since(self, operand, i):
        """Seconds since it may have been true, and since it was; in a gap it may have been."""
        shortest = None
        for j in range(i, -1, -1):
            ago = (self.times[i] - self.times[j]) / 1e9
            truth = self.value(operand, j)
            if truth is True:
                return (ago if shortest is None else shortest), ago
            if shortest is None and (truth is None or self.gap_before(j)):
                shortest = ago
        return shortest, math.inf

    def held(self, operand, length, i, seen):
        if False in seen:
            return False
        j = i
        if self.value(operand, i) is not True:
            return None
        while not self.gap_before(j) and self.value(operand, j - 1) is True:
            j -= 1
        return True if self.times[i] - self.times[j] >= length else None

    def margin(self, node, i):
        """Signed robustness; None where nothing is known."""
        match node:
            case And(operands):
                return min(known(self.margin(o, i) for o in operands), default=None)
            case Or(operands):
                return max(known(self.margin(o, i) for o in operands), default=None)
            case Not(operand):
                value = self.margin(operand, i)
                return None if value is None else -value
            case Timed(Window.HELD, operand, length):
                seen = (self.margin(operand, j) for j in self.window(i, length))
                return min(known(seen), default=None)
            case Timed(Window.ANY, operand, length):
                seen = (self.margin(operand, j) for j in self.window(i, length))
                return max(known(seen), default=None)
            case Compare(op, left, right, Kind.NUMBER) if op not in ("=", "<>"):
                ends = (right, left) if op in ("<", "<=") else (left, right)
                more, less = (self.range(end, i) for end in ends)
                low, high = more[0] - less[1], more[1] - less[0]
                return low if low >= 0 else high if high < 0 else None
            case _:
                value = self.value(node, i)
                return None if value is None else math.inf if value else -math.inf

    def relaxed(self, node, i):
        """The condition with every hold taken for what it holds."""
        return self.value(unheld(node), i)

    def events(self, spec):
        """``(time, onset, margin, reason)`` of every firing."""
        when, n = spec.condition, len(self.times)
        truth = [self.value(when, i) for i in range(n)]
        rearm = spec.rearm_condition
        rearms = [
            truth[i] is False if rearm is None else self.value(rearm, i) is True for i in range(n)
        ]
        fired, last, running = [], None, False
        for i in range(n):
            if truth[i] is not True:
                running = False
                continue
            if i == 0 or truth[i - 1] is not True:
                running = last is None or any(rearms[last + 1 : i])
                fires = running
            else:
                every = spec.every_ns
                fires = running and every and self.times[i] - self.times[last] >= every
            if fires:
                last = i
                fired.append(i)
        return self.suppressed(spec, fired, truth)

    def suppressed(self, spec, fired, truth):
        rows, counted = [], None
        for i in fired:
            reason = None
            time = self.times[i]
            if counted is not None and time <= counted + spec.post_ns:
                reason = "post_window"
            elif counted is not None and time < counted + spec.cooldown_ns:
                reason = "cooldown"
            else:
                counted = time
            rows.append((time, self.onset(spec, i), self.peak(spec, i, truth), reason))
        return rows

    def onset(self, spec, i):
        if self.relaxed(spec.condition, i) is not True:
            return self.times[i]
        while not self.gap_before(i) and self.relaxed(spec.condition, i - 1) is True:
            i -= 1
        return self.times[i]

    def peak(self, spec, i, truth):
        seen = []
        while i < len(truth) and truth[i] is True:
            seen.append(self.margin(spec.condition, i))
            i += 1
        best = max(known(seen), default=None)
        return best if best is not None and math.isfinite(best) else None


def known(values):
    return [value for value in values if value is not None]


def unheld(node):
    match node:
        case Timed(Window.HELD, operand):
            return unheld(operand)
        case And(operands):
            return And(tuple(unheld(o) for o in operands))
        case Or(operands):
            return Or(tuple(unheld(o) for o in operands))
        case Not(operand):
            return Not(unheld(operand))
        case _:
            return node


# What is tried

DURATIONS = st.sampled_from(["0.1 s", "0.25 s", "0.5 s", "1 s"])
LITERALS = st.sampled_from(["-1", "-0.5", "0", "0.25", "1", "'0.5 m/s^2'"])
TIMES = st.sampled_from(["2", "-1", "0"])
OPERATORS = st.sampled_from(["<", "<=", ">", ">=", "=", "<>"])
SIGNALS = st.sampled_from([A, B])


def joined(*parts):
    return st.tuples(*(st.just(p) if isinstance(p, str) else p for p in parts)).map("".join)


def accelerations(inner):
    window = st.sampled_from(["lag", "delta", "avg_over", "min_over", "max_over"])
    return st.one_of(
        SIGNALS,
        joined("abs(", inner, ")"),
        joined("(", inner, st.sampled_from([" + ", " - "]), inner, ")"),
        joined("2 * ", SIGNALS),
        joined(window, "(", inner, ", '", DURATIONS, "')"),
        joined(st.sampled_from(["lag", "delta"]), "(", inner, ")"),
        joined(st.sampled_from(["least", "greatest"]), "(", inner, ", ", LITERALS, ")"),
    )


NUMBERS = st.recursive(SIGNALS, accelerations, max_leaves=3)


def conditions(inner):
    return st.one_of(
        joined("(", inner, st.sampled_from([" and ", " or "]), inner, ")"),
        joined("(not ", inner, ")"),
        joined("held(", inner, ", '", DURATIONS, "')"),
        joined("count_over(", inner, ", '", DURATIONS, "')", OPERATORS, st.sampled_from("123")),
        joined(
            st.sampled_from("12"), OPERATORS, "count_over(", inner, ", '", DURATIONS, "') * ", TIMES
        ),
        joined("2 / count_over(", inner, ", '", DURATIONS, "') >= 1"),
        joined("since(", inner, ")", OPERATORS, st.sampled_from(["0.2", "'500ms'"])),
    )


ROWWISE = st.one_of(
    joined(SIGNALS, OPERATORS, LITERALS),
    joined(SIGNALS, " between -1 and ", LITERALS),
    joined(SIGNALS, " is not null"),
    joined(SIGNALS, " / ", SIGNALS, OPERATORS, st.sampled_from("012")),
    st.just(FLAG),
    st.just(f"{MODE} in ('OFF', 'FAST')"),
)
ATOMS = st.one_of(
    ROWWISE,
    joined(NUMBERS, OPERATORS, LITERALS),
    joined("rate(", SIGNALS, ", '", DURATIONS, "') > 1"),
    joined("changed(", st.sampled_from([TRACK, MODE]), ")"),
    joined("changed(", st.just(TRACK), ", '", DURATIONS, "')"),
    joined("crossed(", SIGNALS, ", ", LITERALS, ")"),
    joined("lag(", st.just(FLAG), ")"),
)


def holds_of(inner):
    return st.one_of(
        joined("(", inner, st.sampled_from([" and ", " or "]), inner, ")"),
        joined("held(", ROWWISE, ", '", DURATIONS, "')"),
    )


ANY_CONDITION = st.recursive(ATOMS, conditions, max_leaves=4)
SEPARABLE = st.recursive(
    st.one_of(ROWWISE, joined("held(", ROWWISE, ", '", DURATIONS, "')")), holds_of, max_leaves=4
)


@st.composite
def specs(draw, when):
    optional = {
        "rearm": st.none() | ROWWISE,
        "every": st.none() | st.sampled_from(["0.1 s", "0.5 s"]),
        "cooldown": st.none() | st.sampled_from(["0.3 s", "1 s"]),
    }
    return TriggerSpec(
        name="tried",
        description="Made up.",
        when=draw(when),
        post=draw(st.sampled_from(["0 s", "0.2 s"])),
        **{key: draw(strategy) for key, strategy in optional.items()},
    )


STEPS = st.sampled_from([50, 100, 100, 100, 100, 150, 250, 251, 700])
VALUES = st.none() | st.sampled_from([-4.0, -1.0, -0.5, 0.0, 0.25, 0.5, 1.0, 3.0, math.nan])
ROWS = st.fixed_dictionaries(
    {
        A: VALUES,
        B: VALUES,
        TRACK: st.none() | st.integers(1, 2),
        FLAG: st.sampled_from([None, True, False]),
        MODE: st.sampled_from([None, "OFF", "FAST", "SLOW"]),
    }
)


@st.composite
def fleets(draw):
    drives = []
    for number in range(draw(st.integers(1, 3))):
        rows = draw(st.lists(ROWS, min_size=0, max_size=14))
        times, now = [], START + number * 1000
        for _ in rows:
            times.append(now)
            now += draw(STEPS) * 1_000_000
        drives.append((times, rows))
    return drives


def tables(fleet):
    names = [f"d{n}" for n, (times, _) in enumerate(fleet) for _ in times]
    rows = [row for _, rows in fleet for row in rows]
    columns = {
        "drive_id": pa.array(names, pa.string()),
        "timestamp_ns": pa.array([t for times, _ in fleet for t in times], pa.int64()),
        **{name: pa.array([row[name] for row in rows], kind) for name, kind in TYPES.items()},
    }
    ids = [f"d{n}" for n in range(len(fleet))]
    drives = {"drive_id": ids, "vehicle_id": ids, "start_ns": [START] * len(ids)}
    return pa.table(columns), pa.table(drives)


def expected(fleet, spec):
    return [
        (f"d{n}", *event)
        for n, (times, rows) in enumerate(fleet)
        for event in Oracle(times, rows).events(spec)
    ]


def found(events):
    columns = events.select(["drive_id", "time_ns", "onset_ns", "margin", "reason"]).to_pydict()
    return list(zip(*columns.values(), strict=True))


def tries(count):
    slow = [HealthCheck.too_slow]
    return settings(max_examples=count, deadline=None, suppress_health_check=slow, database=None)


@tries(50)
@given(fleets(), specs(ANY_CONDITION))
def test_any_condition_fires_where_the_oracle_says(fleet, spec):
    telemetry, drives = tables(fleet)
    events = evaluate(telemetry, drives, [spec])
    assert found(events) == expected(fleet, spec)
    assert evaluate(telemetry, drives, [spec], sparse=False).equals(events)


@tries(60)
@given(fleets(), specs(SEPARABLE))
def test_all_ways_give_a_separable_condition_the_same_events(fleet, spec):
    telemetry, drives = tables(fleet)
    few = evaluate(telemetry, drives, [spec])
    whole = evaluate(telemetry, drives, [spec], sparse=False)
    windows = evaluate(telemetry, drives, [spec.model_copy(update={"when": not_sparse(spec)})])
    assert found(few) == expected(fleet, spec)
    assert few.equals(whole)
    assert [row[:3] for row in found(windows)] == [row[:3] for row in found(few)]


def not_sparse(spec):
    """The same condition, written so that only windows can tell."""
    return f"({spec.when}) or (lag({A}) is null and lag({A}) is not null)"


@tries(20)
@given(fleets(), st.lists(specs(ANY_CONDITION), min_size=2, max_size=3))
def test_triggers_of_one_pass_do_not_disturb_each_other(fleet, several):
    telemetry, drives = tables(fleet)
    named = [spec.model_copy(update={"name": f"t{n}"}) for n, spec in enumerate(several)]
    together = evaluate(telemetry, drives, named)
    for spec in named:
        own = together.filter(pa.compute.equal(together["trigger"], spec.name))
        assert own.equals(evaluate(telemetry, drives, [spec]))


@pytest.mark.parametrize("shuffled", [False, True])
def test_order_of_rows_and_repeats_do_not_matter(shuffled):
    rows = [{A: value, B: 0.0, TRACK: 1, FLAG: False, MODE: "OFF"} for value in [0, -5, -5, 0, -5]]
    telemetry, drives = tables([([START + n * 100_000_000 for n in range(5)], rows)])
    spec = TriggerSpec(name="t", description="d", when=f"{A} <= -4", post="0 s")
    plain = evaluate(telemetry, drives, [spec])
    if shuffled:
        telemetry = pa.concat_tables([telemetry.take([4, 0, 3, 1, 2]), telemetry.slice(1, 1)])
    assert evaluate(telemetry, drives, [spec]).equals(plain)
    assert plain["time_s"].to_pylist() == [0.1, 0.4]
