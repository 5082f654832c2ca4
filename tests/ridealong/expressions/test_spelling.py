"""What is said to those who write another language's operators, or no quotes."""

import pytest

from ingest.triggers.conditions import parse_drive_filter, parse_when
from ridealong.errors import RidealongError

SPEED, FLAG = "Vehicle.Speed", "Vehicle.ADAS.ABS.IsEngaged"

ANSWERS = {
    f"{SPEED} > 3 && {FLAG}": ("column 19: '&&' is not part of the language", "and"),
    f"{SPEED} > 3&&{FLAG}": ("column 18: '&&' is not part of the language", "and"),
    f"{SPEED} > 3 || {FLAG}": ("column 19: '||' is not part of the language", "or"),
    f"{SPEED} > 3 | {FLAG}": ("column 19: '|' is not part of the language", "or"),
    f"{SPEED} => 3": ("column 15: '=>' is not part of the language", ">="),
    f"{SPEED} =< 3": ("column 15: '=<' is not part of the language", "<="),
    f"{SPEED} ≥ 3": ("column 15: '≥' is not part of the language", ">="),
    f"{SPEED} > 50 km/h": ("column 17: the quantity 50 km/h has no quotes", "'50 km/h'"),
    f"{SPEED} > 50km/h": ("column 17: the quantity 50km/h has no quotes", "'50 km/h'"),
    f"{SPEED} > 50 kmh": ("column 17: the quantity 50 kmh has no quotes", "'50 km/h'"),
    f"{SPEED} > 1.5e1 m/s and {FLAG}": ("column 17: the quantity 1.5e1 m/s has", "'1.5e1 m/s'"),
    f"{SPEED} between 1 and 5 m/s": ("column 29: the quantity 5 m/s has no quotes", "'5 m/s'"),
    f"held({SPEED} > 3, 5s)": ("column 25: the quantity 5s has no quotes", "'5 s'"),
    f'{SPEED} > "50 km/h"': ('column 17: "50 km/h" has the wrong quotes', "'50 km/h'"),
    f"{SPEED} > ‘50 km/h’": ("column 17: ‘50 km/h’ has the wrong quotes", "'50 km/h'"),
    'Vehicle.Body.Windshield.Front.Wiping.Mode = "FAST"': ("column 45: ", "'FAST'"),
    f"{SPEED} > 3\n  && {FLAG}": ("line 2, column 3: '&&' is not part", "and"),
}


@pytest.mark.parametrize("text", ANSWERS)
def test_the_answer_says_what_to_write_and_that_is_right(text):
    what, instead = ANSWERS[text]
    with pytest.raises(RidealongError) as caught:
        parse_when(text)
    assert what in caught.value.what
    hint, _, whole = str(caught.value.hint).partition(", as in: ")
    assert hint == f"write {instead}"
    parse_when(whole)


def test_all_of_a_text_is_put_right():
    text = f"{SPEED} > 50 km/h && held({SPEED} =< 80 km/h, 2s) || !{FLAG}"
    with pytest.raises(RidealongError) as caught:
        parse_when(text)
    assert str(caught.value.hint).endswith(
        f"as in: {SPEED} > '50 km/h' and held({SPEED} <= '80 km/h', '2 s') or !{FLAG}"
    )


def test_where_too():
    with pytest.raises(RidealongError, match=r"write and, as in: country = 'DE' and light = 'day'"):
        parse_drive_filter("country = 'DE' && light = 'day'")


@pytest.mark.parametrize(
    ("text", "same"),
    [
        (f"!{FLAG}", f"not {FLAG}"),
        (f"!({SPEED} > 3) and {FLAG}", f"not {SPEED} > 3 and {FLAG}"),
        (f"{SPEED} == 3", f"{SPEED} = 3"),
        (f"{SPEED} != 3", f"{SPEED} <> 3"),
        (f"{SPEED} > '50km/h'", f"{SPEED} > '50 km/h'"),
        (f"held({FLAG}, '100ms')", f"held({FLAG}, '0.1 s')"),
        (f"since({FLAG}) < '1.5 min'", f"since({FLAG}) < '90s'"),
    ],
)
def test_what_is_taken_as_it_stands(text, same):
    assert parse_when(text) == parse_when(same)


def test_a_text_without_quotes():
    with pytest.raises(RidealongError) as caught:
        parse_when("Vehicle.Body.Windshield.Front.Wiping.Mode = FAST")
    assert "a text has quotes: 'FAST'" in str(caught.value)


@pytest.mark.parametrize("text", [f"{SPEED} > '3 & 4'", f"{SPEED} > 1e999", f"{SPEED} > '3 m"])
def test_other_mistakes_are_told_as_they_are(text):
    with pytest.raises(RidealongError) as caught:
        parse_when(text)
    assert "write" not in str(caught.value)
