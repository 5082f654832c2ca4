"""Values of a log as values of a signal."""

import pyarrow as pa
import pytest

from ingest.sources.mapping.conversion import convert
from ingest.sources.mapping.fields import FieldSpec
from ridealong.errors import UnreadableError

SPEED = FieldSpec(signal="Vehicle.Speed", unit="m/s")
ABS = FieldSpec(signal="Vehicle.ADAS.ABS.IsEngaged")


def test_numbers_in_text() -> None:
    found = convert(pa.array(["1,5", " 2 ", "x", "", None, "n/a", "1_0"]), SPEED, "v", ",")
    assert found.values.to_pylist() == [5.4, 7.2, None, None, None, None, None]
    assert found.faults == {2: "v: 'x' is not a number", 6: "v: '1_0' is not a number"}


def test_numbers_keep_their_type_if_nothing_changes() -> None:
    plain = FieldSpec(signal="Vehicle.Speed")
    assert convert(pa.array([1, 2], pa.int16()), plain, "v").values.type == pa.int16()
    assert convert(pa.array([True, None]), plain, "v").values.to_pylist() == [1, None]


def test_unknown_values_are_counted() -> None:
    field = FieldSpec(signal="Vehicle.Speed", unknown=(0, -999, "none"))
    found = convert(pa.array([0.0, 1.0, -999.0, None]), field, "v")
    assert found.values.to_pylist() == [None, 1.0, None, None] and found.unknown == 2
    assert convert(pa.array(["none", "1", "0"]), field, "v").values.to_pylist() == [None, 1.0, None]


@pytest.mark.parametrize(
    ("values", "flags"),
    [
        ([True, None, False], [True, None, False]),
        ([0, 1, None], [False, True, None]),
        ([0.0, 1.0], [False, True]),
        (["Yes", " no", "ON", "f"], [True, False, True, False]),
    ],
)
def test_flags(values: list[object], flags: list[object]) -> None:
    found = convert(pa.array(values), ABS, "abs")
    assert found.values.to_pylist() == flags and not found.faults


def test_a_flag_that_is_none() -> None:
    assert convert(pa.array([0, 2]), ABS, "abs").faults == {
        1: "abs: '2' is neither 0/1 nor a word like yes or no; list what it means in 'values'"
    }


def test_words_that_the_mapping_lists() -> None:
    field = FieldSpec(
        signal="Vehicle.Body.Windshield.Front.Wiping.Mode", values={"0": "OFF", "2": "FAST"}
    )
    found = convert(pa.array([0, 2, 3, None]), field, "wiper")
    assert found.values.to_pylist() == ["OFF", "FAST", None, None]
    assert found.faults == {2: "wiper: '3' is not listed in 'values'; listed: 0, 2"}


def test_allowed_words_in_any_case() -> None:
    field = FieldSpec(signal="Vehicle.Body.Windshield.Front.Wiping.Mode")
    assert convert(pa.array(["off", "Fast"]), field, "wiper").values.to_pylist() == ["OFF", "FAST"]


def test_a_type_that_can_never_be_a_signal() -> None:
    with pytest.raises(UnreadableError, match=r"'v' holds list<item: int64>; expected numbers"):
        convert(pa.array([[1]]), SPEED, "v")
