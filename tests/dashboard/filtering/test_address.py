"""The filter in the address: read, written, and what it does not know."""

import pytest

from dashboard.filtering.address import MOST_NAMED, Filter, Order, clip_address, parse_filter

PAIRS = [
    ("trigger", "hard_brake"),
    ("trigger", "cut_in"),
    ("light", "night"),
    ("only", "a"),
    ("words", "wet road"),
    ("run", "r1"),
    ("sort", "loss"),
]


def test_an_address_comes_back() -> None:
    asked = parse_filter(PAIRS)
    assert asked.values("trigger") == ("hard_brake", "cut_in") and asked.values("road") == ()
    assert (asked.words, asked.named, asked.run) == ("wet road", ("a",), "r1")
    assert asked.order == Order.LOSS and asked.by_loss
    assert sorted(asked.pairs()) == sorted(PAIRS)


@pytest.mark.parametrize(
    "pairs",
    [[], [("sort", "newest"), ("words", "  "), ("run", "")], [("sort", "best"), ("page", "x")]],
)
def test_what_says_nothing_is_the_default(pairs: list[tuple[str, str]]) -> None:
    assert parse_filter(pairs) == Filter()
    assert Filter().pairs() == [] and not Filter().by_loss


def test_values_count_once_and_addresses_stay_short() -> None:
    many = [("only", str(number)) for number in range(MOST_NAMED + 5)]
    asked = parse_filter([("light", "day"), ("light", "day"), *many])
    assert asked.values("light") == ("day",) and len(asked.named) == MOST_NAMED


def test_a_clip_keeps_the_filter_that_found_it() -> None:
    asked = parse_filter([("light", "night"), ("tag", "a&b")])
    assert clip_address("x/1", asked) == "/clip?clip=x%2F1&light=night&tag=a%26b"
