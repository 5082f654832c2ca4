from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.slices import format_slice, in_slice, parse_slice, slices_by
from ridealong.errors import RidealongError

DRIVES = pa.table(
    {
        "light": ["night", "day", None, "night"],
        "road": ["city", "city", "highway", "highway"],
        "country": ["DE", "US", "DE", "DE"],
    }
)


def test_one_spelling_whatever_the_order() -> None:
    assert format_slice(parse_slice("road=city&light=night")) == "light=night&road=city"
    assert format_slice(parse_slice("all")) == "all"


@pytest.mark.slow
@given(st.dictionaries(st.text(min_size=1), st.text(min_size=1)))
def test_what_is_written_is_read_back(values: dict[str, str]) -> None:
    conditions = tuple(sorted(values.items()))
    assert parse_slice(format_slice(conditions)) == conditions


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("night", "cannot be read"),
        ("light=", "cannot be read"),
        ("=night", "cannot be read"),
        ("", "cannot be read"),
        ("light=day&light=night", "twice"),
    ],
)
def test_bad_slices(text: str, said: str) -> None:
    with pytest.raises(RidealongError, match=said):
        parse_slice(text)


def test_unknown_attributes_lie_in_all_alone() -> None:
    assert in_slice(DRIVES, ()).tolist() == [True] * 4
    assert in_slice(DRIVES, parse_slice("light=night")).tolist() == [True, False, False, True]
    assert in_slice(DRIVES, parse_slice("light=night&road=city")).tolist() == [True, *[False] * 3]
    assert in_slice(DRIVES, parse_slice("light=dusk")).tolist() == [False] * 4


@pytest.mark.parametrize(
    "apply",
    [lambda: in_slice(DRIVES, parse_slice("lihgt=night")), lambda: slices_by(DRIVES, ["lihgt"])],
)
def test_an_attribute_that_nothing_has(apply: Callable[[], object]) -> None:
    with pytest.raises(RidealongError, match=r"unknown attribute 'lihgt' .* did you mean 'light'"):
        apply()


def test_slices_that_drives_show() -> None:
    assert slices_by(DRIVES, ["road", "light"]) == [
        "all", "light=day", "light=night", "road=city", "road=highway",
    ]  # fmt: skip
