"""Whatever `triggers check` accepts can be run: evaluated, budgeted, merged, on a small drive."""

import pyarrow as pa
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.schemas import DRIVES, EVENTS
from ingest.telemetry.signals import recorded
from ingest.telemetry.validation import EARLIEST, LATEST
from ingest.triggers.budget import apply_budgets
from ingest.triggers.evaluate import evaluate
from ingest.triggers.spec import TriggerSpec
from ingest.triggers.windows import merge_windows
from ridealong.errors import RidealongError
from ridealong.specs import parse_spec

START = 1_700_000_000_000_000_000
ROWS = 12


def telemetry(times):
    """A drive in which every signal is known now and then."""
    columns = {
        "drive_id": pa.array(["d"] * len(times), pa.string()),
        "timestamp_ns": pa.array(times, pa.int64()),
    }
    for number, signal in enumerate(recorded()):
        kind = signal.arrow_type
        values = [(n * 7 + number) % 9 - 4 for n in range(len(times))]
        if pa.types.is_string(kind):
            words = signal.allowed or ("a", "b")
            values = [words[value % len(words)] for value in values]
        elif pa.types.is_boolean(kind):
            values = [value > 0 for value in values]
        gone = [None if (n + number) % 5 == 0 else v for n, v in enumerate(values)]
        columns[signal.name] = pa.array(gone, kind)
    return pa.table(columns)


SAMPLES = {
    "even": telemetry([START + n * 10**8 for n in range(ROWS)]),
    "jumps": telemetry([n * 10**8 for n in range(4)] + [START + n * 10**8 for n in range(ROWS)]),
    "all times": telemetry([EARLIEST, EARLIEST + 9, -1, 0, 1, 2, 3, LATEST - 9, LATEST - 1]),
    "one": telemetry([START]),
    "none": telemetry([]),
}
DRIVE = dict.fromkeys(DRIVES.schema.names) | {
    "drive_id": "d",
    "vehicle_id": "v",
    "start_ns": START,
    "end_ns": START + 10**9,
    "software": "2026.4",
    "features": ["acc"],
    "duration_s": 1.0,
}


def run(spec, samples):
    """What ingest does with the triggers of one drive."""
    drives = pa.Table.from_pylist([DRIVE], schema=DRIVES.schema)
    events = evaluate(samples, drives, [spec])
    assert evaluate(samples, drives, [spec], sparse=False).equals(events)
    kept = apply_budgets(events, [spec], EVENTS.schema.empty_table())
    times = samples["timestamp_ns"].to_pylist() or [START]
    merge_windows(kept, [spec], times[0], times[-1])


SIGNALS = [signal.name for signal in recorded()]
LITERALS = """
0 1 -1 0.5 1e-320 1e308 -1e308 9223372036854775807 -9223372036854775808 99999999999999999999999
'3_m/s^2' '50km/h' '1e300_m/s' '-300_degC' '1e-300_s' '5%'
"""
WORDS = [word.replace("_", " ") for word in LITERALS.split()]
NUMBERS = st.sampled_from([*SIGNALS[:14], *WORDS, "Perception.Lead.TrackId"])
DURATIONS = st.sampled_from(["'0.5 s'", "'1ns'", "'366 day'", "'1e-9 s'", "'2h'", "'1e10 ns'"])
COLUMNS = ["start_ns", "duration_s", "telemetry_rows", "distance_m", "labelled", "end_ns"]


def joined(*parts):
    return st.tuples(*(st.just(p) if isinstance(p, str) else p for p in parts)).map("".join)


def numbers(inner):
    window = st.sampled_from(["lag", "delta", "rate", "avg_over", "min_over", "max_over"])
    return st.one_of(
        joined("(", inner, st.sampled_from([" + ", " - ", " * ", " / "]), inner, ")"),
        joined(window, "(", inner, ", ", DURATIONS, ")"),
        joined(st.sampled_from(["abs", "lag", "delta", "rate"]), "(", inner, ")"),
        joined(st.sampled_from(["least", "greatest"]), "(", inner, ", ", inner, ")"),
    )


COMPARED = st.recursive(NUMBERS, numbers, max_leaves=4)
ATOMS = st.one_of(
    joined(COMPARED, st.sampled_from([" < ", " <= ", " = ", " <> ", " != "]), COMPARED),
    joined(COMPARED, " between ", COMPARED, " and ", COMPARED),
    joined(COMPARED, " in (", COMPARED, ", ", COMPARED, ")"),
    joined("crossed(", COMPARED, ", ", COMPARED, ")"),
    joined("changed(", st.sampled_from(SIGNALS), ", ", DURATIONS, ")"),
    joined(st.sampled_from(SIGNALS), " is null"),
    st.sampled_from([*SIGNALS, "true", "'a\x00b' = Vehicle.ADAS.ActiveAutonomyLevel"]),
)


def conditions(inner):
    return st.one_of(
        joined("(", inner, st.sampled_from([" and ", " or "]), inner, ")"),
        joined("(not ", inner, ")"),
        joined("held(", inner, ", ", DURATIONS, ")"),
        joined("count_over(", inner, ", ", DURATIONS, ") >= ", NUMBERS),
        joined("since(", inner, ") > ", NUMBERS),
        joined("changed(", inner, ")"),
    )


WHEN = st.recursive(ATOMS, conditions, max_leaves=4)
ROW_LITERALS = (
    "0 1 -1e308 1e300 1e-320 9223372036854775807 -9223372036854775808 18446744073709551616"
)
ROW_NUMBERS = st.sampled_from([*COLUMNS, *ROW_LITERALS.split(), "'3 ns'", "'2h'", "'1 km'"])
ROWS_COMPARED = st.recursive(
    ROW_NUMBERS,
    lambda inner: st.one_of(
        joined("(", inner, st.sampled_from([" + ", " - ", " * ", " / "]), inner, ")"),
        joined("least(", inner, ", ", inner, ")"),
        joined("-", inner),
        joined("abs(", inner, ")"),
    ),
    max_leaves=6,
)
WHERE = st.one_of(
    joined(ROWS_COMPARED, st.sampled_from([" < ", " = ", " <> ", " >= "]), ROWS_COMPARED),
    joined(ROWS_COMPARED, " in (", ROWS_COMPARED, ", ", ROWS_COMPARED, ")"),
    joined("software ", st.sampled_from(["<", "=", ">="]), " '", st.text(max_size=40), "1'"),
    joined("country = '", st.text(max_size=8).map(lambda t: t.replace("'", "''")), "'"),
    joined("contains(features, '", st.sampled_from(["acc", "", "\x00", "\U0001f697"]), "')"),
)
LENGTHS = st.sampled_from(["0 s", "1ns", "0.1 s", "15s", "366 day", "1e-300 s", "1 year", "2h"])
KEYS = {
    "rearm": WHEN,
    "every": LENGTHS,
    "pre": LENGTHS,
    "post": LENGTHS,
    "cooldown": LENGTHS,
    "where": WHERE,
    "sample": st.sampled_from([1e-320, 0.5, 1]),
    "budget": st.fixed_dictionaries({"per_day": st.integers(1, 10**9)}),
    "priority": st.integers(-(10**6), 10**6),
    "expires": st.sampled_from(["0001-01-01", "9999-12-31", "2023-11-14"]),
}
FIRES = st.one_of(
    st.fixed_dictionaries({"when": WHEN}, optional=KEYS),
    st.fixed_dictionaries(
        {"random": st.fixed_dictionaries({"every": LENGTHS, "seed": st.integers(0, 2**31 - 1)})},
        optional={key: KEYS[key] for key in ("pre", "post", "where", "sample", "budget")},
    ),
)


@settings(
    max_examples=120,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(FIRES, st.sampled_from(sorted(SAMPLES)))
def test_what_is_accepted_runs(keys, drive):
    text = yaml.safe_dump({"name": "tried", "description": "Made up."} | keys)
    try:
        spec = parse_spec(text, TriggerSpec, "tried.yaml")
    except RidealongError as error:
        assert "\n" not in str(error)
        return
    run(spec, SAMPLES[drive])
