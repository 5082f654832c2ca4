"""Times as logs write them: numbers, text with and without a zone, local time and its odd hours."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ridealong.errors import RidealongError, UnreadableError

NOON = 1_767_268_800  # 2026-01-01T12:00:00Z


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp()) * 10**9


@pytest.mark.parametrize(("unit", "digits"), [("s", 0), ("ms", 3), ("us", 6), ("µs", 6), ("ns", 9)])
def test_numbers_since_1970(read_table: Any, unit: str, digits: int) -> None:
    rows = "".join(f"{NOON + k}{'0' * digits},{k}\n" for k in range(3))
    read = read_table(f"t,v\n{rows}", f"time: {{column: t, unit: {unit}}}")
    assert read.times == [(NOON + k) * 10**9 for k in range(3)]


def test_fractions_keep_their_nanoseconds(read_table: Any) -> None:
    read = read_table(f"t,v\n{NOON}.1,1\n{NOON}.2,1\n{NOON}.35,1\n", "time: {column: t, unit: s}")
    assert [time % 10**9 // 1000 for time in read.times] == [100_000, 200_000, 350_000]
    read = read_table("t;v\n0,05;1\n0,1;1\n", "time: {column: t, unit: s}")
    assert read.times == [50_000_000, 100_000_000]


def test_a_fraction_after_a_comma(read_table: Any) -> None:
    rows = "2026-01-01 12:00:00,5;1\n2026-01-01 12:00:00,75;2\n2026-01-01 12:00:01;3\n"
    read = read_table(f"t;v\n{rows}", "time: {column: t, zone: UTC}")
    assert [time - NOON * 10**9 for time in read.times] == [500_000_000, 750_000_000, 10**9]


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T12:00:00Z",
        "2026-01-01 12:00:00+00:00",
        "2026-01-01T13:00:00.000+0100",
        "2026-01-01T13:00:00.000000000+01",
    ],
)
def test_text_with_a_zone(read_table: Any, text: str) -> None:
    assert read_table(f"t,v\n{text},1\n", "time: {column: t}").times == [NOON * 10**9]


@pytest.mark.parametrize(
    ("text", "format_"),
    [
        ("01.01.2026 13:00:00,5", "%d.%m.%Y %H:%M:%S,%f"),
        ("01/01/2026 01:00:00.500 PM", "%d/%m/%Y %I:%M:%S.%f %p"),
        ("20260101T130000.5", "%Y%m%dT%H%M%S.%f"),
        ("Thu Jan 01 13:00:00.5 2026", "%a %b %d %H:%M:%S.%f %Y"),
    ],
)
def test_formats(read_table: Any, text: str, format_: str) -> None:
    mapping = f"time: {{column: t, format: '{format_}', zone: Europe/Berlin}}"
    assert read_table(f't;v\n"{text}";1\n', mapping).times == [NOON * 10**9 + 500_000_000]


def test_a_format_with_a_zone(read_table: Any) -> None:
    mapping = "time: {column: t, format: '%d/%b/%Y:%H:%M:%S %z'}"
    assert read_table("t,v\n01/Jan/2026:13:00:00 +0100,1\n", mapping).times == [NOON * 10**9]


def test_date_and_time_of_their_own(read_table: Any) -> None:
    mapping = "time: {column: [day, clock], zone: UTC}"
    read = read_table("day,clock,v\n2026-01-01,12:00:00,1\n2026-13-01,12:00:01,1\n", mapping)
    assert read.times == [NOON * 10**9]
    assert read.bad == [
        (1, "day, clock: '2026-13-01 12:00:01' is not a time; expected a time like ISO 8601")
    ]


def test_zones_may_be_mixed_with_none(read_table: Any) -> None:
    text = "t,v\n2026-01-01T12:00:00Z,1\n2026-01-01 13:00:01,2\nnot yet,3\n"
    read = read_table(text, "time: {column: t, zone: Europe/Berlin}")
    assert read.times == [NOON * 10**9, (NOON + 1) * 10**9] and len(read.bad) == 1


LOCAL = "time: {column: t, zone: Europe/Berlin}"  # clocks go back at 03:00 on 2021-10-31


def local(*clocks: str) -> str:
    return "t,v\n" + "".join(f"2021-10-31 {clock},1\n" for clock in clocks)


def test_the_hour_that_comes_twice_within_a_drive(read_table: Any) -> None:
    read = read_table(local("02:59:58", "02:59:59", "02:00:00", "02:00:01"), LOCAL)
    assert read.times == [at("2021-10-31T02:59:58+02:00") + k * 10**9 for k in range(4)]
    assert read.notes == [
        "time: 4 rows in the hour that occurs twice when clocks go back; "
        "neighbouring rows decide which"
    ]
    assert read.recording.attributes.assumed is None


def test_neighbours_tell_which_of_the_two_hours_it_is(read_table: Any) -> None:
    read = read_table(local("01:59:59", "02:00:00", "02:00:01"), LOCAL)
    assert read.times[1] == at("2021-10-31T02:00:00+02:00")
    read = read_table(local("02:59:58", "02:59:59", "03:00:00"), LOCAL)
    assert read.times[1] == at("2021-10-31T02:59:59+01:00")


def test_nothing_tells_which_hour_it_is(read_table: Any) -> None:
    read = read_table(local("02:10:00", "02:10:01"), LOCAL)
    assert read.times[0] == at("2021-10-31T02:10:00+02:00")
    assert read.recording.attributes.assumed == (
        "2 rows in the hour that occurs twice are before the change of clocks",
    )


def test_the_hour_that_does_not_come(read_table: Any) -> None:
    text = "t,v\n2021-03-28 01:59:59,1\n2021-03-28 02:30:00,2\n2021-03-28 03:00:00,3\n"
    read = read_table(text, LOCAL)
    assert read.times[1] - read.times[0] == 10**9
    assert read.bad == [
        (1, "2021-03-28 02:30:00 does not exist in Europe/Berlin: clocks went forward")
    ]


def test_days_that_cannot_be(read_table: Any) -> None:
    mapping = "time: {column: t, zone: UTC, earliest: 2026-01-01, latest: 2026-01-01}"
    text = "t,v\n2026-01-01 23:59:59,1\n2032-01-01 00:00:00,2\n1999-12-31 00:00:00,3\n"
    read = read_table(text, mapping)
    assert read.times == [at("2026-01-01T23:59:59+00:00")]
    assert read.bad[0] == (
        1, "2032-01-01 00:00:00 is not in the days of the mapping (2026-01-01 to 2026-01-01)"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "mapping", "why"),
    [
        ("2026-01-01 12:00:00", "{column: t}", "times without a zone, like '2026-01-01 12:00:00'"),
        ("x", "{column: t, format: '%Q', zone: UTC}", "time.format '%Q' is not a time format"),
    ],
)
def test_what_cannot_be_told(read_table: Any, cell: str, mapping: str, why: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        read_table(f"t,v\n{cell},1\n", f"time: {mapping}")
    assert why in str(caught.value) and "trip.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("mapping", "why"),
    [
        ("{column: t, zone: Europe/Bärlin}", "unknown time zone 'Europe/Bärlin'"),
        ("{column: t, zone: ../../etc/passwd}", "unknown time zone"),
        ("{column: t, unit: s, zone: UTC}", "'unit' is for numbers and 'zone' for text"),
        ("{column: t, unit: min}", "time.unit"),
        ("{}", "'time.column' is missing"),
    ],
)
def test_mappings_that_mean_nothing(read_table: Any, mapping: str, why: str) -> None:
    with pytest.raises(RidealongError) as caught:
        read_table("t,v\n0,1\n", f"time: {mapping}")
    assert why in str(caught.value) and str(caught.value).startswith("map.yaml:1")
